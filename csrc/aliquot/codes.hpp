// Dense codes for values: 0, 1, 2, ... in order of first appearance, the same from batch to batch.
//
// One table of values, whatever their type: equality is exact, and as in hashing.hpp it is of the value, so that
// integers of any width and whole floats are one. Small integers skip the table.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "column.hpp"
#include "hashing.hpp"
#include "text_memo.hpp"

namespace aliquot
{

class codebook
{
 public:
  // The seed hides the hashes from whoever chooses the values; no code depends on it.
  explicit codebook(const seed_key& seed) : hash_(seed), slots_(first_slots) { near_.fill(no_code); }

  std::int32_t size() const noexcept { return static_cast<std::int32_t>(entries_.size()); }

  // codes[i] = the code of row i; codes.size() == values.length() (not checked). Rows whose values are new are
  // appended to `fresh`. A dictionary is looked up once a value in use, not once a row, and not again if it is
  // `same_dictionary` as in the call before.
  void encode(const column& values, bool same_dictionary, std::span<std::int32_t> codes,
              std::vector<std::int64_t>& fresh)
  {
    if (values.is_dictionary()) {
      const column dictionary = *values.dictionary();  // its type is checked by whoever made the view
      if (!same_dictionary) of_value_.assign(static_cast<std::size_t>(dictionary.length()), no_code);
      return encode_dictionary(values, dictionary, codes, fresh);
    }
    values.visit([&](auto value) {
      const auto code = [&](std::int64_t row) {
        return values.is_valid(row) ? code_of(value(row)) : code_of(key{0, null_place});
      };
      const auto hash = [&](std::int64_t row) { return values.is_valid(row) ? hash_of(value(row)) : 0; };
      const auto known = [&](std::int64_t row) {
        if constexpr (std::is_integral_v<decltype(value(row))>) {
          const key of_row = key_of(value(row));
          if (of_row.place == integer_place && is_near(of_row.word)) return near_[near_index(of_row.word)];
        }
        return no_code;
      };
      encode_rows(code, hash, known, std::is_integral_v<decltype(value(0))> && !values.may_have_nulls(), codes, fresh);
    });
  }

  // The same for combinations: of a code so far and the code of one more column.
  void combine(std::span<const std::int32_t> more, std::span<std::int32_t> codes, std::vector<std::int64_t>& fresh)
  {
    const auto pair = [&](std::int64_t row) {
      const auto i = static_cast<std::size_t>(row);
      return key{std::uint64_t(std::uint32_t(codes[i])) << 32 | std::uint32_t(more[i]), integer_place};
    };
    const auto code = [&](std::int64_t row) { return code_of(pair(row)); };
    const auto hash = [&](std::int64_t row) { return hash_of(pair(row)); };
    encode_rows(code, hash, [](std::int64_t) { return no_code; }, false, codes, fresh);
  }

  // Forget all codes from `count` on.
  void truncate(std::int32_t count)
  {
    while (size() > count) {
      const std::int32_t code = size() - 1;
      const auto [value, hash] = entries_.back();
      // The value that came last ends its chain, so nothing has to move up.
      slots_[find(hash, [&](const slot& each) { return each.code == code; })].code = no_code;
      if (value.place == integer_place && is_near(value.word)) near_[near_index(value.word)] = no_code;
      if (value.place >= 0) {
        ends_.pop_back();
        bytes_.resize(ends_.back());
      }
      entries_.pop_back();
    }
    of_value_.assign(of_value_.size(), no_code);
    memo_ = {};
  }

 private:
  // What a value is compared by: a word, and where it stands in the table of strings or what kind of word it is.
  struct key {
    std::uint64_t word;
    std::int64_t place;
  };
  struct entry {
    key value;
    std::uint64_t hash;
  };

  static constexpr std::int32_t no_code = -1;

  // Half of the hash beside the code spares most looks at entries that do not match.
  struct slot {
    std::uint32_t tag = 0;
    std::int32_t code = no_code;
  };

