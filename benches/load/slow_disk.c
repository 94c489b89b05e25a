/* Loaded before the C library, it makes each sync of a file take SLOWER_BY_US microseconds longer, asleep: what a networked
   or a plain disk does. The sync itself still happens. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int then_wait(int result) {
    const char *by = getenv("SLOWER_BY_US");
    if (by) usleep((useconds_t)atol(by));
    return result;
}

int fsync(int file) {
    return then_wait(((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file));
}

int fdatasync(int file) {
    return then_wait(((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file));
}
