// Single values out of the text of a Parquet page, by ascending position, without decoding those between.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "parquet_thrift.hpp"

namespace aliquot
{

// How values of one column stand in pages: `width` bytes each, or bits, or bytes after their number.
struct value_layout {
  enum form : std::uint8_t { fixed, bits, strings, unknown } kind = unknown;
  std::size_t width = 0;
};

namespace detail
{

inline constexpr std::size_t length_bytes = 4;

inline std::uint32_t load_length(const std::uint8_t* at) noexcept
{
  return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
         static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}

}  // namespace detail

// Integers of `width` bits, at most 32, in runs of equal ones and runs side by side.
class run_reader
{
 public:
  run_reader() noexcept = default;

  run_reader(thrift::bytes text, unsigned width) noexcept : text_(text), width_(width) {}

  // The integer at `index`, no lower than the last one asked for; false if the text has none there.
  bool at(std::int64_t index, std::uint32_t& value) noexcept
  {
    while (index >= end_)
      if (!next()) return false;
    value = packed_ ? unpack(static_cast<std::uint64_t>(index - begin_)) : value_;
    return true;
  }

  // Of one-bit integers: how many before `index`, no lower than the last one asked for, are set, and its own.
  bool rank(std::int64_t index, std::int64_t& set, std::uint32_t& value) noexcept
  {
    while (index >= end_) {
      if (end_ > counted_) count_to(end_);
      if (!next()) return false;
    }
    count_to(index);
    set = set_;
    value = packed_ ? unpack(static_cast<std::uint64_t>(index - begin_)) : value_;
    return true;
  }

