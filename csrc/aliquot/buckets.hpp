// Rows dealt to buckets small enough for the cache, by the first bits of their keys: of more bits where there are more
// rows, so that it does not matter how scores are spread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "radix_sort.hpp"
#include "threads.hpp"

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
    for (std::size_t i = 0; i < keys.size(); i += step)
      ++heads_[static_cast<std::size_t>(keys[i] >> shift_ & head_mask_)].first;
    const std::size_t seen = (keys.size() - 1) / step + 1;
    std::uint32_t first = 0;
    for (head& each : heads_) {
      const int bits = std::min(static_cast<int>(std::bit_width(each.first * wanted / seen)), shift_);
      each = {first, shift_ - bits};
      first += std::uint32_t{1} << bits;
    }
    size_ = first;
    ones_ = (differing & top) != 0 ? heads_[heads_.size() / 2].first : (keys[0] & top) != 0 ? 0 : size_;
  }

  std::size_t size() const noexcept { return size_; }

  // The bucket of a key, as a function for a loop: what it reads is not read anew after each write.
  auto finder() const noexcept
  {
    return [heads = heads_.data(), shift = shift_, mask = head_mask_, below = below_](Key key) {
      const head at = heads[static_cast<std::size_t>(key >> shift & mask)];
      return at.first + static_cast<std::size_t>((key & below) >> at.shift);
    };
  }

  // Of the keys of a bucket, where it stands in a key: it is one of the head's, or of those before it, in which all
  // keys are alike.
  Key first_bit(std::size_t bucket) const noexcept { return bucket < ones_ ? Key{0} : top; }

 private:
  static constexpr std::size_t bucket_rows = std::size_t{1} << 13;
  static constexpr std::size_t most_buckets = 512;
  static constexpr int most_head_bits = 10;
  static constexpr std::size_t sampled = 4096;
  static constexpr Key top = Key{1} << (8 * sizeof(Key) - 1);

  struct head {
    std::uint32_t first = 0;  // of its buckets
    int shift = 0;
  };

  int shift_;
  Key head_mask_;
  Key below_;
  std::size_t size_;
  std::size_t ones_;  // the first bucket of keys that begin with a one
  std::vector<head> heads_;
};

// Rows on their way to buckets, a line of the cache at a time and past the cache: writing each row where it goes would
// read that line first, and take turns at the cache with the lines of all other buckets.
template <class Row>
class staged_rows
{
 public:
  // `ends` are where buckets start, and afterwards where they end.
  staged_rows(Row* rows, std::span<std::size_t> ends)
      : rows_(rows),
        skew_(reinterpret_cast<std::uintptr_t>(rows) / sizeof(Row) % line_rows),
        ends_(ends),
        starts_(ends.begin(), ends.end()),
        lines_(std::make_unique_for_overwrite<line[]>(ends.size()))
  {
  }

  // row(i) to bucket(i), for all i below n.
  template <class Bucket, class MakeRow>
  void deal(std::size_t n, Bucket&& bucket_of, MakeRow&& row) noexcept
  {
    std::size_t* ends = ends_.data();  // by name, as after `finder`
    line* lines = lines_.get();
    std::array<std::uint32_t, ahead> buckets;  // found before any row is put, as what is read waits for what is written
    for (std::size_t first = 0, skew = skew_; first < n; first += ahead) {
      const std::size_t end = std::min(n, first + ahead);
      for (std::size_t i = first; i < end; ++i) buckets[i - first] = static_cast<std::uint32_t>(bucket_of(i));
      for (std::size_t i = first; i < end; ++i) {
        const std::size_t bucket = buckets[i - first];
        const std::size_t at = ends[bucket]++;
        const std::size_t slot = (at + skew) % line_rows;
        if (slot == 0) write(bucket, lines[bucket], at);  // as late as can be, when it has long been stored
        lines[bucket].rows[slot] = row(i);
      }
    }
    finish();
  }

 private:
  void finish() noexcept
  {
    for (std::size_t bucket = 0; bucket < ends_.size(); ++bucket) {
      const std::size_t end = ends_[bucket];
      const std::size_t last = (end + skew_ + line_rows - 1) % line_rows;
      const std::size_t staged = std::min(last + 1, end - starts_[bucket]);
      std::memcpy(rows_ + (end - staged), lines_[bucket].rows + (last + 1 - staged), staged * sizeof(Row));
    }
#if defined(__SSE2__)
    _mm_sfence();
#endif
  }

  static constexpr std::size_t ahead = 128;
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
  std::span<std::size_t> ends_;
  std::vector<std::size_t> starts_;
  std::unique_ptr<line[]> lines_;
};

