// A Parquet file in memory of some pages of some columns, for any reader to decode.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "parquet_footer.hpp"
#include "parquet_pages.hpp"
#include "parquet_thrift.hpp"

namespace aliquot
{

inline constexpr std::string_view parquet_magic = "PAR1";

// Pages of one column that go into a mini file, as far as their own headers tell.
struct mini_pages {
  std::vector<thrift::bytes> parts;
  std::int64_t num_rows = 0;
  std::int64_t uncompressed = 0;
  bool in_codes = false;   // some page needs the dictionary page
  bool in_values = false;  // some page does not
  bool in_deltas = false;
  std::size_t dictionary = 0;  // bytes of the dictionary page, which comes first

  std::size_t size() const noexcept
  {
    std::size_t size = 0;
    for (const thrift::bytes& part : parts) size += part.size();
    return size;
  }
};

// A column of a mini file: its pages and what the footer says of them.
struct mini_column {
  const mini_pages* pages;
  thrift::bytes element;
  std::string_view name;
  std::int64_t physical;
  std::int64_t codec;
  thrift::bytes encodings;  // the list, with its head
};

inline constexpr std::array<std::uint8_t, 3> plain_encodings{0x25, 0, 6};  // PLAIN and RLE

namespace detail
{

inline constexpr std::int64_t delta_byte_array = 7;

}  // namespace detail

// Takes these pages, ascending, out of segments, ascending; false if one is not what the table says.
inline bool add_pages(mini_pages& out, const page_table& table, std::span<const std::int64_t> hits,
                      std::span<const segment> segments)
{
  std::size_t at = 0;
  for (const std::int64_t hit : hits) {
    const auto number = static_cast<std::size_t>(hit);
    while (at < segments.size() && segments[at].end() <= table.pages()[number].offset) ++at;
    thrift::bytes bytes;
    page_header head;
    if (at == segments.size() || !page_in(table, number, segments[at], bytes, head)) return false;
    out.parts.push_back(bytes);
    out.num_rows += head.num_values;
    out.uncompressed += static_cast<std::int64_t>(head.size) + head.uncompressed;
    out.in_codes |= head.in_codes();
    out.in_values |= !head.in_codes();
    out.in_deltas |= head.encoding == detail::delta_byte_array;
  }
  return true;
}

// Takes the dictionary page, with which `from` begins; false if it does not.
inline bool add_dictionary(mini_pages& out, thrift::bytes from)
{
  thrift::bytes bytes;
  page_header head;
  if (!dictionary_in(from, bytes, head)) return false;
  out.parts.insert(out.parts.begin(), bytes);
  out.uncompressed += static_cast<std::int64_t>(head.size) + head.uncompressed;
  out.dictionary = bytes.size();
  return true;
}

namespace detail
{

inline void write_chunk(thrift::writer& to, const mini_column& column, std::int64_t start)
{
  using thrift::kind;
  const mini_pages& pages = *column.pages;
  to.begin();
  to.integer(2, kind::i64, start);
  to.head(3, kind::structure);
  to.begin();
  to.integer(1, kind::i32, column.physical);
  to.head(2, kind::list);
  to.raw(column.encodings);
  to.list(3, kind::binary, 1);
  to.item(column.name);
  to.integer(4, kind::i32, column.codec);
  to.integer(5, kind::i64, pages.num_rows);
  to.integer(6, kind::i64, pages.uncompressed);
  to.integer(7, kind::i64, static_cast<std::int64_t>(pages.size()));
  to.integer(9, kind::i64, start + static_cast<std::int64_t>(pages.dictionary));
  if (pages.dictionary > 0) to.integer(11, kind::i64, start);
  to.end();
  to.end();
}

}  // namespace detail

// The footer of a mini file of columns of as many rows each, and what follows it. `arrow_schema` is the value of that
// key, or empty.
inline std::vector<std::uint8_t> mini_tail(std::span<const mini_column> columns, std::string_view created_by,
                                           std::string_view arrow_schema)
{
  using thrift::kind;
  const std::int64_t rows = columns.empty() ? 0 : columns[0].pages->num_rows;
  std::vector<std::uint8_t> out;
  thrift::writer to(out);
  to.begin();
  to.integer(1, kind::i32, 2);
  to.list(2, kind::structure, columns.size() + 1);
  to.begin();
  to.binary(4, "schema");
  to.integer(5, kind::i32, static_cast<std::int64_t>(columns.size()));
  to.end();
  for (const mini_column& column : columns) to.raw(column.element);
  to.integer(3, kind::i64, rows);
  to.list(4, kind::structure, 1);
  to.begin();  // the row group
  to.list(1, kind::structure, columns.size());
  auto start = static_cast<std::int64_t>(parquet_magic.size());
  std::int64_t uncompressed = 0;
  for (const mini_column& column : columns) {
    detail::write_chunk(to, column, start);
    start += static_cast<std::int64_t>(column.pages->size());
    uncompressed += column.pages->uncompressed;
  }
  to.integer(2, kind::i64, uncompressed);
  to.integer(3, kind::i64, rows);
  to.end();
  if (!arrow_schema.empty()) {
    to.list(5, kind::structure, 1);
    to.begin();
    to.binary(1, "ARROW:schema");
    to.binary(2, arrow_schema);
    to.end();
  }
  if (!created_by.empty()) to.binary(6, created_by);
  to.end();
  const std::size_t size = out.size();
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(size >> shift));
  out.insert(out.end(), parquet_magic.begin(), parquet_magic.end());
  return out;
}

// Magic, body and tail into `out`, which has their size (not checked)
inline void write_mini(std::span<const mini_column> columns, thrift::bytes tail, std::span<std::uint8_t> out) noexcept
{
  auto at = std::copy(parquet_magic.begin(), parquet_magic.end(), out.begin());
  for (const mini_column& column : columns)
    for (const thrift::bytes& part : column.pages->parts) at = std::copy(part.begin(), part.end(), at);
  std::copy(tail.begin(), tail.end(), at);
}

}  // namespace aliquot
