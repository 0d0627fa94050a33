// The sequences of a zstd block: so many literals, then so many bytes again from so far back.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "parquet_states.hpp"
#include "parquet_text.hpp"
#include "parquet_thrift.hpp"
#include "target_clones.hpp"

namespace aliquot::zstd
{

namespace detail
{

// What the codes of one of the three numbers of a sequence stand for, and how they are distributed unless told.
template <std::size_t codes, std::size_t given>
struct number_codes {
  std::array<std::uint32_t, codes> base{};
  std::array<std::uint8_t, codes> extra{};
  distribution usual{};
  unsigned most_log = 0;

  // Codes below `direct` stand for themselves and `least`; each other one begins where the one before ends.
  constexpr number_codes(std::uint32_t least, std::size_t direct, std::array<std::uint8_t, codes> bits, unsigned most,
                         unsigned log, std::array<std::int16_t, given> states)
      : extra(bits), most_log(most)
  {
    for (std::size_t i = 0; i < codes; ++i)
      base[i] = i <= direct ? least + static_cast<std::uint32_t>(i) : base[i - 1] + (1U << extra[i - 1]);
    usual.count = given;
    usual.log = log;
    for (std::size_t i = 0; i < given; ++i) usual.states[i] = states[i];
  }
};

inline constexpr number_codes<36, 36> literal_lengths(0, 16,
                                                      {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  1,  1,
                                                       1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
                                                      9, 6, {4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1,  1,  2,  2,
                                                             2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1});

inline constexpr number_codes<53, 53> match_lengths(3, 32, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0, 0,
                                                            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  1,  1,  1, 1,
                                                            2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
                                                    9, 6, {1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1,  1,  1,  1,  1,  1,  1, 1,
                                                           1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,  1,  1, 1,
                                                           1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1});

inline constexpr number_codes<32, 29> offsets(1, 0, {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                                     16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31},
                                              8, 5, {1, 1, 1, 1, 1, 1, 2, 2, 2, 1,  1,  1,  1,  1, 1,
                                                     1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1});

}  // namespace detail

// The sequences of one block after the other: what one has said of codes and offsets may hold for the next.
class sequence_run
{
 public:
  // Before the first block of a frame.
  void forget() noexcept
  {
    lengths_.forget();
    matches_.forget();
    offsets_.forget();
    recent_ = {1, 4, 8};
    active_ = false;
  }

  bool active() const noexcept { return active_; }

  // Begins with a block, whose text is to end at or before `limit`; behind its literals are `copies::slack` bytes.
  bool start(bytes in, bytes literals, std::size_t limit) noexcept
  {
    if (in.empty()) return false;
    std::size_t at = 1;
    left_ = in[0];
    if (left_ >= 128) {
      const std::size_t more = left_ == 255 ? 2 : 1;
      if (in.size() < 1 + more) return false;
      left_ = left_ == 255 ? in[1] + (std::size_t{in[2]} << 8) + 0x7f00 : ((left_ - 128) << 8) + in[1];
      at += more;
    }
    if (left_ == 0 || at >= in.size()) return false;
    const std::size_t modes = in[at++];
    if (modes & 3) return false;
    if (!load(lengths_, detail::literal_lengths, modes >> 6, in, at)) return false;
    if (!load(offsets_, detail::offsets, modes >> 4 & 3, in, at)) return false;
    if (!load(matches_, detail::match_lengths, modes >> 2 & 3, in, at)) return false;
    if (!bits_.open(in.subspan(at))) return false;
    bits_.refill();
    length_ = bits_.take(lengths_.log());
    offset_ = bits_.take(offsets_.log());
    match_ = bits_.take(matches_.log());
    literals_ = literals;
    limit_ = limit;
    active_ = bits_.left() >= 0;
    return active_;
  }

