// Random bits of stream v1. Everything random in aliquot starts from these few functions, which use only
// integer arithmetic and correctly rounded +, -, *, / (compile with -ffp-contract=off): the bits are the same
// on every CPU and compiler.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace aliquot
{

using uint128 = unsigned __int128;

// 256 bits of seed material, taken once from the caller's generator.
using seed_key = std::array<std::uint64_t, 4>;

// One independent use of a seed. The numbers are part of stream v1: never reuse or renumber them.
enum class purpose : std::uint64_t {
  uniform_rows = 1,     // keys of rows by row number (keys.hpp)
  column_hash = 2,      // keys of rows by the value of a column (hashing.hpp)
  repeats = 3,          // which draws with replacement repeat an earlier row (simple_random.hpp)
  alias_draws = 4,      // draws from a table of weights (alias.hpp)
  weighted_rows = 5,    // keys of rows by row number and weight (weighted.hpp)
  split_rows = 6,       // keys of rows by row number, for parts of a split (src/aliquot/_kernels/splitting.py)
  stream_split = 8,     // schedules of the parts of a stream (splitter.hpp)
  hash_split = 9,       // parts by the value of a column (hash_split.hpp)
  compiled_draws = 20,  // draws one at a time from code that others compile (jit.hpp)
};

// A bijection of 64-bit words with full avalanche ("moremur", P. Evensen 2019).
constexpr std::uint64_t mix64(std::uint64_t x) noexcept
{
  x ^= x >> 27;
  x *= 0x3C79AC492BA7B653u;
  x ^= x >> 33;
  x *= 0x1C69B3F74AC4AE35u;
  x ^= x >> 27;
  return x;
}

// The seed material of one purpose.
constexpr seed_key subkey(const seed_key& seed, purpose use) noexcept
{
  seed_key key{};
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = mix64(seed[i] + 0x9E3779B97F4A7C15u * static_cast<std::uint64_t>(use));
  }
  return key;
}

// xoshiro256++ (D. Blackman, S. Vigna 2021, doi:10.1145/3460772), started anew for every id: four words, each a
// bijection of the id under its own 64 bits of the key, cost less than one draw.
class generator
{
 public:
  generator(const seed_key& key, std::uint64_t id) noexcept
      : state_{mix64(key[0] + id), mix64(key[1] + id), mix64(key[2] + id), mix64(key[3] + id)}
  {
  }

  const std::array<std::uint64_t, 4>& state() const noexcept { return state_; }

  std::uint64_t operator()() noexcept
  {
    const std::uint64_t word = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return word;
  }

