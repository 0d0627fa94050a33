// A bottom-k sample whose rows the caller stores, in slots 0, 1, 2, ... as they come.
//
// Rows enter in two steps, so that a caller who fails to fetch them loses nothing: `stage` finds those of a batch that
// may enter and leaves the sample as it is; `commit` takes them in, or `discard` forgets them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bottom_k.hpp"
#include "keys.hpp"
#include "weighted.hpp"

namespace aliquot
{

class reservoir
{
 public:
  // k >= 0, 0 <= start <= max_rows (not checked)
  reservoir(std::int64_t k, const seed_key& seed, std::int64_t start)
      : seed_(seed), keys_(seed, start), kept_(k), staged_(k)
  {
  }

  std::int64_t next_row() const noexcept { return keys_.next(); }

  void seek(std::int64_t row) noexcept { keys_.seek(row); }

  // Stage the next n rows under their keys by row number; `passes`, when not null, holds a byte for each of them,
  // zero for a row that is not of the population.
  void stage(std::int64_t n, const std::uint8_t* passes)
  {
    staged_from_ = keys_.next();
    staged_.reset(kept_.first_out());
    if (passes == nullptr) {
      keys_.advance(staged_from_ + n, staged_);
    } else {
      population sink{staged_, passes, staged_from_};
      keys_.advance(staged_from_ + n, sink);
    }
    settle();
    for (candidate& c : staged_.kept()) c.slot = c.row - staged_from_;
  }

  // Stage rows under given keys and row numbers, all of them before `first_out`.
  void stage(std::span<const double> keys, std::span<const std::int64_t> rows, const candidate& first_out)
  {
    staged_from_ = keys_.next();
    staged_.reset(kept_.first_out());
    staged_.lower(first_out);
    for (std::size_t i = 0; i < keys.size(); ++i) staged_.offer({keys[i], rows[i], static_cast<std::int64_t>(i)});
    settle();
  }

  // The same with consecutive row numbers from next_row() on.
  void stage(std::span<const double> keys)
  {
    staged_from_ = keys_.next();
    staged_.reset(kept_.first_out());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] <= staged_.limit()) {
        staged_.offer({keys[i], staged_from_ + static_cast<std::int64_t>(i), static_cast<std::int64_t>(i)});
      }
    }
    keys_.seek(staged_from_ + static_cast<std::int64_t>(keys.size()));
    settle();
  }

  // The same under keys by weight. Returns what offer_weighted does; after a bad weight nothing is staged.
  std::int64_t stage(std::span<const double> weights, weighted_design design)
  {
    staged_from_ = keys_.next();
    staged_.reset(kept_.first_out());
    const std::int64_t bad = offer_weighted(seed_, staged_from_, weights, design, staged_);
    if (bad != all_weights_good) {
      discard();
    } else {
      keys_.seek(staged_from_ + static_cast<std::int64_t>(weights.size()));
      settle();
    }
    return bad;
  }

  // What may enter, by row number; the slots are positions in the batch, or in the arguments of stage.
  std::span<candidate> staged() noexcept { return staged_.kept(); }

  // Take in what is staged; the caller has stored it, in order, from slot `first_slot` on.
  void commit(std::int64_t first_slot)
  {
    // Also what was staged and cut again speaks: with the next limit no later than the last one, the open nodes
    // of keys_ miss nothing.
    kept_.lower(staged_.first_out());
    for (candidate c : staged_.kept()) {
      c.slot = first_slot++;
      kept_.offer(c);
    }
    staged_.reset(kept_.first_out());
  }

  void discard() noexcept
  {
    staged_.reset(kept_.first_out());
    keys_.seek(staged_from_);
  }

  // Cut to k rows in order of row number.
  std::span<candidate> kept()
  {
    kept_.cut();
    sort_by_row(kept_.kept());
    return kept_.kept();
  }

  const candidate& first_out() const noexcept { return kept_.first_out(); }
  std::int64_t k() const noexcept { return kept_.k(); }

 private:
  struct population {
    bottom_k& sink;
    const std::uint8_t* passes;
    std::int64_t first;

    double limit() const noexcept { return sink.limit(); }
    void offer(double key, std::int64_t row)
    {
      if (passes[row - first] != 0) sink.offer(key, row);
    }
  };

  void settle()
  {
    staged_.cut();
    sort_by_row(staged_.kept());
  }

  seed_key seed_;
  uniform_keys keys_;
  bottom_k kept_;
  bottom_k staged_;
  std::int64_t staged_from_ = 0;
};

}  // namespace aliquot
