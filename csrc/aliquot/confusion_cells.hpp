// Rows as cells of a confusion matrix: codes of both columns, checked and joined a block at a time, which vectorises.
//
// Classes are integers in a window [base, base + width); the code of one is its distance from the base. The cell of two
// codes is (true ^ predicted) * unit + true, the unit being a power of two: without multiplying, and so that rows that
// were predicted right lie side by side in the cache. Cells are as wide as the words that codes are computed in, as
// narrowing them would take longer than all else.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
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
  std::uint32_t width;
  std::uint32_t unit;  // the first power of two that is not below the width

  // 1 <= width <= 2^31, and base + width - 1 is an int64 (not checked)
  code_window(std::int64_t from, std::uint32_t classes) noexcept
      : base(from), width(classes), unit(std::bit_ceil(classes))
  {
  }

  int shift() const noexcept { return std::countr_zero(unit); }
};

// Two columns of one length, and the slice of each row from row 0 on; null if all rows are of slice 0.
struct labelled_rows {
  const column& y_true;
  const column& y_pred;
  const std::int32_t* slices;
};

namespace detail
{

inline constexpr std::size_t confusion_block = 256;

// Windows of floats begin within this of 0, so that all numbers in them are below 2^51.
inline constexpr std::int64_t most_whole = std::int64_t{1} << 50;

template <class T>
constexpr bool is_wide = std::is_floating_point_v<T> || sizeof(T) == sizeof(std::uint64_t);

// Codes of T are computed in these.
template <class T>
using word_of = typename std::conditional_t<is_wide<T>, std::type_identity<std::uint64_t>, std::make_unsigned<T>>::type;

// Whether codes of T can be told from what is outside the window.
template <class T>
constexpr bool holds(const code_window& window) noexcept
{
  if constexpr (std::is_floating_point_v<T>) {
    return window.base > -most_whole && window.base < most_whole;
  } else if constexpr (is_wide<T>) {
    return true;
  } else {
    const std::int64_t last = window.base + (std::int64_t{window.width} - 1);
    return window.unit <= std::numeric_limits<word_of<T>>::max() &&  // or its bit would be lost
           window.base >= std::int64_t{std::numeric_limits<T>::min()} &&
           last <= std::int64_t{std::numeric_limits<T>::max()};
  }
}

// The code of a value, modulo 2^bits: for what is outside the window at least its width.
template <class T>
[[gnu::always_inline]] inline word_of<T> code_of(T value, word_of<T> base) noexcept
{
  if constexpr (std::is_floating_point_v<T>) {
    // Beside this constant, the bits of a double are those of a whole number below 2^51, counted up from the constant's
    // own. What is not whole is rounded, and what is larger, infinite or NaN is not what it was either.
    constexpr double whole = 0x1.8p52;
    const auto wide = static_cast<double>(value);
    const double beside = wide + whole;
    const auto is_other = static_cast<std::uint64_t>(beside - whole != wide);
    return (std::bit_cast<std::uint64_t>(beside) - std::bit_cast<std::uint64_t>(whole) - base) | (0 - is_other);
  } else {
    const auto code = static_cast<word_of<T>>(static_cast<word_of<T>>(value) - base);
    if constexpr (std::is_unsigned_v<T> && is_wide<T>) return code | (value & std::uint64_t{1} << 63);  // no int64
    return code;
  }
}

// Cells of n rows, in slice 0; false if a value is outside the window, and then they mean nothing.
template <class T, class Cell>
[[gnu::always_inline]] inline bool join(const T* t, const T* p, std::size_t n, const code_window& window,
                                        Cell* __restrict cells)
{
  if (!holds<T>(window)) return false;
  using word = word_of<T>;
  const auto base = static_cast<word>(window.base);
  const auto gap = static_cast<word>(window.unit - window.width);
  const int shift = window.shift();
  const auto unit = static_cast<Cell>(window.unit);
  word seen = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const word of_t = code_of(t[i], base);
    const word of_p = code_of(p[i], base);
    seen = static_cast<word>(seen | of_t | of_p | static_cast<word>(of_t + gap) | static_cast<word>(of_p + gap));
    const auto apart = static_cast<Cell>(of_t ^ of_p);
    cells[i] = static_cast<Cell>((sizeof(Cell) == 1 ? apart * unit : apart << shift) | of_t);  // no shifts of bytes
  }
  return std::uint64_t{seen} >> shift == 0;
}

// Cells of the first slice as cells of all slices; there are fewer than 2^32.
template <class Cell>
[[gnu::always_inline]] inline void add_slices(const std::int32_t* slices, std::size_t n, int shift, Cell* cells)
{
  for (std::size_t i = 0; i < n; ++i) cells[i] += static_cast<Cell>(slices[i]) << shift;
}