 private:
  bool next() noexcept
  {
    std::uint64_t head = 0;
    unsigned shift = 0;
    std::uint8_t byte = 0;
    do {
      if (at_ == text_.size() || shift > 28) return false;
      byte = text_[at_++];
      head |= static_cast<std::uint64_t>(byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    begin_ = end_;
    packed_ = head & 1;
    const std::size_t left = text_.size() - at_;
    if (packed_) {
      // The last run of some writers ends with its last value, not with its last group of eight.
      const std::size_t size = std::min<std::size_t>(static_cast<std::size_t>(head >> 1) * width_, left);
      run_ = text_.subspan(at_, size);
      end_ += width_ == 0 ? 0 : static_cast<std::int64_t>(size * 8 / width_);
      at_ += size;
      return true;
    }
    const std::size_t size = (width_ + 7) / 8;
    if (size > left) return false;
    value_ = 0;
    for (std::size_t i = 0; i < size; ++i) value_ |= static_cast<std::uint32_t>(text_[at_ + i]) << (8 * i);
    at_ += size;
    end_ += static_cast<std::int64_t>(head >> 1);
    return true;
  }

  std::uint32_t unpack(std::uint64_t index) const noexcept
  {
    const std::uint64_t bit = index * width_;
    const std::size_t from = static_cast<std::size_t>(bit / 8);
    std::uint64_t word = 0;
    std::memcpy(&word, run_.data() + from, std::min<std::size_t>(sizeof word, run_.size() - from));
    return static_cast<std::uint32_t>(word >> (bit % 8) & ((std::uint64_t{1} << width_) - 1));
  }

  // Adds up what is set in [counted_, index), which lies in this run.
  void count_to(std::int64_t index) noexcept
  {
    if (!packed_) {
      set_ += (index - counted_) * (value_ & 1);
    } else {
      auto bit = static_cast<std::size_t>(counted_ - begin_);
      const auto last = static_cast<std::size_t>(index - begin_);
      for (; bit < last && bit % 8; ++bit) set_ += run_[bit / 8] >> bit % 8 & 1;
      for (; bit + 8 <= last; bit += 8) set_ += std::popcount(run_[bit / 8]);
      for (; bit < last; ++bit) set_ += run_[bit / 8] >> bit % 8 & 1;
    }
    counted_ = index;
  }

  thrift::bytes text_;
  unsigned width_ = 0;
  std::size_t at_ = 0;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  bool packed_ = false;
  std::uint32_t value_ = 0;
  thrift::bytes run_;
  std::int64_t counted_ = 0;
  std::int64_t set_ = 0;
};

// Values one after the other, as PLAIN has them, or the bytes of each apart, as BYTE_STREAM_SPLIT has them.
class plain_reader
{
 public:
  plain_reader() noexcept = default;

  plain_reader(thrift::bytes text, value_layout layout, bool split = false) noexcept
      : text_(text), layout_(layout), split_(split)
  {
  }

  // Appends the value at `index` to `out` as PLAIN has it, a bit as a byte; false if the text has none there. The
  // index of a string is no lower than the last one asked for.
  bool append(std::int64_t index, std::vector<std::uint8_t>& out)
  {
    const auto at = static_cast<std::uint64_t>(index);
    if (layout_.kind == value_layout::strings) return append_string(index, out);
    if (layout_.kind == value_layout::bits) {
      if (at / 8 >= text_.size()) return false;
      out.push_back(text_[static_cast<std::size_t>(at / 8)] >> at % 8 & 1);
      return true;
    }
    const std::size_t count = text_.size() / layout_.width;
    if (at >= count) return false;
    const auto place = static_cast<std::size_t>(at);
    if (split_) {
      for (std::size_t i = 0; i < layout_.width; ++i) out.push_back(text_[i * count + place]);
    } else {
      const std::uint8_t* from = text_.data() + place * layout_.width;
      out.insert(out.end(), from, from + layout_.width);
    }
    return true;
  }

 private:
  bool append_string(std::int64_t index, std::vector<std::uint8_t>& out)
  {
    for (;; ++string_) {
      if (text_.size() - at_ < detail::length_bytes) return false;
      const std::size_t size = detail::load_length(text_.data() + at_);
      if (size > text_.size() - at_ - detail::length_bytes) return false;
      const std::uint8_t* from = text_.data() + at_;
      const std::size_t whole = detail::length_bytes + size;
      if (string_ == index) {
        out.insert(out.end(), from, from + whole);
        return true;
      }
      at_ += whole;
    }
  }

  thrift::bytes text_;
  value_layout layout_;
  bool split_ = false;
  std::size_t at_ = 0;       // of the string
  std::int64_t string_ = 0;  // that was asked for last
};

// A dictionary page without compression: values by code, in any order. Of strings, every 32nd is remembered once it was
// passed, so that nothing is made of what no code asks for.
class value_dictionary
{
 public:
  // False if the text cannot hold `count` values.
  bool load(thrift::bytes text, value_layout layout, std::int64_t count)
  {
    text_ = text;
    layout_ = layout;
    count_ = static_cast<std::size_t>(count);
    marks_.assign(1, 0);
    if (layout.kind == value_layout::fixed) return count_ <= text.size() / layout.width;
    return layout.kind == value_layout::strings && count_ <= text.size() / detail::length_bytes;
  }

  // False if there is no such code, or no value where it should be.
  bool append(std::uint32_t code, std::vector<std::uint8_t>& out)
  {
    if (code >= count_) return false;
    std::size_t from = code * layout_.width;
    std::size_t size = layout_.width;
    if (layout_.kind == value_layout::strings) {
      if (!reach(code, from)) return false;
      size = whole(from);
      if (size == 0) return false;
    }
    const std::uint8_t* begin = text_.data() + from;
    out.insert(out.end(), begin, begin + size);
    return true;
  }

 private:
  static constexpr std::size_t stride = 32;

  // Bytes of the string at `from`, its length among them; 0 if it is not whole.
  std::size_t whole(std::size_t from) const noexcept
  {
    const std::size_t left = text_.size() - from;
    if (left < detail::length_bytes) return 0;
    const std::size_t size = detail::load_length(text_.data() + from);
    return size <= left - detail::length_bytes ? size + detail::length_bytes : 0;
  }

  // Where the string of a code begins.
  bool reach(std::size_t code, std::size_t& from)
  {
    std::size_t mark = std::min(code / stride, marks_.size() - 1);
    from = marks_[mark];
    for (std::size_t at = mark * stride; at < code;) {
      const std::size_t size = whole(from);
      if (size == 0) return false;
      from += size;
      if (++at % stride == 0 && at / stride == marks_.size()) marks_.push_back(from);
    }
    return true;
  }

  thrift::bytes text_;
  value_layout layout_;
  std::size_t count_ = 0;
  std::vector<std::size_t> marks_;
};

}  // namespace aliquot
