/* clockshift: a wall clock for tests. Preloaded (LD_PRELOAD) into a process it adds as many seconds to its wall clock as the file that
   CLOCKSHIFT names begins with: a 64-bit number in the machine's order, which may change at any time. Monotonic clocks stay as they are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;
static int (*next_cond_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("CLOCKSHIFT");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
    next_cond_timedwait = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    if (map == MAP_FAILED || !next_cond_timedwait) {
        fprintf(stderr, "clockshift: CLOCKSHIFT does not name a file of eight bytes\n");
        abort();
    }
    close(file);
    shift = map;
}

static int64_t shift_of(clockid_t clock)
{
    return shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI) ? *shift : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0) now->tv_sec += shift_of(clock);
    return result;
}

int gettimeofday(struct timeval *now, void *zone)
{
    int result = (int)syscall(SYS_gettimeofday, now, zone);
    if (result == 0) now->tv_sec += shift_of(CLOCK_REALTIME);
    return result;
}

time_t time(time_t *now)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (now) *now = t.tv_sec;
    return t.tv_sec;
}

/* The kernel's wall clock is not shifted. Which clock a condition waits by is not to be seen; but no monotonic one, which begins when
   the machine does, is past the year 2001. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until)
{
    struct timespec t = *until;
    if (t.tv_sec > 1000000000) t.tv_sec -= shift_of(CLOCK_REALTIME);
    return next_cond_timedwait(condition, mutex, &t);
}
