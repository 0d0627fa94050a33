// Which pages of a column chunk hold given rows. Flat columns only: a value or null is a row.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "parquet_footer.hpp"
#include "parquet_thrift.hpp"

namespace aliquot
{

enum class page_kind : std::uint8_t { data, index, dictionary, data_v2, unknown };

struct page_header {
  page_kind type = page_kind::unknown;
  std::int64_t compressed = -1;
  std::int64_t uncompressed = -1;
  std::int64_t num_values = -1;
  std::int64_t num_rows = -1;  // V2 only
  std::int64_t encoding = -1;
  std::int64_t level_encoding = -1;   // V1 only
  std::int64_t definition_bytes = 0;  // V2 only, as the next two
  std::int64_t repetition_bytes = 0;
  bool is_compressed = true;
  std::size_t size = 0;  // of the header itself

  bool holds_data() const noexcept { return type == page_kind::data || type == page_kind::data_v2; }
  bool in_codes() const noexcept { return encoding == 2 || encoding == 8; }  // PLAIN_DICTIONARY, RLE_DICTIONARY
};

struct data_page {
  std::int64_t offset;
  std::int64_t size;  // with its header
  std::int64_t first_row;
};

// Bytes of the file from `base` on.
struct segment {
  std::int64_t base;
  thrift::bytes bytes;

  std::int64_t end() const noexcept { return base + static_cast<std::int64_t>(bytes.size()); }
};

inline page_header read_page_header(thrift::reader& in)
{
  constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();
  page_header out;
  const auto number = [&](std::int64_t& to, thrift::kind type) {
    to = in.natural(type, largest);
    return true;
  };
  const auto of_data = [&](const thrift::field& at) {
    switch (at.id) {
      case 1: return number(out.num_values, at.type);
      case 2: return number(out.encoding, at.type);
      case 3: return number(out.level_encoding, at.type);
      default: return false;
    }
  };
  const auto of_data_v2 = [&](const thrift::field& at) {
    switch (at.id) {
      case 1: return number(out.num_values, at.type);
      case 3: return number(out.num_rows, at.type);
      case 4: return number(out.encoding, at.type);
      case 5: return number(out.definition_bytes, at.type);
      case 6: return number(out.repetition_bytes, at.type);
      case 7:
        if (at.type != thrift::kind::yes && at.type != thrift::kind::no) in.fail();
        out.is_compressed = at.type == thrift::kind::yes;
        return true;
      default: return false;
    }
  };
  const auto of_dictionary = [&](const thrift::field& at) { return at.id <= 2 && of_data(at); };
  const auto inside = [&](const thrift::field& at, const auto& take) {
    if (at.type != thrift::kind::structure)
      in.fail();
    else
      in.structure(take);
    return true;
  };
  in.structure([&](const thrift::field& at) {
    switch (at.id) {
      case 1: out.type = static_cast<page_kind>(std::min<std::int64_t>(in.natural(at.type), 4)); return true;
      case 2: return number(out.uncompressed, at.type);
      case 3: return number(out.compressed, at.type);
      case 5: return inside(at, of_data);
      case 7: return inside(at, of_dictionary);
      case 8: return inside(at, of_data_v2);
      default: return false;
    }
  });
  out.size = in.position();
  const bool flat = out.type != page_kind::data_v2 || out.num_rows == out.num_values;
  if (out.compressed < 0 || out.uncompressed < 0 || (out.holds_data() && (out.num_values < 0 || !flat))) in.fail();
  return out;
}

// The pages of one column chunk, found in its OffsetIndex or by hopping from header to header.
class page_table
{
 public:
  page_table() noexcept = default;

  // All of the chunk's pages end before `limit`, where the file's own footer begins.
  page_table(const column_chunk& chunk, std::int64_t num_rows, std::int64_t limit) noexcept
      : next_(chunk.start()),
        first_(chunk.start()),
        num_rows_(num_rows),
        fits_(first_ >= 4 && first_ <= limit && chunk.compressed <= limit - first_ && chunk.num_values == num_rows)
  {
    end_ = fits_ ? first_ + chunk.compressed : first_;
  }

  bool fits() const noexcept { return fits_; }
  std::int64_t first() const noexcept { return first_; }
  std::int64_t end() const noexcept { return end_; }
  std::int64_t num_rows() const noexcept { return num_rows_; }
  const std::vector<data_page>& pages() const noexcept { return pages_; }

  // Where the next header stands that `walk` needs.
  std::int64_t next() const noexcept { return next_; }

  std::int64_t rows_of(std::size_t page) const noexcept
  {
    return (page + 1 < pages_.size() ? pages_[page + 1].first_row : num_rows_) - pages_[page].first_row;
  }

  // The pages that an OffsetIndex lists; false unless it lists them in order and apart.
  bool load(thrift::bytes text)
  {
    thrift::reader in(text);
    in.structure([&](const thrift::field& at) {
      if (at.id != 1) return false;
      in.list(at, thrift::kind::structure, [&] { load_page(in); });
      return true;
    });
    if (in.good() && !pages_.empty() && pages_[0].first_row == 0) return true;
    pages_.clear();
    return false;
  }

