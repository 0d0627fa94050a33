// A Parquet file in memory of some pages of one column, for any reader to decode.
#pragma once

#include <algorithm>
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

// What goes into a mini file, as far as the pages' own headers tell.
struct mini_file {
  std::vector<thrift::bytes> parts;
  std::int64_t num_rows = 0;
  std::int64_t uncompressed = 0;
  bool in_codes = false;   // some page needs the dictionary page
  bool in_values = false;  // some page does not
  bool in_deltas = false;
  bool has_dictionary = false;

  std::size_t body() const noexcept
  {
    std::size_t size = 0;
    for (const thrift::bytes& part : parts) size += part.size();
    return size;
  }
};

namespace detail
{

inline constexpr std::int64_t delta_byte_array = 7;

inline bool add_page(mini_file& out, const page_table& table, std::size_t number, const segment& from)
{
  const data_page& page = table.pages()[number];
  if (page.offset < from.base || page.size > from.end() - page.offset) return false;
  const auto bytes =
      from.bytes.subspan(static_cast<std::size_t>(page.offset - from.base), static_cast<std::size_t>(page.size));
  thrift::reader in(bytes);
  const page_header head = read_page_header(in);
  if (!in.good() || !head.holds_data() || head.num_values != table.rows_of(number)) return false;
  if (static_cast<std::int64_t>(head.size) + head.compressed != page.size) return false;
  out.parts.push_back(bytes);
  out.num_rows += head.num_values;
  out.uncompressed += static_cast<std::int64_t>(head.size) + head.uncompressed;
  out.in_codes |= head.in_codes();
  out.in_values |= !head.in_codes();
  out.in_deltas |= head.encoding == delta_byte_array;
  return true;
}

}  // namespace detail

// Takes these pages, ascending, out of segments, ascending; false if one is not what the table says.
inline bool add_pages(mini_file& out, const page_table& table, std::span<const std::int64_t> hits,
                      std::span<const segment> segments)
{
  std::size_t at = 0;
  for (const std::int64_t hit : hits) {
    const auto number = static_cast<std::size_t>(hit);
    while (at < segments.size() && segments[at].end() <= table.pages()[number].offset) ++at;
    if (at == segments.size() || !detail::add_page(out, table, number, segments[at])) return false;
  }
  return true;
}

// Takes the dictionary page, with which `bytes` begin; false if they do not.
inline bool add_dictionary(mini_file& out, thrift::bytes bytes)
{
  thrift::reader in(bytes);
  const page_header head = read_page_header(in);
  if (!in.good() || head.type != page_kind::dictionary) return false;
  if (static_cast<std::uint64_t>(head.compressed) > bytes.size() - head.size) return false;
  const std::size_t size = head.size + static_cast<std::size_t>(head.compressed);
  out.parts.insert(out.parts.begin(), bytes.first(size));
  out.uncompressed += static_cast<std::int64_t>(head.size) + head.uncompressed;
  out.has_dictionary = true;
  return true;
}

// The footer of the mini file and what follows it. `arrow_schema` is the value of that key, or empty.
inline std::vector<std::uint8_t> mini_tail(const mini_file& file, const parquet_footer& footer, const leaf_column& leaf,
                                           std::string_view leaf_name, const column_chunk& chunk,
                                           std::string_view arrow_schema)
{
  using thrift::kind;
  const auto body = static_cast<std::int64_t>(file.body());
  const auto start = static_cast<std::int64_t>(parquet_magic.size());
  std::vector<std::uint8_t> out;
  thrift::writer to(out);
  to.begin();
  to.integer(1, kind::i32, 2);
  to.list(2, kind::structure, 2);
  to.begin();
  to.binary(4, "schema");
  to.integer(5, kind::i32, 1);
  to.end();
  to.raw(footer.bytes_at(leaf.element));
  to.integer(3, kind::i64, file.num_rows);
  to.list(4, kind::structure, 1);
  to.begin();  // the row group
  to.list(1, kind::structure, 1);
  to.begin();  // the column chunk
  to.integer(2, kind::i64, start);
  to.head(3, kind::structure);
  to.begin();
  to.integer(1, kind::i32, chunk.physical);
  to.head(2, kind::list);
  to.raw(footer.bytes_at(chunk.encodings));
  to.list(3, kind::binary, 1);
  to.item(leaf_name);
  to.integer(4, kind::i32, chunk.codec);
  to.integer(5, kind::i64, file.num_rows);
  to.integer(6, kind::i64, file.uncompressed);
  to.integer(7, kind::i64, body);
  to.integer(9, kind::i64, file.has_dictionary ? start + static_cast<std::int64_t>(file.parts[0].size()) : start);
  if (file.has_dictionary) to.integer(11, kind::i64, start);
  to.end();
  to.end();
  to.integer(2, kind::i64, file.uncompressed);
  to.integer(3, kind::i64, file.num_rows);
  to.end();
  if (!arrow_schema.empty()) {
    to.list(5, kind::structure, 1);
    to.begin();
    to.binary(1, "ARROW:schema");
    to.binary(2, arrow_schema);
    to.end();
  }
  if (footer.created_by.to > 0) to.binary(6, footer.at(footer.created_by));
  to.end();
  const std::size_t size = out.size();
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(size >> shift));
  out.insert(out.end(), parquet_magic.begin(), parquet_magic.end());
  return out;
}

// Magic, body and tail into `out`, which has their size (not checked)
inline void write_mini(const mini_file& file, thrift::bytes tail, std::span<std::uint8_t> out) noexcept
{
  auto at = std::copy(parquet_magic.begin(), parquet_magic.end(), out.begin());
  for (const thrift::bytes& part : file.parts) at = std::copy(part.begin(), part.end(), at);
  std::copy(tail.begin(), tail.end(), at);
}

}  // namespace aliquot
