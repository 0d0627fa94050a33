// The compact protocol of Thrift, in which Parquet writes its footers, page headers and indexes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace aliquot::thrift
{

using bytes = std::span<const std::uint8_t>;

enum class kind : std::uint8_t { stop, yes, no, i8, i16, i32, i64, real, binary, list, set, map, structure, uuid };

enum class status : std::uint8_t { good, truncated, malformed };

// Parquet nests six deep; a file that claims more only wants the stack.
inline constexpr int max_depth = 24;

struct field {
  std::int64_t id = 0;
  kind type = kind::stop;
};

struct items {
  kind type = kind::stop;
  std::size_t count = 0;
};

// Reads what bytes say, and no byte beyond them. The first failure stays: from then on every value is zero, every
// list and structure empty, so that callers check once, at the end.
class reader
{
 public:
  explicit reader(bytes input) noexcept : input_(input) {}

  status state() const noexcept { return state_; }
  bool good() const noexcept { return state_ == status::good; }
  std::size_t position() const noexcept { return at_; }
  std::size_t left() const noexcept { return input_.size() - at_; }

  void fail(status why = status::malformed) noexcept
  {
    if (good()) state_ = why;
    at_ = input_.size();
  }

  // The next field of a structure whose last one was `at`; false after the last.
  bool next(field& at) noexcept
  {
    const std::uint8_t head = byte();
    const auto type = static_cast<kind>(head & 15);
    if (!good() || type == kind::stop) return false;
    if (type > kind::uuid) fail();
    at.id = head >> 4 ? at.id + (head >> 4) : zigzag();
    at.type = type;
    if (at.id < 0 || at.id > 32767) fail();
    return good();
  }

  // Calls `take` with each field of a structure; what it does not take, returning false, is skipped.
  template <class Take>
  void structure(Take&& take)
  {
    field at;
    while (next(at))
      if (!take(at)) skip(at.type);
  }

  // Calls `take` for each item of a list of `type`, the value of field `at`.
  template <class Take>
  void list(const field& at, kind type, Take&& take)
  {
    if (at.type != kind::list) return fail();
    const items found = list_head();
    if (found.count > 0 && found.type != type) return fail();
    for (std::size_t i = 0; i < found.count && good(); ++i) take();
  }

  // The value of an integer field of at most 64 bits.
  std::int64_t integer(kind type) noexcept
  {
    if (type == kind::i8) return static_cast<std::int8_t>(byte());
    if (type == kind::i16 || type == kind::i32 || type == kind::i64) return zigzag();
    fail();
    return 0;
  }

  // The same, which must be neither negative nor above `limit`.
  std::int64_t natural(kind type, std::int64_t limit = INT64_MAX) noexcept
  {
    const std::int64_t value = integer(type);
    if (value >= 0 && value <= limit) return value;
    fail();
    return 0;
  }

  bytes binary(kind type) noexcept
  {
    if (type != kind::binary) fail();
    return take(varint());
  }

  void skip(kind type, int depth = 0) noexcept
  {
    switch (type) {
      case kind::yes:
      case kind::no: return;
      case kind::i8: take(1); return;
      case kind::i16:
      case kind::i32:
      case kind::i64: varint(); return;
      case kind::real: take(8); return;
      case kind::uuid: take(16); return;
      case kind::binary: take(varint()); return;
      case kind::list:
      case kind::set: return skip_list(depth);
      case kind::map: return skip_map(depth);
      case kind::structure: return skip_structure(depth);
      case kind::stop: break;
    }
    fail();
  }

 private:
  std::uint8_t byte() noexcept
  {
    if (at_ < input_.size()) return input_[at_++];
    fail(status::truncated);
    return 0;
  }

  bytes take(std::uint64_t count) noexcept
  {
    if (count > left()) {
      fail(status::truncated);
      return {};
    }
    const bytes found = input_.subspan(at_, static_cast<std::size_t>(count));
    at_ += found.size();
    return found;
  }

  std::uint64_t varint() noexcept
  {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint64_t next = byte();
      value |= (next & 127) << shift;
      if (next < 128) return shift < 63 || next < 2 ? value : (fail(), 0);
    }
    fail();
    return 0;
  }

  std::int64_t zigzag() noexcept
  {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }

  // An item takes a byte at least, so no count above the bytes left is true.
  items list_head() noexcept
  {
    const std::uint8_t head = byte();
    const std::uint64_t count = head >> 4 == 15 ? varint() : head >> 4;
    if (count > left()) fail(status::truncated);
    return good() ? items{static_cast<kind>(head & 15), static_cast<std::size_t>(count)} : items{};
  }

  void skip_item(kind type, int depth) noexcept
  {
    if (type == kind::yes || type == kind::no)
      byte();
    else
      skip(type, depth);
  }

  void skip_list(int depth) noexcept
  {
    if (depth >= max_depth) return fail();
    const items found = list_head();
    for (std::size_t i = 0; i < found.count && good(); ++i) skip_item(found.type, depth + 1);
  }

  void skip_map(int depth) noexcept
  {
    if (depth >= max_depth) return fail();
    const std::uint64_t count = varint();
    if (count == 0) return;
    if (count > left()) return fail(status::truncated);
    const std::uint8_t types = byte();
    for (std::uint64_t i = 0; i < count && good(); ++i) {
      skip_item(static_cast<kind>(types >> 4), depth + 1);
      skip_item(static_cast<kind>(types & 15), depth + 1);
    }
  }

  void skip_structure(int depth) noexcept
  {
    if (depth >= max_depth) return fail();
    field at;
    while (next(at)) skip(at.type, depth + 1);
  }

  bytes input_;
  std::size_t at_ = 0;
  status state_ = status::good;
};

// Appends to bytes. Fields of a structure in ascending order; at most eight deep (not checked)
class writer
{
 public:
  explicit writer(std::vector<std::uint8_t>& out) noexcept : out_(out) {}

  void begin() { last_[++depth_] = 0; }

  void end()
  {
    out_.push_back(0);
    --depth_;
  }

  void head(int id, kind type)
  {
    out_.push_back(static_cast<std::uint8_t>((id - last_[depth_]) << 4 | static_cast<int>(type)));
    last_[depth_] = id;
  }

  void integer(int id, kind type, std::int64_t value)
  {
    head(id, type);
    varint(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
  }

  void binary(int id, std::string_view text)
  {
    head(id, kind::binary);
    item(text);
  }

  void list(int id, kind type, std::size_t count)
  {
    head(id, kind::list);
    out_.push_back(static_cast<std::uint8_t>(std::min<std::size_t>(count, 15) << 4 | static_cast<std::size_t>(type)));
    if (count >= 15) varint(count);
  }

  void item(std::string_view text)
  {
    varint(text.size());
    out_.insert(out_.end(), text.begin(), text.end());
  }

  void raw(bytes written) { out_.insert(out_.end(), written.begin(), written.end()); }

 private:
  void varint(std::uint64_t value)
  {
    for (; value > 127; value >>= 7) out_.push_back(static_cast<std::uint8_t>(value | 128));
    out_.push_back(static_cast<std::uint8_t>(value));
  }

  std::vector<std::uint8_t>& out_;
  std::array<int, 9> last_{};
  std::size_t depth_ = 0;
};

}  // namespace aliquot::thrift
