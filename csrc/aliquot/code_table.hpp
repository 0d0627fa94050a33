// An exact hash table from values to codes 0, 1, 2, ..., for few cache misses that need not wait for each other: one of
// the slot, which holds the value itself beside its code, and for a long string one of its bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "code_keys.hpp"
#include "large_buffer.hpp"

namespace aliquot
{

class code_table
{
 public:
  code_table() : slots_(first_slots, slot{}) {}

  std::int32_t size() const noexcept { return size_; }

  // Make room for so many more values.
  void reserve(std::size_t more)
  {
    while (2 * (static_cast<std::size_t>(size_) + more) > slots_.size()) grow();
  }

  // Have the slot of a value loaded. (GCC takes functions that do nothing else for pure, and drops calls of them.)
  [[gnu::always_inline]] void fetch(const code_key& key) const noexcept { __builtin_prefetch(&slots_[home(key.tag)]); }

  // Have the bytes loaded that a long string will be compared with.
  [[gnu::always_inline]] void fetch_text(const code_key& key) const noexcept
  {
    if (bytes_.size() < cached_bytes || !code_keys::is_long(key)) return;
    const slot& each = slots_[find(key.tag, [](const slot&) { return true; })];
    const char* bytes = bytes_.data() + (each.word >> size_bits);
    __builtin_prefetch(bytes);
    __builtin_prefetch(bytes + (each.word & huge));  // of what is longer, the rest is fetched as it is read
  }

  // The code of a value, a new one if it was not there; text() is the string if it is a long one. There must be room
  // (not checked).
  template <class Text>
  std::int32_t code_of(const code_key& key, const Text& text)
  {
    if (code_keys::is_long(key)) {
      const std::string_view wanted = text();
      slot& there = slots_[find(key.tag, [&](const slot& each) { return same(text_of(each.word), wanted); })];
      if (there.tag == 0) add(there, {keep(wanted), key.tag});
      return there.code;
    }
    slot& there = slots_[find(key.tag, [&](const slot& each) { return each.word == key.word; })];
    if (there.tag == 0) add(there, key);
    return there.code;
  }

  // Forget all codes from `count` on.
  void truncate(std::int32_t count)
  {
    std::size_t end = bytes_.size();
    for (const slot& each : slots_) {
      const bool goes = each.tag != 0 && each.code >= count && code_keys::is_long({each.word, each.tag});
      if (goes) end = std::min(end, start_of(each.word));
    }
    bytes_.resize(end);
    rehash(slots_.size(), count);
    size_ = count;
  }

 private:
  struct slot {
    std::uint64_t word = 0;  // of a long string where its bytes start, and their number
    std::uint32_t tag = 0;   // 0 where there is no value
    std::int32_t code = 0;
  };
  static_assert(sizeof(slot) == 16);

  static constexpr std::size_t first_slots = 64;
  static constexpr std::size_t cached_bytes = 1 << 14;
  static constexpr int size_bits = 16;
  static constexpr std::uint64_t huge = (1 << size_bits) - 1;  // the size of a string stands before its bytes

  // In the order of hashes, whatever the number of slots: a larger table is filled from one end to the other.
  std::size_t home(std::uint32_t tag) const noexcept
  {
    return (tag >> code_keys::kind_bits) * slots_.size() >> (32 - code_keys::kind_bits);
  }

  // Where the value of this tag stands that matches, or the empty slot where it would.
  template <class Matches>
  std::size_t find(std::uint32_t tag, const Matches& matches) const noexcept
  {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = home(tag);; at = (at + 1) & mask) {
      const slot& each = slots_[at];
      if (each.tag == 0 || (each.tag == tag && matches(each))) return at;
    }
  }

  void add(slot& there, const code_key& key)
  {
    if (size_ == INT32_MAX) throw std::length_error("more than 2^31 - 1 values");
    there = {key.word, key.tag, size_++};
  }

  void grow() { rehash(2 * slots_.size(), size_); }

  // Move the values of codes below `count` to a table of so many slots.
  void rehash(std::size_t slots, std::int32_t count)
  {
    large_buffer<slot> before(slots, slot{});
    before.swap(slots_);
    for (const slot& each : before) {
      if (each.tag != 0 && each.code < count) slots_[find(each.tag, [](const slot&) { return false; })] = each;
    }
  }

  // Copy a string, and give the word that it is found by.
  std::uint64_t keep(std::string_view text)
  {
    const std::size_t size = text.size();
    if (size >= huge) {
      const auto* of_size = reinterpret_cast<const char*>(&size);
      bytes_.insert(bytes_.end(), of_size, of_size + sizeof size);
    }
    const std::size_t start = bytes_.size();
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return start << size_bits | std::min(size, huge);
  }

  std::string_view text_of(std::uint64_t word) const noexcept
  {
    const char* at = bytes_.data() + (word >> size_bits);
    std::size_t size = word & huge;
    if (size == huge) std::memcpy(&size, at - sizeof size, sizeof size);
    return {at, size};
  }

  // Of more than eight bytes each, by words of which the last may overlap others.
  static bool same(std::string_view a, std::string_view b) noexcept
  {
    if (a.size() != b.size()) return false;
    std::uint64_t differing = differing_bits(a, b, a.size() - 8);
    for (std::size_t at = 0; at + 8 < a.size() && differing == 0; at += 8) differing = differing_bits(a, b, at);
    return differing == 0;
  }

  static std::uint64_t differing_bits(std::string_view a, std::string_view b, std::size_t at) noexcept
  {
    std::uint64_t of_a = 0;
    std::uint64_t of_b = 0;
    std::memcpy(&of_a, a.data() + at, sizeof of_a);
    std::memcpy(&of_b, b.data() + at, sizeof of_b);
    return of_a ^ of_b;
  }

  // Where what is kept of a string starts.
  static std::size_t start_of(std::uint64_t word) noexcept
  {
    return (word >> size_bits) - ((word & huge) == huge ? sizeof(std::size_t) : 0);
  }

  std::int32_t size_ = 0;
  large_buffer<slot> slots_;  // by hash; a power of two, at most half full
  large_buffer<char> bytes_;  // of long strings
};

}  // namespace aliquot
