// Codes of the short strings that were asked for last: a look at two words where a search hashes and compares bytes.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace aliquot
{

class text_memo
{
 public:
  // Strings of a column with more values push each other out.
  static constexpr std::size_t most = 256;

  static bool holds(std::string_view text) noexcept { return text.size() <= 16; }

  // The place for the code of a string that it holds: -1 if it is not known.
  std::int32_t& code_of(std::string_view text) noexcept
  {
    const auto [head, tail] = words_of(text);
    const std::size_t at = ((head ^ std::rotl(tail, 23)) + text.size()) * spread >> shift;
    for (const std::size_t place : {at, at ^ 1}) {
      if (lines_[place].head == head && lines_[place].tail == tail && lines_[place].size == text.size())
        return lines_[place].code;
    }
    line& made = lines_[lines_[at].code < 0 ? at : at ^ 1];
    made = {head, tail, static_cast<std::uint32_t>(text.size()), -1};
    return made.code;
  }

 private:
  struct line {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    std::uint32_t size = 0;
    std::int32_t code = -1;
  };
  struct words {
    std::uint64_t head;
    std::uint64_t tail;
  };

  static constexpr std::uint64_t spread = 0x9e3779b97f4a7c15;  // the golden ratio
  static constexpr int shift = 64 - 9;

  // Loads that overlap, which together hold all bytes: with the size they tell strings apart.
  static words words_of(std::string_view text) noexcept
  {
    const std::size_t size = text.size();
    if (size >= 8) return ends<std::uint64_t>(text);
    if (size >= 4) return ends<std::uint32_t>(text);
    if (size >= 2) return ends<std::uint16_t>(text);
    return {size == 0 ? 0U : static_cast<unsigned char>(text[0]), 0};
  }

  // The first and the last bytes of a string, as one word each.
  template <class Word>
  static words ends(std::string_view text) noexcept
  {
    Word head = 0;
    Word tail = 0;
    std::memcpy(&head, text.data(), sizeof head);
    std::memcpy(&tail, text.data() + text.size() - sizeof tail, sizeof tail);
    return {head, tail};
  }

  std::array<line, std::size_t{1} << (64 - shift)> lines_;
};

}  // namespace aliquot
