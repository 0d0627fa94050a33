// Confusion matrices of many classes or of weighted rows: a hash table of the cells that came up.
//
// The weights of a cell are summed without rounding (J. R. Shewchuk 1997, doi:10.1007/PL00009321), so that neither the
// order of rows nor that of merges can change a digit, and taking rows back undoes them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "column.hpp"
#include "confusion_cells.hpp"
#include "random.hpp"

namespace aliquot
{

// The exact sum of finite doubles: three parts, which are enough for 159 bits, and more for whoever needs them.
class exact_sum
{
 public:
  void add(double x)
  {
    for (double& part : parts_) x = add_to(part, x);
    if (x != 0.0) grow(rest_, x);
  }

  // Doubles that it is the exact sum of.
  template <class F>
  void visit(F&& f) const
  {
    std::for_each(parts_.begin(), parts_.end(), f);
    std::for_each(rest_.begin(), rest_.end(), f);
  }

  // Below, equal to or above zero.
  int sign() const
  {
    std::vector<double> all;
    visit([&](double part) { grow(all, part); });
    return all.empty() ? 0 : all.back() > 0.0 ? 1 : -1;
  }

 private:
  // sum += x; returns what rounding left over (O. Moller, D. Knuth).
  static double add_to(double& sum, double x) noexcept
  {
    const double before = sum;
    sum = before + x;
    const double added = sum - before;
    return (before - (sum - added)) + (x - added);
  }

  // Add x to doubles that ascend in size and do not overlap, and keep them so.
  static void grow(std::vector<double>& parts, double x)
  {
    std::size_t kept = 0;
    for (const double part : parts) {
      const double left_over = add_to(x, part);
      if (left_over != 0.0) parts[kept++] = left_over;
    }
    parts.resize(kept);
    if (x != 0.0) parts.push_back(x);
  }

  std::array<double, 3> parts_{};
  std::vector<double> rest_;
};

// Where rows are counted: the true code above 32 bits of the predicted one, and the slice.
struct cell_key {
  std::uint64_t pair;
  std::uint32_t slice;

  bool operator==(const cell_key&) const = default;
};

// A cell that came up, and one of the doubles that its weight is the exact sum of.
struct listed_cell {
  cell_key key;
  std::int64_t count;
};
struct listed_part {
  std::size_t cell;
  double value;
};

// The cells of a window that came up, by open addressing; with the weights of their rows if they are weighted.
class sparse_counts
{
 public:
  sparse_counts(const code_window& window, bool is_weighted)
      : window_(window), slots_(first_slots, unused), weights_(is_weighted ? first_slots : 0)
  {
  }

  // Count rows begin, ..., end - 1, all valid and of integers (not checked), with one weight a row from weights[begin]
  // on if they are weighted. Returns `end`, or the first row with a value outside the window; the rows before are
  // counted.
  std::int64_t count(const labelled_rows& rows, const double* weights, std::int64_t begin, std::int64_t end)
  {
    std::array<cell_key, block> keys;
    for (std::int64_t at = begin; at < end;) {
      const std::int64_t last = std::min(end, at + block);
      const std::int64_t good = keys_of(rows, at, last, keys.data());
      // The slots of a block are on their way to the cache before the first is needed.
      for (std::int64_t row = at; row < good; ++row) __builtin_prefetch(&slots_[home(keys[index(row - at)])]);
      for (std::int64_t row = at; row < good; ++row)
        add(keys[index(row - at)], 1, weights == nullptr ? 0.0 : weights[row]);
      if (good < last) return good;
      at = last;
    }
    return end;
  }

  // Take rows back. Returns `end`, or the first row that was never counted; then nothing is taken back.
  std::int64_t uncount(const labelled_rows& rows, const double* weights, std::int64_t begin, std::int64_t end)
  {
    cell_key key = none;
    for (std::int64_t row = begin; row < end; ++row) {
      const bool inside = keys_of(rows, row, row + 1, &key) > row;
      const double weight = weights == nullptr ? 0.0 : weights[row];
      if (inside && take(key, weight)) continue;
      count(rows, weights, begin, row);
      return row;
    }
    return end;
  }

  void add(const cell_key& key, std::int64_t count, double weight)
  {
    std::size_t at = find(key);
    if (slots_[at].key == none) {
      if (2 * ++used_ > slots_.size()) {
        enlarge();
        at = find(key);
      }
      slots_[at].key = key;
    }
    slots_[at].count += count;
    if (!weights_.empty()) weights_[at].add(weight);
  }

