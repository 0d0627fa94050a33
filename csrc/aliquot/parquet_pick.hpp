// The values of some rows of a column, picked out of pages and written as one page of plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "parquet_pages.hpp"
#include "parquet_text.hpp"
#include "parquet_thrift.hpp"
#include "parquet_values.hpp"

namespace aliquot
{

inline constexpr std::size_t most_picked_bytes = std::size_t{1} << 30;  // a page holds less than 2 GiB

namespace parquet_encoding
{
inline constexpr std::int64_t plain = 0;
inline constexpr std::int64_t rle = 3;
inline constexpr std::int64_t byte_stream_split = 9;
}  // namespace parquet_encoding

inline value_layout layout_of(const leaf_column& leaf) noexcept
{
  switch (leaf.physical) {
    case 0: return {value_layout::bits, 0};
    case 1:
    case 4: return {value_layout::fixed, 4};
    case 2:
    case 5: return {value_layout::fixed, 8};
    case 3: return {value_layout::fixed, 12};
    case 6: return {value_layout::strings, 0};
    case 7:
      if (leaf.length > 0) return {value_layout::fixed, static_cast<std::size_t>(leaf.length)};
      return {};
    default: return {};
  }
}

// Whether values may be picked out of pages as the footer describes them: else none has to be read to know.
inline bool may_pick(const parquet_footer& footer, const column_chunk& chunk)
{
  constexpr std::uint64_t codecs = 0b1000111;    // none, snappy, gzip, zstd
  constexpr std::uint64_t codes = 0b100000100;   // PLAIN_DICTIONARY, RLE_DICTIONARY
  constexpr std::uint64_t deltas = 0b011100000;  // the three of them, in which no value stands by itself
  std::uint64_t encodings = 0;
  thrift::reader in(footer.bytes_at(chunk.encodings));
  in.list({2, thrift::kind::list}, thrift::kind::i32,
          [&] { encodings |= std::uint64_t{1} << (in.integer(thrift::kind::i32) & 63); });
  return chunk.codec < 64 && codecs >> chunk.codec & 1 && (!(encodings & deltas) || encodings & codes);
}

class value_picker
{
 public:
  explicit value_picker(const leaf_column& leaf) noexcept : layout_(layout_of(leaf)), optional_(leaf.optional) {}

  // Whether pages of this column can be picked from at all.
  bool fits() const noexcept { return layout_.kind != value_layout::unknown; }

  // Whether this data page can be.
  bool fits(const page_header& head) const noexcept
  {
    if (optional_ && head.type == page_kind::data && head.level_encoding != parquet_encoding::rle) return false;
    if (head.repetition_bytes != 0) return false;
    switch (head.encoding) {
      case parquet_encoding::plain: return true;
      case parquet_encoding::rle: return layout_.kind == value_layout::bits;
      case parquet_encoding::byte_stream_split: return layout_.kind == value_layout::fixed;
      default: return head.in_codes() && layout_.kind != value_layout::bits;
    }
  }

  bool has_dictionary() const noexcept { return has_dictionary_; }

  // `text` stays until the last page is picked from; false if it is no dictionary of `count` values.
  bool set_dictionary(page_text& text, std::int64_t count)
  {
    return has_dictionary_ = dictionary_.load(text, layout_, count);
  }

  void forget_dictionary() noexcept { has_dictionary_ = false; }

  // Bytes of levels before the values of a page, whose compressed part begins behind them in V2.
  static std::size_t levels_apart(const page_header& head) noexcept
  {
    return head.type == page_kind::data_v2 ? static_cast<std::size_t>(head.definition_bytes) : 0;
  }

  // Picks the values at rows of a page, ascending, repeats allowed. `levels` are those that stand apart, `text` is the
  // rest, of which no more is asked for than it takes. False if it does not hold what its header says.
  bool pick(const page_header& head, thrift::bytes levels, page_text& text, std::span<const std::int64_t> rows,
            std::int64_t first_row)
  {
    page_text apart(levels);
    run_reader present(apart, 0, apart.size(), 1);
    std::size_t begin = 0;  // of the values
    if (optional_ && head.type != page_kind::data_v2) {
      if (!text.reach(detail::length_bytes)) return false;
      begin = detail::length_bytes + detail::load_length(text.data());
      if (begin > text.size()) return false;
      present = run_reader(text, detail::length_bytes, begin, 1);
    }
    if (!open(head, text, begin)) return false;
    for (const std::int64_t row : rows) {
      std::int64_t index = row - first_row;
      std::uint32_t there = 1;
      if (optional_) {
        if (!present.rank(row - first_row, index, there)) return false;
        present_.push_back(static_cast<std::uint8_t>(there));
      }
      if (there && !append(index)) return false;
      if (values_.size() > most_picked_bytes) return false;
    }
    num_rows_ += static_cast<std::int64_t>(rows.size());
    return true;
  }

