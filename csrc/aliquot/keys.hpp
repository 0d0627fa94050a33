// The key of every row, by row number: independent exponentials of rate 1, found in row order without touching the
// rows that lose.
//
// The smallest of m keys is exponential of rate m, and by memorylessness the rest go on from there. So a node
// over m rows can deal the smallest keys of its children in ascending order, key += Exp / (rows not yet dealt), each
// to a child chosen without replacement, and stop at the first above the limit: what it has not dealt, cannot
// enter. Nodes hang in a tree: leaves of 4,096 rows, then a fan-out of 64 at every level. The cost is a few
// nanoseconds a hit, whatever lies between the hits.
//
// Row numbers have no end, so the tree has no root: its top nodes are those over [d * 64^j * 4096, (d+1) * 64^j * 4096)
// with d = 1 ... 63, and the first leaf. Rows below n are covered by about 63 * log64(n / 4096) of them, and small
// populations pay for small nodes only.
//
// Every node's bits come from a generator of its own, so a row's key depends on the seed and the row number alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "random.hpp"

namespace aliquot
{

inline constexpr std::int64_t max_rows = std::int64_t{1} << 62;

namespace detail
{

inline constexpr int leaf_bits = 12;  // 2^10 ... 2^14 within 15 % of each other (bench_sampling.py); 2^12 fits L1
inline constexpr int fan_bits = 6;
inline constexpr int levels =
    9;  // level 0 the leaves; nodes of level 8 hold 2^60 rows, and three of them reach max_rows

constexpr int row_bits(int level) noexcept
{
  return leaf_bits + fan_bits * level;
}

// The children of one node that hold a key below the limit, in order of position.
template <int bits>
class node
{
 public:
  static constexpr std::uint32_t fan_out = 1u << bits;

  bool empty() const noexcept { return occupied_ == 0; }

  // Position of the first child. The node is not empty (not checked).
  std::uint32_t front() const noexcept
  {
    const auto word = static_cast<std::uint32_t>(std::countr_zero(occupied_));
    return word * 64 + static_cast<std::uint32_t>(std::countr_zero(words_[word]));
  }

  double key(std::uint32_t child) const noexcept { return keys_[child]; }

  void pop_front() noexcept
  {
    const auto word = static_cast<std::uint32_t>(std::countr_zero(occupied_));
    words_[word] &= words_[word] - 1;
    if (words_[word] == 0) occupied_ &= occupied_ - 1;
  }

  void clear() noexcept
  {
    while (!empty()) pop_front();
  }

  // Deal keys from `key` on, ascending, to children of `rows_each` rows; stop above `limit`.
  void deal(generator& random, double key, double rows_each, double limit) noexcept
  {
    clear();
    std::uint32_t left = fan_out;
    while (key <= limit) {
      // Fisher-Yates on a permutation that is the identity but for `moved_`, which is undone below.
      const std::uint32_t at = random.below(left);
      const std::uint32_t child = order_[at];
      moved_[fan_out - left] = static_cast<std::uint16_t>(at);
      --left;
      order_[at] = order_[left];
      keys_[child] = key;
      words_[child / 64] |= std::uint64_t{1} << (child % 64);
      occupied_ |= std::uint64_t{1} << (child / 64);
      if (left == 0) break;
      key += exponential(random) / (rows_each * static_cast<double>(left));
    }
    for (std::uint32_t i = 0; i < fan_out - left; ++i) order_[moved_[i]] = moved_[i];
  }

  node() noexcept
  {
    for (std::uint32_t i = 0; i < fan_out; ++i) order_[i] = static_cast<std::uint16_t>(i);
  }

  std::int64_t base = 0;  // its first row

 private:
  static_assert(bits >= 6 && bits <= 12, "one word of 64 bits tells which words are occupied");

  std::uint64_t occupied_ = 0;
  std::array<std::uint64_t, fan_out / 64> words_{};
  std::array<double, fan_out> keys_;
  std::array<std::uint16_t, fan_out> order_;
  std::array<std::uint16_t, fan_out> moved_;
};

}  // namespace detail

// A cursor over the row numbers, from `start` up.
class uniform_keys
{
 public:
  // 0 <= start <= max_rows (not checked)
  uniform_keys(const seed_key& seed, std::int64_t start) noexcept : seed_(subkey(seed, purpose::uniform_rows))
  {
    seek(start);
  }