  // Uniform in [0, n), exactly (D. Lemire 2019, doi:10.1145/3230636). n > 0 (not checked).
  std::uint32_t below(std::uint32_t n) noexcept
  {
    std::uint64_t product = ((*this)() >> 32) * n;
    if (static_cast<std::uint32_t>(product) < n) {
      const std::uint32_t biased = (0u - n) % n;
      while (static_cast<std::uint32_t>(product) < biased) product = ((*this)() >> 32) * n;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

  // The same for n to 2^64 - 1.
  std::uint64_t below64(std::uint64_t n) noexcept
  {
    uint128 product = uint128{(*this)()} * n;
    if (static_cast<std::uint64_t>(product) < n) {
      const std::uint64_t biased = (0u - n) % n;
      while (static_cast<std::uint64_t>(product) < biased) product = uint128{(*this)()} * n;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

 private:
  std::array<std::uint64_t, 4> state_;
};

// -log(x) for x in (0, 1], within 2 units in the last place. Not libm's: its last bit differs between versions
// and between its own FMA and non-FMA paths, and a key must not.
constexpr double minus_log(double x) noexcept
{
  constexpr std::uint64_t sqrt_half = 0x3FE6A09E667F3BCDu;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  // x = m * 2^exponent with m in [sqrt(1/2), sqrt(2)), so that log(m) is small next to exponent * log(2) and
  // is relatively exact where exponent = 0.
  const std::int64_t exponent = static_cast<std::int64_t>(bits - sqrt_half) >> 52;
  const double m = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(exponent) << 52));
  // log(m) = 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1)/(m + 1), |s| < 0.1716: the first term left
  // out, s^20/21 relative, is below 2^-55.
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  const double z2 = z * z;
  const double z4 = z2 * z2;
  const double low = (1.0 / 3 + z * (1.0 / 5)) + z2 * (1.0 / 7 + z * (1.0 / 9));
  const double high = (1.0 / 11 + z * (1.0 / 13)) + z2 * (1.0 / 15 + z * (1.0 / 17));
  const double series = low + z4 * (high + z4 * (1.0 / 19));
  const double log_m = 2.0 * s + 2.0 * s * z * series;
  return -(static_cast<double>(exponent) * 0x1.62E42FEFA39EFp-1 + log_m);
}

// The exponential variate of rate 1 that belongs to one uniform word: -log(1 - word / 2^64). For keys by hash, where a
// word is all there is. Small variates, the ones that make a row win, keep all 64 bits: the spacing is 2^-64 near
// zero and 2^-53 elsewhere.
inline double exponential_of(std::uint64_t word) noexcept
{
  if (word < std::uint64_t{1} << 56) {
    // v < 2^-8: v + v^2/2 + ... + v^7/7 is exact to 2^-59 relative.
    const double v = static_cast<double>(static_cast<std::int64_t>(word)) * 0x1p-64;
    return v * (1.0 + v * (1.0 / 2 + v * (1.0 / 3 + v * (1.0 / 4 + v * (1.0 / 5 + v * (1.0 / 6 + v * (1.0 / 7)))))));
  }
  const std::int64_t complement = (std::int64_t{1} << 53) - static_cast<std::int64_t>(word >> 11);
  return minus_log(static_cast<double>(complement) * 0x1p-53);
}

namespace detail
{

// Ziggurat for exp(-x) (G. Marsaglia, W. W. Tsang 2000, doi:10.18637/jss.v005.i08): 256 layers of equal area, the
// lowest with the tail. Layer i reaches from x = 0 to edge[i]; edge[1] = r starts the tail and edge[256] = 0 ends the
// top.
struct exponential_layers {
  static constexpr double r = 7.69711747013104972;
  static constexpr double exp_minus_r = 4.54134353841496600e-04;
  static constexpr double area = 3.949659822581572e-03;

  std::array<double, 257> edge{};
  std::array<double, 257> height{};  // exp(-edge), but for edge[0]

  constexpr exponential_layers() noexcept
  {
    edge[0] = area / exp_minus_r;
    edge[1] = r;
    height[1] = exp_minus_r;
    for (std::size_t i = 2; i < 256; ++i) {
      height[i] = height[i - 1] + area / edge[i - 1];
      edge[i] = minus_log(height[i]);
    }
    edge[256] = 0.0;
    height[256] = 1.0;
  }
};

inline constexpr exponential_layers layers;

}  // namespace detail

// An exponential variate of rate 1: one word and no logarithm in 98.9 % of calls.
inline double exponential(generator& random) noexcept
{
  const auto& edge = detail::layers.edge;
  const auto& height = detail::layers.height;
  double tail = 0.0;
  for (;;) {
    const std::uint64_t word = random();
    const std::size_t i = word & 255;  // the bits below the 53 that make x
    const double x = static_cast<double>(static_cast<std::int64_t>(word >> 11)) * 0x1p-53 * edge[i];
    if (x < edge[i + 1]) return tail + x;
    if (i == 0) {
      tail += detail::exponential_layers::r;  // beyond r the curve is the whole curve again
      continue;
    }
    const double u = static_cast<double>(static_cast<std::int64_t>(random() >> 11)) * 0x1p-53;
    if (x < minus_log(height[i] + u * (height[i + 1] - height[i]))) return tail + x;
  }
}

}  // namespace aliquot
