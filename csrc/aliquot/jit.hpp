// What code that others compile calls for one item at a time: a generator whose state lies in the caller's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "alias_draw.hpp"
#include "random.hpp"

namespace aliquot
{

namespace detail
{

// Four words as the generator they are the state of. Not a copy: moved as vectors, they would have to wait for the
// words written last, three times as long as a draw takes.
inline generator& in_place(std::uint64_t* state) noexcept
{
  static_assert(std::is_trivially_copyable_v<generator> && sizeof(generator) == 4 * sizeof *state);
  return *std::launder(reinterpret_cast<generator*>(state));
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
  return static_cast<std::int64_t>(draw_alias(table, detail::in_place(state)));
}

// Uniform in [0, n). n > 0 (not checked)
inline std::int64_t below_one(std::int64_t n, std::uint64_t* state) noexcept
{
  return static_cast<std::int64_t>(detail::in_place(state).below64(static_cast<std::uint64_t>(n)));
}

// Uniform in [0, 1), a multiple of 2^-53.
inline double uniform_one(std::uint64_t* state) noexcept
{
  return static_cast<double>(static_cast<std::int64_t>(detail::in_place(state)() >> 11)) * 0x1p-53;
}

}  // namespace aliquot
