// Confusion matrices: how often each pair of classes, the true and the predicted, came up; in each slice of the rows,
// if there are several.
//
// Rows go by blocks. First both columns become cells (confusion_cells.hpp); then cells are counted, one increment a
// row, in several tables in turn, as an increment has to wait for the last one of the same cell. Meanwhile the next
// block is on its way to the cache, so that counting costs little more than reading.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "column.hpp"
#include "confusion_cells.hpp"

namespace aliquot
{

// Wider matrices are sparse (confusion_sparse.hpp), and so are those of more cells in all slices together.
inline constexpr std::uint32_t max_dense_width = 2048;
inline constexpr std::size_t max_dense_cells = std::size_t{max_dense_width} * max_dense_width;

// All cells of a window, slice after slice.
class dense_counts
{
 public:
  // 1 <= window.width <= max_dense_width, 1 <= slices, and width * width * slices <= max_dense_cells (not checked)
  dense_counts(const code_window& window, std::uint32_t slices)
      : window_(window),
        of_slice_(window.width * window.width),
        size_(std::size_t{of_slice_} * slices),
        recent_(size_ <= most_copied ? size_ * tables : 0),
        steps_(size_ <= most_copied ? 0 : size_),
        totals_(size_)
  {
  }

  std::int64_t operator[](std::size_t cell) const noexcept
  {
    std::int64_t count = totals_[cell] + (steps_.empty() ? 0 : steps_[cell]);
    for (std::size_t at = cell; at < recent_.size(); at += size_) count += recent_[at];
    return count;
  }

  void add(std::size_t cell, std::int64_t count) noexcept { totals_[cell] += count; }

  // How many cells have rows.
  std::size_t used() const noexcept
  {
    std::size_t number = 0;
    for (std::size_t cell = 0; cell < size_; ++cell) number += (*this)[cell] != 0;
    return number;
  }

  // Those cells, in order: slices, the integers of both classes, and rows. Each array has room for them.
  void list(std::int64_t* slices, std::int64_t* y_true, std::int64_t* y_pred, std::int64_t* rows) const noexcept
  {
    for (std::size_t cell = 0; cell < size_; ++cell) {
      const std::int64_t count = (*this)[cell];
      if (count == 0) continue;
      const auto in_slice = static_cast<std::uint32_t>(cell % of_slice_);
      *slices++ = static_cast<std::int64_t>(cell / of_slice_);
      *y_true++ = window_.base + in_slice / window_.width;
      *y_pred++ = window_.base + in_slice % window_.width;
      *rows++ = count;
    }
  }

  // Count rows begin, ..., end - 1, all valid and of types that visit_stored knows, or booleans, in slices that there
  // are (not checked). Returns `end`, or the first row of a block in which a value is outside the window; then the rows
  // before are counted.
  std::int64_t count(const labelled_rows& rows, std::int64_t begin, std::int64_t end) noexcept
  {
    if (rows.slices == nullptr && rows.y_true.is_boolean() && rows.y_pred.is_boolean() && holds_booleans()) {
      count_booleans(rows.y_true, rows.y_pred, begin, end);
      return end;
    }
    const auto [t_values, t_bytes] = values_of(rows.y_true);
    const auto [p_values, p_bytes] = values_of(rows.y_pred);
    for (std::int64_t at = begin; at < end;) {
      make_room();
      const auto n = static_cast<std::size_t>(std::min<std::int64_t>(end - at, detail::confusion_block));
      const std::int64_t next = at + static_cast<std::int64_t>(n);
      // Of the next block, wherever there is one; a prefetch of nothing does no harm.
      const auto first = static_cast<std::size_t>(next);
      const stride ahead{t_values + first * t_bytes, t_bytes, p_values + first * p_bytes, p_bytes};
      if (window_.width <= 16 && rows.slices == nullptr) {
        alignas(64) std::array<std::uint8_t, detail::confusion_block> cells;
        if (!detail::small_cells(rows, at, n, window_, cells.data())) return at;
        if (window_.width <= few) {
          detail::count_few(cells.data(), n, of_slice_, recent_.data());
        } else {
          count_cells(cells.data(), n, ahead);
        }
      } else {
        alignas(64) std::array<std::uint32_t, detail::confusion_block> cells;
        if (!detail::large_cells(rows, at, n, window_, cells.data())) return at;
        if (rows.slices != nullptr) detail::move_to_slices(rows.slices + at, n, of_slice_, cells.data());
        if (steps_.empty()) {
          count_cells(cells.data(), n, ahead);
        } else {
          count_steps(cells.data(), n);
        }
      }
      recent_rows_ += n;
      at = next;
    }
    return end;
  }

