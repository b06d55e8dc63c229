/* SPDX-License-Identifier: BSD-3-Clause */
/* Watches the workers of a real bindery-dataplane from within: preloaded (LD_PRELOAD), it stands
 * before the C library and DPDK and counts what a worker must never do while it serves: allocate,
 * free, map memory, take a lock that may sleep.
 *
 * A worker serves from the first turn of its loop until the process ends. A turn reads the clock;
 * so a thread that DPDK named as a worker counts from its first clock_gettime() on, whatever it
 * did before.
 *
 *   WORKER_WATCH=FILE          made by this library: one line a counter, "NAME NUMBER", kept up to
 *                              date while the process runs; `turns` says that there is something
 *                              to watch
 *   WORKER_WATCH_MISDEEDS=yes  every worker does one of each once a turn, and a system call: the
 *                              proof that they are seen
 *
 * The first offences are told on stderr with the way that led to them. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <rte_malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What is counted; all but turns are offences. */
#define COUNTERS(X)                                                                                \
    X(turns)                                                                                       \
    X(malloc)                                                                                      \
    X(calloc)                                                                                      \
    X(realloc)                                                                                     \
    X(free)                                                                                        \
    X(aligned)                                                                                     \
    X(rte_malloc)                                                                                  \
    X(rte_free)                                                                                    \
    X(mmap)                                                                                        \
    X(munmap)                                                                                      \
    X(lock)

enum counter {
#define X(name) WATCH_##name,
    COUNTERS(X)
#undef X
        COUNTER_CNT
};

static const char *const counter_name[] = {
#define X(name) #name,
    COUNTERS(X)
#undef X
};

enum { NAME_WIDTH = 12, NUMBER_WIDTH = 20, LINE_SZ = NAME_WIDTH + NUMBER_WIDTH + 1 };
enum { TOLD_MAX = 5, FRAMES_MAX = 16 };

static char *page; /* the file */
static atomic_ullong count[COUNTER_CNT];
static bool misdeeds;
/* Initial-exec, as a preloaded library is there from the start: no call to find them. */
static __thread bool serving __attribute__((tls_model("initial-exec")));
static __thread bool telling __attribute__((tls_model("initial-exec")));

/* --- the counters --------------------------------------------------------------------------- */

static void show(enum counter which, unsigned long long n)
{
    char *digit = page + which * LINE_SZ + LINE_SZ - 1;
    do
        *--digit = (char)('0' + n % 10);
    while (n /= 10);
}

static void add(enum counter which)
{
    unsigned long long n = atomic_fetch_add_explicit(&count[which], 1, memory_order_relaxed) + 1;
    if (page)
        show(which, n);
}

static void tell(enum counter which)
{
    static atomic_uint told;
    if (atomic_fetch_add(&told, 1) >= TOLD_MAX)
        return;
    void *frame[FRAMES_MAX];
    telling = true; /* what follows is ours */
    dprintf(STDERR_FILENO, "worker_watch: %s on a worker that serves:\n", counter_name[which]);
    backtrace_symbols_fd(frame, backtrace(frame, FRAMES_MAX), STDERR_FILENO);
    telling = false;
}

static void offence(enum counter which)
{
    if (!serving || telling)
        return;
    add(which);
    tell(which);
}

static char *make_file(const char *name)
{
    size_t sz = (size_t)COUNTER_CNT * LINE_SZ;
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)sz) != 0)
        return NULL;
    char *to = (char *)syscall(SYS_mmap, NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (to == MAP_FAILED)
        return NULL;
    memset(to, ' ', sz);
    for (unsigned i = 0; i < COUNTER_CNT; i++) {
        memcpy(to + i * LINE_SZ, counter_name[i], strlen(counter_name[i]));
        to[i * LINE_SZ + LINE_SZ - 2] = '0';
        to[i * LINE_SZ + LINE_SZ - 1] = '\n';
    }
    return to;
}

__attribute__((constructor)) static void begin(void)
{
    void *frame[1];
    backtrace(frame, 1); /* its first call loads a library */
    const char *name = getenv("WORKER_WATCH");
    misdeeds = getenv("WORKER_WATCH_MISDEEDS") != NULL;
    page = name ? make_file(name) : NULL;
    if (!page) {
        fprintf(stderr, "worker_watch: WORKER_WATCH names no file that can be written\n");
        _exit(1);
    }
}

