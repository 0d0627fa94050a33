// zstd, the format of RFC 8878: a frame whose blocks are taken out of their compression as far as they are asked for.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

#include "parquet_prefixes.hpp"
#include "parquet_sequences.hpp"
#include "parquet_text.hpp"
#include "parquet_thrift.hpp"

namespace aliquot::zstd
{

// Bytes that one byte can stand for at most: a block of 128 KiB takes four at least.
inline constexpr std::size_t largest_ratio = 32'768;

inline constexpr std::size_t most_block_bytes = std::size_t{128} << 10;

// Bytes as they stand in a block: themselves, one for all of them, or coded by prefixes.
struct literals {
  enum form : std::uint8_t { raw, repeated, coded } kind = raw;
  std::size_t size = 0;
  bytes from;            // but for their tree
  std::size_t tree = 0;  // where in the frame it is
  bool four = false;     // streams
};

struct block {
  std::size_t begin;  // in the text
  literals all;
  std::size_t lanes;  // number of its lanes, if any of it was asked for alone
};

class frame final : public page_text
{
 public:
  // Takes a frame that claims to be the text of `size` bytes, into memory of as many and `copies::slack`. False if it
  // has to be left to others: with a checksum, which is of the whole, or with a dictionary.
  bool open(bytes in, std::uint8_t* out, std::size_t size) noexcept
  {
    in_ = in;
    data_ = out_ = out;
    size_ = size;
    there_ = found_ = tree_ = built_ = 0;
    asked_ = 0;
    last_ = false;
    waiting_.clear();
    lanes_.clear();
    run_.forget();
    constexpr std::uint32_t magic = 0xFD2FB528;
    if (in.size() < 6 || little(in, 0, 4) != magic) return false;
    const std::size_t head = in[4];
    const bool single = head >> 5 & 1;
    if (head & 0x0f) return false;
    at_ = 5;
    block_bytes_ = most_block_bytes;
    if (!single) {
      const std::size_t window = in[at_++];
      if (window >> 3 < 7)
        block_bytes_ = (std::size_t{1024} << (window >> 3)) + ((std::size_t{128} << (window >> 3)) * (window & 7));
    }
    const std::size_t flag = head >> 6;
    const std::size_t width = flag == 0 ? (single ? 1 : 0) : std::size_t{1} << flag;
    if (in.size() - at_ < width) return false;
    const std::uint64_t told = little(in, at_, width) + (flag == 1 ? 256 : 0);
    at_ += width;
    return width == 0 || told == size;
  }

 private:
  static constexpr std::size_t least_step = 64;  // bytes that are made at once
  static constexpr unsigned most_parts = 16;     // that are asked for alone, before all that stands before them is made

  static std::uint64_t little(bytes in, std::size_t at, std::size_t count) noexcept
  {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value |= std::uint64_t{in[at + i]} << (8 * i);
    return value;
  }

  bool extend(std::size_t end) override
  {
    while (there_ < end) {
      if (run_.active()) {
        if (!run_.execute(out_, there_, std::min(size_, std::max(end, there_ + 4096)))) return false;
      } else if (!waiting_.empty()) {
        if (!extend_in(waiting_.front(), end)) return false;
      } else if (!next_block(true)) {
        return false;
      }
      if (!run_.active()) found_ = std::max(found_, there_);
    }
    while (there_ == size_ && !last_)
      if (run_.active() || !next_block(true)) return false;
    return there_ < size_ || (at_ == in_.size() && !run_.active());
  }

  // Makes the text as far as `end` within a block, or all of the block if that takes more than one of its streams.
  bool extend_in(block& of, std::size_t end)
  {
    const literals& all = of.all;
    const std::size_t apart = all.kind == literals::coded ? (all.four ? all.size / 4 : 0) : all.size;
    std::size_t until = all.size;
    if (end - of.begin <= apart) {
      until = std::min(std::max(end, there_ + least_step) - of.begin, apart);
      if (!make_part(of, there_ - of.begin, until)) return false;
    } else if (!make(all, out_ + of.begin)) {
      return false;
    }
    there_ = of.begin + until;
    if (until == all.size) waiting_.pop_front();
    return true;
  }

