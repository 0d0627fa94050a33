// Bins of scores whose edges need no range to be known: a bin is all scores whose bits begin alike, and how many bits
// count is one number, the level. Raising it by one splits some bins; which ones is fixed for all time. A ranking of at
// most n bins has the highest level at which its scores fill no more than n. So its bins depend on which scores there
// are and on n, and on nothing else: not on batches, merges or their order, as more scores never call for a higher
// level.
//
// Near 1 a level splits finest, and half as fine (a bit less) every two powers of two away from it: between bins of one
// width, which would waste small probabilities, and bins of one relative width, which would waste large ones.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "ranking.hpp"

namespace aliquot
{

class score_bins
{
 public:
  static constexpr int finest = 2 * 64 + 1024;  // every score is a bin of its own

  explicit score_bins(int level) noexcept
  {
    for (std::size_t i = 0; i < heads; ++i) farness_[heads + i] = static_cast<std::int16_t>(farness(i));
    for (std::size_t i = heads - 1; i > 0; --i) farness_[i] = std::min(farness_[2 * i], farness_[2 * i + 1]);
    for (std::size_t i = 0; i < heads; ++i) depths_[i] = static_cast<std::int8_t>(depth(i, level));
  }

  // Whether two keys are in one bin.
  bool together(std::uint64_t a, std::uint64_t b) const noexcept
  {
    const int depth = depths_[a >> (64 - head_bits)];
    return depth == 0 || (a ^ b) >> (64 - depth) == 0;
  }

 private:
  static constexpr int head_bits = 12;  // the sign and the exponent
  static constexpr std::size_t heads = std::size_t{1} << head_bits;

  // How many powers of two the scores of a key that begins so are from [2, 4).
  static int farness(std::size_t head) noexcept
  {
    const bool is_negative = head >= heads / 2;
    const auto exponent = static_cast<int>(is_negative ? head - heads / 2 : heads / 2 - 1 - head);
    return std::abs(exponent - 1024);
  }

  // How many bits count: a bit more is looked at as long as twice the bits so far and the farness of the nearest score
  // that begins with them are below the level. Both grow with the bits, so that levels nest.
  int depth(std::size_t head, int level) const noexcept
  {
    int bits = 0;
    while (bits < head_bits && 2 * bits + farness_[(heads + head) >> (head_bits - bits)] < level) ++bits;
    return bits < head_bits ? bits : std::clamp((level - farness_[heads + head] + 1) / 2, head_bits, 64);
  }

  std::array<std::int16_t, 2 * heads> farness_;  // of the nearest under each node of the tree of heads, the root at 1
  std::array<std::int8_t, heads> depths_;
};

inline std::size_t count_bins(std::span<const std::uint64_t> first, const score_bins& bins) noexcept
{
  std::size_t count = first.empty() ? 0 : 1;
  for (std::size_t i = 1; i < first.size(); ++i) count += bins.together(first[i - 1], first[i]) ? 0 : 1;
  return count;
}

// The highest level, at most `level`, at which these scores fill at most `most` bins (at least 1).
inline int highest_level(std::span<const std::uint64_t> first, int level, std::size_t most) noexcept
{
  if (count_bins(first, score_bins(level)) <= most) return level;
  int low = 0;  // where there is one bin
  while (level - low > 1) {
    const int middle = low + (level - low) / 2;
    (count_bins(first, score_bins(middle)) <= most ? low : level) = middle;
  }
  return low;
}

// Join the entries of each bin of a level that is at most theirs, in place; returns how many are left.
inline std::size_t join_bins(std::size_t size, int level, const ranking_room<std::uint64_t>& entries) noexcept
{
  if (size == 0) return 0;
  const score_bins bins(level);
  const int limbs = entries.format.limbs;
  const std::size_t width = 2 * static_cast<std::size_t>(limbs);
  std::size_t out = 0;
  for (std::size_t i = 1; i < size; ++i) {
    const limb* from = entries.masses + i * width;
    if (bins.together(entries.first[out], entries.first[i])) {
      limb* to = entries.masses + out * width;
      entries.last[out] = std::max(entries.last[out], entries.last[i]);
      add_shifted(to, limbs, from, limbs, 0);
      add_shifted(to + limbs, limbs, from + limbs, limbs, 0);
    } else if (++out != i) {
      entries.first[out] = entries.first[i];
      entries.last[out] = entries.last[i];
      std::copy_n(from, width, entries.masses + out * width);
    }
  }
  return out + 1;
}

}  // namespace aliquot
