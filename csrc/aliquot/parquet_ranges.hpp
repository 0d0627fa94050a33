// Bytes of a file by their place: those that were read before, and the rest by the system's own call.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "parquet_pages.hpp"
#include "parquet_text.hpp"
#include "parquet_thrift.hpp"

namespace aliquot
{

class file_ranges
{
 public:
  // `known` are bytes of the file, ascending and apart (not checked). Without a descriptor, -1, there are no others.
  file_ranges(std::span<const segment> known, int descriptor) noexcept : known_(known), descriptor_(descriptor) {}

  // Bytes [begin, end), where they are known, or else in `memory`; none if the file has not so many.
  thrift::bytes get(std::int64_t begin, std::int64_t end, room& memory)
  {
    const auto size = static_cast<std::size_t>(end - begin);
    const segment* from = holder(begin);
    if (from != nullptr && end <= from->end())
      return from->bytes.subspan(static_cast<std::size_t>(begin - from->base), size);
    std::uint8_t* to = memory.bytes(size);
    return fill(begin, end, to) ? thrift::bytes(to, size) : thrift::bytes();
  }

  // Bytes that the system was asked for.
  std::int64_t count() const noexcept { return count_; }

 private:
  // What is known of the byte at a place and of those behind it.
  const segment* holder(std::int64_t at) const noexcept
  {
    const auto next = std::ranges::upper_bound(known_, at, {}, &segment::base);
    return next != known_.begin() && at < (next - 1)->end() ? &*(next - 1) : nullptr;
  }

  bool fill(std::int64_t begin, std::int64_t end, std::uint8_t* to) noexcept
  {
    while (begin < end) {
      std::int64_t until = end;
      if (const segment* from = holder(begin)) {
        until = std::min(end, from->end());
        std::memcpy(to, from->bytes.data() + (begin - from->base), static_cast<std::size_t>(until - begin));
      } else {
        const auto next = std::ranges::upper_bound(known_, begin, {}, &segment::base);
        if (next != known_.end()) until = std::min(end, next->base);
        if (!read(begin, until, to)) return false;
      }
      to += until - begin;
      begin = until;
    }
    return true;
  }

  // Of very long stretches the system gives a part at a time.
  bool read(std::int64_t begin, std::int64_t end, std::uint8_t* to) noexcept
  {
    while (begin < end) {
      const ssize_t found = descriptor_ < 0 ? 0 : pread(descriptor_, to, static_cast<std::size_t>(end - begin), begin);
      if (found < 0 && errno == EINTR) continue;
      if (found <= 0) return false;
      to += found;
      begin += found;
      count_ += found;
    }
    return true;
  }

  std::span<const segment> known_;
  int descriptor_;
  std::int64_t count_ = 0;
};

}  // namespace aliquot
