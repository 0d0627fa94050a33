// Prints one digest of everything random, to be compared between instruction sets and optimisation levels.
#include <bit>
#include <cstdint>
#include <cstdio>

#include "aliquot/hashing.hpp"
#include "aliquot/simple_random.hpp"
#include "aliquot/weighted.hpp"

int main()
{
  using namespace aliquot;
  const seed_key seed{1, 2, 3, 4};
  std::uint64_t digest = 0;
  const auto add = [&](std::uint64_t word) { digest = mix64(digest ^ word) + 1; };
  for (const std::int64_t n : {std::int64_t{5000}, std::int64_t{1'000'000}, std::int64_t{1} << 40}) {
    for (const keyed_row& r : select_rows(seed, n, 2000)) {
      add(static_cast<std::uint64_t>(r.row));
      add(std::bit_cast<std::uint64_t>(r.key));
    }
  }
  generator random(seed, 5);
  const value_hash hash(seed);
  for (int i = 0; i < 100'000; ++i) {
    add(std::bit_cast<std::uint64_t>(exponential(random)));
    add(std::bit_cast<std::uint64_t>(exponential_of(random() >> (i % 64))));
    add(random.below(1'000'003));
    add(hash(static_cast<std::int64_t>(i)));
    add(hash(0.1 * i));
  }
  std::vector<double> weights(10'000);
  for (double& w : weights) w = exponential(random) + 0.01;
  for (const std::int64_t first_row : {std::int64_t{0}, (std::int64_t{1} << 32) - 5000}) {
    for (const double threshold : {1e-3, 0.1, 1e300}) {
      positions_below below{threshold, {}};
      offer_weighted(seed, first_row, weights, weighted_design::successive, below);
      for (const std::int64_t position : below.found) add(static_cast<std::uint64_t>(position));
    }
  }
  std::printf("%016llx\n", static_cast<unsigned long long>(digest));
}
