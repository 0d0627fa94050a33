// Feeds whatever libFuzzer makes up to the Parquet reader, as a file: footer, page index, page headers, values; and as
// a block of snappy and a frame of zstd. `make fuzz` builds and runs it; pages are taken as they are, whatever codec
// the footer claims.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "aliquot/parquet_mini.hpp"
#include "aliquot/parquet_pick.hpp"
#include "aliquot/parquet_ranges.hpp"
#include "aliquot/parquet_snappy.hpp"
#include "aliquot/parquet_zstd.hpp"

namespace
{

using aliquot::thrift::bytes;

bytes footer_of(bytes file)
{
  if (file.size() < 12) return file;
  const std::size_t length = aliquot::detail::load_length(file.data() + file.size() - 8);
  return length <= file.size() - 12 ? file.subspan(file.size() - 8 - length, length) : file;
}

void require(bool held)
{
  if (!held) std::abort();
}

bool find_pages(aliquot::page_table& table, const aliquot::column_chunk& chunk, bytes file)
{
  const auto size = static_cast<std::int64_t>(file.size());
  if (chunk.index_offset > 0 && chunk.index_length > 0 && chunk.index_offset <= size &&
      chunk.index_length <= size - chunk.index_offset)
    if (table.load(
            file.subspan(static_cast<std::size_t>(chunk.index_offset), static_cast<std::size_t>(chunk.index_length))))
      return true;
  return table.walk({0, file}) == aliquot::thrift::status::good && !table.pages().empty();
}

// What is picked of one column, row group by row group.
struct picked {
  aliquot::value_picker values;
  bool good;
  std::int64_t rows = 0;
};

bool pick(aliquot::value_picker& picker, const aliquot::page_table& table, const std::vector<std::int64_t>& hits,
          const std::vector<std::int64_t>& rows, bytes file)
{
  std::optional<aliquot::page_text> values;  // of the dictionary
  // Two segments of the file, that what lies in both has to be put together.
  const std::vector<aliquot::segment> known{
      {0, file.first(file.size() / 2)}, {static_cast<std::int64_t>(file.size() / 2), file.subspan(file.size() / 2)}};
  aliquot::file_ranges ranges(known, -1);
  aliquot::room memory;
  aliquot::page_run here;
  bytes read;
  std::size_t first = 0;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (i >= here.end_hit) {
      here = aliquot::page_run_from(table, hits, i, 16);
      read = ranges.get(here.begin, here.end, memory);
    }
    const auto number = static_cast<std::size_t>(hits[i]);
    bytes page;
    aliquot::page_header head;
    if (!aliquot::page_in(table, number, {here.begin, read}, page, head) || !picker.fits(head)) return false;
    bytes dictionary;
    aliquot::page_header of_dictionary;
    if (head.in_codes() && !picker.has_dictionary() &&
        aliquot::dictionary_in(file.subspan(static_cast<std::size_t>(table.first())), dictionary, of_dictionary)) {
      values.emplace(dictionary.subspan(of_dictionary.size));
      if (!picker.set_dictionary(*values, of_dictionary.num_values)) return false;
    }
    const std::size_t apart = picker.levels_apart(head);
    if (apart > page.size() - head.size) return false;
    const std::int64_t start = table.pages()[number].first_row;
    std::size_t last = first;
    while (last < rows.size() && rows[last] < start + table.rows_of(number)) ++last;
    const std::span<const std::int64_t> here(rows.data() + first, last - first);
    aliquot::page_text text(page.subspan(head.size + apart));
    if (!picker.pick(head, page.subspan(head.size, apart), text, here, start)) return false;
    first = last;
  }
  return first == rows.size();
}