  static constexpr std::size_t first_slots = 64;
  static constexpr std::size_t cached_slots = 1 << 13;  // more than fit into the nearest cache
  static constexpr std::size_t ahead = 32;              // rows whose slots are loaded at once
  static constexpr std::int64_t integer_place = -1;     // the word is an int64
  static constexpr std::int64_t unsigned_place = -2;    // an integer above them
  static constexpr std::int64_t fraction_place = -3;    // the bits of a double
  static constexpr std::int64_t null_place = -4;
  static constexpr std::int64_t near_range = 4096;

  static bool is_near(std::uint64_t word) noexcept { return near_index(word) < near_range; }
  static std::size_t near_index(std::uint64_t word) noexcept { return word + near_range / 2; }

  // code(i) is the code of row i, hash(i) its hash and, if `quick`, known(i) its code or no_code, without a search.
  template <class Code, class Hash, class Known>
  void encode_rows(Code code, Hash hash, Known known, bool quick, std::span<std::int32_t> codes,
                   std::vector<std::int64_t>& fresh)
  {
    for (std::size_t first = 0; first < codes.size(); first += ahead) {
      const std::size_t last = std::min(first + ahead, codes.size());
      std::int32_t all = quick ? 0 : no_code;  // negative if one of them is
      for (std::size_t i = first; quick && i < last; ++i) all |= codes[i] = known(static_cast<std::int64_t>(i));
      if (all >= 0) continue;
      if (slots_.size() > cached_slots) fetch(first, last, hash);
      for (std::size_t i = first; i < last; ++i) {
        const std::int32_t before = size();
        codes[i] = code(static_cast<std::int64_t>(i));
        if (codes[i] == before) fresh.push_back(static_cast<std::int64_t>(i));
      }
    }
  }

  // Have the slots of a few rows loaded, and then the entries, so that their cache misses overlap.
  template <class Hash>
  void fetch(std::size_t first, std::size_t last, Hash hash) const
  {
    std::array<std::size_t, ahead> at;
    for (std::size_t i = first; i < last; ++i) {
      at[i - first] = hash(static_cast<std::int64_t>(i)) & (slots_.size() - 1);
      __builtin_prefetch(&slots_[at[i - first]]);
    }
    for (std::size_t i = 0; i < last - first; ++i) {
      if (const std::int32_t code = slots_[at[i]].code; code != no_code)
        __builtin_prefetch(&entries_[static_cast<std::size_t>(code)]);
    }
  }

  void encode_dictionary(const column& values, const column& dictionary, std::span<std::int32_t> codes,
                         std::vector<std::int64_t>& fresh)
  {
    const auto look_up = [&](std::int64_t at) {
      std::int32_t code = no_code;
      dictionary.visit(
          [&](auto value) { code = dictionary.is_valid(at) ? code_of(value(at)) : code_of(key{0, null_place}); });
      return code;
    };
    values.visit([&](auto index) {
      const auto place = [&](std::int64_t row) -> std::size_t {
        if constexpr (std::is_integral_v<decltype(index(row))>) return static_cast<std::size_t>(index(row));
        return 0;  // codes are integers
      };
      const auto code = [&](std::int64_t row) -> std::int32_t {
        if (!values.is_valid(row)) return code_of(key{0, null_place});
        std::int32_t& of_value = of_value_[place(row)];
        if (of_value == no_code) of_value = look_up(static_cast<std::int64_t>(place(row)));
        return of_value;
      };
      const auto known = [&](std::int64_t row) { return of_value_[place(row)]; };
      encode_rows(code, [](std::int64_t) { return std::uint64_t{0}; }, known, !values.may_have_nulls(), codes, fresh);
    });
  }

  static key key_of(std::int64_t value) noexcept { return {static_cast<std::uint64_t>(value), integer_place}; }

  static key key_of(std::uint64_t value) noexcept
  {
    return {value, value <= static_cast<std::uint64_t>(INT64_MAX) ? integer_place : unsigned_place};
  }

