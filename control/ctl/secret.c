/* SPDX-License-Identifier: BSD-3-Clause */
#include "secret.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static bool read_line(char *line, size_t line_sz)
{
    if (!fgets(line, (int)line_sz, stdin))
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

bool bd_secret_read(char *line, size_t line_sz)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return read_line(line, line_sz);
    struct termios unseen = before;
    unseen.c_lflag &= ~(tcflag_t)ECHO;
    fputs("password: ", stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
    bool got = read_line(line, line_sz);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return got;
}

void bd_secret_blot(int cnt, char **words)
{
    bool has_one = cnt > 3 && strcmp(words[0], "subscriber") == 0 &&
                   (strcmp(words[1], "add") == 0 || strcmp(words[1], "set") == 0);
    if (has_one)
        explicit_bzero(words[3], strlen(words[3]));
}
