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
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
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
        tables_(size_ <= most_copied  ? most_tables
                : size_ <= most_words ? 1
                                      : 0),
        recent_(tables_ * size_),
        steps_(tables_ == 0 ? size_ : 0),
        totals_(static_cast<std::int64_t*>(std::calloc(size_, sizeof(std::int64_t))))
  {
    if (totals_ == nullptr) throw std::bad_alloc();
  }

  void add(std::size_t cell, std::int64_t count) noexcept { totals_[cell] += count; }

  // counts[c] = the rows of cell c, of width * width * slices.
  void copy_to(std::int64_t* counts) const noexcept
  {
    std::copy_n(totals_.get(), size_, counts);
    for (std::size_t cell = 0; cell < steps_.size(); ++cell) counts[cell] += steps_[cell];
    for (std::size_t table = 0; table < tables_; ++table) {
      const std::uint32_t* of_table = recent_.data() + table * size_;
      for (std::size_t cell = 0; cell < size_; ++cell) counts[cell] += of_table[cell];
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
          count_steps(cells.data(), n, ahead);
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
        if (!cell_of(rows, row, cells[good])) break;
        std::int64_t& count = settled(cells[good]);
        if (count == 0) break;
        --count;
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
  static constexpr std::size_t most_tables = 4;
  // Up to so many cells: those of 64 classes, in 64 KiB.
  static constexpr std::size_t most_copied = 4096;
  // One table of words for those of 128 classes; larger ones leave the cache: measured, 0.43 ns a row for 0.86 of
  // bytes.
  static constexpr std::size_t most_words = std::size_t{1} << 14;
  // Up to this width, comparing with each cell is quicker: measured for bytes, 0.17 to 0.3 ns a row for 0.5.
  static constexpr std::uint32_t few = 3;

  struct freed {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };

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

  // f(i) for n rows, while as many of the next block are fetched.
  template <class F>
  [[gnu::always_inline]] static void each_row(std::size_t n, const stride& ahead, F f) noexcept
  {
    constexpr std::size_t step = 16;
    std::size_t i = 0;
    for (; i + step <= n; i += step) {
      for (std::size_t b = 0; b < step * ahead.t_bytes; b += 64) __builtin_prefetch(ahead.t + i * ahead.t_bytes + b);
      for (std::size_t b = 0; b < step * ahead.p_bytes; b += 64) __builtin_prefetch(ahead.p + i * ahead.p_bytes + b);
      for (std::size_t j = i; j < i + step; ++j) f(j);
    }
    for (; i < n; ++i) f(i);
  }

  template <class Cell>
  void count_cells(const Cell* cells, std::size_t n, const stride& ahead) noexcept
  {
    std::array<std::uint32_t*, most_tables> into;
    for (std::size_t i = 0; i < most_tables; ++i) into[i] = recent_.data() + i % tables_ * size_;
    each_row(n, ahead, [&](std::size_t i) { ++into[i % most_tables][cells[i]]; });
  }

  // In a table of bytes, which stays in the cache where words would not; what overflows goes on to the totals.
  void count_steps(const std::uint32_t* cells, std::size_t n, const stride& ahead) noexcept
  {
    std::uint8_t* steps = steps_.data();  // bytes might be those of the vectors themselves, for all the compiler knows
    std::int64_t* totals = totals_.get();
    each_row(n, ahead, [=](std::size_t i) {
      if (++steps[cells[i]] == 0) totals[cells[i]] += 256;
    });
  }

  // The count of a cell, all of it in the totals.
  std::int64_t& settled(std::size_t cell) noexcept
  {
    std::int64_t& total = totals_[cell];
    if (tables_ == 0) total += std::exchange(steps_[cell], std::uint8_t{0});
    for (std::size_t at = cell; at < recent_.size(); at += size_) total += std::exchange(recent_[at], 0U);
    return total;
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
  std::size_t tables_;
  std::vector<std::uint32_t> recent_;              // so many tables of all cells
  std::vector<std::uint8_t> steps_;                // one of bytes, if there are none of those
  std::unique_ptr<std::int64_t[], freed> totals_;  // of pages that cost nothing until a count is written to them
  std::size_t recent_rows_ = 0;
};

}  // namespace aliquot
