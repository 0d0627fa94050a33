// What the footer of a Parquet file says of its columns: where their pages are and how they are written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "parquet_thrift.hpp"

namespace aliquot
{

// A stretch of the footer's bytes.
struct extent {
  std::size_t from = 0;
  std::size_t to = 0;
};

struct leaf_column {
  extent element;         // its SchemaElement
  extent name;            // that of the column of the table it belongs to
  std::int64_t physical;  // type
  std::int64_t length;    // of values of fixed length that is not the type's
  bool optional;          // null where it is not there
  bool flat;              // a column of the table, one value or null a row
};

struct column_chunk {
  extent encodings;  // the list, with its head
  std::int64_t physical = -1;
  std::int64_t codec = -1;
  std::int64_t num_values = -1;
  std::int64_t uncompressed = -1;
  std::int64_t compressed = -1;
  std::int64_t data_page = -1;
  std::int64_t dictionary_page = 0;
  std::int64_t index_offset = 0;
  std::int64_t index_length = 0;
  std::uint32_t statistics = 0;  // where they begin in the footer, if there are any
  bool elsewhere = false;        // in another file
  bool encrypted = false;

  bool complete() const noexcept
  {
    return encodings.to > 0 && physical >= 0 && codec >= 0 && num_values >= 0 && uncompressed >= 0 && compressed >= 0 &&
           data_page >= 0;
  }

  // Its first byte in the file.
  std::int64_t start() const noexcept
  {
    return dictionary_page > 0 && dictionary_page < data_page ? dictionary_page : data_page;
  }
};

struct parquet_footer {
  std::vector<std::uint8_t> text;
  std::vector<leaf_column> leaves;
  std::vector<column_chunk> chunks;  // of the first row group, of the second...
  std::vector<std::int64_t> group_rows;
  std::int64_t num_rows = 0;
  extent schema;  // the list of its elements
  extent notes;   // those of keys and values
  extent created_by;
  bool has_arrow_schema = false;

  std::string_view at(const extent& part) const noexcept
  {
    return {reinterpret_cast<const char*>(text.data()) + part.from, part.to - part.from};
  }

