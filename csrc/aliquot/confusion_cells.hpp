// Rows as cells of a confusion matrix: codes of both columns, narrowed and joined a block at a time, which vectorises.
//
// Classes are integers in a window [base, base + width); the code of one is its distance from the base.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "column.hpp"
#include "target_clones.hpp"

namespace aliquot
{

// The classes that a matrix has room for.
struct code_window {
  std::int64_t base;
  std::uint32_t width;  // base + width - 1 is an int64 (not checked)
};

// Two columns of one length, and the slice of each row from row 0 on; null if all rows are of slice 0.
struct labelled_rows {
  const column& y_true;
  const column& y_pred;
  const std::int32_t* slices;
};

namespace detail
{

inline constexpr std::size_t confusion_block = 512;

// Windows of floats begin within this of 0, so that all numbers in them are below 2^51.
inline constexpr std::int64_t most_whole = std::int64_t{1} << 50;

// Codes of values, cut to the type that is wanted: whether none lost a bit by it.
template <class Code, class T>
[[gnu::always_inline]] inline bool narrow(const T* values, std::size_t n, const code_window& window,
                                          Code* __restrict codes)
{
  if constexpr (std::is_floating_point_v<T>) {
    // Beside this constant, the bits of a double are those of a whole number below 2^51, counted up from the constant's
    // own: what is not whole is rounded, and what is larger, infinite or NaN is far outside the window.
    constexpr double whole = 0x1.8p52;
    const auto origin = std::bit_cast<std::uint64_t>(whole) + static_cast<std::uint64_t>(window.base);
    std::uint64_t seen = 0;
    std::uint64_t lost = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto value = static_cast<double>(values[i]);
      const double beside = value + whole;
      const std::uint64_t code = std::bit_cast<std::uint64_t>(beside) - origin;
      lost |= (std::bit_cast<std::uint64_t>(beside - whole) ^ std::bit_cast<std::uint64_t>(value)) << 1;  // -0 is 0
      seen |= code;
      codes[i] = static_cast<Code>(code);
    }
    const bool is_exact = window.base > -most_whole && window.base < most_whole;
    return is_exact && lost == 0 && seen >> std::numeric_limits<Code>::digits == 0;
  } else {
    using word = std::make_unsigned_t<T>;
    // In its own width, modulo 2^bits, the code of what is outside the window is at least the window's width, provided
    // the window is in the range of T.
    const auto base = static_cast<word>(window.base);
    word seen = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto code = static_cast<word>(static_cast<word>(values[i]) - base);
      seen = static_cast<word>(seen | code);
      codes[i] = static_cast<Code>(code);
    }
    return std::uint64_t{seen} >> std::min(std::numeric_limits<Code>::digits, 63) == 0;
  }
}

// The same for a window that is not in the range of T, and for booleans: value(i) is row i as int64 or uint64.
template <class Code, class Value>
[[gnu::always_inline]] inline bool narrow_widely(Value value, std::int64_t at, std::size_t n, const code_window& window,
                                                 Code* codes)
{
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto v = value(at + static_cast<std::int64_t>(i));
    const std::uint64_t code = static_cast<std::uint64_t>(v) - static_cast<std::uint64_t>(window.base);
    seen |= code;
    if constexpr (std::is_unsigned_v<decltype(value(at))>) seen |= v & std::uint64_t{1} << 63;
    codes[i] = static_cast<Code>(code);
  }
  return seen >> std::numeric_limits<Code>::digits == 0;
}

template <class T>
constexpr bool holds(const code_window& window) noexcept
{
  if constexpr (std::is_floating_point_v<T>) {
    return true;
  } else {
    const auto last = window.base + static_cast<std::int64_t>(window.width) - 1;
    const bool above =
        std::is_unsigned_v<T> ? window.base >= 0 : window.base >= std::int64_t{std::numeric_limits<T>::min()};
    return above && (last < 0 || static_cast<std::uint64_t>(last) <= std::uint64_t{std::numeric_limits<T>::max()});
  }
}

template <class Code>
[[gnu::always_inline]] inline bool column_codes(const column& c, std::int64_t at, std::size_t n,
                                                const code_window& window, Code* codes)
{
  bool fits = false;
  const bool is_number = c.visit_stored([&](const auto* values) {
    using T = std::remove_cvref_t<decltype(*values)>;
    if (holds<T>(window)) {
      fits = narrow(values + at, n, window, codes);
    } else if constexpr (std::is_integral_v<T>) {
      using wide = std::conditional_t<std::is_unsigned_v<T>, std::uint64_t, std::int64_t>;
      fits = narrow_widely([values](std::int64_t i) -> wide { return values[i]; }, at, n, window, codes);
    }
  });
  if (!is_number) {
    c.visit([&](auto value) {
      if constexpr (std::is_integral_v<decltype(value(at))>) fits = narrow_widely(value, at, n, window, codes);
    });
  }
  return fits;
}

// Both codes as one; returns the highest of them.
template <class Code, class Cell>
[[gnu::always_inline]] inline Code join(const Code* t, const Code* p, std::size_t n, Cell width, Cell* __restrict cells)
{
  Code highest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    highest = std::max(highest, std::max(t[i], p[i]));
    cells[i] = static_cast<Cell>(static_cast<Cell>(t[i]) * width + p[i]);
  }
  return highest;
}