  // Take rows back. Returns `end`, or the first row that was never counted; then nothing is taken back.
  std::int64_t uncount(const labelled_rows& rows, std::int64_t begin, std::int64_t end) noexcept
  {
    std::array<std::size_t, detail::confusion_block> cells;
    for (std::int64_t at = begin; at < end;) {
      const auto n = static_cast<std::size_t>(std::min<std::int64_t>(end - at, detail::confusion_block));
      std::size_t good = 0;
      for (; good < n; ++good) {
        const auto row = at + static_cast<std::int64_t>(good);
        if (!cell_of(rows, row, cells[good]) || (*this)[cells[good]] == 0) break;
        --totals_[cells[good]];
      }
      if (good < n) {
        for (std::size_t i = 0; i < good; ++i) ++totals_[cells[i]];
        count_again(rows, begin, at);
        return at + static_cast<std::int64_t>(good);
      }
      at += static_cast<std::int64_t>(n);
    }
    return end;
  }

 private:
  // As many tables as increments of one cell are under way at once.
  static constexpr std::size_t tables = 4;
  // Up to so many cells: those of 64 classes, in 64 KiB.
  static constexpr std::size_t most_copied = 4096;
  // Up to this width, comparing with each cell is quicker: measured for bytes, 0.17 to 0.3 ns a row for 0.5.
  static constexpr std::uint32_t few = 3;

  struct stride {
    const char* t;
    std::size_t t_bytes;
    const char* p;
    std::size_t p_bytes;
  };

  // Where the rows of a column of numbers are, and how long each is; for booleans, of which one block is a cache line,
  // nothing worth a prefetch.
  static std::pair<const char*, std::size_t> values_of(const column& c) noexcept
  {
    std::pair<const char*, std::size_t> found{nullptr, 0};
    c.visit_stored([&](const auto* values) { found = {reinterpret_cast<const char*>(values), sizeof *values}; });
    return found;
  }

  template <class Cell>
  void count_cells(const Cell* cells, std::size_t n, const stride& ahead) noexcept
  {
    std::array<std::uint32_t*, tables> into;
    for (std::size_t i = 0; i < tables; ++i) into[i] = recent_.data() + i * size_;
    constexpr std::size_t step = 16;
    std::size_t i = 0;
    for (; i + step <= n; i += step) {
      for (std::size_t b = 0; b < step * ahead.t_bytes; b += 64) __builtin_prefetch(ahead.t + i * ahead.t_bytes + b);
      for (std::size_t b = 0; b < step * ahead.p_bytes; b += 64) __builtin_prefetch(ahead.p + i * ahead.p_bytes + b);
      for (std::size_t j = i; j < i + step; j += tables) {
        ++into[0][cells[j]];
        ++into[1][cells[j + 1]];
        ++into[2][cells[j + 2]];
        ++into[3][cells[j + 3]];
      }
    }
    for (; i < n; ++i) ++into[0][cells[i]];
  }

  // In a table of bytes, which stays in the cache where words would not; what overflows goes on to the totals.
  void count_steps(const std::uint32_t* cells, std::size_t n) noexcept
  {
    for (std::size_t i = 0; i < n; ++i) {
      if (++steps_[cells[i]] == 0) totals_[cells[i]] += 256;
    }
  }

  bool cell_of(const labelled_rows& rows, std::int64_t row, std::size_t& cell) const noexcept
  {
    std::uint32_t of_labels = 0;
    const bool inside = detail::large_cells(rows, row, 1, window_, &of_labels);
    cell = of_labels + (rows.slices == nullptr ? 0 : static_cast<std::size_t>(rows.slices[row]) * of_slice_);
    return inside;
  }

  void count_again(const labelled_rows& rows, std::int64_t begin, std::int64_t end) noexcept
  {
    std::size_t cell = 0;
    for (std::int64_t row = begin; row < end; ++row) {
      if (cell_of(rows, row, cell)) ++totals_[cell];
    }
  }

  bool holds_booleans() const noexcept { return window_.base <= 0 && window_.base + window_.width >= 2; }

  void count_booleans(const column& y_true, const column& y_pred, std::int64_t begin, std::int64_t end) noexcept
  {
    const auto counts =
        detail::count_bits(y_true.bits(), y_true.offset() + begin, y_pred.bits(), y_pred.offset() + begin, end - begin);
    const auto zero = static_cast<std::size_t>(-window_.base);
    const std::size_t width = window_.width;
    totals_[zero * width + zero] += end - begin - counts.t - counts.p + counts.both;
    totals_[zero * width + zero + 1] += counts.p - counts.both;
    totals_[(zero + 1) * width + zero] += counts.t - counts.both;
    totals_[(zero + 1) * width + zero + 1] += counts.both;
  }

  // Tables of 32 bits are half as large in the cache; they are emptied before a count can overflow.
  void make_room() noexcept
  {
    if (recent_rows_ < std::numeric_limits<std::uint32_t>::max() - detail::confusion_block) return;
    for (std::size_t i = 0; i < recent_.size(); ++i) totals_[i % size_] += recent_[i];
    std::fill(recent_.begin(), recent_.end(), 0);
    recent_rows_ = 0;
  }

  code_window window_;
  std::uint32_t of_slice_;  // cells
  std::size_t size_;
  std::vector<std::uint32_t> recent_;  // tables of all cells, if they are few
  std::vector<std::uint8_t> steps_;    // one of bytes otherwise
  std::vector<std::int64_t> totals_;   // may be below zero, as uncount takes from here what was counted elsewhere
  std::size_t recent_rows_ = 0;
};

}  // namespace aliquot
