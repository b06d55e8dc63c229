/* SPDX-License-Identifier: BSD-3-Clause */
/* The lists of system calls: what is on them is done, what is not ends the process with a word. */
#include "child.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "calls.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SKIP_SANITIZED() skip()
#else
#define SKIP_SANITIZED() ((void)0)
#endif

enum { PASSED = 7 };

struct attempt {
    const char *what;
    int (*make)(void); /* 0: done */
    enum bd_seccomp_list list;
    enum bd_seccomp_mode mode;
};

/* --- attempts --------------------------------------------------------------------------------- */

static int try_exec(void)
{
    char *const argv[] = {"true", NULL};
    return execv("/bin/true", argv);
}

static int try_fork(void)
{
    return fork() < 0;
}

static int try_ptrace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0;
}

static int try_raw_socket(void)
{
    return socket(AF_INET, SOCK_RAW, 0) < 0;
}

static int try_packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) < 0;
}

static int try_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0;
}

static int try_listen(void)
{
    return listen(0, 1) != 0;
}

static int try_read_file(void)
{
    return open("/proc/self/status", O_RDONLY | O_CLOEXEC) < 0;
}

static int try_write_file(void)
{
    return open("/dev/null", O_WRONLY | O_CLOEXEC) < 0;
}

static int try_executable_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED;
}

static int try_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
           MAP_FAILED;
}

static int try_become_root(void)
{
    return setuid(0) != 0;
}

static int try_kill(void)
{
    return kill(getppid(), 0) != 0;
}

static int try_mount(void)
{
    return syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL) != 0;
}

static int try_reading_another_process(void)
{
    return syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0) != 0;
}

static void *nothing(void *arg)
{
    return arg;
}

static int try_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0;
}

static int try_log(void)
{
    bd_log(BD_LOG_ERROR, "a line");
    return 0;
}

static int try_nap(void)
{
    return usleep(1);
}

/* --- */

static int attempt(const void *arg)
{
    const struct attempt *a = arg;
    struct bd_error error;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return 1;
    int rc =
        a->list == BD_CALLS_WORKER ? bd_seccomp_process(BD_CALLS_DATAPLANE, a->mode, &error) : 0;
    if (rc == 0)
        rc = a->list == BD_CALLS_WORKER ? bd_seccomp_thread(a->list, a->mode, &error)
                                        : bd_seccomp_process(a->list, a->mode, &error);
    if (rc != 0) {
        fprintf(stderr, "%s", error.text);
        return 1;
    }
    return a->make() == 0 ? PASSED : 2;
}

#define C BD_CALLS_CONTROL
#define D BD_CALLS_DATAPLANE
#define W BD_CALLS_WORKER
#define E BD_SECCOMP_ENFORCE

static void test_what_is_not_on_the_list_ends_the_process(void **state)
{
    static const struct attempt attempts[] = {
        {"exec", try_exec, C, E},
        {"exec", try_exec, D, E},
        {"exec", try_exec, W, E},
        {"fork", try_fork, C, E},
        {"fork", try_fork, D, E},
        {"ptrace", try_ptrace, C, E},
        {"ptrace", try_ptrace, D, E},
        {"a raw socket", try_raw_socket, C, E},
        {"a raw socket", try_raw_socket, D, E},
        {"a packet socket", try_packet_socket, D, E},
        {"listen", try_listen, C, E},
        {"listen", try_listen, D, E},
        {"executable memory", try_executable_memory, C, E},
        {"executable memory", try_executable_memory, D, E},
        {"root", try_become_root, C, E},
        {"root", try_become_root, D, E},
        {"a signal", try_kill, C, E},
        {"a signal", try_kill, D, E},
        {"mount", try_mount, C, E},
        {"mount", try_mount, D, E},
        {"another's memory", try_reading_another_process, C, E},
        {"another's memory", try_reading_another_process, D, E},
        {"a file to write", try_write_file, D, E},
        {"a thread", try_thread, D, E},
        {"a file to read", try_read_file, W, E},
        {"memory", try_memory, W, E},
        {"a socket", try_unix_socket, W, E},
    };
    SKIP_SANITIZED();
    for (unsigned i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        struct outcome outcome = in_child(attempt, &attempts[i]);
        bool told = WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == BD_SECCOMP_STATUS &&
                    strstr(outcome.text, "is not on the list of ");
        /* The C library makes threads with all signals blocked: then there is no handler. */
        bool killed = WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGSYS &&
                      attempts[i].make == try_thread;
        if (!told && !killed)
            fail_msg("list %u, %s: ended with %#x: %s", attempts[i].list, attempts[i].what,
                     (unsigned)outcome.status, outcome.text);
    }
}

