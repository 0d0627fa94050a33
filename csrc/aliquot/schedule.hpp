// Which row of a stream goes to which part, so that the parts keep their exact shares at every prefix.
//
// The shares of n parts are whole numbers a over their sum D. Think of a fluid that fills part p by a/D a row. The j-th
// unit of it, a *job* of the part, flows during the rows from floor((j-1) D/a) to ceil(j D/a) - 1, its *window*. A
// schedule gives every row to one job, within its window. Then the count of part p after T rows is floor(T a/D) or
// ceil(T a/D), so within less than 1 of T a/D:
//   - the jobs whose windows end before row T are those with j <= T a/D: at least floor(T a/D) are done;
//   - the jobs whose windows begin before row T are those with j < T a/D + 1: at most ceil(T a/D) are.
// The fluid itself is a fractional schedule in which every row and every job is used once, so by Hall's theorem there
// are schedules, and by Birkhoff's there is a random one in which each row goes to a part with probability a/D exactly.
// schedule_book is one; with shares of so large a D that it would not fit, paced_schedule gives up the last point.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "random.hpp"

namespace aliquot
{

using part_index = std::uint16_t;

// Schedules of D rows, of which one is to be drawn at random: row t goes to part p in just a/D of them.
//
// Take each row and each job as many times as there are schedules, joined by as many edges as fluid flows between them:
// a bipartite multigraph in which every vertex has one edge for each schedule. By König's theorem its edges can be
// coloured with one colour for each schedule so that no two at a vertex are alike, and the edges of one colour are a
// schedule. The edges are coloured one by one in random order, with Kempe's exchange where no colour is free on both
// sides.
class schedule_book
{
 public:
  static constexpr std::uint64_t max_rows = 1024;
  static constexpr std::uint32_t least_schedules = 256;

  // Their sum is at most max_rows (not checked)
  schedule_book(std::span<const std::uint64_t> shares, generator& random)
  {
    std::vector<part_index> part_of_job;
    for (std::size_t part = 0; part < shares.size(); ++part) {
      part_of_job.insert(part_of_job.end(), shares[part], static_cast<part_index>(part));
    }
    rows_ = static_cast<std::uint32_t>(part_of_job.size());
    const std::uint32_t times = (least_schedules + rows_ - 1) / rows_;
    schedules_ = rows_ * times;
    job_at_.assign(std::size_t{rows_} * schedules_, none);
    row_at_.assign(std::size_t{rows_} * schedules_, none);
    words_ = (schedules_ + 63) / 64;
    std::vector<std::uint64_t> all(words_, ~std::uint64_t{0});
    all.back() >>= words_ * 64 - schedules_;
    for (std::uint32_t i = 0; i < rows_; ++i) {
      free_of_row_.insert(free_of_row_.end(), all.begin(), all.end());
      free_of_job_.insert(free_of_job_.end(), all.begin(), all.end());
    }
    for (const edge each : shuffled_edges(shares, times, random)) colour(each, random);
    pages_.resize(job_at_.size());
    for (std::uint32_t row = 0; row < rows_; ++row) {
      for (std::uint32_t schedule = 0; schedule < schedules_; ++schedule) {
        pages_[std::size_t{schedule} * rows_ + row] = part_of_job[job_at(row, schedule)];
      }
    }
    for (auto* each : {&job_at_, &row_at_}) std::vector<std::uint16_t>().swap(*each);
    for (auto* each : {&free_of_row_, &free_of_job_}) std::vector<std::uint64_t>().swap(*each);
  }

  std::uint32_t rows() const noexcept { return rows_; }
  std::uint32_t schedules() const noexcept { return schedules_; }

  // Schedule after schedule, the part of each row.
  std::span<const part_index> pages() const noexcept { return pages_; }

 private:
  static constexpr std::uint16_t none = 0xFFFF;

  struct edge {
    std::uint16_t row;
    std::uint16_t job;
  };

