// Single values out of the text of a Parquet page, by ascending position, without decoding those between.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "parquet_text.hpp"

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

// Bytes of the string at `from`, its length among them, and asks for them; 0 if it is not whole.
inline std::size_t string_in(page_text& text, std::size_t from)
{
  if (!text.reach(from + detail::length_bytes)) return 0;
  const std::size_t size = detail::length_bytes + detail::load_length(text.data() + from);
  return text.reach(from + size) ? size : 0;
}

// Integers of `width` bits, at most 32, in runs of equal ones and runs side by side: bytes [at, end) of a text.
class run_reader
{
 public:
  run_reader() noexcept = default;

  run_reader(page_text& text, std::size_t at, std::size_t end, unsigned width) noexcept
      : text_(&text), width_(width), at_(at), stop_(end)
  {
  }

  // The integer at `index`, no lower than the last one asked for; false if the text has none there.
  bool at(std::int64_t index, std::uint32_t& value)
  {
    while (index >= end_)
      if (!next()) return false;
    if (packed_ && !unpack(static_cast<std::uint64_t>(index - begin_))) return false;
    value = value_;
    return true;
  }

  // Of one-bit integers: how many before `index`, no lower than the last one asked for, are set, and its own.
  bool rank(std::int64_t index, std::int64_t& set, std::uint32_t& value)
  {
    while (index >= end_) {
      if (end_ > counted_ && !count_to(end_)) return false;
      if (!next()) return false;
    }
    if (!count_to(index)) return false;
    set = set_;
    return at(index, value);
  }