  // Bytes of blocks without repeats stand by themselves.
  bool part(std::size_t begin, std::size_t end) override
  {
    if (++asked_ > most_parts) return extend(end);
    while (found_ < end) {
      if (run_.active() || last_) return extend(end);
      if (!next_block(false)) return extend(end);
    }
    for (block& each : waiting_)
      if (each.begin < end && begin < each.begin + each.all.size)
        if (!make_part(each, begin - std::min(begin, each.begin), std::min(end - each.begin, each.all.size)))
          return false;
    return true;
  }

  // Finds the next block; false at the end, if it is none, or if it has repeats and none are wanted.
  bool next_block(bool repeats_too)
  {
    if (last_ || in_.size() - at_ < 3) return false;
    const auto head = static_cast<std::size_t>(little(in_, at_, 3));
    const std::size_t kind = head >> 1 & 3;
    const std::size_t size = head >> 3;
    const std::size_t stored = kind == 1 ? 1 : size;
    if (kind == 3 || stored > in_.size() - at_ - 3) return false;
    const bytes body = in_.subspan(at_ + 3, stored);
    block out{found_, {}, none};
    std::size_t tree = tree_;
    bytes sequences;
    if (kind < 2) {
      out.all = {kind == 0 ? literals::raw : literals::repeated, size, body, 0, false};
    } else if (!read_literals(body, out.all, sequences, tree)) {
      return false;
    }
    if (out.all.size > std::min(block_bytes_, size_ - found_)) return false;
    const bool repeats = kind == 2 && !(sequences.size() == 1 && sequences[0] == 0);
    if (repeats) {
      if (!repeats_too) return false;
      tree_ = tree;
      made_.resize(most_block_bytes + copies::slack);
      if (!make(out.all, made_.data())) return false;
      if (!run_.start(sequences, {made_.data(), out.all.size}, std::min(size_, found_ + block_bytes_))) return false;
    } else {
      // So many small blocks would take more memory than the frame.
      if (waiting_.size() > 64 + in_.size() / 64) return false;
      if (out.all.size > 0) waiting_.push_back(out);
      found_ += out.all.size;
    }
    tree_ = tree;
    last_ = head & 1;
    at_ += 3 + stored;
    return true;
  }

  // Splits a block into its literals and what says how they are repeated; `tree` becomes the place of their tree.
  bool read_literals(bytes body, literals& out, bytes& sequences, std::size_t& tree)
  {
    if (body.empty()) return false;
    const std::size_t form = body[0] & 3;
    const std::size_t wide = body[0] >> 2 & 3;
    const bool coded = form > 1;
    const std::size_t head = coded ? (wide < 2 ? 3 : wide + 2) : (wide == 1 ? 2 : wide == 3 ? 3 : 1);
    if (head > body.size()) return false;
    const std::uint64_t numbers = little(body, 0, head);
    if (!coded) {
      out.size = static_cast<std::size_t>(numbers >> (head == 1 ? 3 : 4));
      out.kind = form == 0 ? literals::raw : literals::repeated;
      const std::size_t stored = form == 0 ? out.size : 1;
      if (stored > body.size() - head) return false;
      out.from = body.subspan(head, stored);
      sequences = body.subspan(head + stored);
      return !sequences.empty();
    }
    const std::size_t bits = wide < 2 ? 10 : wide == 2 ? 14 : 18;
    const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
    out.kind = literals::coded;
    out.size = static_cast<std::size_t>(numbers >> 4 & mask);
    out.four = wide > 0;
    const auto stored = static_cast<std::size_t>(numbers >> (4 + bits) & mask);
    if (stored > body.size() - head) return false;
    out.from = body.subspan(head, stored);
    sequences = body.subspan(head + stored);
    if (form == 2) {
      tree = static_cast<std::size_t>(out.from.data() - in_.data());
      const std::size_t size = prefix_table::bytes_of(out.from);
      if (size > out.from.size()) return false;
      out.from = out.from.subspan(size);
    }
    out.tree = tree;
    return tree > 0 && !sequences.empty();
  }

