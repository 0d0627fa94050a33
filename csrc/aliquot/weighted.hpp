// Keys of rows by number and weight, e / w: one hash a row, and a logarithm only for rows that may enter.
//
// The hash of a row is 64 bits, v = hash / 2^64. Its upper half takes 32-bit arithmetic only, which every vector unit
// has, and is enough to turn nearly all rows away: the key of a row is -log(1 - v) / w (successive sampling: P.
// Efraimidis, P. Spirakis 2006, doi:10.1016/j.ipl.2005.11.003) or v / w (priority sampling: N. Duffield, C. Lund, M.
// Thorup 2007, doi:10.1145/1314690.1314696), and both are at least v / w, so the row is out if v > limit * w. The lower
// half and the logarithm are for the few that are left.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "bottom_k.hpp"
#include "random.hpp"
#include "target_clones.hpp"

namespace aliquot
{

enum class weighted_design : int { successive, priority };

// The hashes of 2^32 consecutive rows.
struct row_hash {
  std::uint32_t add;
  std::uint32_t flip;
  std::uint64_t low;

  // rows [block * 2^32, (block + 1) * 2^32)
  row_hash(const seed_key& key, std::int64_t block) noexcept
  {
    generator random(key, static_cast<std::uint64_t>(block));
    const std::uint64_t word = random();
    add = static_cast<std::uint32_t>(word);
    flip = static_cast<std::uint32_t>(word >> 32);
    low = random();
  }

  // A bijection of 32-bit words with low bias (C. Wellons 2018, "hash prospector").
  static constexpr std::uint32_t mix32(std::uint32_t x) noexcept
  {
    x ^= x >> 16;
    x *= 0x21F0AAADu;
    x ^= x >> 15;
    x *= 0xD35A2D97u;
    x ^= x >> 15;
    return x;
  }

  // The sum of two bijections under keys of their own: a function, in which values repeat as they do at random.
  std::uint32_t upper(std::uint32_t row) const noexcept { return mix32(row + add) + mix32(row ^ flip); }

  std::uint64_t operator()(std::uint32_t row) const noexcept
  {
    return std::uint64_t{upper(row)} << 32 | (mix64(low + row) >> 32);
  }
};

namespace detail
{

inline constexpr int filter_rows = 64;
inline constexpr int stretch_rows = 256;

// One less than 31 bits of the hash, so that no rounding here or in the key turns a row away that may enter.
inline std::int32_t least_hash(const row_hash& hash, std::uint32_t row) noexcept
{
  return static_cast<std::int32_t>(hash.upper(row) >> 1) - 1;
}

// The first bit is set if a weight is negative, infinite or NaN, and also for -0.0.
inline std::uint64_t oddness(double weight) noexcept
{
  const auto bits = std::bit_cast<std::uint64_t>(weight);
  return bits | (bits + (std::uint64_t{1} << 52));  // an exponent of ones carries over
}

// Whether none of 256 rows may have a key of at most limit, by its weight and 31 bits of its hash, and no weight is
// odd. That is all there is to know of most rows, and needs no gathering of bits.
ALIQUOT_TARGET_CLONES
inline bool is_quiet(const row_hash hash, std::uint32_t row, const double* weights, double limit) noexcept
{
  const double scaled = limit * 0x1p31;
  std::uint64_t any = 0, odd = 0;
  for (std::uint32_t i = 0; i < stretch_rows; ++i) {
    any |= static_cast<double>(least_hash(hash, row + i)) <= scaled * weights[i] ? ~std::uint64_t{0} : 0;
    odd |= oddness(weights[i]);
  }
  return any == 0 && odd >> 63 == 0;
}

// Bit i is byte i, which is 0 or 1.
inline std::uint64_t bits_of(const std::array<std::uint8_t, filter_rows>& bytes) noexcept
{
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) {
    const auto word = std::bit_cast<std::array<std::uint64_t, 8>>(bytes)[static_cast<std::size_t>(i)];
    bits |= (word * 0x0102040810204080u >> 56) << (8 * i);
  }
  return bits;
}

// Bit i of the result: row + i may have a key of at most limit. And whether a weight is odd. 64 rows.
ALIQUOT_TARGET_CLONES
inline std::uint64_t may_enter(const row_hash hash, std::uint32_t row, const double* weights, double limit,
                               bool& is_odd) noexcept
{
  std::array<std::uint8_t, filter_rows> enters;
  std::uint64_t odd = 0;
  const double scaled = limit * 0x1p31;
  for (std::uint32_t i = 0; i < filter_rows; ++i) {
    enters[i] = static_cast<double>(least_hash(hash, row + i)) <= scaled * weights[i];
    odd |= oddness(weights[i]);
  }
  is_odd = odd >> 63 != 0;
  return bits_of(enters);
}

}  // namespace detail

// Keys up to here are quotients. Those of tiny weights go to 2^1080, where double ends at 2^1024, so beyond they are
// logarithmic: 57 binades share the last one, each a 64th of it, in order.
inline constexpr double last_quotient = 0x1p1023;

// The key of a row of positive weight, finite.
inline double weighted_key(std::uint64_t hash, double weight, weighted_design design) noexcept
{
  const double v = static_cast<double>(static_cast<std::int64_t>(hash >> 11)) * 0x1p-53;
  const double numerator = design == weighted_design::priority ? v : exponential_of(hash);
  const double key = numerator / weight;
  if (key < last_quotient) [[likely]]
    return key;
  // The bits of a double are its logarithm, in straight pieces.
  const auto beyond =
      std::bit_cast<std::uint64_t>(numerator * 0x1p-64 / weight) - std::bit_cast<std::uint64_t>(0x1p959);
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(last_quotient) + (beyond >> 6));
}

