// Confusion matrices: how often each pair of classes, the true and the predicted, came up.
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

// Wider matrices are sparse (confusion_sparse.hpp).
inline constexpr std::uint32_t max_dense_width = 2048;

// All cells of a window.
class dense_counts
{
 public:
  // 1 <= window.width <= max_dense_width (not checked)
  explicit dense_counts(const code_window& window)
      : window_(window),
        size_(std::size_t{window.width} * window.width),
        copies_(window.width > few && window.width <= 64 ? tables : 1),
        recent_(size_ * copies_),
        totals_(size_)
  {
  }

  std::size_t size() const noexcept { return size_; }

  std::int64_t operator[](std::size_t cell) const noexcept
  {
    std::int64_t count = totals_[cell];
    for (std::size_t copy = 0; copy < copies_; ++copy) count += recent_[copy * size_ + cell];
    return count;
  }

  void add(std::size_t cell, std::int64_t count) noexcept { totals_[cell] += count; }

  // Count rows begin, ..., end - 1, all valid and of types that visit_stored knows, or booleans (not checked). Returns
  // `end`, or the first row of a block in which a value is outside the window; then the rows before are counted.
  std::int64_t count(const column& y_true, const column& y_pred, std::int64_t begin, std::int64_t end) noexcept
  {
    if (y_true.is_boolean() && y_pred.is_boolean() && holds_booleans()) {
      count_booleans(y_true, y_pred, begin, end);
      return end;
    }
    const auto [t_values, t_bytes] = values_of(y_true);
    const auto [p_values, p_bytes] = values_of(y_pred);
    for (std::int64_t at = begin; at < end;) {
      make_room();
      const auto n = static_cast<std::size_t>(std::min<std::int64_t>(end - at, detail::confusion_block));
      const std::int64_t next = at + static_cast<std::int64_t>(n);
      // Of the next block, wherever there is one; a prefetch of nothing does no harm.
      const auto rows = static_cast<std::size_t>(next);
      const stride ahead{t_values + rows * t_bytes, t_bytes, p_values + rows * p_bytes, p_bytes};
      if (window_.width <= 16) {
        alignas(64) std::array<std::uint8_t, detail::confusion_block> cells;
        if (!detail::small_cells(y_true, y_pred, at, n, window_, cells.data())) return at;
        if (window_.width <= few) {
          detail::count_few(cells.data(), n, static_cast<std::uint32_t>(size_), recent_.data());
        } else {
          count_cells(cells.data(), n, ahead);
        }
      } else {
        alignas(64) std::array<std::uint32_t, detail::confusion_block> cells;
        if (!detail::large_cells(y_true, y_pred, at, n, window_, cells.data())) return at;
        count_cells(cells.data(), n, ahead);
      }
      recent_rows_ += n;
      at = next;
    }
    return end;
  }

  // Take rows back. Returns `end`, or the first row that was never counted; then nothing is taken back.
  std::int64_t uncount(const column& y_true, const column& y_pred, std::int64_t begin, std::int64_t end) noexcept
  {
    std::array<std::uint32_t, detail::confusion_block> cells;
    for (std::int64_t at = begin; at < end;) {
      const auto n = static_cast<std::size_t>(std::min<std::int64_t>(end - at, detail::confusion_block));
      std::size_t good = 0;
      for (; good < n; ++good) {
        const auto row = at + static_cast<std::int64_t>(good);
        if (!detail::large_cells(y_true, y_pred, row, 1, window_, &cells[good])) break;
        if ((*this)[cells[good]] == 0) break;
        --totals_[cells[good]];
      }
      if (good < n) {
        for (std::size_t i = 0; i < good; ++i) ++totals_[cells[i]];
        count_again(y_true, y_pred, begin, at);
        return at + static_cast<std::int64_t>(good);
      }
      at += static_cast<std::int64_t>(n);
    }
    return end;
  }

 private:
  // As many tables as increments of one cell are under way at once.
  static constexpr std::size_t tables = 4;
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
    const bool several = copies_ == tables;
    std::array<std::uint32_t*, tables> into;
    for (std::size_t i = 0; i < tables; ++i) into[i] = recent_.data() + (several ? i * size_ : 0);
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

  void count_again(const column& y_true, const column& y_pred, std::int64_t begin, std::int64_t end) noexcept
  {
    std::uint32_t cell = 0;
    for (std::int64_t row = begin; row < end; ++row) {
      if (detail::large_cells(y_true, y_pred, row, 1, window_, &cell)) ++totals_[cell];
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
  std::size_t size_;
  std::size_t copies_;
  std::vector<std::uint32_t> recent_;
  std::vector<std::int64_t> totals_;  // may be below zero, as uncount takes from here what was counted in recent_
  std::size_t recent_rows_ = 0;
};

}  // namespace aliquot
