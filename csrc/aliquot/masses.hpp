// Sums of weights without rounding, so that neither batching nor the order of merges can change a digit: whole numbers
// of a unit 2^e, in as many 32-bit limbs as the widest sum needs, the lowest first. Rows without weights weigh 1: their
// masses are counts, in one limb up to 2^31 rows.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace aliquot
{

using limb = std::uint32_t;

struct mass_format {
  int unit;   // the exponent e
  int limbs;  // at least 1
};

// A finite weight above 0 as mantissa * 2^exponent, the mantissa odd.
struct odd_weight {
  std::uint64_t mantissa;
  int exponent;

  explicit odd_weight(double weight) noexcept
  {
    const auto bits = std::bit_cast<std::uint64_t>(weight);
    const int biased = static_cast<int>(bits >> 52);
    mantissa = (bits & ((std::uint64_t{1} << 52) - 1)) | (biased == 0 ? 0 : std::uint64_t{1} << 52);
    const int zeros = std::countr_zero(mantissa);
    mantissa >>= zeros;
    exponent = std::max(biased, 1) - 1075 + zeros;
  }

  // The exponent of the first bit.
  int top() const noexcept { return exponent + static_cast<int>(std::bit_width(mantissa)) - 1; }
};

// sum += addend * 2^shift. The sum has room for it (not checked).
inline void add_shifted(limb* sum, int limbs, const limb* addend, int addend_limbs, int shift) noexcept
{
  const int bits = shift % 32;
  std::uint64_t carry = 0;
  std::uint64_t window = 0;  // the addend's limb above the one before it
  for (int i = 0, at = shift / 32; at < limbs; ++i, ++at) {
    window = window >> 32 | (i < addend_limbs ? std::uint64_t{addend[i]} << 32 : 0);
    carry += std::uint64_t{sum[at]} + static_cast<limb>(window >> (32 - bits));
    sum[at] = static_cast<limb>(carry);
    carry >>= 32;
    if (i >= addend_limbs && carry == 0) return;
  }
}

inline void add_shifted(limb* sum, int limbs, std::uint64_t addend, int shift) noexcept
{
  const limb halves[2] = {static_cast<limb>(addend), static_cast<limb>(addend >> 32)};
  add_shifted(sum, limbs, halves, 2, shift);
}

// Masses as double, within one unit in the last place; all by the same power of two smaller where they would overflow.
class mass_reader
{
 public:
  explicit mass_reader(mass_format format) : powers_(static_cast<std::size_t>(format.limbs))
  {
    const int unit = std::min(format.unit, 1000 - 32 * format.limbs);
    for (int i = 0; i < format.limbs; ++i) powers_[static_cast<std::size_t>(i)] = std::ldexp(1.0, unit + 32 * i);
  }

  double operator()(const limb* mass) const noexcept
  {
    std::size_t top = powers_.size() - 1;
    while (top > 0 && mass[top] == 0) --top;
    double value = mass[top];
    if (top == 0) return value * powers_[0];
    // The first two limbs exactly where 53 bits hold them, then what is left of those bits.
    const auto first = static_cast<double>(std::uint64_t{mass[top]} << 32 | mass[top - 1]);
    value = top == 1 ? first : first + static_cast<double>(mass[top - 2]) * 0x1p-32;
    return value * powers_[top - 1];
  }

 private:
  std::vector<double> powers_;
};

}  // namespace aliquot