void read_chunk(const aliquot::parquet_footer& footer, std::size_t group, std::size_t leaf, bytes file, picked& column)
{
  const aliquot::column_chunk& chunk = footer.chunks[group * footer.leaves.size() + leaf];
  const std::int64_t num_rows = footer.group_rows[group];
  aliquot::value_picker known(footer.leaves[leaf]);
  if (known.fits() && known.pick_constant(statistics_of(footer, chunk), chunk.physical, num_rows))
    require(known.num_rows() == 1 && !known.page().empty());
  aliquot::page_table table(chunk, num_rows, static_cast<std::int64_t>(file.size()));
  if (!footer.leaves[leaf].flat || !table.fits() || num_rows == 0 || !find_pages(table, chunk, file)) return;
  std::vector<std::int64_t> rows{0, 0, num_rows / 3, num_rows / 2, num_rows - 1};
  std::sort(rows.begin(), rows.end());
  std::vector<std::int64_t> places(rows.size());
  const std::vector<std::int64_t> hits = aliquot::hit_pages(table, rows, places);
  column.good = column.good && aliquot::may_pick(footer, chunk) && pick(column.values, table, hits, rows, file);
  column.values.forget_dictionary();
  column.rows += static_cast<std::int64_t>(rows.size());
  const std::vector<aliquot::segment> segments{{0, file}};
  aliquot::mini_pages pages;
  if (!aliquot::add_pages(pages, table, hits, segments)) return;
  if (pages.in_codes && !aliquot::add_dictionary(pages, file.subspan(static_cast<std::size_t>(table.first())))) return;
  const std::vector<aliquot::mini_column> columns{{&pages, footer.bytes_at(footer.leaves[leaf].element),
                                                   footer.at(footer.leaves[leaf].name), chunk.physical, chunk.codec,
                                                   footer.bytes_at(chunk.encodings)}};
  const std::vector<std::uint8_t> tail = aliquot::mini_tail(columns, footer.at(footer.created_by), "schema");
  std::vector<std::uint8_t> out(aliquot::parquet_magic.size() + pages.size() + tail.size());
  aliquot::write_mini(columns, tail, out);
  // The mini file is one that the same reader understands.
  aliquot::parquet_footer again;
  const bytes text = footer_of(out);
  again.text.assign(text.begin(), text.end());
  require(aliquot::parse_footer(again));
}

// What is asked for bit by bit is what is asked for at once, and nothing of it is left as the memory was.
template <typename text>
void undo(bytes in, std::size_t size)
{
  std::vector<std::uint8_t> memory(size + aliquot::copies::slack);
  text whole;
  if (!whole.open(in, memory.data(), size)) return;
  const bool sound = whole.reach(size);
  std::vector<std::uint8_t> other(size + aliquot::copies::slack, 1);
  text parts;
  require(parts.open(in, other.data(), size));
  const auto same = [&](std::size_t begin, std::size_t end) {
    return !sound || std::equal(memory.data() + begin, memory.data() + end, other.data() + begin);
  };
  for (std::size_t i = 1; i < 12; ++i) {
    const std::size_t begin = i * 2'654'435'761U % (size + 1);
    const std::size_t end = std::min(size, begin + i * i);
    const bool there = i % 3 ? parts.at(begin, end - begin) : parts.reach(end);
    require(there ? same(begin, end) : !sound);
  }
  require(parts.reach(size) == sound && same(0, size));
}

void read_block(bytes block)
{
  std::size_t size = 0;
  for (std::size_t i = 0; i < 3 && i < block.size(); ++i) size |= std::size_t{block[i] & 127U} << (7 * i);
  if (size <= block.size() * aliquot::snappy::largest_ratio) undo<aliquot::snappy::block>(block, size);
  // The size that a frame tells, or one that it may have.
  const std::size_t told =
      block.size() < 14 ? 0 : block[5] | std::size_t{block[6]} << 8 | std::size_t{block[7] & 7U} << 16;
  for (const std::size_t each : {told, told & 255U, (told & 65'535U) + 256})
    if (each <= block.size() * aliquot::zstd::largest_ratio) undo<aliquot::zstd::frame>(block, each);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const bytes file(data, size);
  read_block(file);
  const bytes text = footer_of(file);
  aliquot::parquet_footer footer;
  footer.text.assign(text.begin(), text.end());
  if (!aliquot::parse_footer(footer)) return 0;
  for (std::size_t leaf = 0; leaf < footer.leaves.size(); ++leaf) {
    aliquot::value_picker values(footer.leaves[leaf]);
    picked column{values, values.fits()};
    for (std::size_t group = 0; group < footer.group_rows.size(); ++group)
      read_chunk(footer, group, leaf, file, column);
    if (!column.good) continue;
    require(column.values.num_rows() == column.rows);
    require(!column.values.page().empty());
  }
  return 0;
}
