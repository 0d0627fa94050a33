// The text of a page: what its compression stands for, there as far as it was asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "parquet_thrift.hpp"

namespace aliquot
{

// Memory that is used again and again: fresh memory costs the system about as much as filling it. What nobody writes to
// the system need not have.
class room
{
 public:
  // So many bytes, whatever they are, until the next call.
  std::uint8_t* bytes(std::size_t size)
  {
    if (size > size_) {
      bytes_.reset();
      size_ = 0;
      bytes_ = std::make_unique_for_overwrite<std::uint8_t[]>(size);
      size_ = size;
    }
    return bytes_.get();
  }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_ = 0;
};

// Of a page without compression all is there; other texts are made in memory by who extends them.
class page_text
{
 public:
  page_text() noexcept = default;
  explicit page_text(thrift::bytes all) noexcept : data_(all.data()), size_(all.size()), there_(all.size()) {}
  page_text(const page_text&) = default;
  page_text& operator=(const page_text&) = default;
  virtual ~page_text() = default;

  // Bytes that the text claims to have. A byte may be looked at once it was asked for.
  std::size_t size() const noexcept { return size_; }
  const std::uint8_t* data() const noexcept { return data_; }

  // How many bytes from the first on are there.
  std::size_t there() const noexcept { return there_; }

  // Asks for the bytes before `end`; false if the text has not so many, or is damaged in them: then it has nothing any
  // more. Asked for all, it is damaged too if there are more.
  bool reach(std::size_t end) { return end <= there_ || (end <= size_ && (extend(end) || forget())); }

  // Asks for `count` bytes from `begin` on, and maybe no others.
  bool at(std::size_t begin, std::size_t count)
  {
    if (begin <= there_ && count <= there_ - begin) return true;
    return begin <= size_ && count <= size_ - begin && (part(begin, begin + count) || forget());
  }

 protected:
  virtual bool extend(std::size_t) { return false; }
  virtual bool part(std::size_t, std::size_t end) { return extend(end); }

  bool forget() noexcept
  {
    size_ = there_ = 0;
    return false;
  }

  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t there_ = 0;
};

// Texts are made of copies, most of them short: where 16 bytes may be written too much it takes no branch a byte.
namespace copies
{

// Bytes behind what is written, or read, that must be there.
inline constexpr std::size_t slack = 32;

inline void copy_16(std::uint8_t* to, const std::uint8_t* from) noexcept
{
  std::uint64_t words[2];
  std::memcpy(words, from, sizeof words);
  std::memcpy(to, words, sizeof words);
}

inline void copy_8(std::uint8_t* to, const std::uint8_t* from) noexcept
{
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  std::memcpy(to, &word, sizeof word);
}

// Copies that do not overlap.
inline void copy(std::uint8_t* to, const std::uint8_t* from, std::size_t size) noexcept
{
  copy_16(to, from);
  for (std::size_t i = 16; i < size; i += 16) copy_16(to + i, from + i);
}

// Repeats `size` bytes from `offset` bytes back, which may overlap them.
inline void repeat(std::uint8_t* to, std::size_t offset, std::size_t size) noexcept
{
  const std::uint8_t* from = to - offset;
  if (offset >= 16) return copy(to, from, size);
  std::size_t done = 0;
  if (offset < 8) {  // eight bytes one by one, and then from as many periods back as make eight
    for (; done < 8; ++done) to[done] = from[done];
    from = to - offset * ((7 + offset) / offset);
  }
  for (; done < size; done += 8) copy_8(to + done, from + done);
}

}  // namespace copies

}  // namespace aliquot
