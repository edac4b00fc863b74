/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder is made at the first run and removed by shell_end().
 */
#include "shell_help.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1 << 20 };

const char *const shell_programs[] = {"/bin/sh", "/bin/dash", "/bin/bash", NULL};

static char folder[] = "/tmp/levada-shell-XXXXXX";
static bool made;
static char output[OUTPUT_MAX];

bool
shell_exists(const char *program)
{
    return access(program, X_OK) == 0;
}

static bool
empty_folder(void)
{
    bool found = false;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        found = true;
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL) closedir(dir);
    return found;
}

static void
child(const char *program, const char *script, const char *value, int out)
{
    char *argv[] = {(char[]){"shell"}, (char[]){"-c"}, strdup(script), NULL};
    int null = open("/dev/null", O_RDWR);
    if (chdir(folder) != 0 || null < 0) _exit(126);
    dup2(null, 0);
    dup2(out, 1);
    dup2(null, 2);
    alarm(10);
    setenv("LEVADA_1", value, 1);
    execv(program, argv);
    _exit(127);
}

struct shell_result
shell_run(const char *program, const char *script, const char *value)
{
    struct shell_result ret = {.output = output, .exit = -1};
    int pipes[2];
    if (!made && mkdtemp(folder) == NULL) abort();
    made = true;
    if (pipe(pipes) != 0) abort();
    pid_t pid = fork();
    if (pid == 0) child(program, script, value, pipes[1]);
    close(pipes[1]);
    for (ssize_t n; ret.size < OUTPUT_MAX - 1 &&
                    (n = read(pipes[0], output + ret.size, OUTPUT_MAX - 1 - ret.size)) > 0;)
        ret.size += (size_t)n;
    output[ret.size] = '\0';
    close(pipes[0]);
    int status = 0;
    if (waitpid(pid, &status, 0) == pid && WIFEXITED(status)) ret.exit = WEXITSTATUS(status);
    ret.touched = empty_folder();
    return ret;
}

void
shell_end(void)
{
    if (made) (void)rmdir(folder);
}
