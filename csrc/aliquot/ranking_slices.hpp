// Areas under the curves of many slices of rows at once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <numeric>
#include <span>
#include <vector>

#include "large_buffer.hpp"
#include "ranking.hpp"
#include "ranking_areas.hpp"
#include "ranking_rows.hpp"
#include "threads.hpp"

namespace aliquot
{

// The area under the ROC curve of single scores; NaN unless there are rows of both labels.
template <class Key>
double roc_area(const ranking_view<Key>& ranking)
{
  if (ranking.format.limbs == 1) {
    const auto pairs = count_pairs(ranking);
    const auto all = static_cast<double>(pairs.positive) * static_cast<double>(pairs.negative);
    return all == 0.0 ? std::nan("") : static_cast<double>(pairs.low) / (2.0 * all);
  }
  const auto pairs = weigh_pairs(ranking);
  return pairs.positive == 0.0 || pairs.negative == 0.0 ? std::nan("") : pairs.low / 2.0;
}

namespace detail
{

// Rows of slice s from starts[s] on, to where starts[s + 1] is.
template <class Key>
struct sliced_rows {
  std::vector<std::size_t> starts;
  large_buffer<Key> keys;
  large_buffer<std::uint8_t> labels;
  large_buffer<double> weights;

  sliced_rows(std::span<const std::int32_t> codes, std::size_t slices, const Key* from_keys,
              const std::uint8_t* from_labels, const double* from_weights)
      : starts(slices + 1), keys(codes.size()), labels(codes.size()), weights(from_weights ? codes.size() : 0)
  {
    for (const std::int32_t code : codes) ++starts[static_cast<std::size_t>(code) + 1];
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    std::vector<std::size_t> next(starts.begin(), starts.end() - 1);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const std::size_t to = next[static_cast<std::size_t>(codes[i])]++;
      keys[to] = from_keys[i];
      labels[to] = from_labels[i];
      if (from_weights) weights[to] = from_weights[i];
    }
  }

  std::size_t size(std::size_t slice) const noexcept { return starts[slice + 1] - starts[slice]; }
};

// Slices from begin to end, one after the other.
template <class Key>
void rank_some_slices(const sliced_rows<Key>& rows, std::size_t begin, std::size_t end, mass_format format,
                      std::span<double> roc_areas, std::span<double> precisions)
{
  std::size_t largest = 0;
  for (std::size_t s = begin; s < end; ++s) largest = std::max(largest, rows.size(s));
  const bool are_weighted = !rows.weights.empty();
  large_buffer<std::uint8_t> room(are_weighted ? room_bytes(rows.keys.data(), largest, format.limbs) : 0);
  large_buffer<Key> first(largest);
  large_buffer<limb> masses(2 * largest * static_cast<std::size_t>(format.limbs));
  const ranking_room<Key> out{first.data(), nullptr, masses.data(), format};
  for (std::size_t s = begin; s < end; ++s) {
    const std::size_t at = rows.starts[s];
    const double* weights = are_weighted ? rows.weights.data() + at : nullptr;
    const std::size_t size =
        rank_rows(rows.keys.data() + at, rows.size(s), rows.labels.data() + at, weights, room.data(), 1, out);
    const auto ranking = view_ranking<Key>(size, first.data(), nullptr, masses.data(), format);
    roc_areas[s] = roc_area(ranking);
    precisions[s] = average_precision(ranking).middle;
  }
}

}  // namespace detail

// For each slice s the area under its ROC curve and its average precision; codes are slices (not checked), weights may
// be null, and each slice has fewer than 2^32 rows. In so many threads at most, to the same effect.
template <class Key>
void rank_slices(std::span<const std::int32_t> codes, const Key* keys, const std::uint8_t* labels,
                 const double* weights, mass_format format, std::size_t threads, std::span<double> roc_areas,
                 std::span<double> precisions)
{
  const detail::sliced_rows<Key> rows(codes, roc_areas.size(), keys, labels, weights);
  const std::size_t parts = std::max<std::size_t>(std::min(threads, codes.size() / part_rows), 1);
  const auto first_slice = [&](std::size_t part) {  // of about as many rows in each part
    const auto& starts = rows.starts;
    if (part == parts) return roc_areas.size();
    const std::size_t first_row = codes.size() * part / parts;
    return static_cast<std::size_t>(std::lower_bound(starts.begin(), starts.end() - 1, first_row) - starts.begin());
  };
  std::vector<std::exception_ptr> failures(parts);
  in_parts(parts, [&](std::size_t part) noexcept {
    try {
      const std::size_t begin = first_slice(part);
      detail::rank_some_slices(rows, begin, first_slice(part + 1), format, roc_areas, precisions);
    } catch (...) {  // for want of memory
      failures[part] = std::current_exception();
    }
  });
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace aliquot
