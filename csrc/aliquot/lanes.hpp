// Eight generators of random.hpp abreast, for draws that want words by the hundred: one generator waits for itself,
// eight keep the processor's vector units busy. Integers only, so the words are those of the generators one by one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

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
      for (std::size_t j = 0; j < lanes; ++j) state_[j / width][i][j % width] = mix64(key[i] + (lanes * id + j));
    }
  }

  // The next word of each lane, one lane after the other, until the array is full. For the instruction set of its
  // caller.
  template <std::size_t Size>
  [[gnu::always_inline]] void fill(std::array<std::uint64_t, Size>& words) noexcept
  {
    static_assert(Size % lanes == 0);
    // Vectors by name, as the compiler keeps no array of them in registers: 0.35 ns a word with AVX2, not 1.25.
    auto [a, b, c, d] = state_[0];
    auto [e, f, g, h] = state_[1];
    for (std::size_t at = 0; at < Size; at += lanes) {
      step(a, b, c, d, &words[at]);
      step(e, f, g, h, &words[at + width]);
    }
    state_ = {states{a, b, c, d}, states{e, f, g, h}};
  }

 private:
  static constexpr std::size_t width = lanes / 2;
  using vector [[gnu::vector_size(8 * width)]] = std::uint64_t;  // in halves on units that are narrower
  using states = std::array<vector, 4>;

  template <int by>
  [[gnu::always_inline]] static void rotate(vector& v) noexcept
  {
    v = v << by | v >> (64 - by);
  }

  // xoshiro256++ in each lane, as generator has it.
  [[gnu::always_inline]] static void step(vector& a, vector& b, vector& c, vector& d, std::uint64_t* words) noexcept
  {
    vector word = a + d;
    rotate<23>(word);
    word += a;
    std::memcpy(words, &word, sizeof word);
    const vector shifted = b << 17;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    rotate<45>(d);
  }

  std::array<states, 2> state_;
};

}  // namespace aliquot
