// The part of a row by the value of a column alone.
//
// Every value has an exponential variate for each part, by a hash of the seed, the value and the part's name, and goes
// to the part where variate / share is smallest: part p wins with probability share_p. So the split does not depend on
// the order of parts or rows; a part's share that grows, the others keeping their proportions, lowers the quotients of
// that part alone (they only matter up to a factor), so values move into it and nowhere else; and so with a part that
// is new. (Rendezvous hashing with weights: J. Schindelhauer, G. Schomaker 2005, doi:10.1145/1073970.1074008.)
//
// Which quotient is smallest is nearly always clear from bounds of the variates by their first bits, which are found
// for several rows at once. Logarithms are for the few rows where it is not.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "hashing.hpp"
#include "random.hpp"
#include "target_clones.hpp"

namespace aliquot
{

namespace detail
{

// What is known of each row of a block after some parts.
struct standings {
  std::array<float, hash_block> first;          // the least bound of a quotient
  std::array<std::int32_t, hash_block> slack;   // how much larger the quotient itself may be, the bits of a float
  std::array<float, hash_block> second;         // the least bound of the others
  std::array<std::int32_t, hash_block> winner;  // the part of the least bound
};

// The word behind the variate of a value and a part.
constexpr std::uint64_t part_word(std::uint64_t hash, std::uint64_t name) noexcept
{
  return mix64(mix64(hash + name) ^ name);
}

inline constexpr float bound_slack = 1.0F / 512;
inline constexpr float bound_reach = 12;

// A lower bound of exponential_of(word) for the word's first 31 bits, complemented. While it is below bound_reach the
// variate is at most bound_slack larger: (c + 1) / 2^31 is within 2^-31 of 1 - word / 2^64, which moves its logarithm
// by less than 2^-13 there, and the polynomial for log2(1 + t) is within 6.4e-4, which is taken off. The rest of the
// slack is beyond all rounding.
inline float variate_bound(std::int32_t c) noexcept
{
  const auto bits = std::bit_cast<std::int32_t>(static_cast<float>(c) + 1);
  const auto exponent = static_cast<float>((bits >> 23) - 127);
  const float t = std::bit_cast<float>((bits & 0x7FFFFF) | 0x3F800000) - 1;
  const float log2 = exponent + (6.371e-4F + t * (1.4188803F + t * (-0.57712899F + t * 0.15824869F)));
  return (31 - 7e-4F - log2) * 0.69314718F;
}

// Enter one more part into the standings of n rows.
ALIQUOT_TARGET_CLONES
inline void enter_part(const std::uint64_t* hashes, std::uint64_t name, float inverse, std::int32_t part,
                       standings& rows, std::size_t n) noexcept
{
  const auto slack = std::bit_cast<std::int32_t>(bound_slack * inverse);
  for (std::size_t i = 0; i < n; ++i) {
    const float bound = variate_bound(static_cast<std::int32_t>(~part_word(hashes[i], name) >> 33)) * inverse;
    const float first = rows.first[i], second = rows.second[i];
    const std::int32_t leads = -static_cast<std::int32_t>(bound < first);
    const float least = bound < first ? bound : first;
    const float other = bound < first ? first : bound;
    rows.first[i] = least;
    rows.second[i] = other < second ? other : second;
    rows.slack[i] = (slack & leads) | (rows.slack[i] & ~leads);
    rows.winner[i] = (part & leads) | (rows.winner[i] & ~leads);
  }
}

// doubts[i] = 1 if the winner of row i is not certain.
ALIQUOT_TARGET_CLONES
inline void find_doubts(const standings& rows, std::uint8_t* doubts, std::size_t n) noexcept
{
  for (std::size_t i = 0; i < n; ++i) {
    const auto slack = std::bit_cast<float>(rows.slack[i]);
    const bool clear = rows.second[i] > rows.first[i] + slack;
    const bool near = rows.first[i] < slack * (bound_reach / bound_slack);
    doubts[i] = !(clear & near);
  }
}

}  // namespace detail

class hash_splitter
{
 public:
  // As many names as shares, which need not sum to 1; at least one is above 0 (not checked).
  hash_splitter(const seed_key& seed, std::span<const std::string_view> names, std::span<const double> shares)
      : hash_(subkey(seed, purpose::hash_split))
  {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (shares[i] > 0) parts_.push_back({hash_(names[i]), 1 / shares[i], static_cast<std::int32_t>(i)});
    }
    // Large shares first: they win most often, and what cannot win after them is seen without a logarithm.
    std::stable_sort(parts_.begin(), parts_.end(), [](const part& a, const part& b) { return a.inverse < b.inverse; });
  }

  // parts[i] = the part of row i; parts.size() == values.length() (not checked)
  void assign(const column& values, std::span<std::int32_t> parts) const
  {
    detail::standings rows{};
    map_hashes(hash_, values, parts, [&](std::span<const std::uint64_t> hashes, std::span<std::int32_t> out) {
      assign_block(hashes, rows, out);
    });
  }

 private:
  struct part {
    std::uint64_t name;
    double inverse;  // 1 / share
    std::int32_t index;
  };

  void assign_block(std::span<const std::uint64_t> hashes, detail::standings& rows,
                    std::span<std::int32_t> parts) const noexcept
  {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const std::size_t n = hashes.size();
    std::fill_n(rows.first.begin(), n, infinity);
    std::fill_n(rows.second.begin(), n, infinity);
    for (const part& each : parts_) {
      // A share below 2^-100 leads in no row for certain.
      const auto inverse = static_cast<float>(std::min(each.inverse, 0x1p100));
      detail::enter_part(hashes.data(), each.name, inverse, each.index, rows, n);
    }
    std::array<std::uint8_t, detail::hash_block> doubts;
    detail::find_doubts(rows, doubts.data(), n);
    std::copy_n(rows.winner.begin(), n, parts.begin());
    for (const std::uint8_t *at = doubts.data(), *end = at + n; (at = std::find(at, end, 1)) != end; ++at) {
      const auto row = static_cast<std::size_t>(at - doubts.data());
      parts[row] = part_of(hashes[row]);
    }
  }

  std::int32_t part_of(std::uint64_t hash) const noexcept
  {
    double least = std::numeric_limits<double>::infinity();
    std::int32_t winner = 0;
    for (const part& each : parts_) {
      const std::uint64_t word = detail::part_word(hash, each.name);
      const double uniform = static_cast<double>(static_cast<std::int64_t>(word >> 11)) * 0x1p-53;
      if (uniform * each.inverse >= least) continue;  // as -log(1 - u) >= u
      const double quotient = exponential_of(word) * each.inverse;
      if (quotient < least) {
        least = quotient;
        winner = each.index;
      }
    }
    return winner;
  }

  value_hash hash_;
  std::vector<part> parts_;
};

}  // namespace aliquot
