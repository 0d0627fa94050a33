// Rows to be ranked, read out of Arrow columns without nulls: labels as 0 or 1, scores as keys, weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

#include "column.hpp"
#include "masses.hpp"
#include "radix_sort.hpp"

namespace aliquot
{

inline constexpr std::int64_t all_rows_good = -1;

// Which labels there are that stand for no.
struct negative_labels {
  bool zero = false;
  bool minus_one = false;
};

namespace detail
{

inline constexpr std::size_t block_rows = 4096;

// Bits of what is there: 1 a zero, 2 a minus one, 4 what is no label.
template <class Value>
int read_block(const Value* values, std::size_t rows, std::uint8_t* labels) noexcept
{
  std::uint8_t found = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const Value value = values[i];
    const bool one = value == Value{1};
    const bool zero = value == Value{0};
    const bool minus_one = std::is_signed_v<Value> && value == static_cast<Value>(-1);
    labels[i] = one;
    found |= static_cast<std::uint8_t>(zero | minus_one << 1 | !(one | zero | minus_one) << 2);
  }
  return found;
}

template <class Value>
std::int64_t read_numbers(const Value* values, std::span<std::uint8_t> labels, negative_labels& seen) noexcept
{
  for (std::size_t at = 0; at < labels.size(); at += block_rows) {
    const std::size_t rows = std::min(block_rows, labels.size() - at);
    const int found = read_block(values + at, rows, labels.data() + at);
    seen.zero |= (found & 1) != 0;
    seen.minus_one |= (found & 2) != 0;
    if ((found & 4) == 0) continue;
    const auto is_bad = [](Value v) {
      return !(v == Value{1} || v == Value{0} || (std::is_signed_v<Value> && v == static_cast<Value>(-1)));
    };
    return std::find_if(values + at, values + at + rows, is_bad) - values;
  }
  return all_rows_good;
}

}  // namespace detail

// labels[i] = whether row i is 1, of a column of booleans or numbers; returns the first row that is none of 1, 0 and
// -1, or all_rows_good.
inline std::int64_t read_labels(const column& from, std::uint8_t* to, negative_labels& seen)
{
  const std::span<std::uint8_t> labels(to, static_cast<std::size_t>(from.length()));
  std::int64_t bad = all_rows_good;
  if (from.is_boolean()) {
    const std::uint8_t* bits = from.bits();
    const auto offset = static_cast<std::size_t>(from.offset());
    std::uint8_t all = 1;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      labels[i] = bits[(i + offset) >> 3] >> ((i + offset) & 7) & 1;
      all &= labels[i];
    }
    seen.zero |= all == 0;
    return bad;
  }
  from.visit_stored([&](auto values) { bad = detail::read_numbers(values, labels, seen); });
  return bad;
}

namespace detail
{

template <class Float, class Key>
std::int64_t read_floats(const Float* scores, std::span<Key> keys) noexcept
{
  using Wide = std::conditional_t<sizeof(Key) == sizeof(float), float, double>;
  for (std::size_t at = 0; at < keys.size(); at += block_rows) {
    const std::size_t end = std::min(at + block_rows, keys.size());
    Key nans = 0;  // as wide as keys, so that the loop becomes vectors
    for (std::size_t i = at; i < end; ++i) {
      const auto score = static_cast<Wide>(scores[i]);
      nans |= static_cast<Key>(score != score);
      keys[i] = descending_key(score);
    }
    if (nans != 0) return std::find_if(scores + at, scores + end, [](Float s) { return s != s; }) - scores;
  }
  return all_rows_good;
}

}  // namespace detail

// The keys of a column of float32 or float64, of which a key of 32 bits holds the first only; returns the first row
// that is NaN, or all_rows_good.
template <class Key>
std::int64_t read_scores(const column& from, Key* to)
{
  const std::span<Key> keys(to, static_cast<std::size_t>(from.length()));
  std::int64_t bad = all_rows_good;
  from.visit_stored([&](auto values) {
    if constexpr (std::is_floating_point_v<std::remove_cvref_t<decltype(*values)>>)
      bad = detail::read_floats(values, keys);
  });
  return bad;
}

// What a format must hold of some weights: the lowest exponent of a bit that is set, and the highest.
struct weight_range {
  int lowest = std::numeric_limits<int>::max();
  int highest = std::numeric_limits<int>::min();
};

namespace detail
{

inline constexpr std::size_t weight_block = 256;

// Whether all weights are above 0, finite, and such that whatever their bits are, the range holds them: an exponent of
// a double is that of its first bit, and its last is 52 below.
inline bool are_within(std::span<const double> weights, const weight_range& range) noexcept
{
  if (range.lowest > range.highest) return false;
  const double least = std::ldexp(1.0, range.lowest + 52);
  const double beyond = std::ldexp(1.0, range.highest + 1);  // infinite if there is nothing beyond
  std::uint64_t outside = 0;                                 // as wide as weights, so that the loop becomes vectors
  for (const double weight : weights) outside |= static_cast<std::uint64_t>(!(weight >= least && weight < beyond));
  return outside == 0;
}

}  // namespace detail

// Take out the rows that weigh nothing, in place. Returns how many are left; or, negative and less one, the first row
// whose weight is negative, infinite or NaN.
template <class Key>
std::int64_t drop_weightless(std::span<const double> from, Key* keys, std::uint8_t* labels, double* weights,
                             weight_range& range) noexcept
{
  std::size_t kept = 0;
  for (std::size_t at = 0; at < from.size(); at += detail::weight_block) {
    const auto block = from.subspan(at, std::min(detail::weight_block, from.size() - at));
    if (kept == at && detail::are_within(block, range)) {
      std::copy(block.begin(), block.end(), weights + at);
      kept += block.size();
      continue;
    }
    for (std::size_t i = at; i < at + block.size(); ++i) {
      const double weight = from[i];
      if (!(weight >= 0.0 && weight <= std::numeric_limits<double>::max())) return -1 - static_cast<std::int64_t>(i);
      keys[kept] = keys[i];
      labels[kept] = labels[i];
      weights[kept] = weight;
      if (weight == 0.0) continue;
      const odd_weight odd(weight);
      range.lowest = std::min(range.lowest, odd.exponent);
      range.highest = std::max(range.highest, odd.top());
      ++kept;
    }
  }
  return static_cast<std::int64_t>(kept);
}

}  // namespace aliquot