  std::vector<edge> shuffled_edges(std::span<const std::uint64_t> shares, std::uint32_t times, generator& random) const
  {
    std::vector<edge> edges;
    edges.reserve(job_at_.size());
    for (std::uint64_t row = 0; row < rows_; ++row) {
      std::uint64_t first_job = 0;
      for (const std::uint64_t share : shares) {
        // Counted in 1/D of a job, the row takes the fluid from row * share to (row + 1) * share.
        for (std::uint64_t at = row * share; at < (row + 1) * share;) {
          const std::uint64_t job = at / rows_;
          const std::uint64_t end = std::min((row + 1) * share, (job + 1) * rows_);
          const edge each{static_cast<std::uint16_t>(row), static_cast<std::uint16_t>(first_job + job)};
          edges.insert(edges.end(), (end - at) * times, each);
          at = end;
        }
        first_job += share;
      }
      for (std::uint32_t left = schedules_; left > 1; --left) {
        std::swap(edges[edges.size() - schedules_ + left - 1], edges[edges.size() - schedules_ + random.below(left)]);
      }
    }
    return edges;
  }

  void colour(edge each, generator& random)
  {
    const std::uint64_t* of_row = &free_of_row_[std::size_t{each.row} * words_];
    const std::uint64_t* of_job = &free_of_job_[std::size_t{each.job} * words_];
    std::uint32_t schedule = some(of_row, of_job, random);
    if (schedule == schedules_) {
      schedule = some(of_row, of_row, random);
      exchange(each.job, schedule, some(of_job, of_job, random));
    }
    set(each, schedule);
  }

  // A colour that is free on both sides; schedules_ if there is none.
  std::uint32_t some(const std::uint64_t* a, const std::uint64_t* b, generator& random) const noexcept
  {
    const std::uint32_t first = random.below(words_ * 64);
    for (std::uint32_t i = 0; i <= words_; ++i) {
      const std::uint32_t word = (first / 64 + i) % words_;
      std::uint64_t both = a[word] & b[word];
      if (i == 0) both &= ~std::uint64_t{0} << (first % 64);
      if (both != 0) return word * 64 + static_cast<std::uint32_t>(std::countr_zero(both));
    }
    return schedules_;
  }

  // Make `taken` free at the job, where `spare` is free, by exchanging the two on the path of these colours that starts
  // there. It comes to rows by edges of the colour taken, so it does not reach a row where that is free.
  void exchange(std::uint16_t job, std::uint32_t taken, std::uint32_t spare) noexcept
  {
    flip(free_of_job_, job, taken, spare);
    for (;;) {
      const std::uint16_t row = row_at(job, taken);
      std::swap(row_at(job, taken), row_at(job, spare));
      if (row == none) return flip(free_of_job_, job, taken, spare);
      job = job_at(row, spare);
      std::swap(job_at(row, taken), job_at(row, spare));
      if (job == none) return flip(free_of_row_, row, taken, spare);
    }
  }

  void set(edge each, std::uint32_t schedule) noexcept
  {
    job_at(each.row, schedule) = each.job;
    row_at(each.job, schedule) = each.row;
    toggle(free_of_row_, each.row, schedule);
    toggle(free_of_job_, each.job, schedule);
  }

  // One of two colours is free at a vertex: now the other is.
  void flip(std::vector<std::uint64_t>& free, std::uint16_t vertex, std::uint32_t a, std::uint32_t b) noexcept
  {
    toggle(free, vertex, a);
    toggle(free, vertex, b);
  }

  void toggle(std::vector<std::uint64_t>& free, std::uint16_t vertex, std::uint32_t schedule) noexcept
  {
    free[std::size_t{vertex} * words_ + schedule / 64] ^= std::uint64_t{1} << (schedule % 64);
  }

  std::uint16_t& job_at(std::uint32_t row, std::uint32_t schedule) noexcept
  {
    return job_at_[std::size_t{row} * schedules_ + schedule];
  }