  static key key_of(double value) noexcept
  {
    if (std::isnan(value)) return {0, fraction_place};  // the bits of zero, which is an integer
    if (value == std::trunc(value)) {
      if (value >= -0x1p63 && value < 0x1p63) return key_of(static_cast<std::int64_t>(value));
      if (value >= 0x1p63 && value < 0x1p64) return key_of(static_cast<std::uint64_t>(value));
    }
    return {std::bit_cast<std::uint64_t>(value), fraction_place};
  }

  std::uint64_t hash_of(const key& value) const noexcept
  {
    return hash_(static_cast<std::int64_t>(value.word)) + static_cast<std::uint64_t>(value.place);
  }

  std::uint64_t hash_of(std::string_view text) const noexcept { return hash_(text); }

  template <class Number>
  std::uint64_t hash_of(Number value) const noexcept
  {
    return hash_of(key_of(value));
  }

  template <class Number>
  std::int32_t code_of(Number number)
  {
    const key value = key_of(number);
    if (value.place != integer_place || !is_near(value.word)) return code_of(value);
    std::int32_t& known = near_[near_index(value.word)];
    if (known == no_code) known = code_of(value);
    return known;
  }

  std::int32_t code_of(std::string_view text)
  {
    if (!text_memo::holds(text) || entries_.size() > text_memo::most) return search(text);
    std::int32_t& code = memo_.code_of(text);
    if (code == no_code) code = search(text);
    return code;
  }

  std::int32_t search(std::string_view text)
  {
    const std::uint64_t hash = hash_(text);
    const std::size_t at = find(hash, [&](const slot& each) {
      const key& value = entries_[static_cast<std::size_t>(each.code)].value;
      return value.word == hash && value.place >= 0 && text_at(value.place) == text;
    });
    if (slots_[at].code != no_code) return slots_[at].code;
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    ends_.push_back(bytes_.size());
    return add(at, {{hash, static_cast<std::int64_t>(ends_.size()) - 2}, hash});
  }

  std::int32_t code_of(const key& value)
  {
    const std::uint64_t hash = hash_of(value);
    const std::size_t at = find(hash, [&](const slot& each) {
      const key& there = entries_[static_cast<std::size_t>(each.code)].value;
      return there.word == value.word && there.place == value.place;
    });
    return slots_[at].code != no_code ? slots_[at].code : add(at, {value, hash});
  }

  // Where the value of this hash stands that matches, or the empty slot where it would.
  template <class Matches>
  std::size_t find(std::uint64_t hash, Matches matches) const
  {
    const std::size_t mask = slots_.size() - 1;
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      const slot& each = slots_[at];
      if (each.code == no_code || (each.tag == tag && matches(each))) return at;
    }
  }

  std::int32_t add(std::size_t at, const entry& fresh)
  {
    const std::int32_t code = size();
    if (code == INT32_MAX) throw std::length_error("more than 2^31 - 1 values");
    entries_.push_back(fresh);
    slots_[at] = {static_cast<std::uint32_t>(fresh.hash >> 32), code};
    if (2 * entries_.size() > slots_.size()) grow();
    return code;
  }

  void grow()
  {
    slots_.assign(2 * slots_.size(), slot{});
    for (std::int32_t code = 0; code < size(); ++code) {
      const std::uint64_t hash = entries_[static_cast<std::size_t>(code)].hash;
      const std::size_t at = find(hash, [](const slot&) { return false; });
      slots_[at] = {static_cast<std::uint32_t>(hash >> 32), code};
    }
  }

  std::string_view text_at(std::int64_t place) const noexcept
  {
    const auto at = static_cast<std::size_t>(place);
    return {bytes_.data() + ends_[at], ends_[at + 1] - ends_[at]};
  }

  value_hash hash_;
  std::vector<slot> slots_;                    // by hash; a power of two, at most half full
  std::vector<entry> entries_;                 // by code
  std::array<std::int32_t, near_range> near_;  // codes of small integers
  std::vector<std::int32_t> of_value_;         // codes of the values of a dictionary
  text_memo memo_;                             // codes of short strings
  std::vector<char> bytes_;                    // of all strings
  std::vector<std::size_t> ends_{0};
};

}  // namespace aliquot