  // Hops on through headers in `window`, which begins at `next()`. `truncated` if it wants more, from `next()` on;
  // `good` once all rows are found.
  thrift::status walk(const segment& window)
  {
    while (rows_found_ < num_rows_) {
      const auto at = static_cast<std::uint64_t>(next_ - window.base);
      if (next_ >= end_) return thrift::status::malformed;
      if (at >= window.bytes.size()) return thrift::status::truncated;
      thrift::reader in(window.bytes.subspan(static_cast<std::size_t>(at)));
      const page_header found = read_page_header(in);
      if (in.state() == thrift::status::truncated && window.end() < end_) return thrift::status::truncated;
      if (!in.good() || !add(found)) return thrift::status::malformed;
    }
    return thrift::status::good;
  }

  // Where the dictionary page must be, if there is one: [first(), this).
  std::int64_t dictionary_end() const noexcept { return pages_.empty() ? first_ : pages_[0].offset; }

 private:
  void load_page(thrift::reader& in)
  {
    data_page out{-1, -1, -1};
    in.structure([&](const thrift::field& at) {
      switch (at.id) {
        case 1: out.offset = in.natural(at.type); return true;
        case 2: out.size = in.natural(at.type); return true;
        case 3: out.first_row = in.natural(at.type); return true;
        default: return false;
      }
    });
    const std::int64_t free = pages_.empty() ? first_ : pages_.back().offset + pages_.back().size;
    const std::int64_t row = pages_.empty() ? 0 : pages_.back().first_row;
    const bool apart = out.offset >= free && out.offset <= end_ && out.size > 0 && out.size <= end_ - out.offset;
    if (!apart || out.first_row < row || out.first_row > num_rows_) return in.fail();
    pages_.push_back(out);
  }

  bool add(const page_header& found)
  {
    const std::int64_t size = static_cast<std::int64_t>(found.size) + found.compressed;
    if (size > end_ - next_) return false;
    if (found.holds_data()) {
      if (found.num_values > num_rows_ - rows_found_) return false;
      pages_.push_back({next_, size, rows_found_});
      rows_found_ += found.num_values;
    } else if (found.type != page_kind::index && (found.type != page_kind::dictionary || !pages_.empty())) {
      return false;
    }
    next_ += size;
    return true;
  }

  std::int64_t next_ = 0;
  std::int64_t first_ = 0;
  std::int64_t end_ = 0;
  std::int64_t num_rows_ = 0;
  bool fits_ = false;
  std::int64_t rows_found_ = 0;
  std::vector<data_page> pages_;
};

// A page out of a segment that begins at or before it, and what its header says; false if it is not what the table
// says.
inline bool page_in(const page_table& table, std::size_t number, const segment& from, thrift::bytes& bytes,
                    page_header& head)
{
  const data_page& page = table.pages()[number];
  if (page.offset < from.base || page.size > from.end() - page.offset) return false;
  bytes = from.bytes.subspan(static_cast<std::size_t>(page.offset - from.base), static_cast<std::size_t>(page.size));
  thrift::reader in(bytes);
  head = read_page_header(in);
  return in.good() && head.holds_data() && head.num_values == table.rows_of(number) &&
         static_cast<std::int64_t>(head.size) + head.compressed == page.size;
}

// The dictionary page with which bytes begin, and what its header says; false if they begin otherwise.
inline bool dictionary_in(thrift::bytes from, thrift::bytes& bytes, page_header& head)
{
  thrift::reader in(from);
  head = read_page_header(in);
  if (!in.good() || head.type != page_kind::dictionary || head.num_values < 0) return false;
  if (static_cast<std::uint64_t>(head.compressed) > from.size() - head.size) return false;
  bytes = from.first(head.size + static_cast<std::size_t>(head.compressed));
  return true;
}

// The pages that hold the rows, and into `places` the position of each row among the rows of those pages. Rows ascend,
// from 0 to below num_rows, and there is a page for each (not checked)
inline std::vector<std::int64_t> hit_pages(const page_table& table, std::span<const std::int64_t> rows,
                                           std::span<std::int64_t> places)
{
  const std::vector<data_page>& pages = table.pages();
  std::vector<std::int64_t> hits;
  std::int64_t begin = 0;   // of the last hit page, among the rows of all hit pages
  std::int64_t filled = 0;  // where the next one begins
  std::int64_t first = 0;
  std::int64_t last = 0;  // rows [first, last) are in the last hit page
  auto page = pages.begin();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] >= last) {
      page =
          std::upper_bound(page, pages.end(), rows[i], [](auto row, const auto& p) { return row < p.first_row; }) - 1;
      const auto number = static_cast<std::size_t>(page - pages.begin());
      hits.push_back(static_cast<std::int64_t>(number));
      begin = filled;
      first = page->first_row;
      last = first + table.rows_of(number);
      filled += last - first;
    }
    places[i] = begin + rows[i] - first;
  }
  return hits;
}

// Bytes [begin, end) of the file, which hold the pages hit up to hit `end_hit`.
struct page_run {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::size_t end_hit = 0;
};

// The run that begins with a page hit, and goes on while at most `gap` bytes lie between a page and the next one.
inline page_run page_run_from(const page_table& table, std::span<const std::int64_t> hits, std::size_t hit,
                              std::int64_t gap) noexcept
{
  const auto page = [&](std::size_t i) { return table.pages()[static_cast<std::size_t>(hits[i])]; };
  page_run out{page(hit).offset, page(hit).offset + page(hit).size, hit + 1};
  while (out.end_hit < hits.size() && page(out.end_hit).offset - out.end <= gap) {
    out.end = page(out.end_hit).offset + page(out.end_hit).size;
    ++out.end_hit;
  }
  return out;
}

}  // namespace aliquot
