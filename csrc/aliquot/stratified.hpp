// The rows with the smallest keys of each stratum: one buffer for all strata, and a limit for each.
//
// A row whose key is not before the limit of its stratum is turned away; the others are collected, and cut now and
// then to as many a stratum as the caller says can still be needed, which lowers the limits. So memory is that of the
// rows kept and of the strata, and a stratum costs nothing until its first row. Rows enter in two steps, as in
// reservoir.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "bottom_k.hpp"
#include "weighted.hpp"

namespace aliquot
{

struct stratum_candidate {
  double key;
  std::int64_t row;
  std::int64_t slot;
  std::int32_t code;
};

namespace detail
{

// filter_rows rows at once, as may_enter of weighted.hpp, under a limit for each code from -1 on, times 2^31.
ALIQUOT_TARGET_CLONES
inline std::uint64_t may_enter_strata(const row_hash& hash, std::uint32_t row, const std::int32_t* codes,
                                      const double* weights, const double* scaled) noexcept
{
  std::array<std::uint8_t, filter_rows> enters;
  for (std::uint32_t i = 0; i < filter_rows; ++i) {
    enters[i] = static_cast<double>(least_hash(hash, row + i)) <= scaled[codes[i] + 1] * weights[i];
  }
  return bits_of(enters);
}

}  // namespace detail

class stratified_reservoir
{
 public:
  // 0 <= start <= max_rows (not checked)
  stratified_reservoir(const seed_key& seed, std::int64_t start)
      : key_(subkey(seed, purpose::weighted_rows)), next_row_(start)
  {
  }

  std::int64_t next_row() const noexcept { return next_row_; }
  void seek(std::int64_t row) noexcept { next_row_ = row; }
  std::size_t size() const noexcept { return items_.size(); }

  // Make room for so many rows at once, where more would be moved again and again.
  void reserve(std::size_t rows) { items_.reserve(rows); }

  // Make room for codes below `count`.
  void grow(std::size_t count)
  {
    if (count <= limits_.size()) return;
    limits_.resize(count, candidate{infinity, std::numeric_limits<std::int64_t>::max(), 0});
    scaled_.resize(count + 1, infinity);
  }

  // Stage the next rows, of these strata, under their keys by row number and weight; -1 is the code of a row that is
  // not of the population. The weights are good and as many as the codes, which are all below the count of `grow` (not
  // checked).
  void stage(std::span<const std::int32_t> codes, std::span<const double> weights, weighted_design design)
  {
    staged_.clear();
    constexpr std::size_t step = detail::filter_rows;
    std::array<double, step> padded_weights;
    std::array<std::int32_t, step> padded_codes;
    for (std::size_t at = 0; at < codes.size();) {
      const std::int64_t block = (next_row_ + static_cast<std::int64_t>(at)) >> 32;
      const row_hash hash(key_, block);
      const std::int64_t block_rows = ((block + 1) << 32) - next_row_;
      const std::size_t end = std::min(codes.size(), static_cast<std::size_t>(block_rows));
      for (; at < end; at += step) {
        const std::int32_t* strata = codes.data() + at;
        const double* weight = weights.data() + at;
        if (const std::size_t rows = end - at; rows < step) {
          padded_codes.fill(-1);
          padded_weights.fill(0.0);
          std::copy_n(strata, rows, padded_codes.begin());
          std::copy_n(weight, rows, padded_weights.begin());
          strata = padded_codes.data();
          weight = padded_weights.data();
        }
        const auto row = static_cast<std::uint32_t>(next_row_ + static_cast<std::int64_t>(at));
        std::uint64_t enters = detail::may_enter_strata(hash, row, strata, weight, scaled_.data());
        for (; enters != 0; enters &= enters - 1) {
          const auto i = static_cast<std::uint32_t>(std::countr_zero(enters));
          if (strata[i] >= 0 && weight[i] > 0.0) {
            stage_one(weighted_key(hash(row + i), weight[i], design), at + i, strata[i]);
          }
        }
      }
      at = end;
    }
  }

  // The same under given keys.
  void stage(std::span<const std::int32_t> codes, std::span<const double> keys)
  {
    staged_.clear();
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (codes[i] >= 0) stage_one(keys[i], i, codes[i]);
    }
  }

