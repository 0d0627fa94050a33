// How weights become an alias table: first integer masses with the sum that the cells have, then cells.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "alias.hpp"

namespace aliquot
{

namespace detail
{

// v * 2^by, without what falls below 1. The result fits (not checked).
constexpr uint128 shifted(uint128 v, int by) noexcept
{
  if (by >= 0) return v << by;
  return by > -128 ? v >> -by : 0;
}

constexpr int width(uint128 v) noexcept
{
  const auto high = static_cast<std::uint64_t>(v >> 64);
  const auto low = static_cast<std::uint64_t>(v);
  return 128 - (high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(low));
}

// round(a * b / 2^127), half up. The result fits (not checked).
constexpr uint128 scale(uint128 a, uint128 b) noexcept
{
  const uint128 a0 = static_cast<std::uint64_t>(a), a1 = a >> 64;
  const uint128 b0 = static_cast<std::uint64_t>(b), b1 = b >> 64;
  const uint128 low = a0 * b0, cross = a0 * b1, other = a1 * b0;
  const uint128 middle = (low >> 64) + static_cast<std::uint64_t>(cross) + static_cast<std::uint64_t>(other);
  const uint128 high = a1 * b1 + (cross >> 64) + (other >> 64) + (middle >> 64);
  const auto next = static_cast<std::uint64_t>(middle);
  return (high << 1 | next >> 63) + (next >> 62 & 1);
}

// round(a * 2^127 / b) for b >= 2^127.
constexpr uint128 ratio(uint128 a, uint128 b) noexcept
{
  uint128 quotient = a / b;
  uint128 rest = a % b;
  for (int i = 0; i < 127; ++i) {
    const bool carry = rest >> 127 != 0;
    rest <<= 1;
    quotient <<= 1;
    if (carry || rest >= b) {
      rest -= b;
      ++quotient;
    }
  }
  return quotient + (rest >= b - rest);
}

}  // namespace detail

// Weights as integers: weight(i, extra) is the i-th, times one power of two that lets the sum of n stay below 2^128,
// times 2^extra. The largest weight keeps all its bits but for wide ones, and what a weight loses is below 2^-94 of it.
// None is negative, `largest` is where the largest is, and it is above zero (not checked).

class integer_weights
{
 public:
  integer_weights(std::span<const std::uint64_t> weights, std::size_t) noexcept : weights_(weights) {}
  std::size_t size() const noexcept { return weights_.size(); }
  uint128 operator()(std::size_t i, int extra) const noexcept { return uint128{weights_[i]} << extra; }

 private:
  std::span<const std::uint64_t> weights_;
};

// Each a low and a high word.
class wide_weights
{
 public:
  wide_weights(std::span<const std::uint64_t> words, std::size_t largest) noexcept
      : words_(words), shift_(128 - detail::width(size()) - detail::width(weight(largest)))
  {
  }
  std::size_t size() const noexcept { return words_.size() / 2; }
  uint128 operator()(std::size_t i, int extra) const noexcept { return detail::shifted(weight(i), shift_) << extra; }

 private:
  uint128 weight(std::size_t i) const noexcept { return uint128{words_[2 * i + 1]} << 64 | words_[2 * i]; }

  std::span<const std::uint64_t> words_;
  int shift_;
};

class float_weights
{
 public:
  float_weights(std::span<const double> weights, std::size_t largest) noexcept
      : weights_(weights), base_(128 - detail::width(weights.size()) - 53 - exponent(bits(largest)))
  {
  }
  std::size_t size() const noexcept { return weights_.size(); }
  uint128 operator()(std::size_t i, int extra) const noexcept
  {
    const std::uint64_t b = bits(i);
    const std::uint64_t fraction = b & ((std::uint64_t{1} << 52) - 1);
    const std::uint64_t mantissa = fraction | std::uint64_t{b >> 52 != 0} << 52;
    return detail::shifted(mantissa, base_ + exponent(b)) << extra;
  }