// The buckets of rows, and how many rows go to each, counted by as many threads as there are parts. A part is some of
// the rows, which it counts and deals, and then some of the buckets, one after the other, of about as many rows.
template <class Key>
class dealer
{
 public:
  // There are rows, and their keys outlast the dealer.
  dealer(std::span<const Key> keys, std::size_t parts)
      : keys_(keys), buckets_(keys, differing_bits(keys, parts)), parts_(parts)
  {
    for (part& each : parts_) each.ends.resize(buckets_.size());
    in_parts(parts, [&](std::size_t i) noexcept {
      std::size_t* counts = parts_[i].ends.data();
      for (const auto bucket_of = buckets_.finder(); const Key key : keys_of(i)) ++counts[bucket_of(key)];
    });
    starts_.reserve(buckets_.size() + 1);
    std::size_t start = 0;
    std::size_t next = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      while (next < parts && start >= next * keys.size() / parts) parts_[next++].first_bucket = bucket;
      starts_.push_back(start);
      for (part& each : parts_) start += std::exchange(each.ends[bucket], start);
    }
    starts_.push_back(start);
    while (next < parts) parts_[next++].first_bucket = buckets_.size();
  }

  // The rows of a part's buckets begin here, counted from the first of all.
  std::size_t first_row(std::size_t part) const noexcept { return starts_[first_bucket(part)]; }

  std::size_t most_rows(std::size_t part) const noexcept
  {
    std::size_t most = 0;
    for (std::size_t i = first_bucket(part); i < first_bucket(part + 1); ++i)
      most = std::max(most, starts_[i + 1] - starts_[i]);
    return most;
  }

  // Deal rows, of which row(i) is row i; once. Those of a part's buckets are moved on by as many as shift(part) says.
  template <class Row, class MakeRow, class Shift>
  void deal(MakeRow&& row, Row* rows, Shift&& shift)
  {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      for (part& each : parts_) {
        for (std::size_t bucket = first_bucket(i); bucket < first_bucket(i + 1); ++bucket)
          each.ends[bucket] += shift(i);
      }
    }
    if (keys_.size() * sizeof(Row) <= detail::cached_bytes && parts_.size() == 1) {
      const auto bucket_of = buckets_.finder();
      for (std::size_t i = 0; i < keys_.size(); ++i) rows[parts_[0].ends[bucket_of(keys_[i])]++] = row(i);
      return;
    }
    std::vector<staged_rows<Row>> staged;
    for (part& each : parts_) staged.emplace_back(rows, each.ends);
    in_parts(parts_.size(), [&](std::size_t i) noexcept {
      const auto keys = keys_of(i);
      const auto first = static_cast<std::size_t>(keys.data() - keys_.data());
      const auto bucket = [=, of = buckets_.finder()](std::size_t j) { return of(keys[j]); };
      staged[i].deal(keys.size(), bucket, [=](std::size_t j) { return row(first + j); });
    });
  }

  // Call f(first, rows, first_bit) for each of a part's buckets that has rows, by ascending keys: the bit is what their
  // words lack.
  template <class F>
  void for_each_bucket(std::size_t part, F&& f) const
  {
    for (std::size_t i = first_bucket(part); i < first_bucket(part + 1); ++i) {
      if (starts_[i] != starts_[i + 1]) f(starts_[i], starts_[i + 1] - starts_[i], buckets_.first_bit(i));
    }
  }

 private:
  struct part {
    std::vector<std::size_t> ends;  // of buckets, as far as they are dealt
    std::size_t first_bucket = 0;
  };

  static std::span<const Key> share(std::span<const Key> keys, std::size_t part, std::size_t parts) noexcept
  {
    const std::size_t first = keys.size() * part / parts;
    return keys.subspan(first, keys.size() * (part + 1) / parts - first);
  }

  static Key differing_bits(std::span<const Key> keys, std::size_t parts)
  {
    std::vector<Key> found(parts);
    in_parts(parts, [&](std::size_t part) noexcept {
      Key differing = 0;
      for (const Key key : share(keys, part, found.size())) differing |= static_cast<Key>(key ^ keys[0]);
      found[part] = differing;
    });
    return std::accumulate(found.begin(), found.end(), Key{0}, std::bit_or<Key>());
  }

  std::span<const Key> keys_of(std::size_t part) const noexcept { return share(keys_, part, parts_.size()); }

  std::size_t first_bucket(std::size_t part) const noexcept
  {
    return part < parts_.size() ? parts_[part].first_bucket : buckets_.size();
  }

  std::span<const Key> keys_;
  bucket_map<Key> buckets_;
  std::vector<part> parts_;
  std::vector<std::size_t> starts_;  // of buckets, and the end of the last
};

}  // namespace aliquot
