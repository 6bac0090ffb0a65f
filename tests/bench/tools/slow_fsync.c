// Loaded with LD_PRELOAD: each fsync and fdatasync of the program takes SLOW_FSYNC_US microseconds longer, as on a disk
// that really flushes. Used by slow_disk.ts.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_as_told(void) {
  static long us = -1;
  if (us < 0) {
    const char *text = getenv("SLOW_FSYNC_US");
    us = text == NULL ? 0 : atol(text);
  }
  struct timespec span = {us / 1000000, us % 1000000 * 1000};
  if (us > 0) nanosleep(&span, NULL);
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_as_told();
  return real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_as_told();
  return real(fd);
}
