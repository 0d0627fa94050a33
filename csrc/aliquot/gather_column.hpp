// Rows of one flat column, picked out of many batches into memory of their own.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
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

enum class gathered : std::uint8_t {
  whole,
  too_long,        // strings, together, for their offsets
  coded_variously  // over dictionaries that are not the same memory
};

namespace detail
{

inline void* allocate(std::size_t bytes)
{
  constexpr std::size_t alignment = 64;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// A column that owns its buffers, and its dictionary if it has one, as the one that gives it away.
struct owned_column {
  std::vector<const void*> buffers;
  ArrowArray dictionary{};

  static void release(ArrowArray* array) noexcept
  {
    auto* owned = static_cast<owned_column*>(array->private_data);
    for (const void* buffer : owned->buffers) std::free(const_cast<void*>(buffer));
    if (owned->dictionary.release != nullptr) owned->dictionary.release(&owned->dictionary);
    delete owned;
    array->release = nullptr;
  }
};

// A column of a batch: its buffers, and what a row number plus ``shift`` is a place in them of.
struct source {
  const std::uint8_t* validity;  // nullptr where no row is null
  const std::byte* values;
  const void* const* bytes;  // buffers of what strings are made of
  std::int64_t shift;
  ArrowArray* dictionary;
};

// A string as a string view: itself, or its beginning and where it is.
struct view {
  static constexpr std::int32_t inline_bytes = 12;

  std::int32_t size;
  std::int32_t beginning;
  std::int32_t buffer;
  std::int32_t offset;
};

// Picks rows of one column.
class column_picker
{
 public:
  // batches[b] may be nullptr where no row lies.
  column_picker(std::size_t column, std::span<const std::int64_t> rows, std::span<const std::int64_t> starts,
                std::span<const stretch> stretches, std::span<ArrowArray* const> batches)
      : rows_(rows), stretches_(stretches), sources_(batches.size())
  {
    for (std::size_t b = 0; b < batches.size(); ++b) {
      if (batches[b] == nullptr) continue;
      const ArrowArray& array = *batches[b]->children[column];
      const bool has_nulls = array.null_count != 0 && array.buffers[0] != nullptr;
      sources_[b] = {has_nulls ? static_cast<const std::uint8_t*>(array.buffers[0]) : nullptr,
                     static_cast<const std::byte*>(array.buffers[1]), array.buffers + 2,
                     array.offset + batches[b]->offset - starts[b], array.dictionary};
      any_nulls_ = any_nulls_ || has_nulls;
    }
  }

  // ``out`` is to be released whatever this returns.
  gathered pick(flat_layout layout, ArrowArray& out)
  {
    auto* owned = new owned_column;
    out = ArrowArray{};
    out.length = static_cast<std::int64_t>(rows_.size());
    out.release = owned_column::release;
    out.private_data = owned;
    owned->buffers.assign(2, nullptr);
    if (any_nulls_) {
      owned->buffers[0] = pick_bits([](const source& from) { return from.validity; });
      out.null_count = -1;  // not counted
    }
    gathered outcome = gathered::whole;
    switch (layout.values) {
      case flat_layout::kind::bits:
        owned->buffers[1] =
            pick_bits([](const source& from) { return reinterpret_cast<const std::uint8_t*>(from.values); });
        break;
      case flat_layout::kind::fixed: owned->buffers[1] = pick_fixed(layout.width); break;
      case flat_layout::kind::strings: outcome = pick_strings<std::int32_t>(owned->buffers); break;
      case flat_layout::kind::large_strings: outcome = pick_strings<std::int64_t>(owned->buffers); break;
      case flat_layout::kind::views: pick_views(owned->buffers); break;
    }
    if (layout.codes != flat_layout::dictionary::none) {
      outcome = move_dictionary(layout.codes, owned->dictionary);
      out.dictionary = &owned->dictionary;
    }
    out.n_buffers = static_cast<std::int64_t>(owned->buffers.size());
    out.buffers = owned->buffers.data();
    return outcome;
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
  gathered pick_strings(std::vector<const void*>& buffers) const
  {
    auto* ends = static_cast<Offset*>(allocate((rows_.size() + 1) * sizeof(Offset)));
    buffers[1] = ends;
    std::int64_t total = 0;
    ends[0] = 0;
    each([&](std::size_t i, const source& from, std::int64_t at) {
      const Offset* theirs = reinterpret_cast<const Offset*>(from.values) + at;
      total += theirs[1] - theirs[0];
      ends[i + 1] = static_cast<Offset>(total);
    });
    if (total > std::numeric_limits<Offset>::max()) return gathered::too_long;
    buffers.push_back(nullptr);
    auto* bytes = static_cast<char*>(allocate(static_cast<std::size_t>(total)));
    buffers.back() = bytes;
    each([&](std::size_t i, const source& from, std::int64_t at) {
      const Offset start = reinterpret_cast<const Offset*>(from.values)[at];
      const auto size = static_cast<std::size_t>(ends[i + 1] - ends[i]);
      if (size > 0) std::memcpy(bytes + ends[i], static_cast<const char*>(from.bytes[0]) + start, size);
    });
    return gathered::whole;
  }

  // Views whose strings are longer than they can hold get copies of them, in as many buffers as offsets of 31 bits
  // need.
  void pick_views(std::vector<const void*>& buffers) const
  {
    auto* views = static_cast<view*>(allocate(rows_.size() * sizeof(view)));
    buffers[1] = views;
    std::vector<std::int64_t> sizes{0};
    each([&](std::size_t i, const source& from, std::int64_t at) {
      views[i] = view{};
      if (from.validity != nullptr && (from.validity[at >> 3] >> (at & 7) & 1) == 0) return;  // whatever stands there
      std::memcpy(&views[i], from.values + static_cast<std::size_t>(at) * sizeof(view), sizeof(view));
      const std::int32_t size = views[i].size;
      if (size <= view::inline_bytes) return;
      if (sizes.back() + size > std::numeric_limits<std::int32_t>::max()) sizes.push_back(0);
      sizes.back() += size;
    });
    buffers.reserve(buffers.size() + sizes.size() + 1);
    for (const std::int64_t size : sizes) buffers.push_back(allocate(static_cast<std::size_t>(size)));
    std::int32_t buffer = 0;
    std::int64_t used = 0;
    each([&](std::size_t i, const source& from, std::int64_t) {
      view& picked = views[i];
      if (picked.size <= view::inline_bytes) return;
      if (used + picked.size > std::numeric_limits<std::int32_t>::max()) {
        ++buffer;
        used = 0;
      }
      auto* bytes = static_cast<char*>(const_cast<void*>(buffers[2 + static_cast<std::size_t>(buffer)])) + used;
      std::memcpy(bytes, static_cast<const char*>(from.bytes[picked.buffer]) + picked.offset,
                  static_cast<std::size_t>(picked.size));
      picked.buffer = buffer;
      picked.offset = static_cast<std::int32_t>(used);
      used += picked.size;
    });
    auto* listed = static_cast<std::int64_t*>(allocate(sizes.size() * sizeof(std::int64_t)));
    std::copy(sizes.begin(), sizes.end(), listed);
    buffers.push_back(listed);
  }

  // Takes the dictionary of the batches that rows lie in out of one of them, if all have the same memory.
  gathered move_dictionary(flat_layout::dictionary kind, ArrowArray& out) const
  {
    // The last buffer of views says how long the others are, and is made for each who asks.
    const std::int64_t made = kind == flat_layout::dictionary::of_views ? 1 : 0;
    ArrowArray* first = nullptr;
    for (const source& from : sources_) {
      if (from.dictionary == nullptr) continue;
      if (first == nullptr) first = from.dictionary;
      const ArrowArray& other = *from.dictionary;
      if (other.length != first->length || other.offset != first->offset || other.n_buffers != first->n_buffers ||
          !std::equal(other.buffers, other.buffers + other.n_buffers - made, first->buffers))
        return gathered::coded_variously;
    }
    out = std::exchange(*first, ArrowArray{});
    return gathered::whole;
  }

  std::span<const std::int64_t> rows_;
  std::span<const stretch> stretches_;
  std::vector<source> sources_;
  bool any_nulls_ = false;
};

}  // namespace detail

}  // namespace aliquot
