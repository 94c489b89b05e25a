/* A disk that fails as it is told to, for the program that this is loaded into by LD_PRELOAD (see disk.rs).
 *
 * Owns: what is written, cut, renamed, deleted and synced below the folder DISK_FOLDER. All else passes untouched.
 *
 * DISK_JOURNAL  a file that gets every change in order, from which the harness rebuilds what a power cut leaves
 * DISK_FAULT    KIND:NAME:N, with KIND one of
 *                 write-once, write-on   the N-th write fails with EIO, alone or with all that follow
 *                 sync-once, sync-on     the N-th sync fails with EIO, alone or with all that follow
 *                 full                   from the N-th write on there is no space
 *                 short                  every N-th write writes half of what it was given
 *               and NAME how the names of the files end that it is about; empty for all of them
 * DISK_ARMED    the fault is there, and its operations are counted, while this file exists
 * DISK_MET      gets a byte for every operation that failed
 *
 * One lock keeps operations and journal in one order. A change is in the journal after it was made: whoever is killed in
 * between has told nobody of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *names[FILES];
static char folder[PATH_MAX];
static size_t folder_length;
static int journal = -1, met = -1;
static const char *armed, *kind = "", *suffix = "";
static long nth, counted;

static int is_kind(const char *it) { return strcmp(kind, it) == 0; }

static int opened_by_us(const char *variable) {
    const char *path = getenv(variable);
    if (!path) return -1;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    /* Out of the way of whoever counts on low numbers. */
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 900);
    if (high >= 0) syscall(SYS_close, fd);
    return high >= 0 ? high : fd;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("DISK_FOLDER");
    if (!path || !realpath(path, folder)) return;
    folder_length = strlen(folder);
    journal = opened_by_us("DISK_JOURNAL");
    met = opened_by_us("DISK_MET");
    armed = getenv("DISK_ARMED");
    const char *fault = getenv("DISK_FAULT");
    if (!fault) return;
    char *copy = strdup(fault), *first = strchr(copy, ':'), *second = strrchr(copy, ':');
    if (!first || first == second) abort();
    *first = *second = 0;
    kind = copy;
    suffix = first + 1;
    nth = atol(second + 1);
}

/* The name of a path below the folder, without it; NULL if it is no file of ours. */
static const char *below(int at, const char *path, char *room) {
    if (!folder_length || !path) return NULL;
    if (path[0] == '/') {
        snprintf(room, PATH_MAX, "%s", path);
    } else {
        char here[PATH_MAX / 2];
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t length = at == AT_FDCWD ? (getcwd(here, sizeof here) ? (ssize_t)strlen(here) : -1)
                                        : readlink(link, here, sizeof here - 1);
        if (length < 0) return NULL;
        here[length] = 0;
        snprintf(room, PATH_MAX, "%s/%s", here, path);
    }
    if (strncmp(room, folder, folder_length) || room[folder_length] != '/') return NULL;
    return room + folder_length + 1;
}

static void all(int fd, const void *bytes, size_t length) {
    while (length) {
        ssize_t written = syscall(SYS_write, fd, bytes, length);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) abort();
        bytes = (const char *)bytes + written;
        length -= (size_t)written;
    }
}

/* One entry: what, the name, where, how much, and the bytes. Shared memory is no part of what a disk keeps. */
static void note(char what, const char *name, uint64_t at, const void *bytes, uint64_t length) {
    size_t named = strlen(name);
    if (journal < 0 || (named > 4 && !strcmp(name + named - 4, "-shm"))) return;
    int before = errno;
    size_t head = 1 + 2 + named + 8 + 8, whole = head + (bytes ? length : 0);
    char *entry = malloc(whole), *to = entry;
    uint16_t short_named = (uint16_t)named;
    *to++ = what;
    memcpy(to, &short_named, 2), to += 2;
    memcpy(to, name, named), to += named;
    memcpy(to, &at, 8), to += 8;
    memcpy(to, &length, 8), to += 8;
    if (bytes) memcpy(to, bytes, length);
    all(journal, entry, whole);
    free(entry);
    errno = before;
}

enum { GOES_ON, FAILS, HALF };

