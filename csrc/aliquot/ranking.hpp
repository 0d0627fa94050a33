// Scores with what weighs on each, positive and negative: all that any ranking metric needs. Entries lie in descending
// order of score; each holds one score, or in a binned ranking a range of scores. Equal scores are one entry.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "masses.hpp"
#include "radix_sort.hpp"

namespace aliquot
{

// A borrowed ranking. Masses are 2 * limbs an entry, of the positive rows and then of the negative.
template <class Key>
struct ranking_view {
  std::span<const Key> first;  // keys of the highest scores
  const Key* last;             // of the lowest, or null: the same
  const limb* masses;
  mass_format format;

  std::size_t size() const noexcept { return first.size(); }
  std::size_t width() const noexcept { return 2 * static_cast<std::size_t>(format.limbs); }
  const limb* mass(std::size_t i) const noexcept { return masses + i * width(); }
  bool is_one_score(std::size_t i) const noexcept { return last == nullptr || last[i] == first[i]; }
};

// By its size, and its parts.
template <class Key>
ranking_view<Key> view_ranking(std::size_t size, const Key* first, const Key* last, const limb* masses,
                               mass_format format) noexcept
{
  return {std::span<const Key>(first, size), last, masses, format};
}

// Where a ranking is written, with room for all its entries.
template <class Key>
struct ranking_room {
  Key* first;
  Key* last;  // null in a ranking of single scores
  limb* masses;
  mass_format format;
};

template <class Key>
ranking_room<Key> write_ranking(Key* first, Key* last, limb* masses, mass_format format) noexcept
{
  return {first, last, masses, format};
}

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

template <class Key>
void add_weight(limb* mass, mass_format format, const labelled_row<Key>&) noexcept
{
  add_shifted(mass, format.limbs, 1, -format.unit);
}

template <class Key>
void add_weight(limb* mass, mass_format format, const weighted_row<Key>& row) noexcept
{
  const odd_weight weight(row.weight);
  add_shifted(mass, format.limbs, weight.mantissa, weight.exponent - format.unit);
}

template <class Row, class Key>
std::size_t weigh_rows(std::span<const Row> rows, Key first_bit, Key* keys, limb* masses, mass_format format) noexcept
{
  const std::size_t width = 2 * static_cast<std::size_t>(format.limbs);
  std::size_t size = 0;
  Key at = 0;
  for (const Row row : rows) {  // a copy, as a key may be written in its place
    const Key key = row.word >> 1;
    if (size == 0 || key != at) {
      keys[size] = key | first_bit;
      std::fill_n(masses + size++ * width, width, limb{0});
      at = key;
    }
    const bool is_negative = (row.word & 1) == 0;
    add_weight(masses + (size - 1) * width + (is_negative ? format.limbs : 0), format, row);
  }
  return size;
}

}  // namespace detail

namespace detail
{

template <class Row, class Key>
std::size_t rank_rows_as(std::span<const Key> keys, const std::uint8_t* labels, [[maybe_unused]] const double* weights,
                         Row* room, const ranking_room<Key>& out)
{
  constexpr bool is_weighted = std::is_same_v<Row, weighted_row<Key>>;
  const auto row = [=](std::size_t i) {
    const auto word = static_cast<Key>(static_cast<Key>(keys[i] << 1) | labels[i]);
    if constexpr (is_weighted) {
      return Row{word, weights[i]};
    } else {
      return Row{word};
    }
  };
  std::size_t size = 0;
  const auto width = 2 * static_cast<std::size_t>(out.format.limbs);
  sort_in_buckets(keys, row, room, [&](std::span<const Row> rows, Key first_bit) {
    Key* to = out.first + size;
    limb* masses = out.masses + size * width;
    if constexpr (!is_weighted) {
      if (out.format.limbs == 1) {
        size += count_rows(rows, first_bit, to, masses, -out.format.unit);
        return;
      }
    }
    size += weigh_rows(rows, first_bit, to, masses, out.format);
  });
  return size;
}

}  // namespace detail

// Rows in any order as a ranking of single scores, whose size is returned: labels 0 or 1, weights finite and above 0,
// or null for rows that weigh 1. Fewer than 2^32 rows (not checked).
//
// Rows that weigh 1 are sorted where the keys of the ranking go, which never overtake them: memory that is new is
// dearer than sorting in it. Weighted ones are sorted in `room`, of as many.
template <class Key>
std::size_t rank_rows(const Key* keys, std::size_t rows, const std::uint8_t* labels, const double* weights,
                      weighted_row<Key>* room, const ranking_room<Key>& out)
{
  static_assert(sizeof(labelled_row<Key>) == sizeof(Key));
  if (weights) return detail::rank_rows_as(std::span(keys, rows), labels, weights, room, out);
  return detail::rank_rows_as(std::span(keys, rows), labels, weights, reinterpret_cast<labelled_row<Key>*>(out.first),
                              out);
}

// How many bytes `room` takes, and bytes as that; for the type of these keys.
template <class Key>
constexpr std::size_t room_bytes(const Key*, std::size_t rows) noexcept
{
  return rows * sizeof(weighted_row<Key>);
}

template <class Key>
weighted_row<Key>* as_room(const Key*, std::uint8_t* bytes) noexcept
{
  return reinterpret_cast<weighted_row<Key>*>(bytes);
}

// Two rankings as one, whose size is returned; its unit is at most theirs.
template <class Key>
std::size_t merge_rankings(const ranking_view<Key>& a, const ranking_view<Key>& b,
                           const ranking_room<Key>& out) noexcept
{
  const auto limbs = out.format.limbs;
  const std::size_t width = 2 * static_cast<std::size_t>(limbs);
  std::size_t size = 0;
  const auto add = [&](const ranking_view<Key>& from, std::size_t i) {
    limb* to = out.masses + size * width;
    const int shift = from.format.unit - out.format.unit;
    if (limbs == 1) {  // and so is the other
      to[0] += from.mass(i)[0] << shift;
      to[1] += from.mass(i)[1] << shift;
      return;
    }
    add_shifted(to, limbs, from.mass(i), from.format.limbs, shift);
    add_shifted(to + limbs, limbs, from.mass(i) + from.format.limbs, from.format.limbs, shift);
  };
  const auto last = [](const ranking_view<Key>& from, std::size_t i) {
    return from.last ? from.last[i] : from.first[i];
  };
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size(); ++size) {
    const bool from_a = j == b.size() || (i < a.size() && a.first[i] <= b.first[j]);
    const bool from_b = i == a.size() || (j < b.size() && b.first[j] <= a.first[i]);
    out.first[size] = from_a ? a.first[i] : b.first[j];
    std::fill_n(out.masses + size * width, width, limb{0});
    if (out.last) out.last[size] = std::max(from_a ? last(a, i) : Key{0}, from_b ? last(b, j) : Key{0});
    if (from_a) add(a, i++);
    if (from_b) add(b, j++);
  }
  return size;
}

}  // namespace aliquot
