// Areas under curves, each with the least and the most that any order of scores inside the entries could give.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "ranking.hpp"
#include "running_masses.hpp"

namespace aliquot
{

// Sums of doubles, several abreast, with what rounding took from them (M. Pichat 1972; A. Neumaier 1974).
template <std::size_t Abreast>
class compensated_sums
{
 public:
  using lanes = std::array<double, Abreast>;

  void add(const lanes& x) noexcept
  {
    for (std::size_t i = 0; i < Abreast; ++i) {
      const double sum = sums_[i] + x[i];
      const double back = sum - sums_[i];
      rests_[i] += (sums_[i] - (sum - back)) + (x[i] - back);
      sums_[i] = sum;
    }
  }

  double value() const noexcept
  {
    if constexpr (Abreast == 1) {
      return sums_[0] + rests_[0];
    } else {
      compensated_sums<1> all;
      for (const double sum : sums_) all.add({sum});
      for (const double rest : rests_) all.add({rest});
      return all.value();
    }
  }

 private:
  lanes sums_{};
  lanes rests_{};
};

// Some entries: what each weighs, and what lies above it. Filled up to whole lanes with entries that weigh nothing.
struct entry_block {
  static constexpr std::size_t abreast = 4;
  static constexpr std::size_t most = 256;
  using doubles = std::array<double, most>;

  std::size_t begin;
  std::size_t size;
  doubles positive;
  doubles negative;
  doubles positive_above;
  doubles negative_above;

