// Rows dealt to buckets small enough for the cache, by the first bits of their keys: of more bits where there are more
// rows, so that it does not matter how scores are spread.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "radix_sort.hpp"

namespace aliquot
{

// Which keys go to which bucket. A key's head, its first bits of those in which keys differ, says how many more are
// looked at.
template <class Key>
class bucket_map
{
 public:
  // For keys that differ in some bits only, of which a sample is looked at.
  bucket_map(std::span<const Key> keys, Key differing)
  {
    const std::size_t wanted = std::min(keys.size() / bucket_rows, most_buckets);
    const int width = static_cast<int>(std::bit_width(differing));
    const int head_bits = std::clamp(static_cast<int>(std::bit_width(wanted)), 1, most_head_bits);
    shift_ = std::max(width - head_bits, 0);
    head_mask_ = static_cast<Key>((Key{1} << head_bits) - 1);
    below_ = static_cast<Key>((Key{1} << shift_) - 1);
    heads_.resize(std::size_t{1} << head_bits);
    const std::size_t step = keys.size() / sampled + 1;
    for (std::size_t i = 0; i < keys.size(); i += step) ++heads_[head_of(keys[i])].first;
    const std::size_t seen = (keys.size() - 1) / step + 1;
    std::uint32_t first = 0;
    for (head& each : heads_) {
      const int bits = std::min(static_cast<int>(std::bit_width(each.first * wanted / seen)), shift_);
      each = {first, shift_ - bits};
      first += std::uint32_t{1} << bits;
    }
    size_ = first;
    alike_ = static_cast<Key>(keys[0] & ~static_cast<Key>(head_mask_ << shift_));
  }

  std::size_t size() const noexcept { return size_; }

  std::size_t operator()(Key key) const noexcept
  {
    const head at = heads_[head_of(key)];
    return at.first + static_cast<std::size_t>((key & below_) >> at.shift);
  }

  // Call f(bucket, first_bit) for each bucket in order, with the first bit of its keys where it stands in a key: it is
  // one of the head's, or of those before it, in which all keys are alike.
  template <class F>
  void for_each(F&& f) const
  {
    constexpr int first = 8 * sizeof(Key) - 1;
    std::size_t bucket = 0;
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      const auto key = static_cast<Key>(alike_ | static_cast<Key>(static_cast<Key>(i) << shift_));
      const std::size_t end = i + 1 < heads_.size() ? heads_[i + 1].first : size_;
      while (bucket < end) f(bucket++, static_cast<Key>(key >> first << first));
    }
  }

 private:
  static constexpr std::size_t bucket_rows = std::size_t{1} << 13;
  static constexpr std::size_t most_buckets = 512;
  static constexpr int most_head_bits = 10;
  static constexpr std::size_t sampled = 4096;

  struct head {
    std::uint32_t first = 0;  // of its buckets
    int shift = 0;
  };

  std::size_t head_of(Key key) const noexcept { return static_cast<std::size_t>(key >> shift_ & head_mask_); }

  int shift_;
  Key head_mask_;
  Key below_;
  Key alike_;
  std::size_t size_;
  std::vector<head> heads_;
};

// Rows on their way to buckets, a line of the cache at a time and past the cache: writing each row where it goes would
// read that line first, and take turns at the cache with the lines of all other buckets.
template <class Row>
class staged_rows
{
 public:
  // `ends` are where buckets start, and afterwards where they end.
  staged_rows(Row* rows, std::span<std::uint32_t> ends)
      : rows_(rows),
        skew_(reinterpret_cast<std::uintptr_t>(rows) / sizeof(Row) % line_rows),
        ends_(ends),
        starts_(ends.begin(), ends.end()),
        lines_(std::make_unique_for_overwrite<line[]>(ends.size()))
  {
  }

  void put(std::size_t bucket, Row row) noexcept
  {
    const std::size_t at = ends_[bucket]++;
    const std::size_t slot = (at + skew_) % line_rows;
    line& to = lines_[bucket];
    to.rows[slot] = row;
    if (slot == line_rows - 1) write(bucket, to, at + 1);
  }

  void finish() noexcept
  {
    for (std::size_t bucket = 0; bucket < ends_.size(); ++bucket) {
      const std::size_t end = ends_[bucket];
      const std::size_t staged = std::min((end + skew_) % line_rows, end - starts_[bucket]);
      const std::size_t slot = (end - staged + skew_) % line_rows;
      std::memcpy(rows_ + (end - staged), lines_[bucket].rows + slot, staged * sizeof(Row));
    }
#if defined(__SSE2__)
    _mm_sfence();
#endif
  }

 private:
  static constexpr std::size_t line_bytes = 64;
  static constexpr std::size_t line_rows = line_bytes / sizeof(Row);

  struct alignas(line_bytes) line {
    Row rows[line_rows];
  };

  void write(std::size_t bucket, const line& from, std::size_t end) noexcept
  {
    const std::size_t rows = std::min(end - starts_[bucket], line_rows);
    if (rows < line_rows) {
      std::memcpy(rows_ + (end - rows), from.rows + (line_rows - rows), rows * sizeof(Row));
      return;
    }
    Row* to = rows_ + (end - line_rows);
#if defined(__SSE2__)
    for (std::size_t i = 0; i < line_bytes / sizeof(__m128i); ++i) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(to) + i, _mm_load_si128(reinterpret_cast<const __m128i*>(&from) + i));
    }
#else
    std::memcpy(to, &from, sizeof from);
#endif
  }

  Row* rows_;
  std::size_t skew_;
  std::span<std::uint32_t> ends_;
  std::vector<std::uint32_t> starts_;
  std::unique_ptr<line[]> lines_;
};

// Deal rows to buckets and call bucket(rows, spare, first_bit) for each that has some, by ascending keys, with room for
// as many and the bit that their words lack; it may write over them. row(i) is row i; `rows` has room for all, fewer
// than 2^32 (not checked).
template <class Row, class Key, class MakeRow, class Bucket>
void deal_to_buckets(std::span<const Key> keys, MakeRow&& row, Row* rows, Bucket&& bucket)
{
  if (keys.empty()) return;
  Key differing = 0;
  for (const Key key : keys) differing |= static_cast<Key>(key ^ keys[0]);
  const bucket_map<Key> buckets(keys, differing);
  std::vector<std::uint32_t> ends(buckets.size());
  for (const Key key : keys) ++ends[buckets(key)];
  const auto spare = std::make_unique_for_overwrite<Row[]>(*std::max_element(ends.begin(), ends.end()));
  detail::counts_to_starts(ends);
  if (keys.size() * sizeof(Row) <= detail::cached_bytes) {
    for (std::size_t i = 0; i < keys.size(); ++i) rows[ends[buckets(keys[i])]++] = row(i);
  } else {
    staged_rows<Row> staged(rows, ends);
    for (std::size_t i = 0; i < keys.size(); ++i) staged.put(buckets(keys[i]), row(i));
    staged.finish();
  }
  std::size_t start = 0;
  buckets.for_each([&](std::size_t i, Key first_bit) {
    if (ends[i] == start) return;
    bucket(std::span<Row>(rows + start, ends[i] - start), spare.get(), first_bit);
    start = ends[i];
  });
}

}  // namespace aliquot
