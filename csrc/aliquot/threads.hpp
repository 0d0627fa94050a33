// Work split over threads that live as long as the call. What is computed must not depend on the number of parts.
#pragma once

#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace aliquot
{

// job(part) for each part, 0 on this thread and the others on threads of their own, or here too if there are no more
// threads to be had. The job must not throw (not checked).
template <class Job>
void in_parts(std::size_t parts, const Job& job)
{
  std::vector<std::thread> others;
  others.reserve(parts);
  std::size_t started = 1;
  try {
    for (; started < parts; ++started) others.emplace_back(job, started);
  } catch (const std::system_error&) {
    for (std::size_t part = started; part < parts; ++part) job(part);
  }
  job(std::size_t{0});
  for (std::thread& other : others) other.join();
}

}  // namespace aliquot
