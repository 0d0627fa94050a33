// Dense codes for values: 0, 1, 2, ... in order of first appearance, the same from batch to batch.
//
// One table of values, whatever their type: equality is exact, and as in hashing.hpp it is of the value, so that
// integers of any width and whole floats are one. Small integers skip the table.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "code_keys.hpp"
#include "code_table.hpp"
#include "column.hpp"
#include "text_memo.hpp"

namespace aliquot
{

class codebook
{
 public:
  // The seed hides the hashes from whoever chooses the values; no code depends on it.
  explicit codebook(const seed_key& seed) : key_of_(seed) { near_.fill(no_code); }

  std::int32_t size() const noexcept { return table_.size(); }

  // codes[i] = the code of row i; codes.size() == values.length() (not checked). Rows whose values are new are
  // appended to `fresh`. A dictionary is looked up once a value in use, not once a row, and not again if it is
  // `same_dictionary` as in the call before.
  void encode(const column& values, bool same_dictionary, std::span<std::int32_t> codes,
              std::vector<std::int64_t>& fresh)
  {
    if (values.is_dictionary()) return encode_dictionary(values, same_dictionary, codes, fresh);
    values.visit([&](auto value) {
      using read = decltype(value(0));
      const auto key = [&](std::int64_t row) { return values.is_valid(row) ? key_of_(value(row)) : key_of_.null(); };
      const auto known = [&](std::int64_t row) {
        if constexpr (std::is_integral_v<read>) {
          return values.is_valid(row) ? near_[near_index(value(row))] : no_code;
        } else if constexpr (std::is_same_v<read, std::string_view>) {
          if (is_remembered(value(row)) && values.is_valid(row)) return memo_.code_of(value(row));
        }
        return no_code;
      };
      for_blocks(codes.size(), [&](std::size_t first, std::size_t last) {
        encode_block(first, last, codes, known, key, value, fresh);
      });
    });
  }

  // The same for combinations: of a code so far and the code of one more column.
  void combine(std::span<const std::int32_t> more, std::span<std::int32_t> codes, std::vector<std::int64_t>& fresh)
  {
    const auto pair = [&](std::int64_t row) {
      const auto i = static_cast<std::size_t>(row);
      return std::int64_t{codes[i]} << 32 | more[i];
    };
    const auto key = [&](std::int64_t row) { return key_of_(pair(row)); };
    std::array<std::int64_t, block> rows;
    for_blocks(codes.size(), [&](std::size_t first, std::size_t last) {
      const auto some = std::span(rows).first(last - first);
      std::iota(some.begin(), some.end(), static_cast<std::int64_t>(first));
      search(some, codes, key, pair, fresh);
    });
  }

  // Forget all codes from `count` on.
  void truncate(std::int32_t count)
  {
    if (count >= size()) return;
    table_.truncate(count);
    for (std::int32_t& code : near_) code = code < count ? code : no_code;
    memo_ = {};
    of_value_.assign(of_value_.size(), no_code);
  }

 private:
  static constexpr std::int32_t no_code = -1;
  static constexpr std::size_t block = 128;  // rows whose cache misses overlap
  static constexpr std::size_t near_range = 4096;

  // Where the code of an integer stands that is near 0; that of all others is one that no value has.
  template <class Number>
  static std::size_t near_index(Number number) noexcept
  {
    constexpr std::uint64_t half = near_range / 2;
    if constexpr (std::is_unsigned_v<Number>) return std::min<std::uint64_t>(number, half) + half;
    return std::min<std::uint64_t>(static_cast<std::uint64_t>(number) + half, near_range);
  }

  bool is_remembered(std::string_view text) const noexcept
  {
    return static_cast<std::size_t>(size()) <= text_memo::most && text_memo::holds(text);
  }

  template <class F>
  static void for_blocks(std::size_t rows, const F& f)
  {
    for (std::size_t first = 0; first < rows; first += block) f(first, std::min(first + block, rows));
  }

