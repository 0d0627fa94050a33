// Alias tables (A. J. Walker 1977, doi:10.1145/355744.355749): n outcomes in n cells of equal mass, each cell split by
// a threshold between its own outcome and one other, so that a draw looks at one cell however many there are.
//
// Everything is an integer. Word is the width of one random word, W bits: 64, or 16 in the tests that feed a table all
// there is. A cell has a mass of 2^(3W/2). The first table, `cells`, holds the upper W/2 bits of the threshold above
// the alias; the second, `rests`, holds the other W bits, which one draw in 2^(W/2 - 2) needs.
//
// Why draws are exact. Let x be a random word and r uniform in [0, n). Then x * n + r is uniform in [0, n * 2^W): it
// takes every value once. Its upper part is a uniform cell and its lower W bits are uniform and independent of the
// cell, to be held against the threshold; if they equal its upper W bits, W/2 more random bits are held against the
// rest. So an outcome is drawn with probability mass / (n * 2^(3W/2)) exactly. As r < 2^(W/2), adding it can raise the
// upper half of the low bits by 1 at most; unless that half is within 1 of the threshold's or at its own end, r decides
// nothing and is not drawn.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

#include "lanes.hpp"
#include "random.hpp"

namespace aliquot
{

template <class Word>
struct alias_types;

template <>
struct alias_types<std::uint64_t> {
  using half = std::uint32_t;
  using wide = uint128;
};

template <>
struct alias_types<std::uint16_t> {
  using half = std::uint8_t;
  using wide = std::uint32_t;
};

template <class Word>
class alias_table
{
 public:
  using half = typename alias_types<Word>::half;
  using wide = typename alias_types<Word>::wide;

  static constexpr int word_bits = std::numeric_limits<Word>::digits;
  static constexpr int half_bits = word_bits / 2;
  static constexpr int cell_bits = word_bits + half_bits;
  // The mass of all cells fits a wide word, an alias half a word.
  static constexpr std::size_t max_size = std::numeric_limits<half>::max();

  // As build_alias leaves them; 1 to max_size of each (not checked)
  alias_table(std::span<const Word> cells, std::span<const Word> rests) noexcept : cells_(cells), rests_(rests) {}

  std::size_t size() const noexcept { return cells_.size(); }
  const Word* cell(std::size_t i) const noexcept { return &cells_[i]; }

  static half alias(Word cell) noexcept { return static_cast<half>(cell); }
  static half prefix(Word cell) noexcept { return static_cast<half>(cell >> half_bits); }

  // The mass of a cell that is its own outcome's.
  wide threshold(std::size_t i) const noexcept { return wide{prefix(cells_[i])} << word_bits | rests_[i]; }

  // The upper half of the low bits of x * n, plus 1, decides unless this is so.
  static bool is_close(half after, Word cell) noexcept
  {
    return static_cast<half>(after - prefix(cell)) <= 1 || after == 0;
  }

  // What it decides.
  static half pick(half own, half after, Word cell) noexcept { return after < prefix(cell) ? own : alias(cell); }

  // The outcome that belongs to x * n + r and, where these are on the threshold, further bits.
  half pick_exactly(wide sum, half further) const noexcept
  {
    const auto own = static_cast<half>(sum >> word_bits);
    const auto low = static_cast<Word>(sum);
    const wide limit = threshold(own);
    return (wide{low} << half_bits | further) < limit ? own : alias(cells_[own]);
  }

 private:
  std::span<const Word> cells_;
  std::span<const Word> rests_;
};

// Outputs that have generator lanes of their own: where a draw is cut, by threads or by its caller, changes nothing.
inline constexpr std::uint64_t alias_block = 1 << 16;

// Draws are made this many at a time: first their words, then the cells, by then on their way to the cache.
inline constexpr std::size_t alias_chunk = 256;

namespace detail
{

struct alias_words {
  std::array<std::uint64_t, alias_chunk> words;
  std::array<std::uint64_t, alias_chunk> upper;  // the upper 64 bits of the lower 96 of words * n
};

inline void next_words(generator_lanes& random, std::uint64_t n, alias_words& next) noexcept
{
  random.fill(next.words);
  for (std::size_t i = 0; i < alias_chunk; ++i) {
    const std::uint64_t x = next.words[i];
    next.upper[i] = (x >> 32) * n + ((x & 0xFFFFFFFFu) * n >> 32);
  }
}

}  // namespace detail

// What the table encodes: the probability of each outcome, rounded twice at most.
template <class Word>
void alias_probabilities(const alias_table<Word>& table, std::span<double> out)
{
  using wide = typename alias_table<Word>::wide;
  const std::size_t n = table.size();
  const auto masses = std::make_unique<wide[]>(n);
  for (std::size_t i = 0; i < n; ++i) {
    const wide own = table.threshold(i);
    masses[i] += own;
    masses[table.alias(*table.cell(i))] += (wide{1} << table.cell_bits) - own;
  }
  const double all = static_cast<double>(uint128{n} << table.cell_bits);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<double>(masses[i]) / all;
}

// How often each outcome comes up when a table for words of 16 bits is fed all there is: every word, and with each
// every r below n and all 8 further bits. The counts are those masses if and only if every draw is exact.
inline void count_alias(const alias_table<std::uint16_t>& table, std::span<std::uint64_t> counts) noexcept
{
  const auto n = static_cast<std::uint32_t>(table.size());
  for (std::uint32_t x = 0; x < 1u << 16; ++x) {
    const std::uint32_t product = x * n;
    const auto own = static_cast<std::uint8_t>(product >> 16);
    const auto after = static_cast<std::uint8_t>((product >> 8) + 1);
    const std::uint16_t cell = *table.cell(own);
    if (!table.is_close(after, cell)) {
      counts[table.pick(own, after, cell)] += n << 8;
      continue;
    }
    for (std::uint32_t r = 0; r < n; ++r) {
      for (std::uint32_t further = 0; further < 256; ++further) {
        ++counts[table.pick_exactly(product + r, static_cast<std::uint8_t>(further))];
      }
    }
  }
}

// Outcomes number `first`, `first` + 1, ... of the sequence that belongs to the seed. `first` is a multiple of
// alias_block (not checked).
template <class Out>
void draw_alias(const alias_table<std::uint64_t>& table, const seed_key& seed, std::uint64_t first,
                std::span<Out> out) noexcept
{
  using half = std::uint32_t;
  const seed_key key = subkey(seed, purpose::alias_draws);
  const std::uint64_t n = table.size();
  detail::alias_words next;
  generator_lanes random(key, first / alias_block);
  for (std::size_t start = 0; start < out.size(); start += alias_chunk) {
    if (start != 0 && start % alias_block == 0) random = generator_lanes(key, (first + start) / alias_block);
    detail::next_words(random, n, next);
    const std::size_t count = std::min(alias_chunk, out.size() - start);
    for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(table.cell(next.upper[i] >> 32));
    for (std::size_t i = 0; i < count; ++i) {
      const auto own = static_cast<half>(next.upper[i] >> 32);
      const auto after = static_cast<half>(next.upper[i] + 1);
      const std::uint64_t cell = *table.cell(own);
      half outcome = table.pick(own, after, cell);
      if (table.is_close(after, cell)) [[unlikely]] {
        // Words of this output alone. The ids of lanes are below 2^63.
        generator more(key, ~(first + start + i));
        const std::uint64_t r = more.below64(n);
        outcome = table.pick_exactly(uint128{next.words[i]} * n + r, static_cast<half>(more() >> 32));
      }
      out[start + i] = static_cast<Out>(outcome);
    }
  }
}

}  // namespace aliquot
