// Tells callgrind what to count; nothing happens outside valgrind. Built and loaded by callgrind.py.
#include <valgrind/callgrind.h>

void begin(void)
{
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
}

void end(const char* name)
{
  CALLGRIND_DUMP_STATS_AT(name);
  CALLGRIND_STOP_INSTRUMENTATION;
}
