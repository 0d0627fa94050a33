// The k smallest keys seen so far: the one structure behind every sample of fixed size.
//
// A buffer of up to 2k candidates and a limit. What is not before the limit is turned away by one comparison; a
// full buffer is cut to its k smallest and the limit lowered to the smallest key cut off. Amortised O(1) a candidate,
// where a heap pays O(log k) and a cache miss a level.
#pragma once

#include <algorithm>
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
  void cut() noexcept
  {
    if (kept_.size() <= k_) return;
    const auto kth = kept_.begin() + static_cast<std::ptrdiff_t>(k_);
    std::nth_element(kept_.begin(), kth, kept_.end(), before);
    lower(*kth);
    kept_.resize(k_, no_limit);
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
