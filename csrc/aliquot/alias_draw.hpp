// Draws from an alias table: by the block, or one at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "alias.hpp"
#include "lanes.hpp"
#include "random.hpp"
#include "target_clones.hpp"
#include "threads.hpp"

namespace aliquot
{

// Outputs that have generator lanes of their own: where a draw is cut, by threads or by its caller, changes nothing.
inline constexpr std::uint64_t alias_block = 1 << 16;

// Draws are made this many at a time: first all their words, then their cells, of which many are on their way to the
// processor at once, then their outcomes, with vector instructions.
inline constexpr std::size_t alias_chunk = 256;

// How x * n is found: vector units multiply 32 by 32 bits, which is enough for n below 2^32. The product is the same.
enum class alias_multiply : int { by_32_bits, by_64_bits };

namespace detail
{

using alias_words = std::array<std::uint64_t, alias_chunk>;

struct alias_buffer {
  alignas(64) alias_words words;
  alignas(64) alias_words places;  // of x * n: the cell above the first bits of the coin
  alignas(64) alias_words cells;
  alignas(64) alias_words outcomes;
};

using cells_of_words = alias_table<std::uint64_t>;
inline constexpr int alias_bits = cells_of_words::alias_bits;
inline constexpr int coin_bits = cells_of_words::prefix_bits;

ALIQUOT_TARGET_CLONES
inline void fill_words(generator_lanes& random, alias_words& words) noexcept
{
  random.fill(words);
}

ALIQUOT_TARGET_CLONES
inline void place_words_32(const alias_words& words, std::uint32_t n, alias_words& places) noexcept
{
  for (std::size_t i = 0; i < alias_chunk; ++i) {
    const auto high = static_cast<std::uint32_t>(words[i] >> 32);
    const auto low = static_cast<std::uint32_t>(words[i]);
    places[i] = (std::uint64_t{high} * n + (std::uint64_t{low} * n >> 32)) >> (alias_bits - 32);
  }
}

inline void place_words_64(const alias_words& words, std::uint64_t n, alias_words& places) noexcept
{
  for (std::size_t i = 0; i < alias_chunk; ++i) {
    places[i] = static_cast<std::uint64_t>(uint128{words[i]} * n >> alias_bits);
  }
}

inline void fetch_cells(const alias_words& places, const std::uint64_t* table, alias_words& cells) noexcept
{
  for (std::size_t i = 0; i < alias_chunk; i += 4) {
    const std::uint64_t a = table[places[i] >> coin_bits], b = table[places[i + 1] >> coin_bits];
    const std::uint64_t c = table[places[i + 2] >> coin_bits], d = table[places[i + 3] >> coin_bits];
    cells[i] = a;
    cells[i + 1] = b;
    cells[i + 2] = c;
    cells[i + 3] = d;
  }
}

// Whether one of them is not decided.
ALIQUOT_TARGET_CLONES
inline bool pick_outcomes(const alias_words& places, const alias_words& cells, alias_words& outcomes) noexcept
{
  std::uint64_t close = 0;
  for (std::size_t i = 0; i < alias_chunk; ++i) {
    const std::uint64_t coin = places[i] & cells_of_words::last_coin;
    const auto over = static_cast<std::int64_t>(coin - cells_of_words::prefix(cells[i]));
    const std::uint64_t own = places[i] >> coin_bits;
    outcomes[i] = over < 0 ? own : cells[i] & cells_of_words::alias_mask;
    close |= static_cast<std::uint64_t>(over == 0) | static_cast<std::uint64_t>(over == -1) | (coin + 1) >> coin_bits;
  }
  return close != 0;
}

// Random bits of a generator, as many as are asked for.
struct bits_of {
  generator& random;
  std::uint64_t operator()(int count) noexcept { return random() >> (64 - count); }
};

// Outcomes number `first` and on of one block.
template <class Out>
void draw_alias_block(const alias_table<std::uint64_t>& table, alias_multiply multiply, const seed_key& key,
                      std::uint64_t first, std::span<Out> out) noexcept
{
  const std::uint64_t n = table.size();
  generator_lanes random(key, first / alias_block);
  alias_buffer chunk;
  for (std::size_t start = 0; start < out.size(); start += alias_chunk) {
    fill_words(random, chunk.words);
    if (multiply == alias_multiply::by_32_bits) {
      place_words_32(chunk.words, static_cast<std::uint32_t>(n), chunk.places);
    } else {
      place_words_64(chunk.words, n, chunk.places);
    }
    fetch_cells(chunk.places, table.cells(), chunk.cells);
    const std::size_t count = std::min(alias_chunk, out.size() - start);
    if (pick_outcomes(chunk.places, chunk.cells, chunk.outcomes)) [[unlikely]] {
      for (std::size_t i = 0; i < count; ++i) {
        if (!table.is_close(chunk.places[i] & table.last_coin, chunk.cells[i])) continue;
        generator more(key, ~(first + start + i));  // of this output alone: the ids of lanes are below 2^63
        const uint128 sum = uint128{chunk.words[i]} * n + more.below64(n);
        chunk.outcomes[i] = table.pick(sum, bits_of{more});
      }
    }
    for (std::size_t i = 0; i < count; ++i) out[start + i] = static_cast<Out>(chunk.outcomes[i]);
  }
}

}  // namespace detail

// Outcomes number `first`, `first` + 1, ... of the sequence that belongs to the seed, found by so many threads at most.
// `first` is a multiple of alias_block, and n below 2^32 if it is said to be (not checked).
template <class Out>
void draw_alias(const alias_table<std::uint64_t>& table, alias_multiply multiply, const seed_key& seed,
                std::uint64_t first, std::span<Out> out, std::size_t threads)
{
  constexpr std::size_t least = 8;  // blocks for a thread: a millisecond, twenty times what it takes to start it
  const seed_key key = subkey(seed, purpose::alias_draws);
  const std::size_t blocks = (out.size() + alias_block - 1) / alias_block;
  const std::size_t parts = std::max<std::size_t>(std::min(threads, blocks / least), 1);
  in_parts(parts, [&](std::size_t part) noexcept {
    for (std::size_t block = blocks * part / parts; block < blocks * (part + 1) / parts; ++block) {
      const std::size_t start = block * alias_block;
      const std::size_t size = std::min<std::size_t>(alias_block, out.size() - start);
      detail::draw_alias_block(table, multiply, key, first + start, out.subspan(start, size));
    }
  });
}

// One outcome, by the next words of a generator.
inline std::uint64_t draw_alias(const alias_table<std::uint64_t>& table, generator& random) noexcept
{
  const std::uint64_t n = table.size();
  const uint128 product = uint128{random()} * n;
  const auto own = static_cast<std::uint64_t>(product >> 64);
  const std::uint64_t coin = static_cast<std::uint64_t>(product) >> detail::alias_bits;
  const std::uint64_t cell = table.cells()[own];
  if (table.is_close(coin, cell)) [[unlikely]]
    return table.pick(product + random.below64(n), detail::bits_of{random});
  return coin < table.prefix(cell) ? own : table.alias(cell);
}

}  // namespace aliquot