/* --- what stands before the C library ------------------------------------------------------- */

void *__libc_malloc(size_t sz);
void *__libc_calloc(size_t n, size_t sz);
void *__libc_realloc(void *p, size_t sz);
void *__libc_memalign(size_t align, size_t sz);
void __libc_free(void *p);

void *malloc(size_t sz)
{
    offence(WATCH_malloc);
    return __libc_malloc(sz);
}

void *calloc(size_t n, size_t sz)
{
    offence(WATCH_calloc);
    return __libc_calloc(n, sz);
}

void *realloc(void *p, size_t sz)
{
    offence(WATCH_realloc);
    return __libc_realloc(p, sz);
}

void free(void *p)
{
    offence(WATCH_free);
    __libc_free(p);
}

void *aligned_alloc(size_t align, size_t sz)
{
    offence(WATCH_aligned);
    return __libc_memalign(align, sz);
}

void *memalign(size_t align, size_t sz)
{
    return aligned_alloc(align, sz);
}

int posix_memalign(void **out, size_t align, size_t sz)
{
    void *p = aligned_alloc(align, sz);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

void *mmap(void *at, size_t sz, int prot, int flags, int fd, off_t from)
{
    offence(WATCH_mmap);
    return (void *)syscall(SYS_mmap, at, sz, prot, flags, fd, from);
}

int munmap(void *at, size_t sz)
{
    offence(WATCH_munmap);
    return (int)syscall(SYS_munmap, at, sz);
}

/* The one that would have been called without us. */
#define NEXT(function)                                                                             \
    ({                                                                                             \
        static _Atomic(__typeof__(&(function))) next;                                              \
        __typeof__(&(function)) f = atomic_load_explicit(&next, memory_order_relaxed);             \
        if (!f) {                                                                                  \
            f = (__typeof__(f))dlsym(RTLD_NEXT, #function);                                        \
            atomic_store_explicit(&next, f, memory_order_relaxed);                                 \
        }                                                                                          \
        f;                                                                                         \
    })

int pthread_mutex_lock(pthread_mutex_t *lock)
{
    offence(WATCH_lock);
    return NEXT(pthread_mutex_lock)(lock);
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    offence(WATCH_lock);
    return NEXT(pthread_rwlock_rdlock)(lock);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    offence(WATCH_lock);
    return NEXT(pthread_rwlock_wrlock)(lock);
}

/* --- what stands before DPDK ---------------------------------------------------------------- */

void *rte_malloc_socket(const char *type, size_t sz, unsigned align, int socket)
{
    offence(WATCH_rte_malloc);
    return NEXT(rte_malloc_socket)(type, sz, align, socket);
}

void *rte_zmalloc_socket(const char *type, size_t sz, unsigned align, int socket)
{
    offence(WATCH_rte_malloc);
    return NEXT(rte_zmalloc_socket)(type, sz, align, socket);
}

void *rte_malloc(const char *type, size_t sz, unsigned align)
{
    offence(WATCH_rte_malloc);
    return NEXT(rte_malloc)(type, sz, align);
}

void *rte_zmalloc(const char *type, size_t sz, unsigned align)
{
    offence(WATCH_rte_malloc);
    return NEXT(rte_zmalloc)(type, sz, align);
}

void rte_free(void *p)
{
    offence(WATCH_rte_free);
    NEXT(rte_free)(p);
}

/* --- the turn of a worker ------------------------------------------------------------------- */

static bool is_worker(void)
{
    char name[16];
    return pthread_getname_np(pthread_self(), name, sizeof(name)) == 0 &&
           strncmp(name, "rte-worker", strlen("rte-worker")) == 0;
}

/* One of each offence, and a system call. Volatile, so that none is optimised away. */
static void misbehave(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    void *volatile p = malloc(1);
    p = realloc(p, 2);
    free(p);
    p = calloc(1, 1);
    free(p);
    p = aligned_alloc(64, 64);
    free(p);
    rte_free(rte_malloc(NULL, 1, 0));
    munmap(mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1);
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    getpid();
}

/* A worker reads the time since boot once a turn. */
int clock_gettime(clockid_t id, struct timespec *time)
{
    if (id == CLOCK_BOOTTIME && (serving || is_worker())) {
        serving = true;
        add(WATCH_turns);
        if (misdeeds)
            misbehave();
    }
    return NEXT(clock_gettime)(id, time);
}
