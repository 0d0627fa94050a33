// Rows to rankings: dealt to buckets, each of which is sorted, or counted by value, and written while it is in the
// cache.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

#include "buckets.hpp"
#include "masses.hpp"
#include "radix_sort.hpp"
#include "ranking.hpp"
#include "threads.hpp"
#include "value_counts.hpp"

namespace aliquot
{

namespace detail
{

// Sorted rows of weight 1 whose counts fit in one limb: without branches, as scores repeat at random.
template <class Key>
std::size_t count_rows(std::span<const labelled_row<Key>> rows, Key first_bit, Key* keys, limb* masses,
                       int shift) noexcept
{
  static_assert(std::endian::native == std::endian::little, "two limbs are written as one word");
  Key at = rows[0].word >> 1;
  std::size_t out = 0;
  std::uint64_t mass = 0;  // positive rows in the lower limb, negative ones in the upper
  for (const auto row : rows) {
    const Key key = row.word >> 1;
    const std::uint64_t label = row.word & 1;
    const bool next = key != at;
    out += next;
    mass = (next ? 0 : mass) + (label | (label ^ 1) << 32);
    keys[out] = key | first_bit;
    const std::uint64_t limbs = mass << shift;
    std::memcpy(masses + 2 * out, &limbs, sizeof limbs);
    at = key;
  }
  return out + 1;
}

// What a row weighs, in units.
template <int Limbs, class Key>
auto units_of(const labelled_row<Key>&, int unit) noexcept
{
  return small_mass<Limbs>::of(1.0, unit);
}

template <int Limbs, class Key>
auto units_of(const counted_row<Key>& row, int) noexcept
{
  return static_cast<typename small_mass<Limbs>::integer>(row.units);
}

template <int Limbs, class Key>
auto units_of(const weighted_row<Key>& row, int unit) noexcept
{
  return small_mass<Limbs>::of(row.weight, unit);
}

// Sorted rows, without branches too: at most four limbs. Entries may be written over rows that have been read.
template <int Limbs, class Row, class Key>
std::size_t weigh_rows(std::span<const Row> rows, Key first_bit, Key* keys, limb* masses, int unit) noexcept
{
  using mass = small_mass<Limbs>;
  Key at = rows[0].word >> 1;
  std::size_t out = 0;
  typename mass::integer positive = 0;
  typename mass::integer negative = 0;
  for (const Row& each : rows) {
    Row row;
    std::memcpy(&row, &each, sizeof row);
    const Key key = row.word >> 1;
    const auto units = units_of<Limbs>(row, unit);
    const bool next = key != at;
    const bool label = row.word & 1;
    out += next;
    positive = (next ? 0 : positive) + (label ? units : 0);
    negative = (next ? 0 : negative) + (label ? 0 : units);
    keys[out] = key | first_bit;
    mass::store(masses + 2 * Limbs * out, positive);
    mass::store(masses + 2 * Limbs * out + Limbs, negative);
    at = key;
  }
  return out + 1;
}

template <class Key>
odd_weight odd_weight_of(const labelled_row<Key>&) noexcept
{
  return odd_weight(1.0);
}

template <class Key>
odd_weight odd_weight_of(const weighted_row<Key>& row) noexcept
{
  return odd_weight(row.weight);
}

// The same for any number of limbs.
template <class Row, class Key>
std::size_t weigh_rows(std::span<const Row> rows, Key first_bit, Key* keys, limb* masses, mass_format format) noexcept
{
  const std::size_t width = 2 * static_cast<std::size_t>(format.limbs);
  std::size_t size = 0;
  Key at = 0;
  for (const Row& each : rows) {
    Row row;
    std::memcpy(&row, &each, sizeof row);
    const Key key = row.word >> 1;
    if (size == 0 || key != at) {
      keys[size] = key | first_bit;
      std::memset(masses + size++ * width, 0, width * sizeof(limb));
      at = key;
    }
    const bool is_negative = (row.word & 1) == 0;
    const odd_weight weight = odd_weight_of(row);
    add_shifted(masses + (size - 1) * width + (is_negative ? format.limbs : 0), format.limbs, weight.mantissa,
                weight.exponent - format.unit);
  }
  return size;
}

// What it takes to rank buckets one by one, of so many rows at the most.
template <int Limbs, class Row, class Key>
class bucket_ranker
{
 public:
  explicit bucket_ranker(std::size_t most_rows)
      : spare_(std::make_unique_for_overwrite<Row[]>(most_rows)), counts_(counts_rows ? most_rows : 0)
  {
  }

