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
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "masses.hpp"
#include "ranking.hpp"

namespace aliquot
{

class score_bins
{
 public:
  static constexpr int finest = 2 * 64 + 1024;  // every score is a bin of its own

  // A bit more is looked at as long as twice the bits so far and the farness of the nearest score that begins with them
  // are below the level. Both grow with the bits, so that levels nest. Tree of heads: the root at 1, its leaves last.
  explicit score_bins(int level) noexcept
  {
    std::array<std::int16_t, 2 * heads> nearest;
    for (std::size_t i = 0; i < heads; ++i) nearest[heads + i] = static_cast<std::int16_t>(farness(i));
    for (std::size_t i = heads - 1; i > 0; --i) nearest[i] = std::min(nearest[2 * i], nearest[2 * i + 1]);
    constexpr std::int8_t more = -1;
    std::array<std::int8_t, 2 * heads> depths;  // of all that begin so, or more
    depths[0] = more;
    for (std::size_t i = 1; i < 2 * heads; ++i) {
      const int bits = static_cast<int>(std::bit_width(i)) - 1;
      const int in_leaf = std::clamp((level - nearest[i] + 1) / 2, head_bits, 64);
      const int here = bits == head_bits ? in_leaf : 2 * bits + nearest[i] < level ? more : bits;
      depths[i] = depths[i / 2] == more ? static_cast<std::int8_t>(here) : depths[i / 2];
    }
    std::copy_n(depths.begin() + heads, heads, depths_.begin());
  }

  // Whether two keys are in one bin.
  bool together(std::uint64_t a, std::uint64_t b) const noexcept
  {
    const int depth = depths_[a >> (64 - head_bits)];
    return depth == 0 || (a ^ b) >> (64 - depth) == 0;
  }

  static constexpr int head_bits = 12;  // the sign and the exponent
  static constexpr std::size_t heads = std::size_t{1} << head_bits;

  // How many bits of keys that begin so count.
  int depth(std::size_t head) const noexcept { return depths_[head]; }

 private:
  // How many powers of two the scores of a key that begins so are from [2, 4).
  static int farness(std::size_t head) noexcept
  {
    const bool is_negative = head >= heads / 2;
    const auto exponent = static_cast<int>(is_negative ? head - heads / 2 : heads / 2 - 1 - head);
    return std::abs(exponent - 1024);
  }

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

// A slot for each bin of a level that there could be, in order of keys.
class bin_slots
{
 public:
  explicit bin_slots(const score_bins& bins) noexcept
  {
    std::size_t prefix = 0;  // of the last head
    for (std::size_t i = 0; i < score_bins::heads && size_ <= most; ++i) {
      const int depth = bins.depth(i);
      const int below = std::max(depth - score_bins::head_bits, 0);
      const std::size_t begins = depth == 0 ? 1 : (score_bins::heads + i) >> (score_bins::head_bits + below - depth);
      if (begins != prefix) size_ += std::size_t{1} << std::min(below, most_bits + 1);
      prefix = begins;
      const std::uint64_t mask = (std::uint64_t{1} << below) - 1;
      heads_[i] = {size_ - 1 - mask, mask, 64 - score_bins::head_bits - below};
    }
  }

  // How many slots there are, or 0 if there are too many.
  std::size_t size() const noexcept { return size_ <= most ? size_ : 0; }

  std::size_t operator()(std::uint64_t key) const noexcept
  {
    const head& at = heads_[key >> (64 - score_bins::head_bits)];
    return at.first + static_cast<std::size_t>(key >> at.shift & at.mask);
  }

 private:
  static constexpr int most_bits = 16;
  static constexpr std::size_t most = std::size_t{1} << most_bits;

  struct head {
    std::size_t first;
    std::uint64_t mask;
    int shift;
  };

  std::size_t size_ = 0;
  std::array<head, score_bins::heads> heads_;
};

namespace detail
{

// units_of(i) is what row i weighs, in units of the format.
template <int Limbs, class UnitsOf>
std::size_t bin_rows_as(std::span<const std::uint64_t> keys, const std::uint8_t* labels, UnitsOf&& units_of,
                        const bin_slots& slots, const ranking_room<std::uint64_t>& out)
{
  using mass = small_mass<Limbs>;
  struct bin {
    std::uint64_t first = ~std::uint64_t{0};
    std::uint64_t last = 0;
    std::array<typename mass::integer, 2> masses{};  // by label
  };
  std::vector<bin> bins(slots.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    bin& to = bins[slots(keys[i])];
    to.first = std::min(to.first, keys[i]);
    to.last = std::max(to.last, keys[i]);
    to.masses[labels[i]] += units_of(i);
  }
  std::size_t size = 0;
  for (const bin& each : bins) {
    if (each.first > each.last) continue;
    out.first[size] = each.first;
    out.last[size] = each.last;
    mass::store(out.masses + 2 * Limbs * size, each.masses[1]);
    mass::store(out.masses + 2 * Limbs * size++ + Limbs, each.masses[0]);
  }
  return size;
}

}  // namespace detail

// Rows in any order as a ranking in bins of a level, whose size is returned, without sorting them; or 0 if that suits
// neither the level nor the format, or rows are few. Labels and weights as in rank_rows.
inline std::size_t bin_rows(std::span<const std::uint64_t> keys, const std::uint8_t* labels, const double* weights,
                            int level, const ranking_room<std::uint64_t>& out)
{
  const auto slots = std::make_unique<const bin_slots>(score_bins(level));
  if (slots->size() == 0 || slots->size() > keys.size()) return 0;
  return visit_limbs(out.format.limbs, [&](auto limbs) -> std::size_t {
    if constexpr (limbs == 0) {
      return 0;
    } else {
      const auto units = [=, unit = out.format.unit](double weight) { return small_mass<limbs>::of(weight, unit); };
      if (weights == nullptr) {
        const auto one = [each = units(1.0)](std::size_t) { return each; };
        return detail::bin_rows_as<limbs>(keys, labels, one, *slots, out);
      }
      const auto units_of = [=](std::size_t i) { return units(weights[i]); };
      return detail::bin_rows_as<limbs>(keys, labels, units_of, *slots, out);
    }
  });
}

}  // namespace aliquot
