// The part of a row by the value of a column alone.
//
// Every value has an exponential variate for each part, by a hash of the seed, the value and the part's name, and goes
// to the part where variate / share is smallest: part p wins with probability share_p. So the split does not depend on
// the order of parts or rows; a part's share that grows, the others keeping their proportions, lowers the quotients of
// that part alone (they only matter up to a factor), so values move into it and nowhere else; and so with a part that
// is new. (Rendezvous hashing with weights: J. Schindelhauer, G. Schomaker 2005, doi:10.1145/1073970.1074008.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "hashing.hpp"
#include "random.hpp"

namespace aliquot
{

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
    map_hashes(hash_, values, parts, [this](std::uint64_t hash) { return part_of(hash); });
  }

 private:
  struct part {
    std::uint64_t name;
    double inverse;  // 1 / share
    std::int32_t index;
  };

  std::int32_t part_of(std::uint64_t hash) const noexcept
  {
    double least = std::numeric_limits<double>::infinity();
    std::int32_t winner = 0;
    for (const part& each : parts_) {
      const std::uint64_t word = mix64(mix64(hash + each.name) ^ each.name);
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