static void test_what_is_on_the_list_is_done(void **state)
{
    static const struct attempt attempts[] = {
        {"a thread", try_thread, C, E},
        {"a file to write", try_write_file, C, E},
        {"a socket", try_unix_socket, C, E},
        {"memory", try_memory, C, E},
        {"log", try_log, C, E},
        {"a file to read", try_read_file, D, E},
        {"a socket", try_unix_socket, D, E},
        {"memory", try_memory, D, E},
        {"log", try_log, D, E},
        {"nap", try_nap, W, E},
        {"log", try_log, W, E},
    };
    SKIP_SANITIZED();
    for (unsigned i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        struct outcome outcome = in_child(attempt, &attempts[i]);
        if (!WIFEXITED(outcome.status) || WEXITSTATUS(outcome.status) != PASSED)
            fail_msg("list %u, %s: ended with %#x: %s", attempts[i].list, attempts[i].what,
                     (unsigned)outcome.status, outcome.text);
    }
}

static void test_log_lets_it_pass_and_off_has_no_list(void **state)
{
    static const struct attempt attempts[] = {{"exec", try_exec, C, BD_SECCOMP_LOG},
                                              {"exec", try_exec, C, BD_SECCOMP_OFF}};
    SKIP_SANITIZED();
    for (unsigned i = 0; i < 2; i++) {
        struct outcome outcome = in_child(attempt, &attempts[i]);
        assert_exit(&outcome, 0); /* that of true(1) */
    }
}

/* --- threads ---------------------------------------------------------------------------------- */

static void *try_in_thread(void *arg)
{
    pthread_barrier_t *barrier = arg;
    pthread_barrier_wait(barrier);
    try_listen();
    return NULL;
}

static int thread_from_before(const void *arg)
{
    pthread_barrier_t barrier;
    pthread_t thread;
    struct bd_error error;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, try_in_thread, &barrier);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (bd_seccomp_process(BD_CALLS_CONTROL, BD_SECCOMP_ENFORCE, &error) < 0)
        return 1;
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return 2;
}

static void test_threads_that_were_there_are_bound_too(void **state)
{
    SKIP_SANITIZED();
    struct outcome outcome = in_child(thread_from_before, NULL);
    assert_exit(&outcome, BD_SECCOMP_STATUS);
}

/* Each call has a reason, and those of workers are a part of the process's, or they could not be
 * made. */
static void test_lists_have_reasons_and_workers_have_less(void **state)
{
    for (unsigned list = 0; list < 3; list++) {
        char *text = NULL;
        size_t text_sz;
        FILE *out = open_memstream(&text, &text_sz);
        bd_seccomp_print((enum bd_seccomp_list)list, out);
        fclose(out);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
            const char *space = strchr(line, ' ');
            assert_non_null(space);
            assert_true(strlen(space) > 5);
        }
        free(text);
    }
    char *process = NULL, *worker = NULL;
    size_t sz;
    FILE *out = open_memstream(&process, &sz);
    fputc('\n', out);
    bd_seccomp_print(BD_CALLS_DATAPLANE, out);
    fclose(out);
    out = open_memstream(&worker, &sz);
    bd_seccomp_print(BD_CALLS_WORKER, out);
    fclose(out);
    for (char *line = strtok(worker, "\n"); line; line = strtok(NULL, "\n")) {
        char name[40];
        snprintf(name, sizeof(name), "\n%.*s ", (int)strcspn(line, " "), line);
        if (!strstr(process, name))
            fail_msg("%s is on the list of workers, not on that of the process", name + 1);
    }
    free(process);
    free(worker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_on_the_list_ends_the_process),
        cmocka_unit_test(test_what_is_on_the_list_is_done),
        cmocka_unit_test(test_log_lets_it_pass_and_off_has_no_list),
        cmocka_unit_test(test_threads_that_were_there_are_bound_too),
        cmocka_unit_test(test_lists_have_reasons_and_workers_have_less),
    };
    bd_log_init("test", BD_LOG_ERROR);
    return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
