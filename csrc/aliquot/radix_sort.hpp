// Scored rows in descending order of score, by the bits of the score: digit by digit, over those bits only in which
// they differ.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace aliquot
{

template <class Float>
using key_of = std::conditional_t<sizeof(Float) == sizeof(std::uint32_t), std::uint32_t, std::uint64_t>;

// Keys ascend as scores descend; 0.0 and -0.0 have the same. Not for NaN.
template <class Float>
constexpr key_of<Float> descending_key(Float score) noexcept
{
  using Key = key_of<Float>;
  const auto bits = std::bit_cast<Key>(score + Float{0});
  const auto if_positive = static_cast<Key>((bits >> (8 * sizeof(Key) - 1)) - 1);
  return bits ^ static_cast<Key>(if_positive >> 1);
}

template <class Float>
constexpr Float score_of(key_of<Float> key) noexcept
{
  using Key = key_of<Float>;
  const auto if_positive = static_cast<Key>((key >> (8 * sizeof(Key) - 1)) - 1);
  return std::bit_cast<Float>(static_cast<Key>(key ^ static_cast<Key>(if_positive >> 1)));
}

// A row while it is sorted: its key without the first bit, which its bucket knows, and then its label, 0 or 1.
template <class Key>
struct labelled_row {
  Key word;
};

// One whose weight is a whole number of units.
template <class Key>
struct counted_row {
  Key word;
  Key units;
};

template <class Key>
struct weighted_row {
  Key word;
  double weight;
};

namespace detail
{

inline constexpr int most_digit_bits = 11;  // 2,048 counters of 4 bytes leave room in a first-level cache
inline constexpr std::size_t cached_bytes = 1 << 19;
inline constexpr std::size_t few_rows = 32;  // below, insertion is quicker than counting

using digit_counts = std::array<std::uint32_t, std::size_t{1} << most_digit_bits>;

// As wide a digit as suits this many rows, so that few rows do not pay for many counters.
inline int digit_bits_for(std::size_t rows) noexcept
{
  return std::clamp(static_cast<int>(std::bit_width(rows)) - 1, 6, most_digit_bits);
}

// Where each digit's rows begin, in place of how many there are.
inline void counts_to_starts(std::span<std::uint32_t> counts) noexcept
{
  std::uint32_t start = 0;
  for (std::uint32_t& count : counts) {
    const std::uint32_t end = start + count;
    count = start;
    start = end;
  }
}

template <class Row>
void insertion_sort(std::span<Row> rows) noexcept
{
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const Row row = rows[i];
    std::size_t at = i;
    for (; at > 0 && row.word < rows[at - 1].word; --at) rows[at] = rows[at - 1];
    rows[at] = row;
  }
}

// Copy rows to where their digit's rows go; afterwards `starts` are ends.
template <class Row, class Word>
void deal(std::span<const Row> rows, Row* to, int shift, Word mask, digit_counts& starts) noexcept
{
  for (const Row& row : rows) to[starts[static_cast<std::size_t>(row.word >> shift & mask)]++] = row;
}

template <class Row, class Word>
void count_digits(std::span<const Row> rows, int shift, Word mask, digit_counts& counts) noexcept
{
  const auto digits = static_cast<std::size_t>(mask) + 1;
  std::fill_n(counts.begin(), digits, 0u);
  for (const Row& row : rows) ++counts[static_cast<std::size_t>(row.word >> shift & mask)];
  counts_to_starts(std::span(counts.data(), digits));
}

// By some bits, in one digit or in two, which are counted at once. No more than two of the widest digits (not checked).
template <class Row, class Word>
void sort_by_digits(std::span<Row> rows, Row* spare, Word bits) noexcept
{
  const int shift = std::countr_zero(bits);
  const int width = static_cast<int>(std::bit_width(bits)) - shift;
  const bool is_one = width <= digit_bits_for(rows.size());
  const int digit_bits = is_one ? width : (width + 1) / 2;
  const auto mask = static_cast<Word>((Word{1} << digit_bits) - 1);
  digit_counts lower;
  if (is_one) {
    count_digits<Row>(rows, shift, mask, lower);
    deal<Row>(rows, spare, shift, mask, lower);
    std::copy_n(spare, rows.size(), rows.data());
    return;
  }
  const auto digits = static_cast<std::size_t>(mask) + 1;
  digit_counts upper;
  std::fill_n(lower.begin(), digits, 0u);
  std::fill_n(upper.begin(), digits, 0u);
  for (const Row& row : rows) {
    const auto word = static_cast<Word>(row.word >> shift);
    ++lower[static_cast<std::size_t>(word & mask)];
    ++upper[static_cast<std::size_t>(word >> digit_bits & mask)];
  }
  counts_to_starts(std::span(lower.data(), digits));
  counts_to_starts(std::span(upper.data(), digits));
  deal<Row>(rows, spare, shift, mask, lower);
  deal<Row>(std::span<const Row>(spare, rows.size()), rows.data(), shift + digit_bits, mask, upper);
}

}  // namespace detail

// The bits in which keys differ, where they stand in a word.
template <class Row>
auto differing_bits(std::span<const Row> rows) noexcept
{
  using Word = decltype(Row::word);
  Word differing = 0;
  for (const Row& row : rows) differing |= static_cast<Word>(row.word ^ rows[0].word);
  return static_cast<Word>(differing & ~Word{1});
}

// Rows in ascending order of key, labels in any order; `spare` is room for as many. Fewer than 2^32 rows (not checked).
template <class Row>
void sort_rows(std::span<Row> rows, Row* spare) noexcept
{
  using Word = decltype(Row::word);
  if (rows.size() < detail::few_rows) return detail::insertion_sort(rows);
  const Word differing = differing_bits(std::span<const Row>(rows));
  if (differing == 0) return;
  const int bits = static_cast<int>(std::bit_width(differing));
  if (rows.size_bytes() <= detail::cached_bytes || bits <= detail::most_digit_bits) {
    // Some more bits than it takes to number the rows leave few alike, and so most of a long key need not be looked at.
    const int enough = static_cast<int>(std::bit_width(rows.size())) + 4;
    const int rest = std::max(bits - enough, 0);
    const auto low = static_cast<Word>((Word{1} << rest) - 1);
    detail::sort_by_digits(rows, spare, static_cast<Word>(differing & ~low));
    if ((differing & low) == 0) return;
    for (std::size_t start = 0, end = 1; start < rows.size(); start = end++) {
      while (end < rows.size() && rows[end].word >> rest == rows[start].word >> rest) ++end;
      if (end - start > 1) sort_rows(rows.subspan(start, end - start), spare);
    }
    return;
  }
  // Too many for the cache: one pass by the first digit, then digit by digit in each bucket.
  constexpr auto mask = static_cast<Word>((Word{1} << detail::most_digit_bits) - 1);
  const int shift = bits - detail::most_digit_bits;
  detail::digit_counts ends;
  detail::count_digits<Row>(rows, shift, mask, ends);
  detail::deal<Row>(rows, spare, shift, mask, ends);
  std::size_t start = 0;
  for (const std::size_t end : ends) {
    sort_rows(std::span(spare + start, end - start), rows.data() + start);
    start = end;
  }
  std::copy_n(spare, rows.size(), rows.data());
}

}  // namespace aliquot
