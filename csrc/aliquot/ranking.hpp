// Scores with what weighs on each, positive and negative: all that any ranking metric needs. Entries lie in descending
// order of score; each holds one score, or in a binned ranking a range of scores. Equal scores are one entry.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "masses.hpp"

namespace aliquot
{

// A borrowed ranking. Masses are 2 * limbs an entry, of the positive rows and then of the negative.
template <class Key>
struct ranking_view {
  std::span<const Key> first;  // keys of the highest scores
  const Key* last;             // of the lowest, or null: the same
  const limb* masses;
  mass_format format;

  std::size_t size() const noexcept { return first.size(); }
  std::size_t width() const noexcept { return 2 * static_cast<std::size_t>(format.limbs); }
  const limb* mass(std::size_t i) const noexcept { return masses + i * width(); }
  bool is_one_score(std::size_t i) const noexcept { return last == nullptr || last[i] == first[i]; }
};

// By its size, and its parts.
template <class Key>
ranking_view<Key> view_ranking(std::size_t size, const Key* first, const Key* last, const limb* masses,
                               mass_format format) noexcept
{
  return {std::span<const Key>(first, size), last, masses, format};
}

// Where a ranking is written, with room for all its entries.
template <class Key>
struct ranking_room {
  Key* first;
  Key* last;  // null in a ranking of single scores
  limb* masses;
  mass_format format;
};

template <class Key>
ranking_room<Key> write_ranking(Key* first, Key* last, limb* masses, mass_format format) noexcept
{
  return {first, last, masses, format};
}

// Two rankings as one, whose size is returned; its unit is at most theirs.
template <class Key>
std::size_t merge_rankings(const ranking_view<Key>& a, const ranking_view<Key>& b,
                           const ranking_room<Key>& out) noexcept
{
  const auto limbs = out.format.limbs;
  const std::size_t width = 2 * static_cast<std::size_t>(limbs);
  std::size_t size = 0;
  const auto add = [&](const ranking_view<Key>& from, std::size_t i) {
    limb* to = out.masses + size * width;
    const int shift = from.format.unit - out.format.unit;
    if (limbs == 1) {  // and so is the other
      to[0] += from.mass(i)[0] << shift;
      to[1] += from.mass(i)[1] << shift;
      return;
    }
    add_shifted(to, limbs, from.mass(i), from.format.limbs, shift);
    add_shifted(to + limbs, limbs, from.mass(i) + from.format.limbs, from.format.limbs, shift);
  };
  const auto last = [](const ranking_view<Key>& from, std::size_t i) {
    return from.last ? from.last[i] : from.first[i];
  };
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size(); ++size) {
    const bool from_a = j == b.size() || (i < a.size() && a.first[i] <= b.first[j]);
    const bool from_b = i == a.size() || (j < b.size() && b.first[j] <= a.first[i]);
    out.first[size] = from_a ? a.first[i] : b.first[j];
    std::fill_n(out.masses + size * width, width, limb{0});
    if (out.last) out.last[size] = std::max(from_a ? last(a, i) : Key{0}, from_b ? last(b, j) : Key{0});
    if (from_a) add(a, i++);
    if (from_b) add(b, j++);
  }
  return size;
}

}  // namespace aliquot