  bool load_tree(const literals& all) noexcept
  {
    if (all.tree == built_) return true;
    built_ = prefixes_.load(in_.subspan(all.tree)) ? all.tree : 0;
    return built_ > 0;
  }

  // The streams of coded literals, which go to `to`; false if there are no such streams.
  static bool open_lanes(const literals& all, std::uint8_t* to, std::array<lane, 4>& out) noexcept
  {
    constexpr std::size_t sizes = 6;  // bytes, of all streams but the last
    if (!all.four) {
      out[0] = {{}, to, to + all.size};
      return out[0].bits.open(all.from);
    }
    const std::size_t quarter = (all.size + 3) / 4;
    if (all.from.size() < sizes || 3 * quarter > all.size) return false;
    bytes left = all.from.subspan(sizes);
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t size = i == 3 ? left.size() : static_cast<std::size_t>(little(all.from, 2 * i, 2));
      if (size > left.size() || !out[i].bits.open(left.first(size))) return false;
      out[i].at = to + i * quarter;
      out[i].end = i == 3 ? to + all.size : out[i].at + quarter;
      left = left.subspan(size);
    }
    return true;
  }

  // Bytes [begin, end) of literals, to `to`; false if they are coded.
  static bool copy(const literals& all, std::size_t begin, std::size_t end, std::uint8_t* to) noexcept
  {
    if (all.kind == literals::raw) std::memcpy(to, all.from.data() + begin, end - begin);
    if (all.kind == literals::repeated) std::memset(to, all.from[0], end - begin);
    return all.kind != literals::coded;
  }

  bool make(const literals& all, std::uint8_t* to) noexcept
  {
    if (all.size == 0 || copy(all, 0, all.size, to)) return true;
    std::array<lane, 4> lanes;
    if (!load_tree(all) || !open_lanes(all, to, lanes)) return false;
    return all.four ? decode_lanes(prefixes_, lanes) : decode_lane(prefixes_, lanes[0], lanes[0].end);
  }

  // Makes bytes [begin, end) of a block, where they belong in the text.
  bool make_part(block& of, std::size_t begin, std::size_t end)
  {
    std::uint8_t* to = out_ + of.begin;
    const literals& all = of.all;
    if (copy(all, begin, end, to + begin)) return true;
    if (!load_tree(all)) return false;
    if (of.lanes == none) {
      std::array<lane, 4> lanes;
      if (!open_lanes(all, to, lanes)) return false;
      of.lanes = lanes_.size();
      lanes_.push_back(lanes);
    }
    for (std::size_t i = 0; i < (all.four ? 4U : 1U); ++i) {
      lane& each = lanes_[of.lanes][i];
      if (to + end <= each.at || to + begin >= each.end) continue;
      if (!decode_lane(prefixes_, each, std::min<const std::uint8_t*>(to + end, each.end))) return false;
    }
    return true;
  }

  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  bytes in_;
  std::uint8_t* out_ = nullptr;
  std::size_t at_ = 0;     // of the next block
  std::size_t found_ = 0;  // bytes of the blocks found
  std::size_t block_bytes_ = 0;
  std::size_t tree_ = 0;   // where the last tree stands
  std::size_t built_ = 0;  // and the one that `prefixes_` was made of
  unsigned asked_ = 0;
  bool last_ = false;
  std::deque<block> waiting_;  // found, and not made
  std::vector<std::array<lane, 4>> lanes_;
  prefix_table prefixes_;
  std::vector<std::uint8_t> made_;  // the literals that are repeated
  sequence_run run_;
};

}  // namespace aliquot::zstd
