// Weights as integers, for the sum that they have exactly and the share that each has of it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "alias.hpp"

namespace aliquot
{

// value * 2^exponent; value is below 2^127.
struct scaled {
  uint128 value;
  int exponent;

  // To the nearest whole number. It fits (not checked).
  uint128 rounded() const noexcept
  {
    if (exponent >= 0) return value << exponent;
    return exponent > -128 ? ((value >> (-exponent - 1)) + 1) >> 1 : 0;
  }
};

namespace detail
{

// Of a * b, the bits above the lower 64.
constexpr uint128 multiply_high(std::uint64_t a, uint128 b) noexcept
{
  return a * (b >> 64) + (uint128{a} * static_cast<std::uint64_t>(b) >> 64);
}

// Of a * b, the bits above the lower 128.
constexpr uint128 multiply_high(uint128 a, uint128 b) noexcept
{
  const uint128 low = static_cast<std::uint64_t>(a) * (b >> 64);
  const uint128 middle = multiply_high(static_cast<std::uint64_t>(a), b) - low;  // a carry of 64 bits
  const uint128 sum = low + static_cast<std::uint64_t>(middle) + (a >> 64) * static_cast<std::uint64_t>(b);
  const bool carry = sum < low;
  return (a >> 64) * (b >> 64) + (sum >> 64) + (uint128{carry} << 64);
}

// a / b * 2^shift with a value in [2^126, 2^127), to the nearest, for a and b above 0.
constexpr scaled ratio(uint128 a, uint128 b) noexcept
{
  const int a_shift = 128 - width(a), b_shift = 128 - width(b);
  a <<= a_shift;
  b <<= b_shift;
  const bool halve = a >= b;
  int exponent = b_shift - a_shift - 127 + halve;
  if (halve) a >>= 1;  // a bit that falls off is 2^-127 of it
  uint128 quotient = 0;
  for (int i = 0; i < 127; ++i) {
    const bool carry = a >> 127 != 0;
    a <<= 1;
    quotient <<= 1;
    if (carry || a >= b) {
      a -= b;
      ++quotient;
    }
  }
  quotient += a >= b - a;
  return {quotient, exponent};
}

}  // namespace detail

// Each kind of weights gives fixed(i), the i-th times one power of two that lets the sum of n stay below 2^128, cut to
// an integer, which loses less than 2^-86 of the largest; and times(i, factor), the same unit but nothing lost beyond
// 2^-124 of the product, for factors of 127 bits. None is negative, `largest` is where the largest is, and it is above
// zero (not checked).

class integer_weights
{
 public:
  integer_weights(std::span<const std::uint64_t> weights, std::size_t) noexcept : weights_(weights) {}
  std::size_t size() const noexcept { return weights_.size(); }
  uint128 fixed(std::size_t i) const noexcept { return weights_[i]; }
  scaled times(std::size_t i, const scaled& factor) const noexcept
  {
    const int up = std::countl_zero(weights_[i] | 1);
    return {detail::multiply_high(weights_[i] << up, factor.value), factor.exponent + 64 - up};
  }

 private:
  std::span<const std::uint64_t> weights_;
};

// Each a low and a high word.
class wide_weights
{
 public:
  wide_weights(std::span<const std::uint64_t> words, std::size_t largest) noexcept
      : words_(words), shift_(128 - width(size()) - width(weight(largest)))
  {
  }
  std::size_t size() const noexcept { return words_.size() / 2; }
  uint128 fixed(std::size_t i) const noexcept { return shifted(weight(i), shift_); }
  scaled times(std::size_t i, const scaled& factor) const noexcept
  {
    const uint128 w = weight(i);
    const int up = 128 - width(w | 1);
    return {detail::multiply_high(w << up, factor.value), factor.exponent + 128 - up + shift_};
  }

 private:
  uint128 weight(std::size_t i) const noexcept { return uint128{words_[2 * i + 1]} << 64 | words_[2 * i]; }

  std::span<const std::uint64_t> words_;
  int shift_;
};

class float_weights
{
 public:
  float_weights(std::span<const double> weights, std::size_t largest) noexcept
      : weights_(weights), base_(128 - width(weights.size()) - 53 - exponent(bits(largest)))
  {
  }
  std::size_t size() const noexcept { return weights_.size(); }
  uint128 fixed(std::size_t i) const noexcept
  {
    const std::uint64_t b = bits(i);
    return shifted(mantissa(b), base_ + exponent(b));
  }
  scaled times(std::size_t i, const scaled& factor) const noexcept
  {
    const std::uint64_t b = bits(i);
    const int up = b >> 52 != 0 ? 11 : std::countl_zero(mantissa(b) | 1);
    return {detail::multiply_high(mantissa(b) << up, factor.value), factor.exponent + 64 - up + base_ + exponent(b)};
  }

 private:
  // Without the sign, as -0.0 is 0.
  std::uint64_t bits(std::size_t i) const noexcept { return std::bit_cast<std::uint64_t>(weights_[i]) << 1 >> 1; }

  static std::uint64_t mantissa(std::uint64_t b) noexcept
  {
    return (b & ((std::uint64_t{1} << 52) - 1)) | std::uint64_t{b >> 52 != 0} << 52;
  }

  // Subnormal numbers have the exponent of the smallest normal ones.
  static int exponent(std::uint64_t b) noexcept { return std::max(static_cast<int>(b >> 52), 1); }

  std::span<const double> weights_;
  int base_;
};

}  // namespace aliquot
