// What zstd codes bytes with, as RFC 8878 has it: tables of prefixes, and streams of them side by side.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "parquet_states.hpp"
#include "parquet_thrift.hpp"
#include "target_clones.hpp"

namespace aliquot::zstd
{

inline constexpr unsigned most_prefix_bits = 11;

// Bytes coded by prefixes, as a table of what every string of `log` bits begins with: how many bits it takes, and above
// them the byte.
class prefix_table
{
 public:
  unsigned log() const noexcept { return log_; }
  const std::uint16_t* data() const noexcept { return entries_.data(); }

  // Bytes of the tree with which bytes begin.
  static std::size_t bytes_of(bytes in) noexcept
  {
    if (in.empty()) return 1;
    return 1 + (in[0] < 128 ? in[0] : (in[0] - 126U) / 2);
  }

  // Reads the tree with which bytes begin; false if there is none.
  bool load(bytes in) noexcept
  {
    if (bytes_of(in) > in.size()) return false;
    std::array<std::uint8_t, most_symbols> weights;
    std::size_t count = 0;
    const std::size_t head = in[0];
    if (head >= 128) {
      count = head - 127;
      for (std::size_t i = 0; i < count; ++i)
        weights[i] = static_cast<std::uint8_t>(in[1 + i / 2] >> (i % 2 ? 0 : 4) & 15);
    } else if (!read_weights(in.subspan(1, head), weights, count)) {
      return false;
    }
    return build(weights, count);
  }

 private:
  static bool read_weights(bytes in, std::array<std::uint8_t, most_symbols>& weights, std::size_t& count) noexcept
  {
    constexpr std::size_t most_weights = 255;  // the last one follows from the others
    distribution of;
    std::size_t used = 0;
    if (!read_distribution(in, 6, most_prefix_bits + 2, of, used)) return false;
    static constexpr auto numbers = [] {
      std::array<std::uint32_t, most_prefix_bits + 2> out{};
      for (std::uint32_t i = 0; i < out.size(); ++i) out[i] = i;
      return out;
    }();
    static constexpr std::array<std::uint8_t, most_prefix_bits + 2> none{};
    state_table table;
    table.build(of, numbers, none);
    bit_stream bits;
    if (!bits.open(in.subspan(used))) return false;
    bits.refill();
    std::uint32_t states[2] = {bits.take(table.log()), bits.take(table.log())};
    if (bits.left() < 0) return false;
    // Two states take turns, until one cannot be left; the other's symbol is the last.
    for (unsigned turn = 0;; turn ^= 1) {
      if (count + 2 > most_weights) return false;
      const coded_state& state = table.data()[states[turn]];
      weights[count++] = static_cast<std::uint8_t>(state.base());
      if (state.bits() > bits.left()) {
        weights[count++] = static_cast<std::uint8_t>(table.data()[states[turn ^ 1]].base());
        return true;
      }
      bits.refill();
      states[turn] = state.next() + bits.take(state.bits());
    }
  }

  bool build(std::array<std::uint8_t, most_symbols>& weights, std::size_t count) noexcept
  {
    std::uint32_t sum = 0;
    std::array<std::uint32_t, most_prefix_bits + 2> places{};  // of the first prefix of each weight, once summed up
    for (std::size_t i = 0; i < count; ++i) {
      if (weights[i] > most_prefix_bits) return false;
      sum += weights[i] ? 1U << (weights[i] - 1) : 0;
    }
    if (sum == 0) return false;
    log_ = static_cast<unsigned>(std::bit_width(sum));
    const std::uint32_t rest = (1U << log_) - sum;
    if (log_ > most_prefix_bits || !std::has_single_bit(rest)) return false;
    weights[count++] = static_cast<std::uint8_t>(std::bit_width(rest));
    for (std::size_t i = 0; i < count; ++i)
      if (weights[i]) places[weights[i] + 1U] += 1U << (weights[i] - 1);
    for (std::size_t weight = 1; weight < places.size(); ++weight) places[weight] += places[weight - 1];
    for (std::size_t i = 0; i < count; ++i) {
      if (weights[i] == 0) continue;
      const auto entry = static_cast<std::uint16_t>(i << 8 | (log_ + 1U - weights[i]));
      std::uint32_t& place = places[weights[i]];
      std::fill_n(entries_.begin() + place, 1U << (weights[i] - 1), entry);
      place += 1U << (weights[i] - 1);
    }
    return true;
  }

  std::array<std::uint16_t, std::size_t{1} << most_prefix_bits> entries_;
  unsigned log_ = 0;
};

// A stream of coded bytes, and where they go: those before `at` are there.
struct lane {
  bit_stream bits;
  std::uint8_t* at;
  std::uint8_t* end;
};

// Decodes on to `until`, at most to the end; false if the stream does not reach it, or is not used up at its end.
ALIQUOT_TARGET_CLONES inline bool decode_lane(const prefix_table& table, lane& out, const std::uint8_t* until) noexcept
{
  const std::uint16_t* entries = table.data();
  const unsigned log = table.log();
  lane here = out;
  while (here.at < until) {
    if (here.bits.left() < 0) return false;
    here.bits.refill();
    for (int i = 0; i < 5 && here.at < here.end; ++i) {
      const std::uint16_t entry = entries[here.bits.some(log)];
      *here.at++ = static_cast<std::uint8_t>(entry >> 8);
      here.bits.skip(entry & 63);
    }
  }
  out = here;
  return here.bits.left() >= 0 && (here.at < here.end || here.bits.left() == 0);
}

// Decodes lanes of which nothing is there yet, all to their ends: side by side, as each step waits for the one before.
ALIQUOT_TARGET_CLONES inline bool decode_lanes(const prefix_table& table, std::array<lane, 4>& lanes) noexcept
{
  const std::uint16_t* entries = table.data();
  const unsigned log = table.log();
  std::array<lane, 4> here = lanes;
  for (std::ptrdiff_t left = (here[3].end - here[3].at) / 5; left > 0; --left) {
    if ((here[0].bits.left() | here[1].bits.left() | here[2].bits.left() | here[3].bits.left()) < 0) return false;
    for (lane& each : here) each.bits.refill();
    for (int i = 0; i < 5; ++i)
      for (lane& each : here) {
        const std::uint16_t entry = entries[each.bits.some(log)];
        each.at[i] = static_cast<std::uint8_t>(entry >> 8);
        each.bits.skip(entry & 63);
      }
    for (lane& each : here) each.at += 5;
  }
  for (lane& each : here)
    if (!decode_lane(table, each, each.end)) return false;
  return true;
}

}  // namespace aliquot::zstd
