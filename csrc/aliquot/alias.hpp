// Alias tables (A. J. Walker 1977, doi:10.1145/355744.355749): n outcomes in n cells of equal mass, each cell split by
// a threshold between its own outcome and one other, so that a draw looks at one cell however many there are.
//
// Everything is an integer. Word is the width of one random word, W bits: 64, or 16 in the tests that feed a table all
// there is. The first table, `cells`, holds the upper bits of the threshold, its prefix, above the alias; the second,
// `rests`, the other W bits, which one draw in some 5 million needs. A threshold whose prefix is zero is a floating
// number in its rest instead, so that an outcome keeps its precision however small it is beside the others.
//
// Why draws are exact. Let x be a random word and r uniform in [0, n). Then x * n + r is uniform in [0, n * 2^W): it
// takes every value once. Its upper part is a uniform cell and its lower W bits are a uniform coin, independent of the
// cell, to be held against the threshold, with more bits where these are equal. So an outcome is drawn with just the
// probability that the table says. As r is below 2^alias_bits, adding it can raise the bits of the coin above those by
// 1 at most; unless they are within 1 of the prefix or at their own end, r decides nothing and is not drawn.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

#include "random.hpp"

namespace aliquot
{

template <class Word>
struct alias_layout;

template <>
struct alias_layout<std::uint64_t> {
  static constexpr int alias_bits = 40;
  static constexpr int exponent_bits = 12;  // 2^-2098 is the smallest ratio of two float64 numbers
};

template <>
struct alias_layout<std::uint16_t> {
  static constexpr int alias_bits = 8;
  static constexpr int exponent_bits = 3;
};

constexpr int width(uint128 v) noexcept
{
  const auto high = static_cast<std::uint64_t>(v >> 64);
  const auto low = static_cast<std::uint64_t>(v);
  return 128 - (high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(low));
}

// v * 2^by, without what falls below 1. The result fits (not checked).
constexpr uint128 shifted(uint128 v, int by) noexcept
{
  if (by >= 0) return v << by;
  return by > -128 ? v >> -by : 0;
}

// A share of a cell below 2^-prefix_bits, as a floating number of one word: mantissa * 2^-(mantissa_bits + zeros) of
// 2^-prefix_bits. Words are in the order of their values; 0 is 0.
template <class Word>
struct small_share {
  static constexpr int word_bits = std::numeric_limits<Word>::digits;
  static constexpr int exponent_bits = alias_layout<Word>::exponent_bits;
  static constexpr int mantissa_bits = word_bits - exponent_bits + 1;  // with the leading one, which is not stored
  static constexpr int most = (1 << exponent_bits) - 1;

  std::uint64_t mantissa;
  int zeros;

  explicit small_share(Word word) noexcept
  {
    const int exponent = static_cast<int>(word >> (mantissa_bits - 1));
    constexpr std::uint64_t one = std::uint64_t{1} << (mantissa_bits - 1);
    mantissa = (word & (one - 1)) | (exponent > 0 ? one : 0);
    zeros = most - std::max(exponent, 1);
  }

  // v * 2^by units of 2^-word_bits, to the nearest. Below 1 (not checked).
  static Word encode(uint128 v, int by) noexcept
  {
    if (v == 0) return 0;
    const int exponent = std::max(width(v) + by - word_bits + most, 1);
    const int drop = exponent - most + word_bits - mantissa_bits - by;  // bits below the mantissa
    const uint128 mantissa = drop > 0 ? (shifted(v, 1 - drop) + 1) >> 1 : shifted(v, -drop);
    const uint128 word = mantissa + (uint128(exponent - 1) << (mantissa_bits - 1));  // where a carry is right
    return static_cast<Word>(std::min<uint128>(word, std::numeric_limits<Word>::max()));
  }

  // In whole units of 2^-word_bits.
  uint128 units() const noexcept { return shifted(mantissa, word_bits - mantissa_bits - zeros); }

  double value() const noexcept { return std::ldexp(static_cast<double>(mantissa), -mantissa_bits - zeros); }

  // Whether a fraction of fresh random bits is below it. bits(count) gives that many, to 64.
  template <class Bits>
  bool exceeds(Bits& bits) const noexcept
  {
    int left = zeros;
    for (; left > 64; left -= 64) {
      if (bits(64) != 0) return false;
    }
    return (left == 0 || bits(left) == 0) && bits(mantissa_bits) < mantissa;
  }
};

template <class Word>
class alias_table
{
 public:
  static constexpr int word_bits = std::numeric_limits<Word>::digits;
  static constexpr int alias_bits = alias_layout<Word>::alias_bits;
  static constexpr int prefix_bits = word_bits - alias_bits;
  static constexpr int cell_bits = word_bits + prefix_bits;
  static constexpr uint128 full = uint128{1} << cell_bits;  // the mass of a cell
  static constexpr Word alias_mask = static_cast<Word>((Word{1} << alias_bits) - 1);
  static constexpr std::uint64_t last_coin = (std::uint64_t{1} << prefix_bits) - 1;