  // Rows of a block: known(i) is the code of row i or no_code, without a search; key(i) its key, and value(i), if it is
  // a string, what it is. Returns whether all were known.
  template <class Known, class Key, class Value>
  bool encode_block(std::size_t first, std::size_t last, std::span<std::int32_t> codes, const Known& known,
                    const Key& key, const Value& value, std::vector<std::int64_t>& fresh)
  {
    std::int32_t all = 0;  // negative if one of them is
    for (std::size_t i = first; i < last; ++i) all |= codes[i] = known(static_cast<std::int64_t>(i));
    if (all >= 0) return true;
    std::array<std::int64_t, block> rows;
    std::size_t many = 0;
    for (std::size_t i = first; i < last; ++i) {
      rows[many] = static_cast<std::int64_t>(i);
      many += codes[i] == no_code;
    }
    search(std::span(rows).first(many), codes, key, value, fresh);
    return false;
  }

  // Each step for all of these rows, so that their cache misses overlap.
  template <class Key, class Value>
  void search(std::span<const std::int64_t> rows, std::span<std::int32_t> codes, const Key& key, const Value& value,
              std::vector<std::int64_t>& fresh)
  {
    table_.reserve(rows.size());
    std::array<code_key, block> keys;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      keys[i] = key(rows[i]);
      table_.fetch(keys[i]);
    }
    constexpr bool is_text = std::is_same_v<decltype(value(0)), std::string_view>;
    if constexpr (is_text) {
      for (std::size_t i = 0; i < rows.size(); ++i) table_.fetch_text(keys[i]);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::int32_t before = size();
      const std::int32_t code = table_.code_of(keys[i], [&] {
        if constexpr (is_text) return value(rows[i]);
        return std::string_view();
      });
      if (code == before) fresh.push_back(rows[i]);
      if constexpr (is_text) {
        if (!code_keys::is_null(keys[i]) && is_remembered(value(rows[i]))) memo_.code_of(value(rows[i])) = code;
      }
      if (code_keys::is_integer(keys[i])) {
        const std::size_t place = near_index(static_cast<std::int64_t>(keys[i].word));
        if (place < near_range) near_[place] = code;
      }
      codes[static_cast<std::size_t>(rows[i])] = code;
    }
  }

  void encode_dictionary(const column& values, bool same_dictionary, std::span<std::int32_t> codes,
                         std::vector<std::int64_t>& fresh)
  {
    const column dictionary = *values.dictionary();  // its type is checked by whoever made the view
    const std::int64_t null_place = dictionary.length();
    if (!same_dictionary) of_value_.assign(static_cast<std::size_t>(null_place) + 1, no_code);
    std::array<std::int64_t, block> places;
    dictionary.visit([&](auto value) {
      for_blocks(codes.size(), [&](std::size_t first, std::size_t last) {
        place_rows(values, first, last, null_place, places);
        const auto place = [&](std::int64_t row) { return places[static_cast<std::size_t>(row) - first]; };
        const auto known = [&](std::int64_t row) { return of_value_[static_cast<std::size_t>(place(row))]; };
        const auto key = [&](std::int64_t row) {
          const bool is_null = place(row) == null_place || !dictionary.is_valid(place(row));
          return is_null ? key_of_.null() : key_of_(value(place(row)));
        };
        const auto meant = [&](std::int64_t row) { return value(place(row)); };
        if (encode_block(first, last, codes, known, key, meant, fresh)) return;
        for (std::size_t i = first; i < last; ++i) of_value_[static_cast<std::size_t>(places[i - first])] = codes[i];
      });
    });
  }

  // Where the values of a block stand in the dictionary.
  static void place_rows(const column& values, std::size_t first, std::size_t last, std::int64_t null_place,
                         std::array<std::int64_t, block>& places)
  {
    values.visit([&](auto index) {
      for (std::size_t i = first; i < last; ++i) {
        const auto row = static_cast<std::int64_t>(i);
        if constexpr (std::is_integral_v<decltype(index(row))>) {
          places[i - first] = values.is_valid(row) ? static_cast<std::int64_t>(index(row)) : null_place;
        }
      }
    });
  }

  code_keys key_of_;
  code_table table_;
  std::array<std::int32_t, near_range + 1> near_;  // codes of small integers, and no_code
  text_memo memo_;                                 // codes of short strings
  std::vector<std::int32_t> of_value_;             // codes of the values of a dictionary, and of null
};

}  // namespace aliquot
