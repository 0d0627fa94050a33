// Rows to rankings: dealt to buckets, each of which is sorted, or counted by value, and written while it is in the
// cache.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "buckets.hpp"
#include "masses.hpp"
#include "radix_sort.hpp"
#include "ranking.hpp"

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

// Rows of weight 1 counted by value, which spares sorting where there are not many more values than rows.
template <class Key>
class value_counts
{
 public:
  // Whether rows whose words differ in these bits, the label's aside, are few enough values.
  static bool suits(std::size_t rows, Key differing) noexcept
  {
    const int bits = differing == 0 ? 0 : static_cast<int>(std::bit_width(differing)) - std::countr_zero(differing);
    return rows >= fewest_rows && bits <= most_bits && std::size_t{1} << bits <= 8 * rows;
  }

  // As count_rows; rows in any order.
  std::size_t count(std::span<const labelled_row<Key>> rows, Key differing, Key first_bit, Key* keys, limb* masses,
                    int shift)
  {
    counts_.resize(most_values);
    seen_.resize(most_values / 64);
    const int low = differing == 0 ? 1 : std::countr_zero(differing);
    const auto mask = static_cast<Key>(differing == 0 ? Key{0} : (std::bit_floor(differing) << 1) - 1) >> low;
    const Key base = (rows[0].word & ~static_cast<Key>(mask << low)) >> 1 | first_bit;
    for (const auto row : rows) {
      const auto value = static_cast<std::size_t>(row.word >> low & mask);
      counts_[value] += std::uint64_t{1} << ((row.word & 1) ? 0 : 32);
      seen_[value / 64] |= std::uint64_t{1} << value % 64;
    }
    std::size_t out = 0;
    for (std::size_t word = 0; word <= mask / 64; ++word) {
      for (std::uint64_t left = seen_[word]; left != 0; left &= left - 1) {
        const std::size_t value = 64 * word + static_cast<std::size_t>(std::countr_zero(left));
        keys[out] = base | static_cast<Key>(static_cast<Key>(value) << (low - 1));
        const std::uint64_t limbs = counts_[value] << shift;
        std::memcpy(masses + 2 * out++, &limbs, sizeof limbs);
        counts_[value] = 0;
      }
      seen_[word] = 0;
    }
    return out;
  }

 private:
  static constexpr std::size_t fewest_rows = 1 << 12;  // for the sake of clearing counts
  static constexpr int most_bits = 15;                 // counts that leave room for rows in a second-level cache
  static constexpr std::size_t most_values = std::size_t{1} << most_bits;

  std::vector<std::uint64_t> counts_;  // none between calls: positive rows in the lower half, negative ones above
  std::vector<std::uint64_t> seen_;    // a bit a value
};

// Rows made by row(i), dealt to `room` and written from there.
template <int Limbs, class Row, class Key, class MakeRow>
std::size_t rank_rows_as(std::span<const Key> keys, MakeRow&& row, Row* room, const ranking_room<Key>& out)
{
  constexpr bool counts_rows = std::is_same_v<Row, labelled_row<Key>> && Limbs == 1;
  const auto width = 2 * static_cast<std::size_t>(out.format.limbs);
  std::size_t size = 0;
  value_counts<Key> counts;
  deal_to_buckets(keys, row, room, [&](std::span<Row> rows, Row* spare, Key first_bit) {
    Key* to = out.first + size;
    limb* masses = out.masses + size * width;
    if constexpr (counts_rows) {
      const Key differing = differing_bits(std::span<const Row>(rows));
      if (counts.suits(rows.size(), differing)) {
        size += counts.count(rows, differing, first_bit, to, masses, -out.format.unit);
        return;
      }
    }
    sort_rows(rows, spare);
    const std::span<const Row> sorted(rows);
    if constexpr (counts_rows) {
      size += count_rows(sorted, first_bit, to, masses, -out.format.unit);
    } else if constexpr (Limbs > 0) {
      size += weigh_rows<Limbs>(sorted, first_bit, to, masses, out.format.unit);
    } else {
      size += weigh_rows(sorted, first_bit, to, masses, out.format);
    }
  });
  return size;
}

}  // namespace detail

// How many bytes of room it takes to rank weighted rows with such keys.
template <class Key>
constexpr std::size_t room_bytes(const Key*, std::size_t rows, int limbs) noexcept
{
  return limbs == 1 && sizeof(counted_row<Key>) > 2 * sizeof(limb) ? rows * sizeof(counted_row<Key>) : 0;
}

// Rows in any order as a ranking of single scores, whose size is returned: labels 0 or 1, weights finite and above 0,
// or null for rows that weigh 1. Fewer than 2^32 rows (not checked).
//
// Rows that weigh 1 are sorted where the keys of the ranking go, others where its masses go, at the end of their room,
// as far as they fit: written from there they are never overtaken, and memory that is new is dearer than what is done
// in it. What does not fit is sorted in `room`, of `room_bytes`. It and the room for masses begin at multiples of 16.
template <class Key>
std::size_t rank_rows(const Key* keys, std::size_t rows, const std::uint8_t* labels, const double* weights,
                      std::uint8_t* room, const ranking_room<Key>& out)
{
  static_assert(sizeof(labelled_row<Key>) == sizeof(Key));
  const std::span of(keys, rows);
  const auto word = [=](std::size_t i) { return static_cast<Key>(static_cast<Key>(keys[i] << 1) | labels[i]); };
  return visit_limbs(out.format.limbs, [&](auto limbs) {
    if (weights == nullptr) {
      using row = labelled_row<Key>;
      const auto make = [=](std::size_t i) { return row{word(i)}; };
      return detail::rank_rows_as<limbs>(of, make, reinterpret_cast<row*>(out.first), out);
    }
    if constexpr (limbs == 1) {
      using row = counted_row<Key>;
      const auto make = [=, unit = out.format.unit](std::size_t i) {
        return row{word(i), static_cast<Key>(small_mass<1>::of(weights[i], unit))};
      };
      void* to = room_bytes(keys, rows, 1) == 0 ? static_cast<void*>(out.masses) : room;
      return detail::rank_rows_as<limbs>(of, make, static_cast<row*>(to), out);
    } else {
      using row = weighted_row<Key>;
      const auto make = [=](std::size_t i) { return row{word(i), weights[i]}; };
      const std::size_t mass_bytes = 2 * static_cast<std::size_t>(out.format.limbs) * sizeof(limb);
      const std::size_t before = (mass_bytes - sizeof(row)) * rows / sizeof(row) * sizeof(row);
      void* to = reinterpret_cast<std::uint8_t*>(out.masses) + before;
      return detail::rank_rows_as<limbs>(of, make, static_cast<row*>(to), out);
    }
  });
}

}  // namespace aliquot
