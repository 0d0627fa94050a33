// Areas under the curves of many slices of rows at once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ranking.hpp"
#include "ranking_areas.hpp"
#include "ranking_rows.hpp"

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

// Rows of slice s at order[starts[s]] and on, in row order; starts has one more element than there are slices.
inline void order_by_slice(std::span<const std::int32_t> codes, std::span<std::int64_t> starts,
                           std::span<std::int64_t> order) noexcept
{
  std::fill(starts.begin(), starts.end(), std::int64_t{0});
  for (const std::int32_t code : codes) ++starts[static_cast<std::size_t>(code) + 1];
  for (std::size_t s = 1; s < starts.size(); ++s) starts[s] += starts[s - 1];
  std::vector<std::int64_t> next(starts.begin(), starts.end() - 1);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    order[static_cast<std::size_t>(next[static_cast<std::size_t>(codes[i])]++)] = static_cast<std::int64_t>(i);
  }
}

// For each slice s the area under its ROC curve and its average precision; codes are slices (not checked), weights may
// be null, and each slice has fewer than 2^32 rows.
template <class Key>
void rank_slices(std::span<const std::int32_t> codes, const Key* keys, const std::uint8_t* labels,
                 const double* weights, mass_format format, std::span<double> roc_areas, std::span<double> precisions)
{
  std::vector<std::int64_t> starts(roc_areas.size() + 1);
  std::vector<std::int64_t> order(codes.size());
  order_by_slice(codes, starts, order);
  std::size_t largest = 0;
  for (std::size_t s = 0; s < roc_areas.size(); ++s)
    largest = std::max(largest, static_cast<std::size_t>(starts[s + 1] - starts[s]));
  std::vector<Key> slice_keys(largest);
  std::vector<std::uint8_t> slice_labels(largest);
  std::vector<double> slice_weights(weights ? largest : 0);
  std::vector<std::uint8_t> room(weights ? room_bytes(keys, largest, format.limbs) : 0);
  std::vector<Key> first(largest);
  std::vector<limb> masses(2 * largest * static_cast<std::size_t>(format.limbs));
  for (std::size_t s = 0; s < roc_areas.size(); ++s) {
    const auto begin = static_cast<std::size_t>(starts[s]);
    const auto rows = static_cast<std::size_t>(starts[s + 1]) - begin;
    for (std::size_t i = 0; i < rows; ++i) {
      const auto row = static_cast<std::size_t>(order[begin + i]);
      slice_keys[i] = keys[row];
      slice_labels[i] = labels[row];
      if (weights) slice_weights[i] = weights[row];
    }
    const ranking_room<Key> out{first.data(), nullptr, masses.data(), format};
    const std::size_t size = rank_rows(slice_keys.data(), rows, slice_labels.data(),
                                       weights ? slice_weights.data() : nullptr, room.data(), 1, out);
    const auto ranking = view_ranking<Key>(size, first.data(), nullptr, masses.data(), format);
    roc_areas[s] = roc_area(ranking);
    precisions[s] = average_precision(ranking).middle;
  }
}

}  // namespace aliquot