  // Picks the value, or null, that all rows hold by what statistics say; false if they say no such thing. Of floats
  // they do not, as they leave NaN out and hold zeros of different sign for equal, nor of INT96, which has no order.
  bool pick_constant(const column_statistics& known, std::int64_t physical, std::int64_t rows)
  {
    if (optional_ && known.null_count == rows && rows > 0) {
      present_.push_back(0);
      ++num_rows_;
      return true;
    }
    constexpr std::int64_t int96 = 3;
    constexpr std::int64_t real = 4;
    constexpr std::int64_t twice_real = 5;
    const bool nulls = optional_ && known.null_count != 0;
    if (nulls || !known.constant() || physical == int96 || physical == real || physical == twice_real) return false;
    const thrift::bytes value = known.least;
    if (value.size() > most_picked_bytes) return false;
    if (layout_.kind == value_layout::fixed && value.size() != layout_.width) return false;
    if (layout_.kind == value_layout::bits && (value.size() != 1 || value[0] > 1)) return false;
    if (layout_.kind == value_layout::strings)
      for (int shift = 0; shift < 32; shift += 8) values_.push_back(static_cast<std::uint8_t>(value.size() >> shift));
    values_.insert(values_.end(), value.begin(), value.end());
    if (optional_) present_.push_back(1);
    ++num_rows_;
    return true;
  }

  // All that was picked, as a page without compression.
  std::vector<std::uint8_t> page() const
  {
    std::vector<std::uint8_t> body;
    if (optional_) write_levels(body);
    write_values(body);
    std::vector<std::uint8_t> out;
    thrift::writer to(out);
    to.begin();
    to.integer(1, thrift::kind::i32, 0);
    to.integer(2, thrift::kind::i32, static_cast<std::int64_t>(body.size()));
    to.integer(3, thrift::kind::i32, static_cast<std::int64_t>(body.size()));
    to.head(5, thrift::kind::structure);
    to.begin();
    to.integer(1, thrift::kind::i32, num_rows_);
    to.integer(2, thrift::kind::i32, parquet_encoding::plain);
    to.integer(3, thrift::kind::i32, parquet_encoding::rle);
    to.integer(4, thrift::kind::i32, parquet_encoding::rle);
    to.end();
    to.end();
    out.insert(out.end(), body.begin(), body.end());
    return out;
  }

  std::int64_t num_rows() const noexcept { return num_rows_; }

  // Bytes picked.
  std::size_t size() const noexcept { return values_.size() + present_.size(); }

 private:
  bool open(const page_header& head, page_text& text, std::size_t begin)
  {
    source_ = source::plain;
    if (head.in_codes()) {
      codes_ = {};
      if (begin < text.size()) {  // else there are nulls alone
        if (!text.reach(begin + 1) || text.data()[begin] > 32) return false;
        codes_ = run_reader(text, begin + 1, text.size(), text.data()[begin]);
      }
      source_ = source::codes;
    } else if (head.encoding == parquet_encoding::rle) {
      if (text.size() - begin < detail::length_bytes) return false;
      codes_ = run_reader(text, begin + detail::length_bytes, text.size(), 1);
      source_ = source::bits;
    } else {
      plain_ = plain_reader(text, begin, layout_, head.encoding == parquet_encoding::byte_stream_split);
    }
    return true;
  }

  bool append(std::int64_t index)
  {
    if (source_ == source::plain) return plain_.append(index, values_);
    std::uint32_t code = 0;
    if (!codes_.at(index, code)) return false;
    if (source_ == source::codes) return has_dictionary_ && dictionary_.append(code, values_);
    values_.push_back(static_cast<std::uint8_t>(code));
    return true;
  }

  // One run of eight rows a byte.
  void write_levels(std::vector<std::uint8_t>& out) const
  {
    const std::size_t groups = (present_.size() + 7) / 8;
    std::vector<std::uint8_t> runs;
    std::size_t head = groups << 1 | 1;
    for (; head > 127; head >>= 7) runs.push_back(static_cast<std::uint8_t>(head | 128));
    runs.push_back(static_cast<std::uint8_t>(head));
    append_bits(present_, runs);
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(runs.size() >> shift));
    out.insert(out.end(), runs.begin(), runs.end());
  }

  void write_values(std::vector<std::uint8_t>& out) const
  {
    if (layout_.kind == value_layout::bits)
      append_bits(values_, out);
    else
      out.insert(out.end(), values_.begin(), values_.end());
  }

  static void append_bits(const std::vector<std::uint8_t>& bits, std::vector<std::uint8_t>& out)
  {
    const std::size_t start = out.size();
    out.resize(start + (bits.size() + 7) / 8);
    for (std::size_t i = 0; i < bits.size(); ++i)
      out[start + i / 8] = static_cast<std::uint8_t>(out[start + i / 8] | (bits[i] & 1) << i % 8);
  }

  enum class source : std::uint8_t { plain, codes, bits };

  value_layout layout_;
  bool optional_;
  bool has_dictionary_ = false;
  source source_ = source::plain;
  value_dictionary dictionary_;
  plain_reader plain_;
  run_reader codes_;
  std::vector<std::uint8_t> values_;   // as PLAIN has them, but bits as bytes
  std::vector<std::uint8_t> present_;  // a byte a row
  std::int64_t num_rows_ = 0;
};

}  // namespace aliquot