/* Whether this operation fails, and with what. */
static int fate(const char *name, int syncs) {
    if (!*kind || !armed || syscall(SYS_faccessat, AT_FDCWD, armed, F_OK)) return GOES_ON;
    size_t named = strlen(name), ends = strlen(suffix);
    if (named < ends || strcmp(name + named - ends, suffix)) return GOES_ON;
    if (syncs != (is_kind("sync-once") || is_kind("sync-on"))) return GOES_ON;
    counted++;
    if (is_kind("short")) return counted % nth == 0 ? HALF : GOES_ON;
    int once = is_kind("write-once") || is_kind("sync-once");
    if (once ? counted != nth : counted < nth) return GOES_ON;
    if (met >= 0) all(met, "x", 1);
    errno = is_kind("full") ? ENOSPC : EIO;
    return FAILS;
}

static const char *name_of(int fd) { return fd >= 0 && fd < FILES ? names[fd] : NULL; }

static int known(int fd, const char *name, int flags) {
    if (fd < 0 || fd >= FILES) return fd;
    free(names[fd]);
    names[fd] = name ? strdup(name) : NULL;
    if (name && (flags & O_TRUNC)) note('T', name, 0, NULL, 0);
    return fd;
}

static int opens(int at, const char *path, int flags, mode_t mode) {
    char room[PATH_MAX];
    const char *name = below(at, path, room);
    pthread_mutex_lock(&lock);
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    known(fd, fd >= 0 && (flags & O_ACCMODE) != O_RDONLY ? name : NULL, flags);
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE(flags)                                    \
    mode_t mode = 0;                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {             \
        va_list more;                                  \
        va_start(more, flags);                         \
        mode = (mode_t)va_arg(more, int);              \
        va_end(more);                                  \
    }

int open(const char *path, int flags, ...) { MODE(flags) return opens(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opens(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return opens(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return opens(at, path, flags, mode); }

int close(int fd) {
    pthread_mutex_lock(&lock);
    known(fd, NULL, 0);
    int done = (int)syscall(SYS_close, fd);
    pthread_mutex_unlock(&lock);
    return done;
}

/* `at` below 0: where the file stands. */
static ssize_t writes(int fd, const void *bytes, size_t length, off64_t at) {
    const char *name = name_of(fd);
    if (!name) return at < 0 ? syscall(SYS_write, fd, bytes, length) : syscall(SYS_pwrite64, fd, bytes, length, at);
    pthread_mutex_lock(&lock);
    int becomes = fate(name, 0);
    ssize_t written = -1;
    if (becomes != FAILS) {
        if (becomes == HALF && length > 1) length /= 2;
        off64_t there = at < 0 ? lseek64(fd, 0, SEEK_CUR) : at;
        written = at < 0 ? syscall(SYS_write, fd, bytes, length) : syscall(SYS_pwrite64, fd, bytes, length, at);
        if (written > 0) note('W', name, (uint64_t)there, bytes, (uint64_t)written);
    }
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t write(int fd, const void *bytes, size_t length) { return writes(fd, bytes, length, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return writes(fd, bytes, length, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return writes(fd, bytes, length, at); }

static int cuts(int fd, off64_t to) {
    const char *name = name_of(fd);
    if (!name) return (int)syscall(SYS_ftruncate, fd, to);
    pthread_mutex_lock(&lock);
    int done = -1;
    if (fate(name, 0) != FAILS) {
        done = (int)syscall(SYS_ftruncate, fd, to);
        if (!done) note('T', name, (uint64_t)to, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t to) { return cuts(fd, to); }
int ftruncate64(int fd, off64_t to) { return cuts(fd, to); }

/* What was to be synced by a sync that failed is forgotten by the system: no later one brings it to the disk. */
static int syncs(int fd, long number) {
    const char *name = name_of(fd);
    if (!name) return (int)syscall(number, fd);
    pthread_mutex_lock(&lock);
    /* Long enough for a death in the middle of it. */
    if (journal >= 0) usleep(2000);
    int fails = fate(name, 1) == FAILS;
    int done = fails ? -1 : journal >= 0 ? 0 : (int)syscall(number, fd);
    if (fails || !done) note(fails ? 'F' : 'S', name, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) { return syncs(fd, SYS_fsync); }
int fdatasync(int fd) { return syncs(fd, SYS_fdatasync); }

static int removes(int at, const char *path, int flags) {
    char room[PATH_MAX];
    const char *name = below(at, path, room);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_unlinkat, at, path, flags);
    if (name && !done) note('U', name, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int unlink(const char *path) { return removes(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return removes(at, path, flags); }

int rename(const char *from, const char *to) {
    char room[PATH_MAX], other[PATH_MAX];
    const char *name = below(AT_FDCWD, from, room), *becomes = below(AT_FDCWD, to, other);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    if (name && becomes && !done) note('R', name, 0, becomes, strlen(becomes));
    pthread_mutex_unlock(&lock);
    return done;
}