  // Stage rows of another state, under their own numbers.
  void stage(std::span<const std::int32_t> codes, std::span<const double> keys, std::span<const std::int64_t> rows)
  {
    staged_.clear();
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const stratum_candidate item{keys[i], rows[i], static_cast<std::int64_t>(i), codes[i]};
      if (before(item, limit(codes[i]))) staged_.push_back(item);
    }
  }

  // What may enter, in the order it came; the slots are positions in the arguments of stage.
  std::span<const stratum_candidate> staged() const noexcept { return staged_; }

  // Take in what is staged; the caller has stored it, in order, from slot `first_slot` on. `rows` were seen.
  void commit(std::int64_t first_slot, std::int64_t rows)
  {
    for (stratum_candidate& item : staged_) item.slot = first_slot++;
    items_.insert(items_.end(), staged_.begin(), staged_.end());
    staged_.clear();
    next_row_ += rows;
  }

  void discard() noexcept { staged_.clear(); }

  // Let nothing at or beyond (key, row) into a stratum any more.
  void lower(std::int32_t code, const candidate& out) noexcept
  {
    if (!before(out, limit(code))) return;
    limits_[static_cast<std::size_t>(code)] = out;
    scaled_[static_cast<std::size_t>(code) + 1] = out.key * 0x1p31;
  }

  const candidate& limit(std::int32_t code) const noexcept { return limits_[static_cast<std::size_t>(code)]; }

  // Cut stratum h to the most[h] rows with the smallest keys, and to what is before its limit; then put everything in
  // order of row number. There is an element of `most` for each code there is (not checked).
  void cut(std::span<const std::int64_t> most)
  {
    drop_beyond_limits();
    if (lower_crowded(most)) drop_beyond_limits();
    // Only merges disturb the order.
    if (!std::is_sorted(items_.begin(), items_.end(), row_before)) std::sort(items_.begin(), items_.end(), row_before);
  }

  std::span<stratum_candidate> items() noexcept { return items_; }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();

  void stage_one(double key, std::size_t position, std::int32_t code)
  {
    const auto at = static_cast<std::int64_t>(position);
    const stratum_candidate item{key, next_row_ + at, at, code};
    // The scaled limit was just looked at and is nearer than the limit: where strata are many, that is a cache miss.
    const bool is_less = key * 0x1p31 < scaled_[static_cast<std::size_t>(code) + 1];
    if (is_less || before(item, limit(code))) staged_.push_back(item);
  }

  void drop_beyond_limits()
  {
    std::erase_if(items_, [&](const stratum_candidate& item) { return !before(item, limit(item.code)); });
  }

  // Lower the limits of the strata that hold more than most[code] rows; whether there are any.
  bool lower_crowded(std::span<const std::int64_t> most)
  {
    std::vector<std::size_t> ends(most.size() + 1);  // of each stratum in `rows`, and at first, one place on, counts
    for (const stratum_candidate& item : items_) ++ends[static_cast<std::size_t>(item.code) + 1];
    for (std::size_t code = 0; code < most.size(); ++code) {
      if (ends[code + 1] <= static_cast<std::size_t>(most[code])) ends[code + 1] = 0;
    }
    std::partial_sum(ends.begin(), ends.end(), ends.begin());
    if (ends.back() == 0) return false;
    const std::vector<std::size_t> starts = ends;
    std::vector<candidate> rows(ends.back());
    for (const stratum_candidate& item : items_) {
      const auto code = static_cast<std::size_t>(item.code);
      if (starts[code + 1] > starts[code]) rows[ends[code]++] = {item.key, item.row, 0};
    }
    for (std::size_t code = 0; code < most.size(); ++code) {
      const auto of_stratum = std::span(rows).subspan(starts[code], starts[code + 1] - starts[code]);
      if (of_stratum.empty()) continue;
      const auto out = of_stratum.begin() + static_cast<std::ptrdiff_t>(most[code]);
      std::nth_element(of_stratum.begin(), out, of_stratum.end(), before);
      lower(static_cast<std::int32_t>(code), *out);
    }
    return true;
  }

  seed_key key_;
  std::int64_t next_row_;
  std::vector<stratum_candidate> items_;
  std::vector<stratum_candidate> staged_;
  std::vector<candidate> limits_;     // by code: the first row that is out
  std::vector<double> scaled_{-1.0};  // by code + 1: its key times 2^31; nothing for rows of no stratum
};

}  // namespace aliquot