// Whether the cells of a block are as wide as this if both columns are of T.
template <class T, class Cell>
constexpr bool suits = is_wide<T> == (sizeof(Cell) == sizeof(std::uint64_t)) && sizeof(Cell) >= sizeof(T);

// How many bytes there are in cells of these rows, at the least.
inline std::size_t cell_bytes(const labelled_rows& rows, const code_window& window) noexcept
{
  std::size_t bytes = sizeof(std::uint64_t);
  if (!rows.y_true.is_like(rows.y_pred)) return bytes;
  rows.y_true.visit_stored([&](const auto* values) {
    using T = std::remove_cvref_t<decltype(*values)>;
    if (is_wide<T> || !holds<T>(window)) return;
    bytes = sizeof(T) == 1 && window.shift() <= 4 && rows.slices == nullptr ? 1 : sizeof(std::uint32_t);
  });
  return bytes;
}

// The codes of any column; false if it has none.
[[gnu::always_inline]] inline bool wide_codes(const column& c, std::int64_t at, std::size_t n,
                                              const code_window& window, std::uint64_t* codes)
{
  return c.visit([&](auto value) {
    using T = decltype(value(at));
    if constexpr (std::is_arithmetic_v<T>) {
      const auto base = static_cast<std::uint64_t>(window.base);
      for (std::size_t i = 0; i < n; ++i) codes[i] = code_of(value(at + static_cast<std::int64_t>(i)), base);
      return holds<T>(window);
    } else {
      return false;
    }
  });
}

// The cells of a block of rows; false if a value is outside the window, and then they mean nothing.
template <class Cell>
[[gnu::always_inline]] inline bool block_cells(const labelled_rows& rows, std::int64_t at, std::size_t n,
                                               const code_window& window, Cell* cells)
{
  bool is_inside = false;
  bool are_alike = false;
  if (rows.y_true.is_like(rows.y_pred)) {
    rows.y_true.visit_stored([&](const auto* values) {
      using T = std::remove_cvref_t<decltype(*values)>;
      if constexpr (suits<T, Cell>) {
        are_alike = true;
        is_inside = join(values + at, rows.y_pred.stored<T>() + at, n, window, cells);
      }
    });
  }
  if constexpr (sizeof(Cell) == sizeof(std::uint64_t)) {
    if (!are_alike) {
      std::array<std::uint64_t, confusion_block> t;
      std::array<std::uint64_t, confusion_block> p;
      is_inside = wide_codes(rows.y_true, at, n, window, t.data()) &&
                  wide_codes(rows.y_pred, at, n, window, p.data()) &&
                  join(t.data(), p.data(), n, code_window{0, window.width}, cells);
    }
  }
  if constexpr (sizeof(Cell) > 1) {
    if (rows.slices != nullptr) add_slices(rows.slices + at, n, 2 * window.shift(), cells);
  }
  return is_inside;
}

ALIQUOT_TARGET_CLONES
[[gnu::flatten]] inline bool cells_of(const labelled_rows& rows, std::int64_t at, std::size_t n,
                                      const code_window window, std::uint8_t* cells)
{
  return block_cells(rows, at, n, window, cells);
}

ALIQUOT_TARGET_CLONES
[[gnu::flatten]] inline bool cells_of(const labelled_rows& rows, std::int64_t at, std::size_t n,
                                      const code_window window, std::uint32_t* cells)
{
  return block_cells(rows, at, n, window, cells);
}

ALIQUOT_TARGET_CLONES
[[gnu::flatten]] inline bool cells_of(const labelled_rows& rows, std::int64_t at, std::size_t n,
                                      const code_window window, std::uint64_t* cells)
{
  return block_cells(rows, at, n, window, cells);
}

// How often a cell is among 255 or fewer.
[[gnu::always_inline]] inline std::uint8_t count_equal(const std::uint8_t* cells, std::size_t n, std::uint8_t cell)
{
  std::uint8_t count = 0;
  for (std::size_t i = 0; i < n; ++i) count = static_cast<std::uint8_t>(count + (cells[i] == cell));
  return count;
}

// For so few classes that comparing with each cell is quicker than counting.
ALIQUOT_TARGET_CLONES
inline void count_few(const std::uint8_t* cells, std::size_t n, const code_window window,
                      std::uint32_t* counts) noexcept
{
  constexpr std::size_t step = 128;
  for (std::size_t at = 0; at < n; at += step) {
    for (std::uint32_t pair = 0; pair < window.width * window.width; ++pair) {
      const std::uint32_t t = pair / window.width;
      const std::uint32_t cell = (t ^ pair % window.width) << window.shift() | t;
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
