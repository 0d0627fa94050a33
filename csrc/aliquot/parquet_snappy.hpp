// Snappy, the format of one block: a length, then pieces that are written out or repeat what came before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "parquet_thrift.hpp"

namespace aliquot::snappy
{

// No element of n bytes stands for more than 64 bytes, and those that repeat have two at least.
inline constexpr std::size_t largest_ratio = 32;

namespace detail
{

// Copies of up to 64 bytes are made 16 at a time where there is room, as most are short: it takes no branch a byte.
inline constexpr std::size_t slack = 80;

inline void copy_16(std::uint8_t* to, const std::uint8_t* from) noexcept
{
  std::uint64_t words[2];
  std::memcpy(words, from, sizeof words);
  std::memcpy(to, words, sizeof words);
}

// A little-endian integer of `count` bytes, at most four (not checked)
inline std::size_t integer(const std::uint8_t* at, std::size_t count) noexcept
{
  std::size_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value |= static_cast<std::size_t>(at[i]) << (8 * i);
  return value;
}

// Repeats `size` bytes, at most 64, from `offset` bytes back. `room` is what is left of the output, at least `size`.
inline void repeat(std::uint8_t* to, std::size_t offset, std::size_t size, std::size_t room) noexcept
{
  const std::uint8_t* from = to - offset;
  if (offset >= 16 && room >= slack) {
    for (std::size_t i = 0; i < size; i += 16) copy_16(to + i, from + i);
  } else if (offset >= size) {
    std::memcpy(to, from, size);
  } else {
    for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
  }
}

}  // namespace detail

// What a block says of its size; false if it says nothing. `at` becomes the place of the first piece.
inline bool size_of(thrift::bytes in, std::size_t& size, std::size_t& at) noexcept
{
  size = 0;
  for (at = 0; at < 5 && at < in.size();) {
    const std::size_t byte = in[at];
    size |= (byte & 127) << (7 * at++);
    if (byte < 128) return size <= UINT32_MAX;
  }
  return false;
}

// Fills `out`; false unless the block is sound and of just that size.
inline bool decompress(thrift::bytes in, std::span<std::uint8_t> out) noexcept
{
  std::size_t size = 0;
  std::size_t at = 0;
  if (!size_of(in, size, at) || size != out.size()) return false;
  std::size_t done = 0;
  while (at < in.size()) {
    const std::size_t tag = in[at++];
    const std::size_t left = in.size() - at;
    const std::size_t room = out.size() - done;
    if (tag % 4 == 0) {
      std::size_t count = tag / 4 + 1;
      if (count <= 16 && left >= 16 && room >= 16) {
        detail::copy_16(out.data() + done, in.data() + at);
      } else {
        if (count > 60) {
          const std::size_t bytes = count - 60;
          if (bytes > left) return false;
          count = detail::integer(in.data() + at, bytes) + 1;
          at += bytes;
        }
        if (count > in.size() - at || count > room) return false;
        std::memcpy(out.data() + done, in.data() + at, count);
      }
      at += count;
      done += count;
      continue;
    }
    const std::size_t bytes = tag % 4 == 3 ? 4 : tag % 4;
    if (bytes > left) return false;
    std::size_t offset = detail::integer(in.data() + at, bytes);
    std::size_t count = tag / 4 + 1;
    at += bytes;
    if (tag % 4 == 1) {
      offset |= (tag >> 5) << 8;
      count = (tag >> 2 & 7) + 4;
    }
    if (offset == 0 || offset > done || count > room) return false;
    detail::repeat(out.data() + done, offset, count, room);
    done += count;
  }
  return done == out.size();
}

}  // namespace aliquot::snappy
