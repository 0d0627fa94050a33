// Rows picked out of record batches into one batch of its own memory, where all columns lie flat.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <span>
#include <vector>

#include "arrow_abi.h"
#include "flat_layout.hpp"

namespace aliquot
{

// Rows first ... last-1 of those asked for, which lie in one batch.
struct stretch {
  std::size_t batch;
  std::size_t first;
  std::size_t last;
};

// Where the rows asked for lie; batch b has rows starts[b] ... starts[b+1]-1. Nothing if a row is in none. Rows in
// whatever order, but few stretches, as ascending ones make, are quick to go through.
inline std::optional<std::vector<stretch>> stretches_of(std::span<const std::int64_t> rows,
                                                        std::span<const std::int64_t> starts)
{
  std::vector<stretch> found;
  for (std::size_t i = 0; i < rows.size();) {
    const std::int64_t row = rows[i];
    if (row < 0 || row >= starts.back()) return std::nullopt;
    const auto end = std::upper_bound(starts.begin(), starts.end(), row);
    const std::int64_t start = *(end - 1);
    const std::size_t first = i++;
    while (i < rows.size() && rows[i] >= start && rows[i] < *end) ++i;
    found.push_back({static_cast<std::size_t>(end - starts.begin()) - 1, first, i});
  }
  return found;
}

namespace detail
{

inline void* allocate(std::size_t bytes)
{
  constexpr std::size_t alignment = 64;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// A column that owns its buffers, as the one that gives it away.
struct owned_column {
  std::array<const void*, 3> buffers{};

  static void release(ArrowArray* array) noexcept
  {
    auto* owned = static_cast<owned_column*>(array->private_data);
    for (const void* buffer : owned->buffers) std::free(const_cast<void*>(buffer));
    delete owned;
    array->release = nullptr;
  }
};

struct owned_batch {
  std::vector<ArrowArray> columns;
  std::vector<ArrowArray*> pointers;
  std::array<const void*, 1> no_validity{};

  static void release(ArrowArray* array) noexcept
  {
    auto* owned = static_cast<owned_batch*>(array->private_data);
    for (ArrowArray& column : owned->columns)
      if (column.release != nullptr) column.release(&column);
    delete owned;
    array->release = nullptr;
  }
};

// A column of a batch: its buffers, and what a row number plus ``shift`` is a place in them of.
struct source {
  const std::uint8_t* validity;  // nullptr where no row is null
  const std::byte* values;
  const char* bytes;  // of strings
  std::int64_t shift;
};

// Picks rows of one column.
class column_picker
{
 public:
  // batches[b] may be nullptr where no row lies.
  column_picker(std::size_t column, std::span<const std::int64_t> rows, std::span<const std::int64_t> starts,
                std::span<const stretch> stretches, std::span<const ArrowArray* const> batches)
      : rows_(rows), stretches_(stretches), sources_(batches.size())
  {
    for (std::size_t b = 0; b < batches.size(); ++b) {
      if (batches[b] == nullptr) continue;
      const ArrowArray& array = *batches[b]->children[column];
      const bool has_nulls = array.null_count != 0 && array.buffers[0] != nullptr;
      sources_[b] = {has_nulls ? static_cast<const std::uint8_t*>(array.buffers[0]) : nullptr,
                     static_cast<const std::byte*>(array.buffers[1]),
                     array.n_buffers > 2 ? static_cast<const char*>(array.buffers[2]) : nullptr,
                     array.offset + batches[b]->offset - starts[b]};
      any_nulls_ = any_nulls_ || has_nulls;
    }
  }

  // False if strings are too long together for their offsets.
  bool pick(flat_layout layout, ArrowArray& out) const
  {
    auto* owned = new owned_column;
    out = {static_cast<std::int64_t>(rows_.size()),
           0,
           0,
           2,
           0,
           owned->buffers.data(),
           nullptr,
           nullptr,
           owned_column::release,
           owned};
    if (any_nulls_) {
      owned->buffers[0] = pick_bits([](const source& from) { return from.validity; });
      out.null_count = -1;  // not counted
    }
    switch (layout.values) {
      case flat_layout::kind::bits:
        owned->buffers[1] =
            pick_bits([](const source& from) { return reinterpret_cast<const std::uint8_t*>(from.values); });
        return true;
      case flat_layout::kind::fixed: owned->buffers[1] = pick_fixed(layout.width); return true;
      case flat_layout::kind::strings: out.n_buffers = 3; return pick_strings<std::int32_t>(*owned);
      case flat_layout::kind::large_strings: out.n_buffers = 3; return pick_strings<std::int64_t>(*owned);
    }
    return true;
  }

 private:
  // Call f(i, from, at): row i of those asked for is at place ``at`` of a source.
  template <class F>
  void each(F&& f) const
  {
    for (const stretch& part : stretches_) {
      const source from = sources_[part.batch];
      for (std::size_t i = part.first; i < part.last; ++i) f(i, from, rows_[i] + from.shift);
    }
  }

  // Bits that are not there are all set.
  template <class Bits>
  std::uint8_t* pick_bits(Bits&& bits_of) const
  {
    const std::size_t bytes = rows_.size() / 8 + 1;
    auto* bits = static_cast<std::uint8_t*>(allocate(bytes));
    std::memset(bits, 0, bytes);
    each([&](std::size_t i, const source& from, std::int64_t at) {
      const std::uint8_t* theirs = bits_of(from);
      const int set = theirs == nullptr ? 1 : theirs[at >> 3] >> (at & 7) & 1;
      bits[i >> 3] = static_cast<std::uint8_t>(bits[i >> 3] | set << (i & 7));
    });
    return bits;
  }

  void* pick_fixed(std::size_t width) const
  {
    auto* out = static_cast<std::byte*>(allocate(rows_.size() * width));
    const auto copy = [&](auto bytes) {
      each([&](std::size_t i, const source& from, std::int64_t at) {
        std::memcpy(out + i * bytes, from.values + static_cast<std::size_t>(at) * bytes, bytes);
      });
    };
    switch (width) {
      case 1: copy(std::integral_constant<std::size_t, 1>()); break;
      case 2: copy(std::integral_constant<std::size_t, 2>()); break;
      case 4: copy(std::integral_constant<std::size_t, 4>()); break;
      case 8: copy(std::integral_constant<std::size_t, 8>()); break;
      case 16: copy(std::integral_constant<std::size_t, 16>()); break;
      default: copy(width);
    }
    return out;
  }

  template <class Offset>
  bool pick_strings(owned_column& owned) const
  {
    auto* ends = static_cast<Offset*>(allocate((rows_.size() + 1) * sizeof(Offset)));
    owned.buffers[1] = ends;
    std::int64_t total = 0;
    ends[0] = 0;
    each([&](std::size_t i, const source& from, std::int64_t at) {
      const Offset* theirs = reinterpret_cast<const Offset*>(from.values) + at;
      total += theirs[1] - theirs[0];
      ends[i + 1] = static_cast<Offset>(total);
    });
    if (total > std::numeric_limits<Offset>::max()) return false;
    auto* bytes = static_cast<char*>(allocate(static_cast<std::size_t>(total)));
    owned.buffers[2] = bytes;
    each([&](std::size_t i, const source& from, std::int64_t at) {
      const Offset start = reinterpret_cast<const Offset*>(from.values)[at];
      const auto size = static_cast<std::size_t>(ends[i + 1] - ends[i]);
      if (size > 0) std::memcpy(bytes + ends[i], from.bytes + start, size);
    });
    return true;
  }

  std::span<const std::int64_t> rows_;
  std::span<const stretch> stretches_;
  std::vector<source> sources_;
  bool any_nulls_ = false;
};

}  // namespace detail

// Rows as a batch that owns its memory. ``out`` is to be released also if this returns false, as it does for strings
// that are too long together for their offsets, or throws. ``batches[b]`` may be nullptr where no row lies; what else
// the spans say of each other is not checked.
inline bool gather(std::span<const std::int64_t> rows, std::span<const std::int64_t> starts,
                   std::span<const stretch> stretches, std::span<const ArrowArray* const> batches,
                   std::span<const flat_layout> layouts, ArrowArray& out)
{
  auto* owned = new detail::owned_batch;
  out = {static_cast<std::int64_t>(rows.size()),
         0,
         0,
         1,
         static_cast<std::int64_t>(layouts.size()),
         owned->no_validity.data(),
         nullptr,
         nullptr,
         detail::owned_batch::release,
         owned};
  owned->columns.resize(layouts.size());
  for (ArrowArray& column : owned->columns) owned->pointers.push_back(&column);
  out.children = owned->pointers.data();
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    const detail::column_picker picker(i, rows, starts, stretches, batches);
    if (!picker.pick(layouts[i], owned->columns[i])) return false;
  }
  return true;
}

}  // namespace aliquot
