// What a codebook knows a value by: one word and a tag, which together are the value itself, but for strings of more
// than eight bytes.
//
// Equality is of the value, as in hashing.hpp. The hash is another: nothing depends on it but time, so it takes two
// multiplications where hashes of stream v1 take four and more.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "random.hpp"

namespace aliquot
{

struct code_key {
  std::uint64_t word;
  std::uint32_t tag;  // 29 bits of the hash, then what the word is; never 0
};

class code_keys
{
 public:
  static constexpr int kind_bits = 3;

  // The seed hides the hashes from whoever chooses the values.
  explicit code_keys(const seed_key& seed) noexcept : secret_(subkey(seed, purpose::column_hash)) {}

  code_key operator()(std::int64_t value) const noexcept { return make(static_cast<std::uint64_t>(value), integer); }

  code_key operator()(std::uint64_t value) const noexcept
  {
    return make(value, value <= static_cast<std::uint64_t>(INT64_MAX) ? integer : large_integer);
  }

  code_key operator()(double value) const noexcept
  {
    if (std::isnan(value)) return make(0, fraction);  // the bits of zero, which is an integer
    if (value == std::trunc(value)) {
      if (value >= -0x1p63 && value < 0x1p63) return (*this)(static_cast<std::int64_t>(value));
      if (value >= 0x1p63 && value < 0x1p64) return (*this)(static_cast<std::uint64_t>(value));
    }
    return make(std::bit_cast<std::uint64_t>(value), fraction);
  }

  // The word of a long string is up to whoever keeps it.
  code_key operator()(std::string_view text) const noexcept
  {
    if (text.size() < 8) return make(short_word(text), short_text);
    if (text.size() == 8) return make(load<std::uint64_t>(text.data()), eight_bytes);
    return {0, tag_of(digest(text), long_text)};
  }

  code_key null() const noexcept { return make(0, nothing); }

  static bool is_integer(const code_key& key) noexcept { return kind_of(key) == integer; }

  static bool is_null(const code_key& key) noexcept { return kind_of(key) == nothing; }

  static bool is_long(const code_key& key) noexcept { return kind_of(key) == long_text; }

 private:
  // No kind is 0, so that a key of zeros is none.
  enum kind : std::uint32_t { integer = 1, large_integer, fraction, nothing, short_text, eight_bytes, long_text };

  static std::uint32_t kind_of(const code_key& key) noexcept { return key.tag & ((1U << kind_bits) - 1); }

  template <class Word>
  static std::uint64_t load(const char* bytes) noexcept
  {
    Word word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return word;
  }

  // Up to seven bytes and how many they are, by loads that overlap.
  static std::uint64_t short_word(std::string_view text) noexcept
  {
    const char* bytes = text.data();
    const std::size_t size = text.size();
    const std::uint64_t length = std::uint64_t{size} << 56;
    if (size >= 4) return length | load<std::uint32_t>(bytes) | load<std::uint32_t>(bytes + size - 4) << 8 * (size - 4);
    if (size == 0) return length;
    return length | load<std::uint8_t>(bytes) | load<std::uint8_t>(bytes + size / 2) << 8 * (size / 2) |
           load<std::uint8_t>(bytes + size - 1) << 8 * (size - 1);
  }

  // Both halves of a product, which every bit of the factors has a part in.
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept
  {
    const uint128 product = static_cast<uint128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  // More than eight bytes, sixteen at a time, the last of which may overlap others.
  std::uint64_t digest(std::string_view text) const noexcept
  {
    const char* at = text.data();
    const char* const end = at + text.size();
    std::uint64_t h = secret_[2] ^ text.size();
    for (; end - at > 16; at += 16) h = fold(load<std::uint64_t>(at) ^ secret_[3], load<std::uint64_t>(at + 8) ^ h);
    if (text.size() >= 16) at = end - 16;
    return fold(load<std::uint64_t>(at) ^ secret_[0], load<std::uint64_t>(end - 8) ^ h);
  }

  code_key make(std::uint64_t word, kind is) const noexcept
  {
    return {word, tag_of(fold(word ^ secret_[0], secret_[1] + is), is)};
  }

  std::uint32_t tag_of(std::uint64_t h, kind is) const noexcept
  {
    return static_cast<std::uint32_t>(fold(h ^ secret_[2], secret_[3]) >> (32 + kind_bits)) << kind_bits | is;
  }

  seed_key secret_;
};

}  // namespace aliquot
