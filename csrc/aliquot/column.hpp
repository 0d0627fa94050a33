// An Arrow column read in place: one tagged view over the C data interface, and one `visit` as the single switch over
// types.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

#include "arrow_abi.h"

namespace aliquot
{

// A borrowed view: the ArrowArray and ArrowSchema must outlive it.
class column
{
 public:
  // Nothing for a type that `visit` does not know.
  static std::optional<column> view(const ArrowArray& array, const ArrowSchema& schema) noexcept
  {
    const std::string_view format(schema.format);
    if (array.dictionary == nullptr ? format == "vu" || format == "vz" || known.find(format) != known.npos
                                    : integers.find(format) != integers.npos) {
      if (format.size() <= 2) return column(array, schema);
    }
    return std::nullopt;
  }

  std::int64_t length() const noexcept { return array_->length; }

  bool is_dictionary() const noexcept { return array_->dictionary != nullptr; }

  // The values that the codes of a dictionary column stand for.
  std::optional<column> dictionary() const noexcept { return view(*array_->dictionary, *schema_->dictionary); }

  // 0 <= i < length() (not checked)
  bool is_valid(std::int64_t i) const noexcept
  {
    if (!may_have_nulls()) return true;
    return !all_null_ && bit(array_->buffers[0], i + array_->offset);
  }

  bool may_have_nulls() const noexcept
  {
    return all_null_ || (array_->null_count != 0 && array_->buffers[0] != nullptr);
  }

  bool is_boolean() const noexcept { return schema_->format[0] == 'b'; }

  // Row 0's place among the values, in rows.
  std::int64_t offset() const noexcept { return array_->offset; }

  // The values of booleans, a bit each, from the one of row -offset() on.
  const std::uint8_t* bits() const noexcept { return static_cast<const std::uint8_t*>(array_->buffers[1]); }

  bool is_like(const column& other) const noexcept { return schema_->format[0] == other.schema_->format[0]; }

  // Row 0 of a column whose values are stored so (not checked).
  template <class Stored>
  const Stored* stored() const noexcept
  {
    return static_cast<const Stored*>(array_->buffers[1]) + array_->offset;
  }

  // Call f(values) with a pointer to row 0 of a column of integers or floats, as they are stored; returns false for
  // others. The codes, for a dictionary column.
  template <class F>
  [[gnu::always_inline]] bool visit_stored(F&& f) const
  {
    switch (schema_->format[0]) {
      case 'c': f(stored<std::int8_t>()); break;
      case 'C': f(stored<std::uint8_t>()); break;
      case 's': f(stored<std::int16_t>()); break;
      case 'S': f(stored<std::uint16_t>()); break;
      case 'i': f(stored<std::int32_t>()); break;
      case 'I': f(stored<std::uint32_t>()); break;
      case 'l': f(stored<std::int64_t>()); break;
      case 'L': f(stored<std::uint64_t>()); break;
      case 'f': f(stored<float>()); break;
      case 'g': f(stored<double>()); break;
      default: return false;
    }
    return true;
  }

  // Call f(values) with an object whose values(i) is row i as int64, uint64, double or string_view; whatever it
  // gives for a null row means nothing. The codes, for a dictionary column.
  template <class F>
  auto visit(F&& f) const
  {
    const std::int64_t offset = array_->offset;
    switch (schema_->format[0]) {
      case 'c': return f(fixed<std::int8_t, std::int64_t>(offset));
      case 'C': return f(fixed<std::uint8_t, std::int64_t>(offset));
      case 's': return f(fixed<std::int16_t, std::int64_t>(offset));
      case 'S': return f(fixed<std::uint16_t, std::int64_t>(offset));
      case 'i': return f(fixed<std::int32_t, std::int64_t>(offset));
      case 'I': return f(fixed<std::uint32_t, std::int64_t>(offset));
      case 'l': return f(fixed<std::int64_t, std::int64_t>(offset));
      case 'L': return f(fixed<std::uint64_t, std::uint64_t>(offset));
      case 'f': return f(fixed<float, double>(offset));
      case 'g': return f(fixed<double, double>(offset));
      case 'b':
        return f([bits = array_->buffers[1], offset](std::int64_t i) -> std::int64_t { return bit(bits, i + offset); });
      case 'u':
      case 'z': return f(variable<std::int32_t>(offset));
      case 'U':
      case 'Z': return f(variable<std::int64_t>(offset));
      case 'v': return f(string_views(offset));
      default: return f([](std::int64_t) -> std::int64_t { return 0; });  // 'n', the type of nulls only
    }
  }

 private:
  static constexpr std::string_view integers = "cCsSiIlL";
  static constexpr std::string_view known = "cCsSiIlLfgbuzUZn";

  column(const ArrowArray& array, const ArrowSchema& schema) noexcept
      : array_(&array), schema_(&schema), all_null_(schema.format[0] == 'n')
  {
  }

  static bool bit(const void* bits, std::int64_t i) noexcept
  {
    return ((static_cast<const std::uint8_t*>(bits)[i >> 3] >> (i & 7)) & 1) != 0;
  }

  template <class Stored, class Read>
  auto fixed(std::int64_t offset) const noexcept
  {
    return [values = static_cast<const Stored*>(array_->buffers[1]) + offset](std::int64_t i) -> Read {
      return static_cast<Read>(values[i]);
    };
  }

  template <class Offset>
  auto variable(std::int64_t offset) const noexcept
  {
    return [ends = static_cast<const Offset*>(array_->buffers[1]) + offset,
            bytes = static_cast<const char*>(array_->buffers[2])](std::int64_t i) {
      return std::string_view(bytes + ends[i], static_cast<std::size_t>(ends[i + 1] - ends[i]));
    };
  }

  // 16 bytes a row: the length, then up to 12 bytes of the string itself, or its first 4, the buffer and the offset in
  // it. Those of a null row may be any.
  auto string_views(std::int64_t offset) const noexcept
  {
    return [of = *this, views = static_cast<const char*>(array_->buffers[1]) + 16 * offset,
            buffers = array_->buffers + 2](std::int64_t i) {
      const char* view = views + 16 * i;
      std::uint32_t size = 0;
      std::memcpy(&size, view, sizeof size);
      if (size <= 12) return std::string_view(view + 4, size);
      if (!of.is_valid(i)) return std::string_view();
      std::int32_t buffer = 0;
      std::int32_t start = 0;
      std::memcpy(&buffer, view + 8, sizeof buffer);
      std::memcpy(&start, view + 12, sizeof start);
      return std::string_view(static_cast<const char*>(buffers[buffer]) + start, size);
    };
  }

  const ArrowArray* array_;
  const ArrowSchema* schema_;
  bool all_null_;
};

}  // namespace aliquot