inline constexpr std::int64_t all_weights_good = -1;

// Offer the rows first_row, first_row + 1, ... with these weights whose keys are at most sink.limit(), in row order:
// sink.offer(key, row, position). Returns the position of the first weight that is negative, infinite or NaN, and
// then stops; or all_weights_good.
template <class Sink>
std::int64_t offer_weighted(const seed_key& seed, std::int64_t first_row, std::span<const double> weights,
                            weighted_design design, Sink& sink)
{
  const seed_key key = subkey(seed, purpose::weighted_rows);
  constexpr std::size_t step = detail::filter_rows, stretch = detail::stretch_rows;
  std::array<double, step> padded;
  // Where nearly every stretch has a row that may enter, asking whether it has none only costs.
  std::size_t ask_at = 0, pause = stretch;
  for (std::size_t at = 0; at < weights.size();) {
    const std::int64_t block = (first_row + static_cast<std::int64_t>(at)) >> 32;
    const row_hash hash(key, block);
    const std::int64_t block_rows = ((block + 1) << 32) - first_row;
    const std::size_t end = std::min(weights.size(), static_cast<std::size_t>(block_rows));
    for (; at < end; at += step) {
      const auto row = static_cast<std::uint32_t>(first_row + static_cast<std::int64_t>(at));
      const double* from = weights.data() + at;
      if (at >= ask_at && end - at >= stretch) {
        if (detail::is_quiet(hash, row, from, sink.limit())) {
          at += stretch - step;
          pause = stretch;
          continue;
        }
        ask_at = at + pause;
        pause = std::min(2 * pause, 16 * stretch);
      }
      const std::size_t rows = std::min(step, end - at);
      if (rows < step) {
        padded.fill(0.0);
        std::copy_n(from, rows, padded.begin());
        from = padded.data();
      }
      bool is_odd = false;
      std::uint64_t enters = detail::may_enter(hash, row, from, sink.limit(), is_odd);
      if (is_odd) [[unlikely]] {
        const auto is_bad = [](double w) { return !(w >= 0.0 && w <= std::numeric_limits<double>::max()); };
        const double* bad = std::find_if(from, from + step, is_bad);
        if (bad != from + step) return static_cast<std::int64_t>(at) + (bad - from);
      }
      for (; enters != 0; enters &= enters - 1) {
        const auto i = static_cast<std::uint32_t>(std::countr_zero(enters));
        if (from[i] == 0.0) continue;
        const double row_key = weighted_key(hash(row + i), from[i], design);
        const auto position = static_cast<std::int64_t>(at + i);
        if (row_key <= sink.limit()) sink.offer({row_key, first_row + position, position});
      }
    }
    at = end;
  }
  return all_weights_good;
}

// The positions of the rows whose keys are at most a threshold.
struct positions_below {
  struct row {
    double key;
    std::int64_t number;
    std::int64_t position;
  };

  double threshold;
  std::vector<std::int64_t> found;

  double limit() const noexcept { return threshold; }
  void offer(const row& r) { found.push_back(r.position); }
};

// All rows whose keys are at most a threshold, with their keys.
struct candidates_below {
  double threshold;
  std::vector<candidate> found;

  double limit() const noexcept { return threshold; }
  void offer(const candidate& c) { found.push_back(c); }
};

namespace detail
{

// A limit that a few more than k of the rows stay below, judged by blocks spread evenly over all of them; none for few
// rows, of which too little would be known.
inline double likely_limit(const seed_key& seed, std::span<const double> weights, weighted_design design, std::size_t k)
{
  constexpr std::size_t every = 64;
  constexpr double unbounded = std::numeric_limits<double>::infinity();
  const double expected = static_cast<double>(k) / every;
  const auto rank = static_cast<std::size_t>(expected + 5.0 * std::sqrt(expected) + 10.0);
  candidates_below sampled{unbounded, {}};
  for (std::size_t at = 0; at + filter_rows <= weights.size(); at += every * filter_rows) {
    const auto row = static_cast<std::int64_t>(at);
    if (offer_weighted(seed, row, weights.subspan(at, filter_rows), design, sampled) != all_weights_good)
      return unbounded;
    // As many as that may be below in the end; so the limit only needs to fall now and then.
    if (sampled.found.size() >= 4 * rank + 4096) {
      sampled.threshold = nth_smallest(sampled.found, 2 * rank).key;
      std::erase_if(sampled.found, [&](const candidate& c) { return c.key > sampled.threshold; });
    }
  }
  return rank < sampled.found.size() ? nth_smallest(sampled.found, rank).key : unbounded;
}

}  // namespace detail

// Of rows 0, 1, 2, ... with these weights, the k + 1 with the smallest keys, in row order, or all of positive weight if
// there are fewer: what a reservoir would keep, but with a limit from the start. Returns what offer_weighted does.
inline std::int64_t select_weighted(const seed_key& seed, std::span<const double> weights, weighted_design design,
                                    std::size_t k, std::vector<candidate>& selected)
{
  candidates_below below{detail::likely_limit(seed, weights, design, k + 1), {}};
  below.found.reserve(std::min(weights.size(), k + k / 8 + 4096));
  for (;;) {
    const std::int64_t bad = offer_weighted(seed, 0, weights, design, below);
    if (bad != all_weights_good) return bad;
    if (below.found.size() > k || std::isinf(below.threshold)) break;
    below.threshold *= 4.0;  // the guess was low, or there are not so many
    below.found.clear();
  }
  if (below.found.size() > k + 1) keep_before(below.found, nth_smallest(below.found, k + 1));
  selected = std::move(below.found);
  return all_weights_good;
}

}  // namespace aliquot
