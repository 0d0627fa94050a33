// Eight generators of random.hpp abreast, for draws that want words by the hundred: one generator waits for itself,
// eight keep the processor's vector units busy. Integers only, so the words are those of the generators one by one.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "random.hpp"

namespace aliquot
{

class generator_lanes
{
 public:
  static constexpr std::size_t lanes = 8;

  // Lane j is generator(key, lanes * id + j).
  generator_lanes(const seed_key& key, std::uint64_t id) noexcept
  {
    for (std::size_t i = 0; i < key.size(); ++i) {
      for (std::size_t j = 0; j < lanes; ++j) state_[i][j] = mix64(key[i] + (lanes * id + j));
    }
  }

  // The next word of each lane, one lane after the other, until the array is full.
  template <std::size_t Size>
  void fill(std::array<std::uint64_t, Size>& words) noexcept
  {
    static_assert(Size % lanes == 0);
    auto [a, b, c, d] = state_;
    for (std::size_t at = 0; at < Size; at += lanes) {
      for (std::size_t j = 0; j < lanes; ++j) {
        words[at + j] = std::rotl(a[j] + d[j], 23) + a[j];
        const std::uint64_t shifted = b[j] << 17;
        c[j] ^= a[j];
        d[j] ^= b[j];
        b[j] ^= c[j];
        a[j] ^= d[j];
        c[j] ^= shifted;
        d[j] = std::rotl(d[j], 45);
      }
    }
    state_ = {a, b, c, d};
  }

 private:
  using words_of_lanes = std::array<std::uint64_t, lanes>;
  std::array<words_of_lanes, 4> state_;
};

}  // namespace aliquot