  std::int64_t next() const noexcept { return next_; }

  // Go on from `row`, in either direction. The keys do not depend on the way there.
  void seek(std::int64_t row) noexcept
  {
    for (auto& inner : inner_) inner.clear();
    leaf_.clear();
    next_ = row;
    top_ = first_row_of_top(row);
  }

  // Move to `end`, offering each row on the way whose key is at most sink.limit(), in row order. The limit may fall
  // meanwhile; it must not rise before the next seek. next() <= end <= max_rows (not checked)
  template <class Sink>
  void advance(std::int64_t end, Sink& sink) noexcept(noexcept(sink.offer(0.0, std::int64_t{0})))
  {
    for (;;) {
      while (!leaf_.empty()) {
        const std::uint32_t position = leaf_.front();
        const std::int64_t row = leaf_.base + position;
        if (row >= end) return void(next_ = end);
        const double key = leaf_.key(position);
        leaf_.pop_front();
        if (row >= next_ && key <= sink.limit()) sink.offer(key, row);
      }
      if (!descend(end, sink.limit())) return void(next_ = end);
    }
  }

 private:
  using inner_node = detail::node<detail::fan_bits>;
  using leaf_node = detail::node<detail::leaf_bits>;

  // Open the next node that may hold a hit; false if none starts before `end`.
  bool descend(std::int64_t end, double limit) noexcept
  {
    for (int level = 1; level < detail::levels; ++level) {
      auto& inner = inner_[level];
      const int bits = detail::row_bits(level - 1);
      while (!inner.empty()) {
        const std::uint32_t child = inner.front();
        const std::int64_t base = inner.base + (static_cast<std::int64_t>(child) << bits);
        if (base >= end) return false;
        const double key = inner.key(child);
        inner.pop_front();
        if (base + (std::int64_t{1} << bits) > next_ && key <= limit) {
          generator random(seed_, node_id(level - 1, base));
          open(level - 1, base, random, key, limit);
          return true;
        }
      }
    }
    while (top_ < end) {
      const int level = level_of_top(top_);
      const std::int64_t base = top_;
      top_ += std::int64_t{1} << detail::row_bits(level);
      generator random(seed_, node_id(level, base));
      const double rows = static_cast<double>(std::int64_t{1} << detail::row_bits(level));
      const double key = exponential(random) / rows;
      if (key <= limit) {
        open(level, base, random, key, limit);
        return true;
      }
    }
    return false;
  }

  void open(int level, std::int64_t base, generator& random, double key, double limit) noexcept
  {
    if (level == 0) {
      leaf_.base = base;
      leaf_.deal(random, key, 1.0, limit);
    } else {
      inner_[level].base = base;
      const double rows_each = static_cast<double>(std::int64_t{1} << detail::row_bits(level - 1));
      inner_[level].deal(random, key, rows_each, limit);
    }
  }

  // The low bits of a base are zero, so the level fits in.
  static std::uint64_t node_id(int level, std::int64_t base) noexcept
  {
    return static_cast<std::uint64_t>(base) | static_cast<std::uint64_t>(level);
  }

  // A top node's level is the place of its first row's leading base-64 digit.
  static int level_of_top(std::int64_t row) noexcept
  {
    int level = 0;
    while (level + 1 < detail::levels && (row >> detail::row_bits(level + 1)) != 0) ++level;
    return level;
  }

  static std::int64_t first_row_of_top(std::int64_t row) noexcept
  {
    const int bits = detail::row_bits(level_of_top(row));
    return (row >> bits) << bits;
  }

  seed_key seed_;
  std::int64_t next_ = 0;
  std::int64_t top_ = 0;                          // the first row of the next top node to open
  std::array<inner_node, detail::levels> inner_;  // the open path; [0] stands empty
  leaf_node leaf_;
};

}  // namespace aliquot
