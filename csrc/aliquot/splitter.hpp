// Rows of a stream assigned to parts as they pass, each stratum by schedules of its own (schedule.hpp): the state is a
// row count a stratum.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "random.hpp"
#include "schedule.hpp"

namespace aliquot
{

class splitter
{
 public:
  // The sum of the shares is 1 to paced_schedule::max_sum (not checked).
  splitter(const seed_key& seed, std::span<const std::uint64_t> shares)
      : key_(subkey(seed, purpose::stream_split)), shares_(shares.begin(), shares.end()), paced_(shares)
  {
    std::uint64_t sum = 0;
    for (const std::uint64_t share : shares) sum += share;
    if (sum > schedule_book::max_rows) return;
    generator random(key_, 0);
    book_.emplace(shares, random);
    page_rows_ = book_->rows();
  }

  std::size_t strata() const noexcept { return strata_.size(); }

  // Strata up to that many, of which nothing was seen yet.
  void grow(std::size_t strata)
  {
    while (strata_.size() < strata) {
      strata_.emplace_back();
      if (!book_) {
        own_pages_.resize(own_pages_.size() + page_rows_);
        done_.resize(done_.size() + shares_.size());
      }
      turn_page(strata_.size() - 1);
    }
  }

  // parts[i] = the part of the next row of stratum codes[i], below strata(); as many of both (not checked).
  void assign(std::span<const std::int32_t> codes, std::span<std::int32_t> parts)
  {
    const part_index* pages = book_ ? book_->pages().data() : own_pages_.data();
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const auto code = static_cast<std::size_t>(codes[i]);
      stratum& each = strata_[code];
      parts[i] = pages[each.page + each.row];
      if (++each.row == page_rows_) next_page(code);
    }
  }

  // The same for rows that are all of stratum 0.
  void assign(std::span<std::int32_t> parts)
  {
    const part_index* pages = book_ ? book_->pages().data() : own_pages_.data();
    stratum& each = strata_[0];
    for (std::size_t i = 0; i < parts.size();) {
      const std::size_t rows = std::min(parts.size() - i, page_rows_ - each.row);
      std::copy_n(pages + each.page + each.row, rows, &parts[i]);
      i += rows;
      each.row += static_cast<std::uint32_t>(rows);
      if (each.row == page_rows_) next_page(0);
    }
  }

  // Rows seen of a stratum.
  std::int64_t seen(std::size_t code) const noexcept
  {
    return strata_[code].pages_done * static_cast<std::int64_t>(page_rows_) + strata_[code].row;
  }

  // Rows of each part of a stratum before its page; done.size() is the number of parts (not checked).
  void before_page(std::size_t code, std::span<std::int64_t> done) const noexcept
  {
    if (book_) {  // whole pages hold the exact shares
      for (std::size_t part = 0; part < shares_.size(); ++part) {
        done[part] = strata_[code].pages_done * static_cast<std::int64_t>(shares_[part]);
      }
      return;
    }
    std::copy_n(&done_[code * shares_.size()], shares_.size(), done.begin());
    for (std::size_t i = 0; i < page_rows_; ++i) --done[own_pages_[strata_[code].page + i]];
  }

  // Go on as if `rows` rows of a stratum had been seen, and as before_page said.
  void restore(std::size_t code, std::int64_t rows, std::span<const std::int64_t> done)
  {
    if (!book_) std::copy(done.begin(), done.end(), &done_[code * shares_.size()]);
    const auto page_rows = static_cast<std::int64_t>(page_rows_);
    strata_[code].pages_done = rows / page_rows;
    turn_page(code);
    strata_[code].row = static_cast<std::uint32_t>(rows % page_rows);
  }

 private:
  struct stratum {
    std::size_t page = 0;         // where its page starts
    std::int64_t pages_done = 0;  // before this one
    std::uint32_t row = 0;        // of the page
  };

  void next_page(std::size_t code)
  {
    ++strata_[code].pages_done;
    turn_page(code);
  }

  // A page for the rows after those of `pages_done`, drawn by the stratum and its number.
  void turn_page(std::size_t code)
  {
    stratum& each = strata_[code];
    const auto page = static_cast<std::uint64_t>(each.pages_done);
    each.row = 0;
    if (book_) {
      each.page = below(mix64(key_[0] + code), page, book_->schedules()) * page_rows_;
      return;
    }
    seed_key key = key_;
    for (std::uint64_t& word : key) word = mix64(word + code);
    generator random(key, page);
    each.page = code * page_rows_;
    paced_.fill(each.pages_done * static_cast<std::int64_t>(page_rows_),
                std::span(done_).subspan(code * shares_.size(), shares_.size()), random,
                std::span(own_pages_).subspan(each.page, page_rows_));
  }

  // Uniform in [0, n), exactly, as generator::below64, but from one hash: pages are as short as two rows.
  std::size_t below(std::uint64_t key, std::uint64_t page, std::uint64_t n) const noexcept
  {
    for (std::uint64_t word = mix64(mix64(key + page) ^ key_[1]);; word = mix64(word + key_[2])) {
      const uint128 product = uint128{word} * n;
      if (static_cast<std::uint64_t>(product) >= (0 - n) % n) return static_cast<std::size_t>(product >> 64);
    }
  }

  seed_key key_;
  std::vector<std::uint64_t> shares_;
  std::size_t page_rows_ = paced_schedule::rows;
  std::optional<schedule_book> book_;
  paced_schedule paced_;
  std::vector<stratum> strata_;
  // Without a book, for every stratum: its page, and the rows of each part up to the end of that.
  std::vector<part_index> own_pages_;
  std::vector<std::int64_t> done_;
};

}  // namespace aliquot
