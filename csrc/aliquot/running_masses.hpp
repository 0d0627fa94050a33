// Masses of positive and of negative rows added up entry by entry, exactly, and read as double on the way.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <vector>

#include "masses.hpp"

namespace aliquot
{

// The units' exponents in which masses of positive and of negative rows are read.
struct read_units {
  int positive;
  int negative;
};

// Masses of more than four limbs where Limbs is 0.
template <int Limbs>
class running_masses
{
 public:
  running_masses(mass_format, read_units units)
      : positive_unit_(std::ldexp(1.0, units.positive)), negative_unit_(std::ldexp(1.0, units.negative))
  {
  }

  void add(const limb* mass) noexcept
  {
    positive_ += of::load(mass);
    negative_ += of::load(mass + Limbs);
  }

  double positive() const noexcept { return of::to_double(positive_) * positive_unit_; }
  double negative() const noexcept { return of::to_double(negative_) * negative_unit_; }
  double positive_of(const limb* mass) const noexcept { return of::to_double(of::load(mass)) * positive_unit_; }
  double negative_of(const limb* mass) const noexcept { return of::to_double(of::load(mass + Limbs)) * negative_unit_; }

 private:
  using of = small_mass<Limbs>;

  typename of::integer positive_ = 0;
  typename of::integer negative_ = 0;
  double positive_unit_;
  double negative_unit_;
};

template <>
class running_masses<0>
{
 public:
  running_masses(mass_format format, read_units units)
      : limbs_(format.limbs),
        sums_(2 * static_cast<std::size_t>(format.limbs)),
        read_positive_(format.limbs, units.positive),
        read_negative_(format.limbs, units.negative)
  {
  }

  void add(const limb* mass) noexcept
  {
    add_shifted(sums_.data(), limbs_, mass, limbs_, 0);
    add_shifted(sums_.data() + limbs_, limbs_, mass + limbs_, limbs_, 0);
  }

  double positive() const noexcept { return read_positive_(sums_.data()); }
  double negative() const noexcept { return read_negative_(sums_.data() + limbs_); }
  double positive_of(const limb* mass) const noexcept { return read_positive_(mass); }
  double negative_of(const limb* mass) const noexcept { return read_negative_(mass + limbs_); }

  // So that in their own unit the sums so far are below 1, and not below a half unless they are none.
  read_units units_of_sums() const noexcept
  {
    const auto width = [this](const limb* sum) {
      int top = limbs_ - 1;
      while (top > 0 && sum[top] == 0) --top;
      return 32 * top + static_cast<int>(std::bit_width(sum[top]));
    };
    return {-width(sums_.data()), -width(sums_.data() + limbs_)};
  }

 private:
  int limbs_;
  std::vector<limb> sums_;
  mass_reader read_positive_;
  mass_reader read_negative_;
};

// The mass of all positive and of all negative rows.
struct mass_totals {
  double positive = 0.0;
  double negative = 0.0;
};

// Of the masses of so many entries.
inline mass_totals total_masses(const limb* masses, std::size_t entries, mass_format format)
{
  return visit_limbs(format.limbs, [&](auto limbs) {
    const int unit = readable_unit(format);
    running_masses<limbs> sums(format, {unit, unit});
    for (std::size_t i = 0; i < entries; ++i) sums.add(masses + i * 2 * static_cast<std::size_t>(format.limbs));
    return mass_totals{sums.positive(), sums.negative()};
  });
}

}  // namespace aliquot
