// Sums of weights without rounding, so that neither batching nor the order of merges can change a digit: whole numbers
// of a unit 2^e, in as many 32-bit limbs as the widest sum needs, the lowest first. Rows without weights weigh 1: their
// masses are counts, in one limb up to 2^31 rows.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
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

// Masses of at most four limbs as integers, which sums do not overflow.
template <int Limbs>
struct small_mass {
  static_assert(std::endian::native == std::endian::little, "limbs are copied as one integer");
  using integer = std::conditional_t<(Limbs <= 2), std::uint64_t, unsigned __int128>;

  // In halves, each read and written as a whole: an integer put together in memory would have to wait for its parts.
  static integer load(const limb* from) noexcept
  {
    if constexpr (Limbs <= 2) {
      integer mass = 0;
      std::memcpy(&mass, from, Limbs * sizeof(limb));
      return mass;
    } else {
      return integer{small_mass<Limbs - 2>::load(from + 2)} << 64 | small_mass<2>::load(from);
    }
  }

  static void store(limb* to, integer mass) noexcept
  {
    if constexpr (Limbs <= 2) {
      std::memcpy(to, &mass, Limbs * sizeof(limb));
    } else {
      small_mass<2>::store(to, static_cast<std::uint64_t>(mass));
      small_mass<Limbs - 2>::store(to + 2, static_cast<std::uint64_t>(mass >> 64));
    }
  }

  // A finite weight above 0, in this unit, which it is a multiple of.
  static integer of(double weight, int unit) noexcept
  {
    const auto bits = std::bit_cast<std::uint64_t>(weight);
    const int biased = static_cast<int>(bits >> 52);
    const std::uint64_t mantissa = (bits & ((std::uint64_t{1} << 52) - 1)) | std::uint64_t{biased != 0} << 52;
    const int shift = std::max(biased, 1) - 1075 - unit;
    return static_cast<integer>((integer{mantissa} << std::max(shift, 0)) >> std::max(-shift, 0));
  }

  // In units, rounded.
  static double to_double(integer mass) noexcept
  {
    if constexpr (Limbs == 1) {
      return static_cast<double>(static_cast<std::int64_t>(mass));
    } else if constexpr (Limbs == 2) {
      return static_cast<double>(mass);
    } else {
      const auto upper = static_cast<double>(static_cast<std::uint64_t>(mass >> 64));
      const auto middle = static_cast<double>(static_cast<std::uint32_t>(mass >> 32));  // not one word, whose first bit
      const auto lower =
          static_cast<double>(static_cast<std::uint32_t>(mass));  // calls for a branch that is anybody's guess
      return upper * 0x1p64 + (middle * 0x1p32 + lower);
    }
  }
};

// f(std::integral_constant<int, limbs>()) for up to four limbs, else with 0.
template <class F>
decltype(auto) visit_limbs(int limbs, F&& f)
{
  switch (limbs) {
    case 1: return f(std::integral_constant<int, 1>());
    case 2: return f(std::integral_constant<int, 2>());
    case 3: return f(std::integral_constant<int, 3>());
    case 4: return f(std::integral_constant<int, 4>());
    default: return f(std::integral_constant<int, 0>());
  }
}

// The unit in which masses are read as double: theirs, or a smaller one where they would overflow.
inline int readable_unit(mass_format format) noexcept
{
  return std::min(format.unit, 1000 - 32 * format.limbs);
}

// Masses as double in units of 2^unit, within one unit in the last place. What would overflow is read as some number of
// 2^936 or more, what is too small as 0.
class mass_reader
{
 public:
  mass_reader(int limbs, int unit) : powers_(static_cast<std::size_t>(limbs))
  {
    for (int i = 0; i < limbs; ++i)
      powers_[static_cast<std::size_t>(i)] = std::ldexp(1.0, std::min(unit + 32 * i, 936));
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
