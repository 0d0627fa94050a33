// The part of a row by the value of a column alone.
//
// Every value has an exponential variate for each part, by a hash of the seed, the value and the part's name, and goes
// to the part where variate / share is smallest: part p wins with probability share_p. So the split does not depend on
// the order of parts or rows; a part's share that grows, the others keeping their proportions, lowers the quotients of
// that part alone (they only matter up to a factor), so values move into it and nowhere else; and so with a part that
// is new. (Rendezvous hashing with weights: J. Schindelhauer, G. Schomaker 2005, doi:10.1145/1073970.1074008.)
#pragma once

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
    for (std::size_t i = 0; i < names.size(); ++i) parts_.push_back({hash_(names[i]), shares[i]});
  }

  // parts[i] = the part of row i; parts.size() == values.length() (not checked)
  void assign(const column& values, std::span<std::int32_t> parts) const
  {
    map_hashes(hash_, values, parts, [this](std::uint64_t hash) { return part_of(hash); });
  }

 private:
  struct part {
    std::uint64_t name;
    double share;
  };

  std::int32_t part_of(std::uint64_t hash) const noexcept
  {
    double least = std::numeric_limits<double>::infinity();
    std::size_t winner = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i].share == 0.0) continue;
      const double quotient = exponential_of(mix64(mix64(hash + parts_[i].name) ^ parts_[i].name)) / parts_[i].share;
      if (quotient < least) {
        least = quotient;
        winner = i;
      }
    }
    return static_cast<std::int32_t>(winner);
  }

  value_hash hash_;
  std::vector<part> parts_;
};

}  // namespace aliquot
