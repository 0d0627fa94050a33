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
        slices_(slices),
        size_(std::size_t{slices} << 2 * window.shift()),
        tables_(size_ <= most_copied  ? most_tables
                : size_ <= most_words ? 1
                                      : 0),
        recent_(tables_ * size_),
        steps_(tables_ == 0 ? size_ : 0),
        totals_(static_cast<std::int64_t*>(std::calloc(size_, sizeof(std::int64_t)))),
        are_used_(size_ / of_page + 1)
  {
    if (totals_ == nullptr) throw std::bad_alloc();
  }

  // Of classes and a slice that there are (not checked).
  void add(std::int64_t y_true, std::int64_t y_pred, std::int64_t slice, std::int64_t count) noexcept
  {
    const auto code = [&](std::int64_t label) { return static_cast<std::size_t>(label - window_.base); };
    total(cell_of(code(y_true), code(y_pred), static_cast<std::size_t>(slice))) += count;
  }

  // counts[slice, t, p], of slices * width * width, = the rows of codes t and p.
  void copy_to(std::int64_t* counts) const noexcept
  {
    if (!steps_.empty()) {
      copy_cells(counts, [&](std::size_t cell) { return steps_[cell]; });
    } else {
      copy_cells(counts, [&](std::size_t cell) {
        std::int64_t sum = 0;
        for (std::size_t at = cell; at < recent_.size(); at += size_) sum += recent_[at];
        return sum;
      });
    }
    for (std::size_t page = 0; page < are_used_.size(); ++page) {
      if (are_used_[page] == 0) continue;
      for (std::size_t cell = page * of_page; cell < std::min((page + 1) * of_page, size_); ++cell) {
        if (totals_[cell] != 0) counts[entry_of(cell)] += totals_[cell];
      }
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
    switch (detail::cell_bytes(rows, window_)) {
      case 1: return count_blocks<std::uint8_t>(rows, begin, end);
      case 4: return count_blocks<std::uint32_t>(rows, begin, end);
      default: return count_blocks<std::uint64_t>(rows, begin, end);
    }
  }

  // Take rows back. Returns `end`, or the first row that was never counted; then nothing is taken back.
  std::int64_t uncount(const labelled_rows& rows, std::int64_t begin, std::int64_t end) noexcept
  {
    std::uint64_t cell = 0;
    for (std::int64_t row = begin; row < end; ++row) {
      const bool was_counted = detail::cells_of(rows, row, 1, window_, &cell) && settled(cell) > 0;
      if (!was_counted) {
        count_again(rows, begin, row);
        return row;
      }
      --total(cell);
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
  // So many rows before it is counted, a cell of a table of bytes is fetched: measured, a sixth to a quarter less time
  // for 200 to 1,000 classes.
  static constexpr std::size_t soon = 64;
  static constexpr std::size_t of_page = 4096 / sizeof(std::int64_t);
  // Up to this width, comparing bytes with each cell is quicker: measured, 0.15 to 0.3 ns a row for 0.5.
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

  template <class Cell>
  std::int64_t count_blocks(const labelled_rows& rows, std::int64_t begin, std::int64_t end) noexcept
  {
    const auto [t_values, t_bytes] = values_of(rows.y_true);
    const auto [p_values, p_bytes] = values_of(rows.y_pred);
    alignas(64) std::array<Cell, detail::confusion_block + soon> cells{};  // the last are for a look ahead
    for (std::int64_t at = begin; at < end;) {
      make_room();
      const auto n = static_cast<std::size_t>(std::min<std::int64_t>(end - at, detail::confusion_block));
      if (!detail::cells_of(rows, at, n, window_, cells.data())) return at;
      at += static_cast<std::int64_t>(n);
      // Of the next block, wherever there is one; a prefetch of nothing does no harm.
      const auto next = static_cast<std::size_t>(at);
      const stride ahead{t_values + next * t_bytes, t_bytes, p_values + next * p_bytes, p_bytes};
      if (!steps_.empty()) {
        count_steps(cells.data(), n, ahead);
      } else if constexpr (sizeof(Cell) == 1) {
        if (window_.width <= few) {
          detail::count_few(cells.data(), n, window_, recent_.data());
        } else {
          count_cells(cells.data(), n, ahead);
        }
      } else {
        count_cells(cells.data(), n, ahead);
      }
      recent_rows_ += n;
    }
    return end;
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
  template <class Cell>
  void count_steps(const Cell* cells, std::size_t n, const stride& ahead) noexcept
  {
    std::uint8_t* steps = steps_.data();  // bytes might be those of the vector itself, for all the compiler knows
    each_row(n, ahead, [&, steps](std::size_t i) {
      __builtin_prefetch(steps + cells[i + soon], 1);
      if (++steps[cells[i]] == 0) total(cells[i]) += 256;
    });
  }

  std::size_t cell_of(std::size_t t, std::size_t p, std::size_t slice) const noexcept
  {
    return (slice << window_.shift() | (t ^ p)) << window_.shift() | t;
  }

  // Where a cell is in a matrix.
  std::size_t entry_of(std::size_t cell) const noexcept
  {
    const std::size_t of_label = window_.unit - 1;
    const std::size_t t = cell & of_label;
    const std::size_t p = (cell >> window_.shift() & of_label) ^ t;
    return ((cell >> 2 * window_.shift()) * window_.width + t) * window_.width + p;
  }

  // A total to be written to.
  std::int64_t& total(std::size_t cell) noexcept
  {
    are_used_[cell / of_page] = 1;
    return totals_[cell];
  }

  // counts[slice, t, p] = count_of(cell), by squares, whose cells lie in few lines of the cache.
  template <class F>
  void copy_cells(std::int64_t* counts, F&& count_of) const noexcept
  {
    constexpr std::size_t side = 32;
    const std::size_t width = window_.width;
    for (std::size_t slice = 0; slice < slices_; ++slice) {
      for (std::size_t t_begin = 0; t_begin < width; t_begin += side) {
        for (std::size_t p_begin = 0; p_begin < width; p_begin += side) {
          for (std::size_t t = t_begin; t < std::min(t_begin + side, width); ++t) {
            std::int64_t* row = counts + (slice * width + t) * width;
            for (std::size_t p = p_begin; p < std::min(p_begin + side, width); ++p)
              row[p] = count_of(cell_of(t, p, slice));
          }
        }
      }
    }
  }

  // The count of a cell, all of it in the totals.
  std::int64_t& settled(std::size_t cell) noexcept
  {
    std::int64_t& count = total(cell);
    if (!steps_.empty()) count += std::exchange(steps_[cell], std::uint8_t{0});
    for (std::size_t at = cell; at < recent_.size(); at += size_) count += std::exchange(recent_[at], 0U);
    return count;
  }

  void count_again(const labelled_rows& rows, std::int64_t begin, std::int64_t end) noexcept
  {
    std::uint64_t cell = 0;
    for (std::int64_t row = begin; row < end; ++row) {
      if (detail::cells_of(rows, row, 1, window_, &cell)) ++total(cell);
    }
  }

  bool holds_booleans() const noexcept { return window_.base <= 0 && window_.base + window_.width >= 2; }

  void count_booleans(const column& y_true, const column& y_pred, std::int64_t begin, std::int64_t end) noexcept
  {
    const auto counts =
        detail::count_bits(y_true.bits(), y_true.offset() + begin, y_pred.bits(), y_pred.offset() + begin, end - begin);
    add(0, 0, 0, end - begin - counts.t - counts.p + counts.both);
    add(0, 1, 0, counts.p - counts.both);
    add(1, 0, 0, counts.t - counts.both);
    add(1, 1, 0, counts.both);
  }

  // Tables of 32 bits are half as large in the cache; they are emptied before a count can overflow.
  void make_room() noexcept
  {
    if (recent_rows_ < std::numeric_limits<std::uint32_t>::max() - detail::confusion_block) return;
    for (std::size_t i = 0; i < recent_.size(); ++i) total(i % size_) += recent_[i];
    std::fill(recent_.begin(), recent_.end(), 0);
    recent_rows_ = 0;
  }

  code_window window_;
  std::uint32_t slices_;
  std::size_t size_;  // cells
  std::size_t tables_;
  std::vector<std::uint32_t> recent_;              // so many tables of all cells
  std::vector<std::uint8_t> steps_;                // one of bytes, if there are none of those
  std::unique_ptr<std::int64_t[], freed> totals_;  // of pages that cost nothing as long as they are left alone
  std::vector<std::uint8_t> are_used_;             // which of these pages are not
  std::size_t recent_rows_ = 0;
};

}  // namespace aliquot