  // Write the entries of a bucket, over its rows too; returns how many.
  std::size_t rank(std::span<Row> rows, Key first_bit, Key* keys, limb* masses, mass_format format) noexcept
  {
    if constexpr (counts_rows) {
      const Key differing = differing_bits(std::span<const Row>(rows));
      if (counts_.suits(rows.size(), differing))
        return counts_.count(rows, differing, first_bit, keys, masses, -format.unit);
    }
    sort_rows(rows, spare_.get());
    const std::span<const Row> sorted(rows);
    if constexpr (counts_rows) {
      return count_rows(sorted, first_bit, keys, masses, -format.unit);
    } else if constexpr (Limbs > 0) {
      return weigh_rows<Limbs>(sorted, first_bit, keys, masses, format.unit);
    } else {
      return weigh_rows(sorted, first_bit, keys, masses, format);
    }
  }

 private:
  static constexpr bool counts_rows = std::is_same_v<Row, labelled_row<Key>> && Limbs == 1;

  std::unique_ptr<Row[]> spare_;
  value_counts<Key> counts_;
};

inline constexpr std::size_t few_rows_to_deal = std::size_t{1} << 12;  // one bucket's worth

template <class Key>
Key first_bit_of(Key key) noexcept
{
  constexpr int below = 8 * sizeof(Key) - 1;
  return static_cast<Key>(key >> below << below);
}

template <class Key>
bool have_one_first_bit(std::span<const Key> keys) noexcept
{
  Key differing = 0;
  for (const Key key : keys) differing |= static_cast<Key>(key ^ keys[0]);
  return first_bit_of(differing) == 0;
}

// Rows made by row(i), dealt to `room`, those of each part's buckets moved on by shift(their end), and written from
// there.
template <int Limbs, class Row, class Key, class MakeRow, class Shift>
std::size_t rank_rows_as(std::span<const Key> keys, MakeRow&& row, Row* room, Shift&& shift, std::size_t parts,
                         const ranking_room<Key>& out)
{
  if (keys.empty()) return 0;
  if (keys.size() <= few_rows_to_deal && have_one_first_bit(keys)) {
    const std::span<Row> rows(room + shift(keys.size()), keys.size());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = row(i);
    bucket_ranker<Limbs, Row, Key> ranker(rows.size());
    return ranker.rank(rows, first_bit_of(keys[0]), out.first, out.masses, out.format);
  }
  const auto width = 2 * static_cast<std::size_t>(out.format.limbs);
  dealer<Key> dealt(keys, parts);
  const auto moved = [&](std::size_t part) { return shift(dealt.first_row(part + 1)); };
  dealt.deal(row, room, moved);
  std::vector<bucket_ranker<Limbs, Row, Key>> rankers;
  for (std::size_t part = 0; part < parts; ++part) rankers.emplace_back(dealt.most_rows(part));
  std::vector<std::size_t> sizes(parts);
  in_parts(parts, [&](std::size_t part) noexcept {
    std::size_t at = dealt.first_row(part);
    Row* from = room + moved(part);
    dealt.for_each_bucket(part, [&](std::size_t first, std::size_t rows, Key first_bit) {
      const std::span<Row> bucket(from + first, rows);
      at += rankers[part].rank(bucket, first_bit, out.first + at, out.masses + at * width, out.format);
    });
    sizes[part] = at - dealt.first_row(part);
  });
  // Scores that repeat leave gaps between the parts.
  in_parts(std::min<std::size_t>(parts, 2), [&](std::size_t which) noexcept {
    for (std::size_t part = 1, to = sizes[0]; part < parts; to += sizes[part++]) {
      const std::size_t from = dealt.first_row(part);
      if (from == to) continue;
      if (which == 0) {
        std::memmove(out.masses + to * width, out.masses + from * width, sizes[part] * width * sizeof(limb));
      } else {
        std::memmove(out.first + to, out.first + from, sizes[part] * sizeof(Key));
      }
    }
  });
  return std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
}

}  // namespace detail

// At least, of a part for a thread: a millisecond, ten times what threads cost.
inline constexpr std::size_t part_rows = std::size_t{1} << 17;

// How many bytes of room it takes to rank weighted rows with such keys.
template <class Key>
constexpr std::size_t room_bytes(const Key*, std::size_t rows, int limbs) noexcept
{
  return limbs == 1 && sizeof(counted_row<Key>) > 2 * sizeof(limb) ? rows * sizeof(counted_row<Key>) : 0;
}

// Rows in any order as a ranking of single scores, whose size is returned: labels 0 or 1, weights finite and above 0,
// or null for rows that weigh 1. Fewer than 2^32 rows (not checked). In so many threads at most, to the same effect.
//
// Rows that weigh 1 are sorted where the keys of the ranking go, others where its masses go, at the end of the room of
// their part, as far as they fit: written from there they are never overtaken, and memory that is new is dearer than
// what is done in it. What does not fit is sorted in `room`, of `room_bytes`. It and the room for masses begin at
// multiples of 16. The keys of rows that weigh 1 may lie in the room for masses themselves: all rows are dealt before
// the first mass is written.
template <class Key>
std::size_t rank_rows(const Key* keys, std::size_t rows, const std::uint8_t* labels, const double* weights,
                      std::uint8_t* room, std::size_t threads, const ranking_room<Key>& out)
{
  static_assert(sizeof(labelled_row<Key>) == sizeof(Key));
  const std::size_t parts = std::max<std::size_t>(std::min(threads, rows / part_rows), 1);
  const std::span of(keys, rows);
  const auto word = [=](std::size_t i) { return static_cast<Key>(static_cast<Key>(keys[i] << 1) | labels[i]); };
  const auto in_place = [](std::size_t) { return std::size_t{0}; };
  return visit_limbs(out.format.limbs, [&](auto limbs) {
    if (weights == nullptr) {
      using row = labelled_row<Key>;
      const auto make = [=](std::size_t i) { return row{word(i)}; };
      return detail::rank_rows_as<limbs>(of, make, reinterpret_cast<row*>(out.first), in_place, parts, out);
    }
    if constexpr (limbs == 1) {
      using row = counted_row<Key>;
      const auto make = [=, unit = out.format.unit](std::size_t i) {
        return row{word(i), static_cast<Key>(small_mass<1>::of(weights[i], unit))};
      };
      void* to = room_bytes(keys, rows, 1) == 0 ? static_cast<void*>(out.masses) : room;
      return detail::rank_rows_as<limbs>(of, make, static_cast<row*>(to), in_place, parts, out);
    } else {
      using row = weighted_row<Key>;
      const auto make = [=](std::size_t i) { return row{word(i), weights[i]}; };
      const std::size_t beyond = 2 * static_cast<std::size_t>(out.format.limbs) * sizeof(limb) - sizeof(row);
      const auto to_end = [=](std::size_t end) { return beyond * end / sizeof(row); };
      return detail::rank_rows_as<limbs>(of, make, reinterpret_cast<row*>(out.masses), to_end, parts, out);
    }
  });
}

}  // namespace aliquot
