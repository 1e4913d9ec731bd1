/* The clock of every process that loads this, CLOCK_SHIFT_DAYS ahead: for `make test-shifted`.

   Only what answers a date is moved, and nothing that waits: so no wait, lock or timeout changes,
   which libfaketime does not manage for processes with many threads. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long shift_seconds(void) {
  const char *days = getenv("CLOCK_SHIFT_DAYS");
  return days ? atol(days) * 86400L : 0;
}

static long shift;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
  real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  shift = shift_seconds();
}

int clock_gettime(clockid_t clock, struct timespec *found) {
  if (!real_clock_gettime) begin();
  int answer = real_clock_gettime(clock, found);
  if (answer == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    found->tv_sec += shift;
  return answer;
}

int gettimeofday(struct timeval *found, void *zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  found->tv_sec = now.tv_sec;
  found->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *found) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return (time_t)-1;
  if (found) *found = now.tv_sec;
  return now.tv_sec;
}
