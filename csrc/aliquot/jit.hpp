// What code that others compile calls for one item at a time: a generator whose state lies in the caller's memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "alias_draw.hpp"
#include "random.hpp"

namespace aliquot
{

namespace detail
{

// The result of draw(generator), which goes on from four words and leaves them where it stopped.
template <class Draw>
auto go_on(std::uint64_t* state, const Draw& draw) noexcept
{
  generator random({state[0], state[1], state[2], state[3]});
  const auto drawn = draw(random);
  std::copy_n(random.state().begin(), 4, state);
  return drawn;
}

}  // namespace detail

// The generator that a seed begins with.
inline generator first_generator(const seed_key& seed) noexcept
{
  return generator(subkey(seed, purpose::compiled_draws), 0);
}

// An outcome of a table of n cells.
inline std::int64_t draw_one(const std::uint64_t* cells, const std::uint64_t* rests, std::int64_t n,
                             std::uint64_t* state) noexcept
{
  const auto size = static_cast<std::size_t>(n);
  const alias_table<std::uint64_t> table({cells, size}, {rests, size});
  return detail::go_on(state, [&](generator& random) { return static_cast<std::int64_t>(draw_alias(table, random)); });
}

// Uniform in [0, n). n > 0 (not checked)
inline std::int64_t below_one(std::int64_t n, std::uint64_t* state) noexcept
{
  return detail::go_on(state, [&](generator& random) {
    return static_cast<std::int64_t>(random.below64(static_cast<std::uint64_t>(n)));
  });
}

// Uniform in [0, 1), a multiple of 2^-53.
inline double uniform_one(std::uint64_t* state) noexcept
{
  return detail::go_on(state, [](generator& random) {
    return static_cast<double>(static_cast<std::int64_t>(random() >> 11)) * 0x1p-53;
  });
}

}  // namespace aliquot
