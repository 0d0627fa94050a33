// Areas under curves, each with the least and the most that any order of scores inside the entries could give.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ranking.hpp"

namespace aliquot
{

// A sum of doubles with what rounding took from it (M. Pichat 1972; A. Neumaier 1974).
class compensated_sum
{
 public:
  void add(double x) noexcept
  {
    const double sum = sum_ + x;
    const double back = sum - sum_;
    rest_ += (sum_ - (sum - back)) + (x - back);
    sum_ = sum;
  }

  double value() const noexcept { return sum_ + rest_; }

 private:
  double sum_ = 0.0;
  double rest_ = 0.0;
};

// Masses added up entry by entry, exactly.
class running_masses
{
 public:
  explicit running_masses(mass_format format)
      : limbs_(format.limbs), sums_(2 * static_cast<std::size_t>(format.limbs)), read_(format)
  {
  }

  void add(const limb* mass) noexcept
  {
    add_shifted(sums_.data(), limbs_, mass, limbs_, 0);
    add_shifted(sums_.data() + limbs_, limbs_, mass + limbs_, limbs_, 0);
  }

  double positive() const noexcept { return read_(sums_.data()); }
  double negative() const noexcept { return read_(sums_.data() + limbs_); }
  double positive_of(const limb* mass) const noexcept { return read_(mass); }
  double negative_of(const limb* mass) const noexcept { return read_(mass + limbs_); }

 private:
  int limbs_;
  std::vector<limb> sums_;
  mass_reader read_;
};

// Call f(i, positive, negative, positive_before, negative_before) for each entry, with masses as double.
template <class Key, class F>
void for_each_entry(const ranking_view<Key>& ranking, F&& f)
{
  if (ranking.format.limbs == 1) {
    std::uint64_t positive = 0;
    std::uint64_t negative = 0;
    const double unit = std::ldexp(1.0, ranking.format.unit);
    for (std::size_t i = 0; i < ranking.size(); ++i) {
      const limb* mass = ranking.mass(i);
      f(i, mass[0] * unit, mass[1] * unit, static_cast<double>(positive) * unit, static_cast<double>(negative) * unit);
      positive += mass[0];
      negative += mass[1];
    }
    return;
  }
  running_masses sums(ranking.format);
  for (std::size_t i = 0; i < ranking.size(); ++i) {
    const limb* mass = ranking.mass(i);
    f(i, sums.positive_of(mass), sums.negative_of(mass), sums.positive(), sums.negative());
    sums.add(mass);
  }
}

// The mass of all positive and of all negative rows.
struct mass_totals {
  double positive = 0.0;
  double negative = 0.0;
};

template <class Key>
mass_totals totals_of(const ranking_view<Key>& ranking)
{
  running_masses sums(ranking.format);
  for (std::size_t i = 0; i < ranking.size(); ++i) sums.add(ranking.mass(i));
  return {sums.positive(), sums.negative()};
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
  const mass_totals all = totals_of(ranking);
  if (all.positive == 0.0 || all.negative == 0.0) return {0.0, 0.0, all.positive, all.negative};
  compensated_sum low;
  compensated_sum high;
  for_each_entry(ranking, [&](std::size_t i, double positive, double negative, double before, double) {
    const double sure = 2.0 * (before / all.positive) * (negative / all.negative);
    const double inside = (positive / all.positive) * (negative / all.negative);
    const bool one = ranking.is_one_score(i);
    low.add(sure + (one ? inside : 0.0));
    high.add(sure + (one ? inside : 2.0 * inside));
  });
  return {low.value(), high.value(), 1.0, 1.0};
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
  const mass_totals all = totals_of(ranking);
  compensated_sum low;
  compensated_sum middle;
  compensated_sum high;
  for_each_entry(ranking, [&](std::size_t i, double positive, double negative, double before, double false_before) {
    if (positive == 0.0) return;
    const double share = positive / all.positive;
    const double found = before + positive;
    const double at_end = share * (found / (found + (false_before + negative)));
    middle.add(at_end);
    if (ranking.is_one_score(i)) {
      low.add(at_end);
      high.add(at_end);
      return;
    }
    high.add(share * (found / (found + false_before)));
    const double above = false_before + negative;
    const double start = before + above;
    low.add(start == 0.0 ? share : share - (above / all.positive) * std::log1p(positive / start));
  });
  const double none = all.positive == 0.0 ? std::nan("") : 0.0;
  return {low.value() + none, middle.value() + none, high.value() + none};
}

// Masses of positive and negative rows down to the end of each entry.
template <class Key>
void cumulate(const ranking_view<Key>& ranking, double* positive, double* negative)
{
  running_masses sums(ranking.format);
  for (std::size_t i = 0; i < ranking.size(); ++i) {
    sums.add(ranking.mass(i));
    positive[i] = sums.positive();
    negative[i] = sums.negative();
  }
}

}  // namespace aliquot