  std::uint16_t& row_at(std::uint32_t job, std::uint32_t schedule) noexcept
  {
    return row_at_[std::size_t{job} * schedules_ + schedule];
  }

  std::uint32_t rows_ = 0;
  std::uint32_t schedules_ = 0;
  std::uint32_t words_ = 0;
  std::vector<part_index> pages_;
  // While it is made: the other end of each edge by colour, and the colours that are free at each vertex.
  std::vector<std::uint16_t> job_at_, row_at_;
  std::vector<std::uint64_t> free_of_row_, free_of_job_;
};

// A schedule for shares of any D to 2^62, page by page, from the counts of jobs done.
//
// The earliest window end first: as there is a schedule, this finds one (the usual exchange argument for jobs of one
// row with whole windows). It is then shuffled within the page, as far as the windows allow, so that the counts at the
// end of the page stay. Inclusion probabilities are a/D on the average of rows, not at each.
class paced_schedule
{
 public:
  static constexpr std::uint32_t rows = 64;
  static constexpr int sweeps = 4;
  static constexpr std::uint64_t max_sum = std::uint64_t{1} << 62;

  explicit paced_schedule(std::span<const std::uint64_t> shares) : shares_(shares.begin(), shares.end())
  {
    for (const std::uint64_t share : shares) sum_ += share;
  }

  // Parts of the rows from `first_row` on, before which each part got `done` rows; brings `done` up to the end of the
  // page. done.size() is the number of parts, page.size() `rows` (not checked).
  void fill(std::int64_t first_row, std::span<std::int64_t> done, generator& random, std::span<part_index> page)
  {
    next_.clear();
    for (std::size_t part = 0; part < shares_.size(); ++part) next_.push_back(window(part, done[part]));
    for (std::uint32_t i = 0; i < rows; ++i) {
      const std::int64_t row = first_row + i;
      std::size_t chosen = shares_.size();
      for (std::size_t part = 0; part < shares_.size(); ++part) {
        if (next_[part].first > row) continue;
        if (chosen == shares_.size() || next_[part].last < next_[chosen].last) chosen = part;
      }
      page[i] = static_cast<part_index>(chosen);
      windows_[i] = next_[chosen];
      next_[chosen] = window(chosen, ++done[chosen]);
    }
    for (int sweep = 0; sweep < sweeps; ++sweep) {
      for (std::uint32_t i = 0; i < rows; ++i) {
        const auto first = static_cast<std::uint32_t>(std::max<std::int64_t>(windows_[i].first - first_row, 0));
        const auto last = static_cast<std::uint32_t>(std::min<std::int64_t>(windows_[i].last - first_row, rows - 1));
        const std::uint32_t j = first + random.below(last - first + 1);
        if (windows_[j].first <= first_row + i && first_row + i <= windows_[j].last) {
          std::swap(windows_[i], windows_[j]);
          std::swap(page[i], page[j]);
        }
      }
    }
  }

 private:
  struct rows_of_job {
    std::int64_t first;
    std::int64_t last;
  };

  // Of the job after `done` others. One without a share has none.
  rows_of_job window(std::size_t part, std::int64_t done) const noexcept
  {
    if (shares_[part] == 0) return {INT64_MAX, INT64_MAX};
    const uint128 start = static_cast<uint128>(done) * sum_;
    const uint128 end = start + sum_;
    return {capped(start / shares_[part]), capped((end - 1) / shares_[part])};
  }

  static std::int64_t capped(uint128 row) noexcept
  {
    return static_cast<std::int64_t>(std::min(row, static_cast<uint128>(INT64_MAX)));
  }

  std::vector<std::uint64_t> shares_;
  std::uint64_t sum_ = 0;
  std::vector<rows_of_job> next_;
  std::array<rows_of_job, rows> windows_;
};

}  // namespace aliquot
