// Rows picked out of record batches into one batch of its own memory, where all columns lie flat.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "arrow_abi.h"
#include "flat_layout.hpp"
#include "gather_column.hpp"

namespace aliquot
{

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

}  // namespace detail

// Rows as a batch that owns its memory. ``out`` is to be released also if not all are gathered, or this throws.
// ``batches[b]`` may be nullptr where no row lies, and loses its dictionaries; what else the spans say of each other is
// not checked.
inline gathered gather(std::span<const std::int64_t> rows, std::span<const std::int64_t> starts,
                       std::span<const stretch> stretches, std::span<ArrowArray* const> batches,
                       std::span<const flat_layout> layouts, ArrowArray& out)
{
  auto* owned = new detail::owned_batch;
  out = ArrowArray{};
  out.length = static_cast<std::int64_t>(rows.size());
  out.n_buffers = 1;
  out.buffers = owned->no_validity.data();
  out.release = detail::owned_batch::release;
  out.private_data = owned;
  owned->columns.resize(layouts.size());
  for (ArrowArray& column : owned->columns) owned->pointers.push_back(&column);
  out.n_children = static_cast<std::int64_t>(layouts.size());
  out.children = owned->pointers.data();
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    detail::column_picker picker(i, rows, starts, stretches, batches);
    const gathered outcome = picker.pick(layouts[i], owned->columns[i]);
    if (outcome != gathered::whole) return outcome;
  }
  return gathered::whole;
}

}  // namespace aliquot
