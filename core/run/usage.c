/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Processes come and go while we look; what is missed now is found the next time.
 */
#include "run/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"

#define TREE_MAX 65536u /* processes of one step: more are not looked at, and the limits are long passed */

struct tree {
    pid_t *pids; /* breadth first */
    size_t count, capacity;
};

static ssize_t
read_text(const char *path, char *text, size_t size)
{
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;
    text[n > 0 ? n : 0] = '\0';
    return n;
}

bool
usage_line_read(const char *text, struct usage_line *ret)
{
    /* "PID (NAME) S ...": the name may hold anything, brackets too. */
    const char *p = strrchr(text, ')');
    if (p == NULL || p[1] != ' ' || p[2] == '\0') return false;
    long long field[25] = {0};
    *ret = (struct usage_line){.state = p[2]};
    p += 3;
    for (int i = 4; i <= 24; i++) {
        char *end;
        field[i] = strtoll(p, &end, 10);
        if (end == p) return false;
        p = end;
    }
    for (int i = 14; i <= 17; i++) ret->cpu_ticks += field[i];
    ret->threads = field[20];
    ret->pages = field[24];
    return true;
}

static void
add_pid(struct tree *tree, pid_t pid)
{
    if (tree->count >= TREE_MAX) return;
    if (tree->count == tree->capacity) {
        tree->capacity = tree->capacity ? tree->capacity * 2 : 64;
        tree->pids = memory_resize(tree->pids, tree->capacity * sizeof *tree->pids);
    }
    tree->pids[tree->count++] = pid;
}

static void
add_children_of(struct tree *tree, pid_t pid, const char *thread)
{
    char path[64], text[4096 + 1];
    if (snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)pid, thread) >= (int)sizeof path) return;
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC);
    size_t kept = 0;
    for (ssize_t n; fd >= 0 && (n = read(fd, text + kept, sizeof text - 1 - kept)) > 0;) {
        text[kept + (size_t)n] = '\0';
        char *p = text;
        for (char *space; (space = strchr(p, ' ')) != NULL; p = space + 1) add_pid(tree, (pid_t)strtol(p, NULL, 10));
        kept = strlen(p); /* half a number */
        memmove(text, p, kept);
    }
}

static void
add_children(struct tree *tree, pid_t pid, int64_t threads)
{
    char path[32], name[16];
    snprintf(name, sizeof name, "%d", (int)pid);
    if (threads <= 1) {
        add_children_of(tree, pid, name);
        return;
    }
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks != NULL && (entry = readdir(tasks)) != NULL;)
        if (entry->d_name[0] != '.') add_children_of(tree, pid, entry->d_name);
    if (tasks != NULL) closedir(tasks);
}

static bool
read_line(pid_t pid, struct usage_line *ret)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    return read_text(path, text, sizeof text) > 0 && usage_line_read(text, ret);
}

/* Its part of what it shares with others; -1: we may not look. */
static int64_t
proportional(pid_t pid)
{
    char path[40], text[2048];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    if (read_text(path, text, sizeof text) <= 0) return -1;
    const char *line = strstr(text, "\nPss:");
    return line != NULL ? strtoll(line + 5, NULL, 10) * 1024 : -1;
}

void
usage_measure(bool self, int64_t exact_from, struct usage *ret)
{
    struct tree tree = {0};
    const int64_t page = sysconf(_SC_PAGESIZE), ticks = sysconf(_SC_CLK_TCK);
    int64_t exact = 0;
    *ret = (struct usage){0};
    add_pid(&tree, getpid());
    for (size_t i = 0; i < tree.count; i++) {
        struct usage_line line;
        if (!read_line(tree.pids[i], &line)) continue;
        add_children(&tree, tree.pids[i], line.threads);
        if (i == 0 && !self) continue;
        ret->cpu_ms += line.cpu_ticks * 1000 / ticks;
        if (line.state == 'Z') continue; /* it has ended, and holds nothing any more */
        ret->processes++;
        ret->memory += line.pages * page;
    }
    for (size_t i = self ? 0 : 1; ret->memory > exact_from && i < tree.count; i++) {
        struct usage_line line;
        int64_t bytes = proportional(tree.pids[i]);
        if (bytes < 0 && read_line(tree.pids[i], &line)) bytes = line.pages * page;
        exact += bytes > 0 ? bytes : 0;
    }
    if (ret->memory > exact_from) ret->memory = exact;
    memory_free(tree.pids);
}

int
usage_signal(int signal)
{
    struct tree tree = {0};
    int count = 0;
    add_pid(&tree, getpid());
    for (size_t i = 0; i < tree.count; i++) {
        struct usage_line line;
        if (!read_line(tree.pids[i], &line)) continue;
        add_children(&tree, tree.pids[i], line.threads);
        if (i > 0 && line.state != 'Z' && kill(tree.pids[i], signal) == 0) count++;
    }
    memory_free(tree.pids);
    return count;
}