  // All cells with rows, by slice and then pair, and what they weigh.
  void list(std::vector<listed_cell>& cells, std::vector<listed_part>& parts) const
  {
    std::vector<std::size_t> order;
    for (std::size_t at = 0; at < slots_.size(); ++at) {
      if (slots_[at].count != 0) order.push_back(at);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const auto [of_a, of_b] = std::pair(slots_[a].key, slots_[b].key);
      return std::pair(of_a.slice, of_a.pair) < std::pair(of_b.slice, of_b.pair);
    });
    for (const std::size_t at : order) {
      if (!weights_.empty()) {
        weights_[at].visit([&](double part) {
          if (part != 0.0) parts.push_back({cells.size(), part});
        });
      }
      cells.push_back(slots_[at]);
    }
  }

 private:
  static constexpr std::size_t first_slots = 64;
  static constexpr std::uint64_t spread = 0x9e3779b97f4a7c15;  // the golden ratio: neighbours end up far apart
  static constexpr std::int64_t block = 64;
  static constexpr cell_key none{~std::uint64_t{0}, 0};  // codes are below 2^32 - 1
  static constexpr listed_cell unused{none, 0};

  static std::size_t index(std::int64_t i) noexcept { return static_cast<std::size_t>(i); }

  std::size_t home(const cell_key& key) const noexcept
  {
    return mix64(key.pair + key.slice * spread) & (slots_.size() - 1);
  }

  // Where the cell with this key is, or belongs.
  std::size_t find(const cell_key& key) const noexcept
  {
    std::size_t at = home(key);
    while (slots_[at].key != key && slots_[at].key != none) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  // Whether the row was there to be taken.
  bool take(const cell_key& key, double weight)
  {
    const std::size_t at = find(key);
    std::int64_t& count = slots_[at].count;
    if (count == 0) return false;
    if (!weights_.empty()) {
      weights_[at].add(-weight);
      const int left = weights_[at].sign();
      if (left < 0 || (left > 0 && count == 1)) {
        weights_[at].add(weight);
        return false;
      }
    }
    --count;
    return true;
  }

  // The keys of rows; returns the first with a value outside the window, or `end`.
  std::int64_t keys_of(const labelled_rows& rows, std::int64_t begin, std::int64_t end, cell_key* keys) const
  {
    std::int64_t good = end;
    const auto read = [&](const column& c, auto write) {
      c.visit([&](auto value) {
        if constexpr (std::is_integral_v<decltype(value(begin))>) {
          for (std::int64_t row = begin; row < good; ++row) {
            const auto v = value(row);
            const std::uint64_t code = static_cast<std::uint64_t>(v) - static_cast<std::uint64_t>(window_.base);
            bool beyond = false;
            if constexpr (std::is_unsigned_v<decltype(value(row))>) beyond = v > std::uint64_t{INT64_MAX};
            if (code >= window_.width || beyond) {
              good = row;
            } else {
              write(keys[index(row - begin)], code);
            }
          }
        } else {
          good = begin;
        }
      });
    };
    read(rows.y_true, [](cell_key& key, std::uint64_t code) { key.pair = code << 32; });
    read(rows.y_pred, [](cell_key& key, std::uint64_t code) { key.pair |= code; });
    for (std::int64_t row = begin; row < good; ++row)
      keys[index(row - begin)].slice = rows.slices == nullptr ? 0 : static_cast<std::uint32_t>(rows.slices[row]);
    return good;
  }

  // Twice the slots; cells whose rows were all taken back are left out.
  void enlarge()
  {
    std::vector<listed_cell> cells(2 * slots_.size(), unused);
    std::vector<exact_sum> weights(weights_.empty() ? 0 : cells.size());
    cells.swap(slots_);
    weights.swap(weights_);
    used_ = 1;  // for the cell that is to come
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].count == 0) continue;
      const std::size_t at = find(cells[i].key);
      slots_[at] = cells[i];
      if (!weights.empty()) weights_[at] = std::move(weights[i]);
      ++used_;
    }
  }

  code_window window_;
  std::vector<listed_cell> slots_;  // 2^k of them
  std::vector<exact_sum> weights_;  // as many, or none
  std::size_t used_ = 0;
};

}  // namespace aliquot