// The cells of a block of rows; false if a value is outside the window, and then they mean nothing.
template <class Code, class Cell>
[[gnu::always_inline]] inline bool block_cells(const labelled_rows& rows, std::int64_t at, std::size_t n,
                                               const code_window& window, Cell* cells)
{
  alignas(64) std::array<Code, confusion_block> t;
  alignas(64) std::array<Code, confusion_block> p;
  if (!column_codes(rows.y_true, at, n, window, t.data())) return false;
  if (!column_codes(rows.y_pred, at, n, window, p.data())) return false;
  return join(t.data(), p.data(), n, static_cast<Cell>(window.width), cells) < window.width;
}

ALIQUOT_TARGET_CLONES
[[gnu::flatten]] inline bool small_cells(const labelled_rows& rows, std::int64_t at, std::size_t n,
                                         const code_window window, std::uint8_t* cells)
{
  return block_cells<std::uint8_t>(rows, at, n, window, cells);
}

ALIQUOT_TARGET_CLONES
[[gnu::flatten]] inline bool large_cells(const labelled_rows& rows, std::int64_t at, std::size_t n,
                                         const code_window window, std::uint32_t* cells)
{
  return block_cells<std::uint16_t>(rows, at, n, window, cells);
}

// Cells of a slice's labels as cells of all slices; there are fewer than 2^32.
ALIQUOT_TARGET_CLONES
inline void move_to_slices(const std::int32_t* slices, std::size_t n, std::uint32_t of_slice,
                           std::uint32_t* cells) noexcept
{
  for (std::size_t i = 0; i < n; ++i) cells[i] += static_cast<std::uint32_t>(slices[i]) * of_slice;
}

// How often a cell is among 255 or fewer.
[[gnu::always_inline]] inline std::uint8_t count_equal(const std::uint8_t* cells, std::size_t n, std::uint8_t cell)
{
  std::uint8_t count = 0;
  for (std::size_t i = 0; i < n; ++i) count = static_cast<std::uint8_t>(count + (cells[i] == cell));
  return count;
}

// For so few cells that comparing with each is quicker than counting.
ALIQUOT_TARGET_CLONES
inline void count_few(const std::uint8_t* cells, std::size_t n, std::uint32_t number, std::uint32_t* counts) noexcept
{
  constexpr std::size_t step = 128;
  for (std::size_t at = 0; at < n; at += step) {
    for (std::uint32_t cell = 0; cell < number; ++cell) {
      const auto which = static_cast<std::uint8_t>(cell);
      counts[cell] += at + step <= n ? count_equal(cells + at, step, which) : count_equal(cells + at, n - at, which);
    }
  }
}

struct bit_counts {
  std::int64_t t;
  std::int64_t p;
  std::int64_t both;
};

// n bits from bit number `at` on.
inline std::uint64_t bits_at(const std::uint8_t* bits, std::int64_t at, std::int64_t n) noexcept
{
  std::uint64_t word = 0;
  const std::int64_t first = at >> 3;
  const int shift = static_cast<int>(at & 7);
  const std::int64_t bytes = (shift + n + 7) >> 3;
  std::memcpy(&word, bits + first, static_cast<std::size_t>(std::min<std::int64_t>(bytes, 8)));
  word >>= shift;
  if (bytes > 8) word |= std::uint64_t{bits[first + 8]} << (64 - shift);
  return n < 64 ? word & ((std::uint64_t{1} << n) - 1) : word;
}

ALIQUOT_TARGET_CLONES
inline bit_counts count_bits(const std::uint8_t* t, std::int64_t t_at, const std::uint8_t* p, std::int64_t p_at,
                             std::int64_t n) noexcept
{
  bit_counts counts{0, 0, 0};
  const auto add = [&](std::uint64_t a, std::uint64_t b) {
    counts.t += std::popcount(a);
    counts.p += std::popcount(b);
    counts.both += std::popcount(a & b);
  };
  std::int64_t i = 0;
  // A word and the byte after it hold any 64 bits; the last words are put together with care not to read beyond them.
  for (; i + 128 <= n; i += 64) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    const std::uint8_t* of_t = t + ((t_at + i) >> 3);
    const std::uint8_t* of_p = p + ((p_at + i) >> 3);
    std::memcpy(&a, of_t, 8);
    std::memcpy(&b, of_p, 8);
    const int t_shift = static_cast<int>(t_at & 7);
    const int p_shift = static_cast<int>(p_at & 7);
    a = a >> t_shift | std::uint64_t{of_t[8]} << 1 << (63 - t_shift);
    b = b >> p_shift | std::uint64_t{of_p[8]} << 1 << (63 - p_shift);
    add(a, b);
  }
  for (; i < n; i += 64) {
    const std::int64_t left = std::min<std::int64_t>(n - i, 64);
    add(bits_at(t, t_at + i, left), bits_at(p, p_at + i, left));
  }
  return counts;
}

}  // namespace detail

}  // namespace aliquot
