// Sums by code: of rows, and of values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace aliquot
{

// counts[c] += 1 for every code c; nothing for -1. Codes are below counts.size() (not checked).
inline void add_counts(std::span<const std::int32_t> codes, std::span<std::int64_t> counts) noexcept
{
  for (const std::int32_t code : codes) {
    if (code >= 0) ++counts[static_cast<std::size_t>(code)];
  }
}

// The same for sums of values, each the unevaluated sum of two doubles, so that the order does not show once it is
// rounded to one (O. Møller 1965, doi:10.1007/BF01975722).
inline void add_sums(std::span<const std::int32_t> codes, std::span<const double> values, std::span<double> sums,
                     std::span<double> rests) noexcept
{
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] < 0) continue;
    double& sum = sums[static_cast<std::size_t>(codes[i])];
    const double next = sum + values[i];
    const double taken = next - sum;
    rests[static_cast<std::size_t>(codes[i])] += (sum - (next - taken)) + (values[i] - taken);
    sum = next;
  }
}

}  // namespace aliquot