  thrift::bytes bytes_at(const extent& part) const noexcept
  {
    return thrift::bytes(text).subspan(part.from, part.to - part.from);
  }
};

namespace detail
{

inline constexpr std::size_t deepest_schema = 200;                // pyarrow descends a schema on the stack
inline constexpr std::int64_t most_rows = std::int64_t{1} << 48;  // of a file: sums over many files stay in 64 bits
inline constexpr std::int64_t optional = 1;
inline constexpr std::int64_t repeated = 2;

inline extent string_extent(thrift::reader& in, thrift::kind type) noexcept
{
  const std::size_t size = in.binary(type).size();
  return {in.position() - size, in.position()};
}

struct schema_element {
  extent element;
  extent name;
  std::int64_t physical = -1;
  std::int64_t length = 0;
  std::int64_t repetition = 0;
  std::int64_t children = 0;
};

inline schema_element read_element(thrift::reader& in)
{
  schema_element out;
  out.element.from = in.position();
  in.structure([&](const thrift::field& at) {
    switch (at.id) {
      case 1: out.physical = in.natural(at.type); return true;
      case 2: out.length = in.natural(at.type, INT32_MAX); return true;
      case 3: out.repetition = in.natural(at.type, repeated); return true;
      case 4: out.name = string_extent(in, at.type); return true;
      case 5: out.children = in.natural(at.type); return true;
      default: return false;
    }
  });
  out.element.to = in.position();
  if (out.name.to == 0) in.fail();
  return out;
}

// The tree of columns, written parents first, becomes its leaves. `open` holds how many children of each group on the
// way to the root are still to come.
inline void read_schema(thrift::reader& in, const thrift::field& at, std::vector<leaf_column>& leaves)
{
  std::vector<std::int64_t> open;
  extent column;
  bool rooted = false;
  in.list(at, thrift::kind::structure, [&] {
    const schema_element found = read_element(in);
    const bool is_leaf = rooted && found.children == 0 && found.physical >= 0;
    if (rooted) {
      if (open.empty()) return in.fail();
      --open.back();
      if (open.size() == 1) column = found.name;
    }
    if (is_leaf)
      leaves.push_back({found.element, column, found.physical, found.length, found.repetition == optional,
                        open.size() == 1 && found.repetition != repeated});
    rooted = true;
    open.push_back(found.children);
    if (open.size() > deepest_schema) in.fail();
    while (!open.empty() && open.back() == 0) open.pop_back();
  });
  if (!open.empty()) in.fail();
}

inline void read_column_metadata(thrift::reader& in, column_chunk& out)
{
  in.structure([&](const thrift::field& at) {
    switch (at.id) {
      case 1: out.physical = in.natural(at.type); return true;
      case 2:
        out.encodings.from = in.position();
        in.skip(at.type);
        out.encodings.to = in.position();
        if (at.type != thrift::kind::list) in.fail();
        return true;
      case 4: out.codec = in.natural(at.type); return true;
      case 5: out.num_values = in.natural(at.type); return true;
      case 6: out.uncompressed = in.natural(at.type); return true;
      case 7: out.compressed = in.natural(at.type); return true;
      case 9: out.data_page = in.natural(at.type); return true;
      case 11: out.dictionary_page = in.integer(at.type); return true;
      case 12: out.statistics = static_cast<std::uint32_t>(in.position()); return false;
      default: return false;
    }
  });
}

inline column_chunk read_chunk(thrift::reader& in)
{
  column_chunk out;
  in.structure([&](const thrift::field& at) {
    switch (at.id) {
      case 1: out.elsewhere = in.binary(at.type).size() > 0; return true;
      case 3:
        if (at.type != thrift::kind::structure)
          in.fail();
        else
          read_column_metadata(in, out);
        return true;
      case 4: out.index_offset = in.integer(at.type); return true;
      case 5: out.index_length = in.integer(at.type); return true;
      case 8:
      case 9: out.encrypted = true; return false;
      default: return false;
    }
  });
  if (!out.complete() && !out.encrypted) in.fail();
  return out;
}

inline void read_row_group(thrift::reader& in, parquet_footer& out)
{
  std::int64_t rows = -1;
  std::size_t columns = 0;
  in.structure([&](const thrift::field& at) {
    if (at.id == 1)
      in.list(at, thrift::kind::structure, [&] {
        out.chunks.push_back(read_chunk(in));
        if (++columns > out.leaves.size()) in.fail();
      });
    else if (at.id == 3)
      rows = in.natural(at.type, most_rows - out.num_rows);
    else
      return false;
    return true;
  });
  if (rows < 0 || columns != out.leaves.size()) in.fail();
  out.group_rows.push_back(rows);
  out.num_rows += rows;
}

inline void read_key_value(thrift::reader& in, parquet_footer& out)
{
  in.structure([&](const thrift::field& at) {
    if (at.id != 1) return false;
    const extent key = string_extent(in, at.type);
    if (in.good() && out.at(key) == "ARROW:schema") out.has_arrow_schema = true;
    return true;
  });
}

}  // namespace detail

// What a footer says of the values of a column chunk: bounds, as PLAIN has them but for the length of strings.
struct column_statistics {
  thrift::bytes least;
  thrift::bytes most;
  std::int64_t null_count = -1;
  bool bounded = false;  // by values that are there

  // Whether all values, if there are any, are the same: nothing else lies between two equal bounds.
  bool constant() const noexcept { return bounded && std::ranges::equal(least, most); }
};

inline column_statistics statistics_of(const parquet_footer& footer, const column_chunk& chunk)
{
  column_statistics out;
  bool least = false;
  bool most = false;
  bool exact = true;
  if (chunk.statistics == 0) return out;
  thrift::reader in(thrift::bytes(footer.text).subspan(chunk.statistics));
  in.structure([&](const thrift::field& at) {
    switch (at.id) {
      case 3: out.null_count = in.natural(at.type); return true;
      case 5: most = (out.most = in.binary(at.type), true); return true;
      case 6: least = (out.least = in.binary(at.type), true); return true;
      case 7:
      case 8: exact &= at.type == thrift::kind::yes; return false;
      default: return false;
    }
  });
  out.bounded = in.good() && least && most && exact;
  if (!in.good()) out.null_count = -1;
  return out;
}

// Fills a footer from its text. Schemas come before row groups in every file, as field numbers ascend.
inline bool parse_footer(parquet_footer& out)
{
  thrift::reader in(out.text);
  in.structure([&](const thrift::field& at) {
    const std::size_t from = in.position();
    switch (at.id) {
      case 2:
        detail::read_schema(in, at, out.leaves);
        out.schema = {from, in.position()};
        return true;
      case 4: in.list(at, thrift::kind::structure, [&] { detail::read_row_group(in, out); }); return true;
      case 5:
        in.list(at, thrift::kind::structure, [&] { detail::read_key_value(in, out); });
        out.notes = {from, in.position()};
        return true;
      case 6: out.created_by = detail::string_extent(in, at.type); return true;
      default: return false;
    }
  });
  return in.good();
}

}  // namespace aliquot
