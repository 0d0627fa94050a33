// Rows of weight 1 counted by score, which spares sorting where there are not many more scores than rows.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "masses.hpp"
#include "radix_sort.hpp"

namespace aliquot
{

namespace detail
{

inline constexpr std::size_t scanned = 64;  // values at once, whose counts are pairs: of negative rows, then positive

// A bit for each value that there is.
template <class Count>
std::uint64_t values_there(const Count* counts) noexcept
{
  std::uint64_t there = 0;
  for (std::size_t i = 0; i < scanned; ++i) there |= std::uint64_t{(counts[2 * i] | counts[2 * i + 1]) != 0} << i;
  return there;
}

#if defined(__SSE2__)
inline std::uint64_t values_there(const std::uint16_t* counts) noexcept
{
  const auto are_none = [=](std::size_t i) {  // in bits all alike
    return _mm_cmpeq_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(counts) + i), _mm_setzero_si128());
  };
  std::uint64_t there = 0;
  for (std::size_t i = 0; i < scanned; i += 16) {
    const std::size_t at = i / 4;
    const __m128i lower = _mm_packs_epi32(are_none(at), are_none(at + 1));
    const __m128i upper = _mm_packs_epi32(are_none(at + 2), are_none(at + 3));
    const int none = _mm_movemask_epi8(_mm_packs_epi16(lower, upper));
    there |= std::uint64_t{static_cast<std::uint16_t>(~none)} << i;
  }
  return there;
}
#endif

}  // namespace detail

template <class Key>
class value_counts
{
 public:
  // For buckets of so many rows at the most.
  explicit value_counts(std::size_t most_rows)
      : few_(most_rows < fewest_rows ? 0 : 2 * most_values), many_(most_rows > most_few ? 2 * most_values : 0)
  {
  }

  // Whether rows whose words differ in these bits, the label's aside, are few enough values.
  static bool suits(std::size_t rows, Key differing) noexcept
  {
    const int bits = differing == 0 ? 0 : static_cast<int>(std::bit_width(differing)) - std::countr_zero(differing);
    return rows >= fewest_rows && bits <= most_bits && std::size_t{1} << bits <= 8 * rows;
  }

  // Write the keys and the masses of rows in any order, in units of which a row weighs 2^shift; returns how many.
  std::size_t count(std::span<const labelled_row<Key>> rows, Key differing, Key first_bit, Key* keys, limb* masses,
                    int shift) noexcept
  {
    if (rows.size() <= most_few) return count_in(few_, rows, differing, first_bit, keys, masses, shift);
    return count_in(many_, rows, differing, first_bit, keys, masses, shift);
  }

 private:
  static constexpr std::size_t fewest_rows = 1 << 11;  // for the sake of clearing counts
  static constexpr int most_bits = 16;                 // counts that leave room for rows in a second-level cache
  static constexpr std::size_t most_values = std::size_t{1} << most_bits;
  static constexpr std::size_t most_few = std::numeric_limits<std::uint16_t>::max();

  template <class Count>
  static std::size_t count_in(std::vector<Count>& counts, std::span<const labelled_row<Key>> rows, Key differing,
                              Key first_bit, Key* keys, limb* masses, int shift) noexcept
  {
    const int low = differing == 0 ? 1 : std::countr_zero(differing);
    const auto mask = static_cast<Key>(differing == 0 ? Key{0} : (std::bit_floor(differing) << 1) - 1) >> low;
    const Key base = (rows[0].word & ~static_cast<Key>(mask << low)) >> 1 | first_bit;
    for (const auto row : rows) {
      const auto value = static_cast<std::size_t>(row.word >> low & mask);
      ++counts[2 * value + static_cast<std::size_t>(row.word & 1)];
    }
    std::size_t out = 0;
    for (std::size_t at = 0; at <= mask; at += detail::scanned) {
      for (auto left = detail::values_there(&counts[2 * at]); left != 0; left &= left - 1) {
        const std::size_t value = at + static_cast<std::size_t>(std::countr_zero(left));
        keys[out] = base | static_cast<Key>(static_cast<Key>(value) << (low - 1));
        const std::uint64_t limbs = counts[2 * value + 1] | std::uint64_t{counts[2 * value]} << 32;
        const std::uint64_t shifted = limbs << shift;
        std::memcpy(masses + 2 * out++, &shifted, sizeof shifted);
      }
    }
    std::memset(counts.data(), 0, 2 * (static_cast<std::size_t>(mask) + 1) * sizeof(Count));
    return out;
  }

  // None between calls.
  std::vector<std::uint16_t> few_;
  std::vector<std::uint32_t> many_;
};

}  // namespace aliquot
