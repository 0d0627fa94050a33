// How weights become an alias table: first masses that sum to those of all cells, then cells.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "alias.hpp"
#include "alias_weights.hpp"
#include "threads.hpp"

namespace aliquot
{

namespace detail
{

// Outcomes whose masses are added up together, so that a sweep can start anywhere.
inline constexpr std::size_t mass_block = 4096;

struct block_sums {
  uint128 missing = 0;  // what the outcomes of less than a cell lack
  uint128 spare = 0;    // what the others have beyond a cell
};

// Until the sweep, a cell and its rest hold the mass of their outcome, as a table holds a threshold but with a prefix
// of any size. Of each 64 outcomes a word tells which have less than a cell.
template <class Word>
struct masses {
  using table = alias_table<Word>;

  std::span<Word> cells;
  std::span<Word> rests;
  std::unique_ptr<std::uint64_t[]> is_small;
  std::vector<block_sums> sums;

  masses(std::span<Word> cells_to_fill, std::span<Word> rests_to_fill)
      : cells(cells_to_fill),
        rests(rests_to_fill),
        is_small(std::make_unique_for_overwrite<std::uint64_t[]>((cells.size() + 63) / 64)),
        sums((cells.size() + mass_block - 1) / mass_block)
  {
  }

  uint128 operator[](std::size_t i) const noexcept { return table::mass(cells[i], rests[i]); }

  // Returns what is kept of it.
  uint128 keep(std::size_t i, const scaled& mass) noexcept
  {
    const uint128 units = mass.rounded();
    cells[i] = static_cast<Word>(units >> table::word_bits);
    rests[i] = static_cast<Word>(units);
    if (cells[i] != 0) [[likely]]
      return units;
    rests[i] = small_share<Word>::encode(mass.value, mass.exponent);
    return (*this)[i];
  }

  // Sum up a block of masses mass_of(i), and say which of it are small. Returns its mass.
  template <class MassOf>
  uint128 sum(std::size_t block, const MassOf& mass_of) noexcept
  {
    const std::size_t end = std::min(cells.size(), (block + 1) * mass_block);
    uint128 all = 0, small = 0, count = 0;
    for (std::size_t start = block * mass_block; start < end; start += 64) {
      std::uint64_t bits = 0;
      const std::size_t length = std::min<std::size_t>(64, end - start);
      for (std::size_t j = 0; j < length; ++j) {
        const uint128 mass = mass_of(start + j);
        const bool less = mass < table::full;
        bits |= std::uint64_t{less} << j;
        all += mass;
        small += less ? mass : 0;
      }
      is_small[start / 64] = bits;
      count += static_cast<unsigned>(std::popcount(bits));
    }
    sums[block] = {count * table::full - small,
                   all - small - (uint128{end - block * mass_block} - count) * table::full};
    return all;
  }
};

struct outcome {
  uint128 mass;
  std::size_t number;
};

// Goes along those outcomes of [begin, end) that are small, or those that are not, a word of them at a time.
template <class Word>
class mass_cursor
{
 public:
  mass_cursor(const masses<Word>& from, bool small, std::size_t begin, std::size_t end) noexcept
      : from_(from), flip_(small ? 0 : ~std::uint64_t{0}), begin_(begin), end_(end), word_(begin / 64)
  {
  }

  // Writes the next few, 64 at most, and says how many; none at the end.
  [[gnu::noinline]] std::size_t read(outcome* to) noexcept
  {
    std::size_t count = 0;
    for (; count == 0 && word_ * 64 < end_; ++word_) {
      std::uint64_t bits = from_.is_small[word_] ^ flip_;
      if (word_ == begin_ / 64) bits &= ~std::uint64_t{0} << (begin_ % 64);
      if (end_ - word_ * 64 < 64) bits &= (std::uint64_t{1} << (end_ % 64)) - 1;
      for (; bits != 0; bits &= bits - 1) {
        const std::size_t i = word_ * 64 + static_cast<std::size_t>(std::countr_zero(bits));
        to[count++] = {from_[i], i};
      }
    }
    return count;
  }