 private:
  // Without the sign, as -0.0 is 0.
  std::uint64_t bits(std::size_t i) const noexcept { return std::bit_cast<std::uint64_t>(weights_[i]) << 1 >> 1; }

  // Subnormal numbers have the exponent of the smallest normal ones.
  static int exponent(std::uint64_t b) noexcept { return std::max(static_cast<int>(b >> 52), 1); }

  std::span<const double> weights_;
  int base_;
};

// Fill the two tables, as large as there are weights, 1 to max_size (not checked). Each outcome gets the mass
// round(weight / sum of weights * mass of all), and the one at `largest` what is left: a mass is off by 1 / 2^(3W/2) of
// a cell, the largest by n times that at most, where it has a cell or more. No mass for a weight of zero.
//
// The sweep (L. Hübschle-Schneider, P. Sanders 2022, doi:10.1145/3549934) goes along the outcomes of less than a cell
// and, apart, those of more. It has one of the latter in hand: while it has more than a cell left, it fills up the cell
// of the next small outcome; when it has less, it is itself small, and the next large one fills up its cell. Either way
// one cell is done and one outcome comes in, so one branch-free step does both.
template <class Word, class Weights>
void build_alias(const Weights& weight, std::size_t largest, std::span<Word> cells, std::span<Word> rests)
{
  using table = alias_table<Word>;
  using wide = typename table::wide;
  const std::size_t n = weight.size();

  uint128 sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += weight(i, 0);
  const int extra = 128 - detail::width(sum);
  const uint128 all = uint128{n} << table::cell_bits;
  const uint128 factor = detail::ratio(all, sum << extra);

  // Until the sweep a cell and its rest hold the mass of its outcome, which n times a cell is enough for.
  const auto keep = [&](std::size_t i, wide mass) {
    cells[i] = static_cast<Word>(mass >> table::word_bits);
    rests[i] = static_cast<Word>(mass);
  };
  const auto mass_of = [&](std::size_t i) -> wide { return wide{cells[i]} << table::word_bits | rests[i]; };
  constexpr wide full = wide{1} << table::cell_bits;

  const auto order = std::make_unique_for_overwrite<std::uint32_t[]>(n);
  std::size_t end_of_small = 0;
  std::size_t large = n;  // from the end down
  const auto sort_in = [&](std::size_t i, wide mass) {
    keep(i, mass);
    order[end_of_small] = static_cast<std::uint32_t>(i);
    order[large - 1] = static_cast<std::uint32_t>(i);
    end_of_small += mass < full;
    large -= mass >= full;
  };
  wide left = static_cast<wide>(all);
  const auto take = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      const auto mass = static_cast<wide>(detail::scale(weight(i, extra), factor));
      left -= mass;
      sort_in(i, mass);
    }
  };
  take(0, largest);
  take(largest + 1, n);
  sort_in(largest, left);

  // The masses sum to n cells, so that there is an outcome of a cell or more to begin with and whenever one is
  // needed; once the small ones are used up and the one in hand has a cell or more, all that are left have just that.
  large = n - 1;
  std::size_t small = 0;
  std::size_t hand = order[large];
  wide mass = mass_of(hand);
  const auto finish = [&](std::size_t i, wide threshold, std::size_t alias) {
    cells[i] = static_cast<Word>(static_cast<Word>(threshold >> table::word_bits) << table::half_bits | alias);
    rests[i] = static_cast<Word>(threshold);
  };
  while (small < end_of_small || mass < full) {
    const bool fills = mass >= full;
    const std::size_t next = order[fills ? small : large - 1];
    small += fills;
    large -= !fills;
    const wide next_mass = mass_of(next);
    const std::size_t done = fills ? next : hand;
    const wide threshold = fills ? next_mass : mass;
    hand = fills ? hand : next;
    finish(done, threshold, hand);
    mass = mass + next_mass - full;
  }
  for (; large > end_of_small; --large) finish(order[large - 1], 0, order[large - 1]);
  finish(hand, 0, hand);
}

}  // namespace aliquot
