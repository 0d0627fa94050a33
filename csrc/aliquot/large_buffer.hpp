// Memory for columns of millions of rows and for large tables. The system clears what is new page by page when it is
// first touched, which of 4 KiB a page costs as much as what is then done in it; so large buffers ask for pages of
// 2 MiB, which most systems give to those who ask. Nothing is cleared a second time: elements that are not given a
// value have none.
#pragma once

#include <cstddef>
#include <new>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace aliquot
{

namespace detail
{

inline constexpr std::size_t large_page = std::size_t{1} << 21;
inline constexpr std::size_t fewest_large = 2 * large_page;  // below, a buffer would be mostly the rest of a page

}  // namespace detail

template <class T>
struct large_allocator {
  using value_type = T;

  large_allocator() = default;

  template <class U>
  large_allocator(const large_allocator<U>&) noexcept
  {
  }

  T* allocate(std::size_t n)
  {
    const std::size_t bytes = n * sizeof(T);  // below 2^63, as vectors see to it
    if (bytes < detail::fewest_large) return static_cast<T*>(::operator new(bytes));
    void* made = ::operator new(whole_pages(bytes), std::align_val_t{detail::large_page});
#if defined(MADV_HUGEPAGE)
    ::madvise(made, whole_pages(bytes), MADV_HUGEPAGE);  // as good without, if there are none
#endif
    return static_cast<T*>(made);
  }

  void deallocate(T* of, std::size_t n) noexcept
  {
    if (n * sizeof(T) < detail::fewest_large) return ::operator delete(of);
    ::operator delete(of, std::align_val_t{detail::large_page});
  }

  template <class U, class... Given>
  void construct(U* at, Given&&... given)
  {
    if constexpr (sizeof...(Given) == 0) {
      ::new (static_cast<void*>(at)) U;
    } else {
      ::new (static_cast<void*>(at)) U(std::forward<Given>(given)...);
    }
  }

  bool operator==(const large_allocator&) const noexcept { return true; }

 private:
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__, "small buffers are aligned like any");

  static constexpr std::size_t whole_pages(std::size_t bytes) noexcept
  {
    return (bytes + detail::large_page - 1) / detail::large_page * detail::large_page;
  }
};

template <class T>
using large_buffer = std::vector<T, large_allocator<T>>;

}  // namespace aliquot