 private:
  bool next()
  {
    std::uint64_t head = 0;
    unsigned shift = 0;
    std::uint8_t byte = 0;
    do {
      if (at_ == stop_ || shift > 28 || !text_->reach(at_ + 1)) return false;
      byte = text_->data()[at_++];
      head |= static_cast<std::uint64_t>(byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    begin_ = end_;
    packed_ = head & 1;
    const std::size_t left = stop_ - at_;
    if (packed_) {
      // The last run of some writers ends with its last value, not with its last group of eight.
      const std::size_t size = std::min<std::size_t>(static_cast<std::size_t>(head >> 1) * width_, left);
      run_ = at_;
      end_ += width_ == 0 ? 0 : static_cast<std::int64_t>(size * 8 / width_);
      at_ += size;
      return true;
    }
    const std::size_t size = (width_ + 7) / 8;
    if (size > left || !text_->reach(at_ + size)) return false;
    value_ = 0;
    for (std::size_t i = 0; i < size; ++i) value_ |= static_cast<std::uint32_t>(text_->data()[at_ + i]) << (8 * i);
    at_ += size;
    end_ += static_cast<std::int64_t>(head >> 1);
    return true;
  }

  // The integer at `index` of this run, as `value_`.
  bool unpack(std::uint64_t index)
  {
    const std::uint64_t bit = index * width_;
    const std::size_t from = run_ + static_cast<std::size_t>(bit / 8);
    const std::size_t size = static_cast<std::size_t>(bit % 8 + width_ + 7) / 8;
    if (!text_->reach(from + size)) return false;
    std::uint64_t word = 0;
    std::memcpy(&word, text_->data() + from, size);
    value_ = static_cast<std::uint32_t>(word >> (bit % 8) & ((std::uint64_t{1} << width_) - 1));
    return true;
  }

  // Adds up what is set in [counted_, index), which lies in this run.
  bool count_to(std::int64_t index)
  {
    if (!packed_) {
      set_ += (index - counted_) * (value_ & 1);
    } else {
      auto bit = static_cast<std::size_t>(counted_ - begin_);
      const auto last = static_cast<std::size_t>(index - begin_);
      if (!text_->reach(run_ + (last + 7) / 8)) return false;
      const std::uint8_t* run = text_->data() + run_;
      for (; bit < last && bit % 8; ++bit) set_ += run[bit / 8] >> bit % 8 & 1;
      for (; bit + 8 <= last; bit += 8) set_ += std::popcount(run[bit / 8]);
      for (; bit < last; ++bit) set_ += run[bit / 8] >> bit % 8 & 1;
    }
    counted_ = index;
    return true;
  }

  page_text* text_ = nullptr;
  unsigned width_ = 0;
  std::size_t at_ = 0;
  std::size_t stop_ = 0;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  bool packed_ = false;
  std::uint32_t value_ = 0;
  std::size_t run_ = 0;  // where it begins
  std::int64_t counted_ = 0;
  std::int64_t set_ = 0;
};

// Values one after the other, as PLAIN has them, or the bytes of each apart, as BYTE_STREAM_SPLIT has them: the bytes
// of a text from `begin` on.
class plain_reader
{
 public:
  plain_reader() noexcept = default;

  plain_reader(page_text& text, std::size_t begin, value_layout layout, bool split = false) noexcept
      : text_(&text), begin_(begin), layout_(layout), split_(split), string_at_(begin)
  {
  }

  // Appends the value at `index` to `out` as PLAIN has it, a bit as a byte; false if the text has none there. The
  // index of a string is no lower than the last one asked for.
  bool append(std::int64_t index, std::vector<std::uint8_t>& out)
  {
    if (layout_.kind == value_layout::strings) return append_string(index, out);
    const auto place = static_cast<std::size_t>(index);
    if (layout_.kind == value_layout::bits) {
      if (!text_->at(begin_ + place / 8, 1)) return false;
      out.push_back(text_->data()[begin_ + place / 8] >> place % 8 & 1);
      return true;
    }
    const std::size_t count = (text_->size() - begin_) / layout_.width;
    if (place >= count) return false;
    if (split_) {
      if (!text_->reach(text_->size()))
        return false;  // where each byte stands depends on the size, which is to be true
      for (std::size_t i = 0; i < layout_.width; ++i) out.push_back(text_->data()[begin_ + i * count + place]);
      return true;
    }
    const std::size_t from = begin_ + place * layout_.width;
    if (!text_->at(from, layout_.width)) return false;
    out.insert(out.end(), text_->data() + from, text_->data() + from + layout_.width);
    return true;
  }

 private:
  bool append_string(std::int64_t index, std::vector<std::uint8_t>& out)
  {
    for (;; ++string_) {
      const std::size_t size = string_in(*text_, string_at_);
      if (size == 0) return false;
      if (string_ == index) {
        out.insert(out.end(), text_->data() + string_at_, text_->data() + string_at_ + size);
        return true;
      }
      string_at_ += size;
    }
  }

  page_text* text_ = nullptr;
  std::size_t begin_ = 0;
  value_layout layout_;
  bool split_ = false;
  std::size_t string_at_ = 0;
  std::int64_t string_ = 0;  // that was asked for last
};

// The text of a dictionary page: values by code, in any order. Of strings, every 32nd is remembered once it was passed,
// so that nothing is made of what no code asks for.
class value_dictionary
{
 public:
  // False if the text cannot hold `count` values.
  bool load(page_text& text, value_layout layout, std::int64_t count)
  {
    text_ = &text;
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
      size = string_in(*text_, from);
      if (size == 0) return false;
    } else if (!text_->at(from, size)) {
      return false;
    }
    out.insert(out.end(), text_->data() + from, text_->data() + from + size);
    return true;
  }

 private:
  static constexpr std::size_t stride = 32;

  // Where the string of a code begins.
  bool reach(std::size_t code, std::size_t& from)
  {
    std::size_t mark = std::min(code / stride, marks_.size() - 1);
    from = marks_[mark];
    for (std::size_t at = mark * stride; at < code;) {
      const std::size_t size = string_in(*text_, from);
      if (size == 0) return false;
      from += size;
      if (++at % stride == 0 && at / stride == marks_.size()) marks_.push_back(from);
    }
    return true;
  }

  page_text* text_ = nullptr;
  value_layout layout_;
  std::size_t count_ = 0;
  std::vector<std::size_t> marks_;
};

}  // namespace aliquot