  // Call f(i) for each entry abreast, and add up what it returns.
  template <class F>
  void sum(compensated_sums<abreast>& to, F&& f) const noexcept
  {
    for (std::size_t at = 0; at < size; at += abreast) {
      compensated_sums<abreast>::lanes x;
      for (std::size_t i = 0; i < abreast; ++i) x[i] = f(at + i);
      to.add(x);
    }
  }
};

// The units in which areas are computed, as they do not depend on them: units of the masses, or such that the sum of
// all is near 1 where doubles might not hold what there is. What is then too small to be held, beside all others of its
// label, makes no difference.
template <class Key>
read_units units_for_areas(const ranking_view<Key>& ranking)
{
  if (ranking.format.limbs <= 4) return {0, 0};
  running_masses<0> sums(ranking.format, {0, 0});
  for (std::size_t i = 0; i < ranking.size(); ++i) sums.add(ranking.mass(i));
  return sums.units_of_sums();
}

// Call f(block) for all entries, and return the totals.
template <class Key, class F>
mass_totals for_each_block(const ranking_view<Key>& ranking, read_units units, F&& f)
{
  return visit_limbs(ranking.format.limbs, [&](auto limbs) {
    running_masses<limbs> sums(ranking.format, units);
    entry_block block;
    for (block.begin = 0; block.begin < ranking.size(); block.begin += block.size) {
      block.size = std::min(entry_block::most, ranking.size() - block.begin);
      for (std::size_t i = 0; i < block.size; ++i) {
        const limb* mass = ranking.mass(block.begin + i);
        block.positive[i] = sums.positive_of(mass);
        block.negative[i] = sums.negative_of(mass);
        block.positive_above[i] = sums.positive();
        block.negative_above[i] = sums.negative();
        sums.add(mass);
      }
      for (std::size_t i = block.size; i % entry_block::abreast != 0; ++i) {
        block.positive[i] = block.negative[i] = 0.0;
        block.positive_above[i] = sums.positive();
        block.negative_above[i] = sums.negative();
      }
      f(block);
    }
    return mass_totals{sums.positive(), sums.negative()};
  });
}

// Twice the mass of pairs of a positive and a negative row in the right order, pairs of one score half in it: at least,
// at most, and `whole` times two for all pairs. In one limb they are whole numbers, and exact.
template <class Number>
struct pair_masses {
  Number low = 0;
  Number high = 0;
  Number positive = 0;
  Number negative = 0;
};

template <class Key>
pair_masses<std::uint64_t> count_pairs(const ranking_view<Key>& ranking) noexcept
{
  pair_masses<std::uint64_t> pairs;  // below 2^31 rows, so below 2^61 pairs
  for (std::size_t i = 0; i < ranking.size(); ++i) {
    const std::uint64_t positive = ranking.mass(i)[0];
    const std::uint64_t negative = ranking.mass(i)[1];
    const std::uint64_t sure = 2 * pairs.positive * negative;
    const std::uint64_t inside = positive * negative;
    const bool one = ranking.is_one_score(i);
    pairs.low += sure + (one ? inside : 0);
    pairs.high += sure + (one ? inside : 2 * inside);
    pairs.positive += positive;
    pairs.negative += negative;
  }
  return pairs;
}

// The same as shares of all pairs, of wider masses: within a few units in the last place.
template <class Key>
pair_masses<double> weigh_pairs(const ranking_view<Key>& ranking)
{
  compensated_sums<entry_block::abreast> low;
  compensated_sums<entry_block::abreast> high;
  const mass_totals all = for_each_block(ranking, units_for_areas(ranking), [&](const entry_block& block) {
    const auto pairs = [&](std::size_t i, double inside) {
      return block.negative[i] * (2.0 * block.positive_above[i] + inside * block.positive[i]);
    };
    if (ranking.last == nullptr) {
      block.sum(low, [&](std::size_t i) { return pairs(i, 1.0); });
      return;
    }
    const auto is_one = [&](std::size_t i) { return i < block.size && ranking.is_one_score(block.begin + i); };
    block.sum(low, [&](std::size_t i) { return pairs(i, is_one(i) ? 1.0 : 0.0); });
    block.sum(high, [&](std::size_t i) { return pairs(i, is_one(i) ? 1.0 : 2.0); });
  });
  if (all.positive == 0.0 || all.negative == 0.0) return {0.0, 0.0, all.positive, all.negative};
  const double whole = all.positive * all.negative;
  return {low.value() / whole, (ranking.last == nullptr ? low : high).value() / whole, 1.0, 1.0};
}

struct precision_area {
  double low;
  double middle;  // with each entry as one score
  double high;
};

// The mean precision over positive rows, each at its own score; NaN if there are none.
//
// In an entry of several scores, no positive row has more precision than at the entry's end without its negative rows.
// And the least is when these come first: a row then has (T + x) / (T + x + G), with x the positive mass of the entry
// down to it and G the negative mass above it, which grows in x, so that the integral over x is below any sum.
template <class Key>
precision_area average_precision(const ranking_view<Key>& ranking)
{
  compensated_sums<entry_block::abreast> middle;
  compensated_sums<entry_block::abreast> low;
  compensated_sums<entry_block::abreast> high;
  const int unit = units_for_areas(ranking).positive;
  const mass_totals all = for_each_block(ranking, {unit, unit}, [&](const entry_block& block) {
    const auto precision = [](double found, double others) {
      return found /
             std::max(found + others, std::numeric_limits<double>::min());  // 0 if both are too small to be held
    };
    const auto at_end = [&](std::size_t i) {
      const double found = block.positive_above[i] + block.positive[i];
      return block.positive[i] * precision(found, block.negative_above[i] + block.negative[i]);
    };
    block.sum(middle, at_end);
    if (ranking.last == nullptr) return;
    const auto is_one = [&](std::size_t i) { return i >= block.size || ranking.is_one_score(block.begin + i); };
    block.sum(low, [&](std::size_t i) {
      if (is_one(i)) return at_end(i);
      const double above = block.negative_above[i] + block.negative[i];
      const double start = block.positive_above[i] + above;
      return start == 0.0 ? block.positive[i] : block.positive[i] - above * std::log1p(block.positive[i] / start);
    });
    block.sum(high, [&](std::size_t i) {
      if (is_one(i)) return at_end(i);
      const double found = block.positive_above[i] + block.positive[i];
      return block.positive[i] * precision(found, block.negative_above[i]);
    });
  });
  const double mean = middle.value() / all.positive;
  if (ranking.last == nullptr) return {mean, mean, mean};
  return {low.value() / all.positive, mean, high.value() / all.positive};
}

// Masses of positive and negative rows down to the end of each entry.
template <class Key>
void cumulate(const ranking_view<Key>& ranking, double* positive, double* negative)
{
  visit_limbs(ranking.format.limbs, [&](auto limbs) {
    const int unit = readable_unit(ranking.format);
    running_masses<limbs> sums(ranking.format, {unit, unit});
    for (std::size_t i = 0; i < ranking.size(); ++i) {
      sums.add(ranking.mass(i));
      positive[i] = sums.positive();
      negative[i] = sums.negative();
    }
  });
}

}  // namespace aliquot
