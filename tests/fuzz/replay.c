/* SPDX-License-Identifier: BSD-3-Clause */
/* Gives a target the files of its corpus, once each, in a process of its own: one that dies is
 * started again behind the file that it died of.
 *
 *   fuzz_TARGET FOLDER|FILE...    the last line is "N passed, M failed" */
#include "fuzz.h"

#include <err.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES_MAX = 20000, DEPTH = 8 };
static char *file[FILES_MAX];
static unsigned files;

static int remember(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
    if (type != FTW_F)
        return 0;
    if (files == FILES_MAX)
        errx(2, "more than %d files", FILES_MAX);
    file[files++] = strdup(path);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The bytes stand at the end of their memory, so that a sanitizer sees the first one behind. */
static void give(const char *path)
{
    struct stat sb;
    FILE *in = fopen(path, "rbe");
    if (!in || fstat(fileno(in), &sb) != 0)
        err(2, "%s", path);
    size_t size = (size_t)sb.st_size;
    uint8_t *data = malloc(size + (size == 0));
    if (!data || fread(data, 1, size, in) != size)
        err(2, "%s", path);
    fclose(in);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

/* Gives the files from *at on; *at is always the one that is being given. */
static void give_all(volatile unsigned *at, int argc, char **argv)
{
    LLVMFuzzerInitialize(&argc, &argv);
    for (; *at < files; ++*at)
        give(file[*at]);
    exit(0);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (nftw(argv[i], remember, DEPTH, FTW_PHYS) != 0)
            err(2, "%s", argv[i]);
    }
    qsort(file, files, sizeof(file[0]), by_name);
    volatile unsigned *at =
        mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        err(2, "mmap");
    unsigned failed = 0;
    while (*at < files || files == 0) {
        int status;
        pid_t child = fork();
        if (child == 0)
            give_all(at, argc, argv);
        if (child < 0 || waitpid(child, &status, 0) != child)
            err(2, "no child");
        if (status == 0)
            break;
        /* At the end: leaks, which have no file. */
        printf("FAIL  %s: %s\n", argv[0], *at < files ? file[*at] : "at the end");
        failed++;
        if (++*at > files)
            break;
    }
    unsigned passed = files > failed ? files - failed : 0;
    printf("%u passed, %u failed\n", passed, failed);
    return failed || !passed;
}
