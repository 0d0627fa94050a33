// The k smallest keys seen so far: the one structure behind every sample of fixed size.
//
// A buffer of up to 2k candidates and a limit. What is not before the limit is turned away by one comparison; a
// full buffer is cut to its k smallest and the limit lowered to the smallest key cut off. Amortised O(1) a candidate,
// where a heap pays O(log k) and a cache miss a level.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace aliquot
{

struct candidate {
  double key;
  std::int64_t row;   // breaks ties, lower first
  std::int64_t slot;  // where the caller keeps this row
};

// Function objects, so that the algorithms inline them.
inline constexpr auto before = [](const auto& a, const auto& b) noexcept {
  return a.key < b.key || (a.key == b.key && a.row < b.row);
};

inline constexpr auto row_before = [](const auto& a, const auto& b) noexcept {
  return a.row < b.row || (a.row == b.row && a.key < b.key);
};

// Most often the order is right already: rows are offered in row order, and only a cut disturbs it.
inline void sort_by_row(std::span<candidate> rows) noexcept
{
  if (!std::is_sorted(rows.begin(), rows.end(), row_before)) std::sort(rows.begin(), rows.end(), row_before);
}

// Drop what is not before `out`, keeping the order. Written without a branch, as half of a full buffer goes, at random.
template <class Item>
void keep_before(std::vector<Item>& items, const Item& out)
{
  std::size_t kept = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Item item = items[i];
    items[kept] = item;
    kept += static_cast<std::size_t>((item.key < out.key) | ((item.key == out.key) & (item.row < out.row)));
  }
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(kept), items.end());
}

// The item that k others are before (0 <= k < items.size(), not checked). A sample of the keys gives a narrow band that
// almost surely holds it; one pass counts what is below the band and collects what is in it. nth_element on everything
// would move all items several times and guess every branch.
template <class Item>
Item nth_smallest(const std::vector<Item>& items, std::size_t k)
{
  constexpr std::size_t most_sampled = 16'384;
  const auto select = [](std::vector<Item>& from, std::size_t nth) {
    std::nth_element(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(nth), from.end(), before);
    return from[nth];
  };
  const std::size_t stride = std::max<std::size_t>(items.size() / most_sampled, 16);
  std::vector<double> sample;
  for (std::size_t i = 0; i < items.size(); i += stride) sample.push_back(items[i].key);
  std::sort(sample.begin(), sample.end());
  const std::size_t middle = k / stride;
  const std::size_t margin =
      4 + 2 * static_cast<std::size_t>(std::sqrt(static_cast<double>(sample.size())));  // 4 sigma
  constexpr double unbounded = std::numeric_limits<double>::infinity();
  const double low = middle > margin ? sample[middle - margin] : -unbounded;
  const double high = middle + margin < sample.size() ? sample[middle + margin] : unbounded;
  std::size_t below = 0;
  std::vector<Item> band;
  for (const Item& item : items) {
    below += item.key < low ? 1u : 0u;
    if ((item.key >= low) & (item.key <= high)) band.push_back(item);  // one branch, and a rare one
  }
  if (below <= k && k < below + band.size()) return select(band, k - below);
  band = items;
  return select(band, k);
}

class bottom_k
{
 public:
  static constexpr candidate no_limit{std::numeric_limits<double>::infinity(), std::numeric_limits<std::int64_t>::max(),
                                      0};

  // k >= 0 (not checked)
  explicit bottom_k(std::int64_t k) noexcept : k_(static_cast<std::size_t>(k)) {}

  // No key above this can enter.
  double limit() const noexcept { return limit_.key; }

  // Every candidate left is before this one: the (k+1)-th smallest, or a later one until the next cut.
  const candidate& first_out() const noexcept { return limit_; }

  // Let nothing in that is not before `first_out`. At least k of the candidates kept, or offered next, must be before
  // it.
  void lower(const candidate& first_out) noexcept
  {
    if (before(first_out, limit_)) limit_ = first_out;
  }

  void offer(const candidate& c)
  {
    if (!before(c, limit_)) return;
    kept_.push_back(c);
    if (kept_.size() >= 2 * k_ + slack) cut();
  }

  void offer(double key, std::int64_t row) { offer(candidate{key, row, 0}); }

  // Keep the k smallest only. Afterwards `first_out` is the (k+1)-th smallest exactly.
  void cut()
  {
    if (kept_.size() <= k_) return;
    const candidate out = nth_smallest(kept_, k_);
    lower(out);
    keep_before(kept_, out);
  }

  // Start over with no candidates, for those before `first_out`.
  void reset(const candidate& first_out) noexcept
  {
    kept_.clear();
    limit_ = first_out;
  }

  std::span<candidate> kept() noexcept { return kept_; }
  std::int64_t k() const noexcept { return static_cast<std::int64_t>(k_); }

 private:
  static constexpr std::size_t slack =
      64;  // a cut every 64 candidates at least, so that k = 0 or 1 is not cut each time

  std::size_t k_;
  candidate limit_ = no_limit;
  std::vector<candidate> kept_;
};

}  // namespace aliquot
