// Keys by value: a row's key is a hash of the seed and what a column holds, so that the same ids are chosen in every
// table. The hash is of the value, not of its type: integers of any width, whole floats and booleans hash alike, so do
// strings and binaries of any layout, and a dictionary as what it stands for.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "column.hpp"
#include "random.hpp"

namespace aliquot
{

static_assert(std::endian::native == std::endian::little, "hashes of strings read words in little-endian order");

// Hashes of stream v1: 64 bits of a value under 256 bits of key. Integers never collide with each other.
class value_hash
{
 public:
  explicit value_hash(const seed_key& seed) noexcept : key_(subkey(seed, purpose::column_hash)) {}

  std::uint64_t operator()(std::int64_t value) const noexcept { return finish(static_cast<std::uint64_t>(value), 0); }

  std::uint64_t operator()(std::uint64_t value) const noexcept
  {
    const bool is_int64 = value <= static_cast<std::uint64_t>(INT64_MAX);
    return finish(value, is_int64 ? 0 : 1);
  }

  std::uint64_t operator()(double value) const noexcept
  {
    if (std::isnan(value)) return finish(0, 3);
    const bool is_int64 = value == std::trunc(value) && value >= -0x1p63 && value < 0x1p63;
    if (is_int64) return (*this)(static_cast<std::int64_t>(value));
    if (value >= 0x1p63 && value < 0x1p64 && value == std::trunc(value))
      return (*this)(static_cast<std::uint64_t>(value));
    return finish(std::bit_cast<std::uint64_t>(value), 2);
  }

  std::uint64_t operator()(std::string_view value) const noexcept
  {
    std::uint64_t h = key_[2] ^ value.size();
    const char* at = value.data();
    std::size_t left = value.size();
    for (; left >= 8; at += 8, left -= 8) h = fold(h ^ load<std::uint64_t>(at));
    if (left > 0) h = fold(h ^ tail(at, left));
    return finish(h, 4);
  }

  std::uint64_t null() const noexcept { return finish(0, 5); }

 private:
  template <class Word>
  static std::uint64_t load(const char* bytes) noexcept
  {
    Word w = 0;
    std::memcpy(&w, bytes, sizeof w);
    return w;
  }

  // The last 1 to 7 bytes as a word, by loads that overlap: a memcpy of unknown size is a call.
  static std::uint64_t tail(const char* bytes, std::size_t size) noexcept
  {
    if (size >= 4) return load<std::uint32_t>(bytes) | load<std::uint32_t>(bytes + size - 4) << (8 * (size - 4));
    const std::size_t middle = size / 2;
    const std::size_t last = size - 1;
    return load<std::uint8_t>(bytes) | load<std::uint8_t>(bytes + middle) << (8 * middle) |
           load<std::uint8_t>(bytes + last) << (8 * last);
  }

  std::uint64_t fold(std::uint64_t x) const noexcept { return mix64(x + key_[3]); }

  // `kind` keeps apart what is not equal: 0 and 1 integers below and above 2^63, 2 fractions, 3 NaN, 4 strings, 5 null.
  std::uint64_t finish(std::uint64_t x, std::uint64_t kind) const noexcept
  {
    return mix64(mix64(x ^ key_[0]) + mix64(key_[1] + kind));
  }

  seed_key key_;
};

// out[i] = f(hash of row i); out.size() == values.length() (not checked). A dictionary hashes each of its values once.
template <class Out, class F>
void map_hashes(const value_hash& hash, const column& values, std::span<Out> out, const F& f)
{
  if (values.is_dictionary()) {
    const column dictionary = *values.dictionary();  // its type is checked by whoever made the view
    std::vector<Out> of_code(static_cast<std::size_t>(dictionary.length()));
    map_hashes(hash, dictionary, std::span<Out>(of_code), f);
    const Out of_null = f(hash.null());
    values.visit([&](auto code) {
      for (std::size_t i = 0; i < out.size(); ++i) {
        const auto row = static_cast<std::int64_t>(i);
        if constexpr (std::is_integral_v<decltype(code(row))>) {
          out[i] = values.is_valid(row) ? of_code[static_cast<std::size_t>(code(row))] : of_null;
        }
      }
    });
    return;
  }
  values.visit([&](auto value) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      out[i] = f(values.is_valid(row) ? hash(value(row)) : hash.null());
    }
  });
}

// keys[i] = the key of row i; keys.size() == values.length() (not checked)
inline void hash_column(const value_hash& hash, const column& values, std::span<double> keys)
{
  map_hashes(hash, values, keys, exponential_of);
}

}  // namespace aliquot
