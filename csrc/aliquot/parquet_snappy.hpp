// Snappy, the format of one block: a length, then pieces that are written out or repeat what came before.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "parquet_text.hpp"
#include "parquet_thrift.hpp"

namespace aliquot::snappy
{

// No element of n bytes stands for more than 64 bytes, and those that repeat have two at least.
inline constexpr std::size_t largest_ratio = 32;

class block final : public page_text
{
 public:
  // Takes a block that claims to be the text of `size` bytes, into memory of as many and `copies::slack`; false if it
  // says otherwise itself.
  bool open(thrift::bytes in, std::uint8_t* out, std::size_t size) noexcept
  {
    in_ = in;
    data_ = out_ = out;
    size_ = size;
    there_ = 0;
    std::size_t said = 0;
    for (at_ = 0; at_ < 5 && at_ < in.size();) {
      const std::size_t byte = in[at_];
      said |= (byte & 127) << (7 * at_++);
      if (byte < 128) return said == size;
    }
    return false;
  }

 private:
  static constexpr std::size_t least_step = 4096;  // bytes

  bool extend(std::size_t end) override { return run(std::min(size_, std::max(end, there_ + least_step))); }

  bool run(std::size_t end) noexcept
  {
    const std::uint8_t* in = in_.data();
    const std::size_t in_size = in_.size();
    std::size_t at = at_;
    std::size_t done = there_;
    while (done < end && at < in_size) {
      const std::size_t tag = in[at++];
      const std::size_t left = in_size - at;
      const std::size_t room = size_ - done;
      if (tag % 4 == 0) {
        std::size_t count = tag / 4 + 1;
        if (count <= 16 && left >= 16 && room >= count) {
          copies::copy_16(out_ + done, in + at);
        } else {
          if (count > 60) {
            const std::size_t bytes = count - 60;
            if (bytes > left) return false;
            count = integer(in + at, bytes) + 1;
            at += bytes;
          }
          if (count > in_size - at || count > room) return false;
          std::memcpy(out_ + done, in + at, count);
        }
        at += count;
        done += count;
        continue;
      }
      const std::size_t bytes = tag % 4 == 3 ? 4 : tag % 4;
      if (bytes > left) return false;
      std::size_t offset = integer(in + at, bytes);
      std::size_t count = tag / 4 + 1;
      at += bytes;
      if (tag % 4 == 1) {
        offset |= (tag >> 5) << 8;
        count = (tag >> 2 & 7) + 4;
      }
      if (offset == 0 || offset > done || count > room) return false;
      copies::repeat(out_ + done, offset, count);
      done += count;
    }
    at_ = at;
    there_ = done;
    return done >= end && (done < size_ || at == in_size);
  }

  // A little-endian integer of `count` bytes, at most four (not checked)
  static std::size_t integer(const std::uint8_t* at, std::size_t count) noexcept
  {
    std::size_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value |= static_cast<std::size_t>(at[i]) << (8 * i);
    return value;
  }

  thrift::bytes in_;
  std::uint8_t* out_ = nullptr;
  std::size_t at_ = 0;
};

}  // namespace aliquot::snappy
