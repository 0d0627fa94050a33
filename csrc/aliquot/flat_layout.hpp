// How the columns of a record batch lie in memory, where they lie flat: values of fixed width, booleans, strings and
// binaries, and codes of such into a dictionary; but no nested ones.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "arrow_abi.h"

namespace aliquot
{

// How a column's values lie in its buffers.
struct flat_layout {
  enum class kind : std::uint8_t { bits, fixed, strings, large_strings, views } values;
  std::size_t width = 0;  // bytes of a value of fixed width
  enum class dictionary : std::uint8_t { none, plain, of_views } codes = dictionary::none;  // that values are places in
};

inline flat_layout::dictionary dictionary_of(const ArrowSchema& schema) noexcept
{
  using enum flat_layout::dictionary;
  if (schema.dictionary == nullptr) return none;
  return schema.dictionary->format[0] == 'v' ? of_views : plain;
}

// Nothing for a column that does not lie flat.
inline std::optional<flat_layout> layout_of(const ArrowSchema& schema) noexcept
{
  using enum flat_layout::kind;
  const std::string_view format(schema.format);
  if (schema.dictionary != nullptr && (schema.dictionary->n_children > 0 || schema.dictionary->dictionary != nullptr))
    return std::nullopt;
  if (format == "b") return flat_layout{bits};
  if (format == "u" || format == "z") return flat_layout{strings};
  if (format == "U" || format == "Z") return flat_layout{large_strings};
  if (format == "vu" || format == "vz") return flat_layout{views};
  if (format.starts_with("w:") || format.starts_with("d:")) {
    const char* number = format.data() + format.find_last_of(":,") + 1;
    std::size_t value = 0;
    std::from_chars(number, format.data() + format.size(), value);
    if (format[0] == 'w') return flat_layout{fixed, value};
    const bool says_bits = std::count(format.begin(), format.end(), ',') == 2;
    return flat_layout{fixed, says_bits ? value / 8 : 16};
  }
  if (format.starts_with("ts")) return flat_layout{fixed, 8};  // and a unit, and a time zone
  struct width {
    std::string_view format;
    std::size_t bytes;
  };
  static constexpr auto widths = std::to_array<width>({
      {"c", 1},   {"C", 1},   {"s", 2},   {"S", 2},   {"e", 2},   {"i", 4},   {"I", 4},   {"f", 4},
      {"l", 8},   {"L", 8},   {"g", 8},   {"tdD", 4}, {"tts", 4}, {"ttm", 4}, {"tiM", 4}, {"tdm", 8},
      {"ttu", 8}, {"ttn", 8}, {"tiD", 8}, {"tDs", 8}, {"tDm", 8}, {"tDu", 8}, {"tDn", 8}, {"tin", 16},
  });
  const auto same = [format](const width& each) { return each.format == format; };
  const auto found = std::find_if(widths.begin(), widths.end(), same);
  if (found != widths.end()) return flat_layout{fixed, found->bytes, dictionary_of(schema)};
  return std::nullopt;
}

// How each column lies; nothing unless all lie flat.
inline std::optional<std::vector<flat_layout>> layouts_of(const ArrowSchema& batch)
{
  std::vector<flat_layout> layouts;
  for (std::int64_t i = 0; i < batch.n_children; ++i) {
    const std::optional<flat_layout> layout = layout_of(*batch.children[i]);
    if (!layout) return std::nullopt;
    layouts.push_back(*layout);
  }
  return layouts;
}

}  // namespace aliquot