  // Goes on to write text behind the `there` bytes before, until there are `until` or the block ends.
  ALIQUOT_TARGET_CLONES bool execute(std::uint8_t* out, std::size_t& there, std::size_t until) noexcept
  {
    const coded_state* const lengths = lengths_.data();
    const coded_state* const offsets = offsets_.data();
    const coded_state* const matches = matches_.data();
    const std::uint8_t* from = literals_.data();
    const std::uint8_t* const from_end = from + literals_.size();
    bit_stream bits = bits_;
    std::uint32_t length = length_;
    std::uint32_t offset = offset_;
    std::uint32_t match = match_;
    std::size_t to = there;
    std::size_t left = left_;
    // Bytes are written, which may be any object's: what is no local would be read again for each sequence.
    std::array<std::size_t, 3> recent = recent_;
    const std::size_t limit = limit_;
    // The last 8 bytes, if there are as many. Short repeats from 8 bytes back, of which columns of numbers are made,
    // are taken from here: to read back what was just written in pieces takes longer than all else.
    std::uint64_t last = 0;
    if (to >= sizeof last) std::memcpy(&last, out + to - sizeof last, sizeof last);
    while (left > 0 && to < until) {
      if (bits.left() < 0) return false;
      const coded_state ll = lengths[length];
      const coded_state of = offsets[offset];
      const coded_state ml = matches[match];
      bits.refill();
      const std::size_t code = of.base() + bits.take(of.extra());
      const std::size_t again = ml.base() + bits.take(ml.extra());
      if (of.extra() + ml.extra() + ll.extra() > 30) {  // the rest, and three states, may not be ready
        if (bits.left() < 0) return false;
        bits.refill();
      }
      const std::size_t anew = ll.base() + bits.take(ll.extra());
      if (--left > 0) {
        length = ll.next() + bits.take(ll.bits());
        match = ml.next() + bits.take(ml.bits());
        offset = of.next() + bits.take(of.bits());
      }
      const std::size_t back = offset_of(code, anew == 0, recent);
      if (anew > static_cast<std::size_t>(from_end - from) || anew + again > limit - to) return false;
      if (back == sizeof last && to >= sizeof last && (anew | again) < sizeof last) {
        std::uint64_t word;
        std::memcpy(&word, from, sizeof word);
        std::memcpy(out + to, &word, sizeof word);
        word = last >> 8 * anew | word << (63 - 8 * anew) << 1;
        std::memcpy(out + to + anew, &word, sizeof word);
        last = std::rotr(word, static_cast<int>(8 * again));
        from += anew;
        to += anew + again;
        continue;
      }
      copies::copy(out + to, from, anew);
      from += anew;
      to += anew;
      if (back - 1 >= to) return false;
      copies::repeat(out + to, back, again);
      to += again;
      if (to >= sizeof last) std::memcpy(&last, out + to - sizeof last, sizeof last);
    }
    if (left == 0) {
      const auto rest = static_cast<std::size_t>(from_end - from);
      if (bits.left() != 0 || rest > limit - to) return false;
      std::memcpy(out + to, from, rest);
      to += rest;
      active_ = false;
    }
    bits_ = bits;
    recent_ = recent;
    length_ = length;
    offset_ = offset;
    match_ = match;
    left_ = left;
    literals_ = bytes(from, from_end);
    there = to;
    return true;
  }

 private:
  template <std::size_t codes, std::size_t given>
  static bool load(state_table& table, const detail::number_codes<codes, given>& of, std::size_t mode, bytes in,
                   std::size_t& at) noexcept
  {
    if (mode == 3) return table.there();
    if (mode == 0) {
      table.build(of.usual, of.base, of.extra);
      return true;
    }
    if (mode == 1) {
      if (at >= in.size() || in[at] >= codes) return false;
      table.build(of.base[in[at]], of.extra[in[at]]);
      ++at;
      return true;
    }
    distribution found;
    std::size_t used = 0;
    if (at >= in.size() || !read_distribution(in.subspan(at), of.most_log, codes, found, used)) return false;
    table.build(found, of.base, of.extra);
    at += used;
    return true;
  }

  // How far back a code points: 1 to 3 are the recent ones, but one further where there are no literals between.
  static std::size_t offset_of(std::size_t code, bool alone, std::array<std::size_t, 3>& recent) noexcept
  {
    if (code > 3) {
      recent = {code - 3, recent[0], recent[1]};
      return recent[0];
    }
    const std::size_t which = code - 1 + alone;
    if (which == 0) return recent[0];
    const std::size_t back = which == 3 ? recent[0] - 1 : which == 2 ? recent[2] : recent[1];
    recent = {back, recent[0], which == 1 ? recent[2] : recent[1]};
    return back;
  }

  state_table lengths_;
  state_table matches_;
  state_table offsets_;
  std::array<std::size_t, 3> recent_{};
  bit_stream bits_;
  std::uint32_t length_ = 0;  // states
  std::uint32_t match_ = 0;
  std::uint32_t offset_ = 0;
  std::size_t left_ = 0;  // sequences
  bytes literals_;        // not used yet
  std::size_t limit_ = 0;
  bool active_ = false;
};

}  // namespace aliquot::zstd