  // As build_alias leaves them; 1 to alias_mask of each (not checked)
  alias_table(std::span<const Word> cells, std::span<const Word> rests) noexcept : cells_(cells), rests_(rests) {}

  std::size_t size() const noexcept { return cells_.size(); }
  const Word* cells() const noexcept { return cells_.data(); }

  static std::size_t alias(Word cell) noexcept { return cell & alias_mask; }
  static Word prefix(Word cell) noexcept { return static_cast<Word>(cell >> alias_bits); }
  static Word make_cell(uint128 threshold, std::size_t alias) noexcept
  {
    return static_cast<Word>(static_cast<Word>(threshold >> word_bits) << alias_bits | alias);
  }

  // The mass of a cell that is its own outcome's, to the unit below.
  uint128 threshold(std::size_t i) const noexcept { return mass(prefix(cells_[i]), rests_[i]); }
  static uint128 mass(Word high, Word rest) noexcept
  {
    return high != 0 ? uint128{high} << word_bits | rest : small_share<Word>(rest).units();
  }

  double small_threshold(std::size_t i) const noexcept
  {
    return std::ldexp(small_share<Word>(rests_[i]).value(), -prefix_bits);
  }

  // Whether these bits of x * n, those of the coin above 2^alias_bits, do not yet decide.
  static bool is_close(std::uint64_t coin, Word cell) noexcept
  {
    return coin + 1 - prefix(cell) <= 1 || coin == last_coin;
  }

  // The outcome that belongs to x * n + r, `sum`, and whatever bits are needed beyond it: bits(count) gives them.
  template <class Bits>
  std::size_t pick(uint128 sum, Bits&& bits) const noexcept
  {
    const auto own = static_cast<std::size_t>(sum >> word_bits);
    const auto coin = static_cast<Word>(sum);
    const Word cell = cells_[own];
    const bool below = prefix(cell) != 0 ? (uint128{coin} << prefix_bits | bits(prefix_bits)) < threshold(own)
                                         : coin >> alias_bits == 0 && small_share<Word>(rests_[own]).exceeds(bits);
    return below ? own : alias(cell);
  }

 private:
  std::span<const Word> cells_;
  std::span<const Word> rests_;
};

// What the table encodes: the probability of each outcome, rounded twice at most.
template <class Word>
void alias_probabilities(const alias_table<Word>& table, std::span<double> out)
{
  constexpr uint128 full = alias_table<Word>::full;
  const std::size_t n = table.size();
  const auto others = std::make_unique<uint128[]>(n);  // what an outcome has of the cells of others
  for (std::size_t i = 0; i < n; ++i) others[table.alias(table.cells()[i])] += full - table.threshold(i);
  for (std::size_t i = 0; i < n; ++i) {
    const bool is_small = table.prefix(table.cells()[i]) == 0 && others[i] == 0;
    const double mass = std::ldexp(static_cast<double>(table.threshold(i) + others[i]), -table.cell_bits);
    out[i] = (is_small ? table.small_threshold(i) : mass) / static_cast<double>(n);
  }
}

// Every sequence of random bits that a function of them can ask for, one after the other.
class all_bits
{
 public:
  std::uint64_t operator()(int count) noexcept
  {
    if (asked_ == known_) {
      counts_[known_] = count;
      values_[known_++] = 0;
    }
    used_ += count;
    return values_[asked_++];
  }

  int used() const noexcept { return used_; }

  // False after the last.
  bool next() noexcept
  {
    while (known_ > 0 && ++values_[known_ - 1] >> counts_[known_ - 1] != 0) --known_;
    asked_ = 0;
    used_ = 0;
    return known_ > 0;
  }

 private:
  std::array<std::uint64_t, 4> values_{};
  std::array<int, 4> counts_{};
  std::size_t known_ = 0, asked_ = 0;
  int used_ = 0;
};

// In how many of all cases each outcome comes up when a table for words of 16 bits is fed all there is: every word,
// and with each every r below n and all further bits. Cases number n * 2^(16 + further_bits). They are in proportion to
// what the table encodes if and only if every draw is exact.
inline constexpr int further_bits = 24;

inline void count_alias(const alias_table<std::uint16_t>& table, std::span<std::uint64_t> counts) noexcept
{
  const auto n = static_cast<std::uint32_t>(table.size());
  for (std::uint32_t x = 0; x < 1u << 16; ++x) {
    const std::uint32_t product = x * n;
    const std::size_t own = product >> 16;
    const std::uint64_t coin = (product & 0xFFFF) >> table.alias_bits;
    const std::uint16_t cell = table.cells()[own];
    if (!table.is_close(coin, cell)) {
      counts[coin < table.prefix(cell) ? own : table.alias(cell)] += std::uint64_t{n} << further_bits;
      continue;
    }
    for (std::uint32_t r = 0; r < n; ++r) {
      all_bits bits;
      do {
        const std::size_t outcome = table.pick(product + r, bits);
        counts[outcome] += std::uint64_t{1} << (further_bits - bits.used());
      } while (bits.next());
    }
  }
}

}  // namespace aliquot
