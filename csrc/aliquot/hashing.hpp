// Keys by value: a row's key is a hash of the seed and what a column holds, so that the same ids are chosen in every
// table. The hash is of the value, not of its type: integers of any width, whole floats and booleans hash alike, so do
// strings and binaries of any layout, and a dictionary as what it stands for.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "column.hpp"
#include "random.hpp"
#include "target_clones.hpp"

namespace aliquot
{

static_assert(std::endian::native == std::endian::little, "hashes of strings read words in little-endian order");

namespace detail
{

inline constexpr std::size_t hash_block = 512;  // hashes that are made at once and stay in the nearest cache

// The last two rounds of all hashes, of several at once.
ALIQUOT_TARGET_CLONES
inline void finish_hashes(std::uint64_t flip, std::uint64_t add, std::uint64_t* hashes, std::size_t n) noexcept
{
  for (std::size_t i = 0; i < n; ++i) hashes[i] = mix64(mix64(hashes[i] ^ flip) + add);
}

}  // namespace detail

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

  std::uint64_t operator()(std::string_view value) const noexcept { return finish(digest(value), 4); }

  std::uint64_t null() const noexcept { return finish(0, 5); }

  // hashes[i] = the hash of value(first + i), of what column::visit gives.
  template <class Value>
  void fill(const Value& value, std::int64_t first, std::span<std::uint64_t> hashes) const noexcept
  {
    using read = decltype(value(first));
    const auto each = [&](auto&& f) {
      for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = f(value(first + static_cast<std::int64_t>(i)));
    };
    if constexpr (std::is_same_v<read, std::int64_t>) {
      each([](std::int64_t x) { return static_cast<std::uint64_t>(x); });
      finish(hashes, 0);
    } else if constexpr (std::is_same_v<read, std::string_view>) {
      each([this](std::string_view x) { return digest(x); });
      finish(hashes, 4);
    } else {
      each(*this);  // of several kinds
    }
  }

 private:
  // All but the last rounds of the hash of a string.
  std::uint64_t digest(std::string_view value) const noexcept
  {
    std::uint64_t h = key_[2] ^ value.size();
    const char* at = value.data();
    std::size_t left = value.size();
    for (; left >= 8; at += 8, left -= 8) h = fold(h ^ load<std::uint64_t>(at));
    if (left > 0) h = fold(h ^ tail(at, left));
    return h;
  }

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

  void finish(std::span<std::uint64_t> words, std::uint64_t kind) const noexcept
  {
    detail::finish_hashes(key_[0], mix64(key_[1] + kind), words.data(), words.size());
  }

  seed_key key_;
};

// f(hashes, part of out) for stretches of rows and their hashes; out.size() == values.length() (not checked). Hashes of
// equal values must make equal elements, as a dictionary hashes each of its values once.
template <class Out, class F>
void map_hashes(const value_hash& hash, const column& values, std::span<Out> out, const F& f)
{
  std::array<std::uint64_t, detail::hash_block> block;
  if (values.is_dictionary()) {
    const column dictionary = *values.dictionary();  // its type is checked by whoever made the view
    std::vector<Out> of_code(static_cast<std::size_t>(dictionary.length()));
    map_hashes(hash, dictionary, std::span<Out>(of_code), f);
    Out of_null;
    block[0] = hash.null();
    f(std::span(block).first(1), std::span(&of_null, 1));
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
    for (std::size_t first = 0; first < out.size(); first += block.size()) {
      const auto hashes = std::span(block).first(std::min(block.size(), out.size() - first));
      const auto row = static_cast<std::int64_t>(first);
      hash.fill(value, row, hashes);
      if (values.may_have_nulls()) {
        for (std::size_t i = 0; i < hashes.size(); ++i) {
          if (!values.is_valid(row + static_cast<std::int64_t>(i))) hashes[i] = hash.null();
        }
      }
      f(hashes, out.subspan(first, hashes.size()));
    }
  });
}

// keys[i] = the key of row i; keys.size() == values.length() (not checked)
inline void hash_column(const value_hash& hash, const column& values, std::span<double> keys)
{
  map_hashes(hash, values, keys, [](std::span<const std::uint64_t> hashes, std::span<double> out) {
    std::transform(hashes.begin(), hashes.end(), out.begin(), exponential_of);
  });
}

}  // namespace aliquot