 private:
  const masses<Word>& from_;
  std::uint64_t flip_;
  std::size_t begin_, end_, word_;
};

// A point of the sweep: all small outcomes below `small` are done, and `hand`, not a small one, still has `left` of its
// mass, a cell or more.
struct sweep_point {
  std::size_t small = 0;
  std::size_t hand = 0;
  uint128 left = 0;
  uint128 mass = 0;  // what it had
};

// The first point at which the small outcomes before a block are done. The one in hand is the first to have, with all
// before it, as much to spare as those lack.
template <class Word>
sweep_point point_before(const masses<Word>& from, std::size_t block) noexcept
{
  uint128 missing = 0, spare = 0;
  for (std::size_t b = 0; b < block; ++b) missing += from.sums[b].missing;
  std::size_t at = 0;
  for (; spare + from.sums[at].spare < missing; ++at) spare += from.sums[at].spare;
  constexpr uint128 full = alias_table<Word>::full;
  mass_cursor<Word> large(from, false, at * mass_block, from.cells.size());
  std::array<outcome, 64> few;
  for (;;) {
    const std::size_t count = large.read(few.data());
    for (std::size_t i = 0; i < count; ++i) {
      spare += few[i].mass - full;
      if (spare >= missing) return {block * mass_block, few[i].number, spare - missing + full, few[i].mass};
    }
  }
}

// The sweep (L. Hübschle-Schneider, P. Sanders 2022, doi:10.1145/3549934) goes along the small outcomes and, apart, the
// others. It has one of the latter in hand: while it has a cell or more left, it fills up the cell of the next small
// outcome; when it has less, it is itself small, and the next one fills up its cell. Either way one cell is done and
// one outcome comes in, so one branch-free step does both.
//
// From one point to another, or to the end. Reads and writes no cell that a sweep between other points does.
template <class Word>
void sweep(masses<Word>& in, const sweep_point& from, const sweep_point* to) noexcept
{
  using table = alias_table<Word>;
  const std::size_t end = in.cells.size();
  mass_cursor<Word> small_ones(in, true, from.small, to == nullptr ? end : to->small);
  mass_cursor<Word> large_ones(in, false, from.hand + 1, to == nullptr ? end : std::max(to->hand, from.hand + 1));
  // Small ones read ahead, then others, of which the last is the one in hand at the other point.
  std::array<outcome, 128> ahead;
  const auto read_large = [&] {
    const std::size_t count = large_ones.read(&ahead[64]);
    if (count == 0 && to != nullptr) ahead[64] = {to->mass, to->hand};
    return 64 + count;
  };
  std::size_t small = 0, small_end = small_ones.read(ahead.data());
  std::size_t large = 64, large_end = read_large();
  std::size_t hand = from.hand;
  uint128 left = from.left;
  // All ones if less than a cell is left. By arithmetic, as compilers make branches of conditions, and half of those
  // would be guessed wrong.
  const auto is_empty = [&] {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(left >> table::cell_bits) - 1) >> 63;
  };
  const auto step = [&](std::int64_t empty) {
    const auto choose = [empty]<class T>(T a, T b) { return static_cast<T>(b ^ ((a ^ b) & static_cast<T>(empty))); };
    const outcome& next = ahead[choose(large, small)];
    const uint128 threshold = choose(left, next.mass);
    const std::size_t done = choose(hand, next.number);
    hand = choose(next.number, hand);
    in.cells[done] = table::make_cell(threshold, hand);
    if (threshold >> table::word_bits != 0) [[likely]] {
      in.rests[done] = static_cast<Word>(threshold);
    } else if (empty != 0) {
      in.rests[done] = small_share<Word>::encode(threshold, 0);
    }
    left += next.mass - table::full;
    small += static_cast<std::size_t>(1 + empty);
    large -= static_cast<std::size_t>(empty);
    if (small == small_end) [[unlikely]] {
      small = 0;
      small_end = small_ones.read(ahead.data());
    }
    if (large == large_end) [[unlikely]] {
      large = 64;
      large_end = read_large();
    }
  };
  while (small != small_end) step(is_empty());
  while (left < table::full) step(-1);
  if (to != nullptr) return;
  // Now the one in hand and all that are left have a cell just so.
  const auto own = [&](std::size_t i) {
    in.cells[i] = table::make_cell(0, i);
    in.rests[i] = 0;
  };
  own(hand);
  for (; large != large_end; large = 64, large_end = read_large()) {
    for (; large != large_end; ++large) own(ahead[large].number);
  }
}

}  // namespace detail

// Fill the two tables, as large as there are weights, 1 to alias_mask (not checked), with so many threads at most. Each
// outcome gets the mass weight / sum of weights * mass of all, rounded to a unit, or to 2^-53 of itself where that is
// less; the one at `largest` makes up for that. No mass for a weight of zero.
template <class Word, class Weights>
void build_alias(const Weights& weights, std::size_t largest, std::span<Word> cells, std::span<Word> rests,
                 std::size_t threads)
{
  using table = alias_table<Word>;
  constexpr std::size_t least = 32;  // blocks for a thread: a millisecond, twenty times what it takes to start it
  detail::masses<Word> masses(cells, rests);
  const std::size_t n = weights.size();
  const std::size_t blocks = masses.sums.size();
  const std::size_t parts = std::max<std::size_t>(std::min(threads, blocks / least), 1);
  const auto first_block = [&](std::size_t part) { return blocks * part / parts; };
  const auto first = [&](std::size_t part) { return std::min(n, first_block(part) * detail::mass_block); };

  std::vector<uint128> totals(parts);
  const auto total = [&] {
    uint128 sum = 0;
    for (const uint128 each : totals) sum += each;
    return sum;
  };
  in_parts(parts, [&](std::size_t part) noexcept {
    uint128 sum = 0;
    for (std::size_t i = first(part); i < first(part + 1); ++i) sum += weights.fixed(i);
    totals[part] = sum;
  });
  const uint128 all = uint128{n} << table::cell_bits;
  const scaled factor = detail::ratio(all, total());
  in_parts(parts, [&](std::size_t part) noexcept {
    uint128 sum = 0;
    for (std::size_t block = first_block(part); block < first_block(part + 1); ++block) {
      sum += masses.sum(block, [&](std::size_t i) { return masses.keep(i, weights.times(i, factor)); });
    }
    totals[part] = sum;
  });
  masses.keep(largest, {masses[largest] + (all - total()), 0});
  masses.sum(largest / detail::mass_block, [&](std::size_t i) { return masses[i]; });

  std::vector<detail::sweep_point> points;
  for (std::size_t part = 0; part < parts; ++part) points.push_back(point_before(masses, first_block(part)));
  in_parts(parts, [&](std::size_t part) noexcept {
    sweep(masses, points[part], part + 1 < parts ? &points[part + 1] : nullptr);
  });
}

}  // namespace aliquot
