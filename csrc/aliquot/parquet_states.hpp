// What zstd codes numbers with, as RFC 8878 has it: bits from the end of a stream, and tables of states.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "parquet_thrift.hpp"

namespace aliquot::zstd
{

using thrift::bytes;

// Bits from the end of a stream on. The eight bytes before the stream must be there (not checked): a stream that is
// read past its begin gives bits of them, and `left` is negative.
class bit_stream
{
 public:
  // False unless the last byte says where the bits end.
  bool open(bytes text) noexcept
  {
    if (text.empty() || text.back() == 0) return false;
    first_ = text.data();
    at_ = first_ + text.size() - 8;
    load(static_cast<unsigned>(std::countl_zero(text.back())) + 1);
    return true;
  }

  std::int64_t left() const noexcept { return (at_ + 8 - first_) * 8 - std::countr_zero(word_); }

  // Makes the next 56 bits ready, if `left` is not negative (not checked)
  void refill() noexcept
  {
    const auto used = static_cast<unsigned>(std::countr_zero(word_));
    at_ -= used >> 3;
    load(used & 7);
  }

  // At most 31 bits, of those that are ready.
  std::uint32_t peek(unsigned count) const noexcept { return static_cast<std::uint32_t>(word_ >> 1 >> (~count & 63)); }

  // The same, of one bit at least.
  std::uint32_t some(unsigned count) const noexcept { return static_cast<std::uint32_t>(word_ >> (-count & 63)); }

  void skip(unsigned count) noexcept { word_ <<= count; }

  std::uint32_t take(unsigned count) noexcept
  {
    const std::uint32_t value = peek(count);
    skip(count);
    return value;
  }

 private:
  void load(unsigned used) noexcept
  {
    std::memcpy(&word_, at_, sizeof word_);
    word_ = (word_ | 1) << used;
  }

  const std::uint8_t* first_ = nullptr;
  const std::uint8_t* at_ = nullptr;  // of the eight bytes in use
  std::uint64_t word_ = 1;  // these, from their end on, and how many bits were used in the place of its last one
};

// What a state stands for, a number of `base` and `extra` bits, and the states that may follow it: `next` and `bits`.
// In one word, as there are not registers enough for the parts of three.
class coded_state
{
 public:
  coded_state() noexcept = default;
  constexpr coded_state(unsigned next, unsigned bits, unsigned extra, std::uint32_t base) noexcept
      : word_(next | bits << 16 | extra << 24 | std::uint64_t{base} << 32)
  {
  }

  std::uint32_t next() const noexcept { return word_ & 0xffff; }
  unsigned bits() const noexcept { return word_ >> 16 & 0xff; }
  unsigned extra() const noexcept { return word_ >> 24 & 0xff; }
  std::uint32_t base() const noexcept { return static_cast<std::uint32_t>(word_ >> 32); }

 private:
  std::uint64_t word_;
};

inline constexpr unsigned most_state_bits = 9;
inline constexpr std::size_t most_symbols = 256;

// How many of the states each symbol has, -1 standing for one of those that follow no other.
struct distribution {
  std::array<std::int16_t, most_symbols> states;
  std::size_t count = 0;
  unsigned log = 0;
};

// Reads a distribution from the begin of `in`, and how many bytes it took; false if it is none of so many symbols.
inline bool read_distribution(bytes in, unsigned most_log, std::size_t most_count, distribution& out,
                              std::size_t& used) noexcept
{
  std::size_t at = 0;  // bits
  const auto peek = [&](unsigned count) {
    std::uint64_t word = 0;
    if (at / 8 < in.size())
      std::memcpy(&word, in.data() + at / 8, std::min<std::size_t>(sizeof word, in.size() - at / 8));
    return static_cast<std::int32_t>(word >> at % 8 & ((std::uint64_t{1} << count) - 1));
  };
  out.count = 0;
  out.log = static_cast<unsigned>(peek(4)) + 5;
  at += 4;
  if (out.log > most_log) return false;
  std::int32_t left = 1 << out.log;
  while (left > 0 && out.count < most_count) {
    // Values to left + 1, the lower ones of which take a bit less.
    const auto bits = static_cast<unsigned>(std::bit_width(static_cast<std::uint32_t>(left + 1)));
    const std::int32_t half = (1 << (bits - 1)) - 1;
    const std::int32_t shorter = (1 << bits) - 1 - (left + 1);
    std::int32_t value = peek(bits);
    if ((value & half) < shorter) {
      value &= half;
      at += bits - 1;
    } else {
      if (value > half) value -= shorter;
      at += bits;
    }
    const std::int32_t states = value - 1;
    left -= states < 0 ? 1 : states;
    if (left < 0) return false;
    out.states[out.count++] = static_cast<std::int16_t>(states);
    for (std::int32_t none = states == 0 ? 3 : 0; none == 3;) {
      none = peek(2);
      at += 2;
      for (std::int32_t i = 0; i < none; ++i) {
        if (out.count == most_count) return false;
        out.states[out.count++] = 0;
      }
    }
  }
  used = (at + 7) / 8;
  return left == 0 && used <= in.size();
}

class state_table
{
 public:
  unsigned log() const noexcept { return log_; }
  const coded_state* data() const noexcept { return states_.data(); }
  bool there() const noexcept { return there_; }

  // `base` and `extra` say what the symbols stand for, of which there are as many (not checked)
  void build(const distribution& from, std::span<const std::uint32_t> base,
             std::span<const std::uint8_t> extra) noexcept
  {
    log_ = from.log;
    there_ = true;
    const std::size_t size = std::size_t{1} << log_;
    std::array<std::uint8_t, std::size_t{1} << most_state_bits> symbols;
    std::array<std::uint16_t, most_symbols> next;
    std::size_t high = size;
    for (std::size_t i = 0; i < from.count; ++i) {
      next[i] = static_cast<std::uint16_t>(std::max<int>(from.states[i], 1));
      if (from.states[i] < 0) symbols[--high] = static_cast<std::uint8_t>(i);
    }
    const std::size_t step = (size >> 1) + (size >> 3) + 3;
    std::size_t at = 0;
    for (std::size_t i = 0; i < from.count; ++i)
      for (int j = 0; j < from.states[i]; ++j) {
        symbols[at] = static_cast<std::uint8_t>(i);
        do at = (at + step) & (size - 1);
        while (at >= high);
      }
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t symbol = symbols[i];
      const unsigned number = next[symbol]++;
      const unsigned bits = log_ + 1 - static_cast<unsigned>(std::bit_width(number));
      states_[i] = {(number << bits) - static_cast<unsigned>(size), bits, extra[symbol], base[symbol]};
    }
  }

  // One state, of which nothing is read.
  void build(std::uint32_t base, std::uint8_t extra) noexcept
  {
    log_ = 0;
    there_ = true;
    states_[0] = {0, 0, extra, base};
  }

  void forget() noexcept { there_ = false; }

 private:
  std::array<coded_state, std::size_t{1} << most_state_bits> states_;
  unsigned log_ = 0;
  bool there_ = false;
};

}  // namespace aliquot::zstd
