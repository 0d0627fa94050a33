// Simple random samples when the number of rows is known beforehand: the rows that a reservoir over all of them
// would keep, in O(k).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "bottom_k.hpp"
#include "keys.hpp"

namespace aliquot
{

struct keyed_row {
  double key;
  std::int64_t row;
};

// All rows in [from, to) with a key of at most `limit`, in row order.
struct rows_below {
  double threshold;
  std::vector<keyed_row> found;

  double limit() const noexcept { return threshold; }
  void offer(double key, std::int64_t row) { found.push_back({key, row}); }
};

namespace detail
{

// A limit that about k + 6 sqrt(k) of n rows stay below: fewer than k do once in 1e9 tries.
inline double first_limit(double n, double k) noexcept
{
  const double share = (k + 6.0 * std::sqrt(k) + 20.0) / n;
  return share < 1.0 ? -std::log1p(-share) : std::numeric_limits<double>::infinity();
}

}  // namespace detail

// The k rows of 0 ... n-1 with the smallest keys, in row order. 0 <= k <= n <= max_rows (not checked)
inline std::vector<keyed_row> select_rows(const seed_key& seed, std::int64_t n, std::int64_t k)
{
  if (k == 0) return {};
  rows_below sink{detail::first_limit(static_cast<double>(n), static_cast<double>(k)), {}};
  sink.found.reserve(static_cast<std::size_t>(k + k / 8 + 64));
  for (;;) {
    sink.found.clear();
    uniform_keys(seed, 0).advance(n, sink);
    if (sink.found.size() >= static_cast<std::size_t>(k)) break;
    sink.threshold *= 2.0;
  }
  const keyed_row last = nth_smallest(sink.found, static_cast<std::size_t>(k) - 1);
  std::erase_if(sink.found, [&](const keyed_row& r) { return before(last, r); });
  return std::move(sink.found);
}

// Draws with replacement out of a sample without it. In a sequence of independent draws from n rows the next one
// repeats each of the d rows seen so far with probability 1/n, and else is new, uniform among the others: the next row
// in order of its key. So the k smallest keys and these ranks, rank[i] of the row that is draw i, are k independent
// draws. They depend on the seed, the stream and n alone, and those for a smaller size are a prefix. Returns the number
// of distinct rows. n >= 1 if there is anything to draw (not checked)
inline std::int64_t draw_ranks(const seed_key& seed, std::uint64_t stream, std::int64_t n,
                               std::span<std::int64_t> ranks) noexcept
{
  generator random(subkey(seed, purpose::repeats), stream);
  std::int64_t distinct = 0;
  for (std::int64_t& rank : ranks) {
    rank = static_cast<std::int64_t>(random.below64(static_cast<std::uint64_t>(n)));
    if (rank >= distinct) rank = distinct++;
  }
  return distinct;
}

// The same for draws in proportion to weight: a sequence of independent draws with the repeats left out is a successive
// sample, so the next draw repeats a row seen with probability weight / total each, and else is the next row by key.
// `weights` are those of the rows in order of their keys; at least ranks.size() of them, or all that are positive.
inline std::int64_t draw_weighted_ranks(const seed_key& seed, std::uint64_t stream, std::span<const double> weights,
                                        double total, std::span<std::int64_t> ranks)
{
  generator random(subkey(seed, purpose::repeats), stream);
  std::vector<double> seen;  // cumulative weights
  for (std::int64_t& rank : ranks) {
    const double at = static_cast<double>(static_cast<std::int64_t>(random() >> 11)) * 0x1p-53 * total;
    const double so_far = seen.empty() ? 0.0 : seen.back();
    if (at >= so_far && seen.size() < weights.size()) {
      seen.push_back(so_far + weights[seen.size()]);
      rank = static_cast<std::int64_t>(seen.size()) - 1;
    } else {
      const auto found = std::upper_bound(seen.begin(), seen.end() - 1, at);
      rank = found - seen.begin();
    }
  }
  return static_cast<std::int64_t>(seen.size());
}

}  // namespace aliquot
