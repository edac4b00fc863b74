/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGKILL, not exit: nothing may run after the point, as when the machine takes the process away. Ourselves last.
 */
#include "base/failpoint.h"

#ifdef LEVADA_FAILPOINTS
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPECS_MAX 24
#define LAUNCHER_NAME "levada-launch"
#define WORKER_NAME "levada-worker"

struct spec { /* WHERE:N:VICTIM, not ended by NUL */
    const char *where, *victim;
    size_t where_size, victim_size;
    long n;
};

static size_t
read_proc(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    size_t used = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t n = 1; fd >= 0 && n > 0 && used < size - 1; used += n > 0 ? (size_t)n : 0)
        n = read(fd, text + used, size - 1 - used);
    if (fd >= 0) close(fd);
    text[used] = '\0';
    return used;
}

static bool
is_named(pid_t pid, const char *name)
{
    char comm[64];
    size_t n = read_proc(pid, "comm", comm, sizeof comm);
    return n == strlen(name) + 1 && memcmp(comm, name, n - 1) == 0;
}

/* The program we are: the engine may have executed itself under another name, and a launcher's parent may be init. */
static bool
is_levada(pid_t pid)
{
    char path[64], theirs[4096], ours[4096];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t n = readlink(path, theirs, sizeof theirs), m = readlink("/proc/self/exe", ours, sizeof ours);
    return n > 0 && n == m && memcmp(theirs, ours, (size_t)n) == 0;
}

static pid_t
parent_of(pid_t pid)
{
    char stat[1024];
    read_proc(pid, "stat", stat, sizeof stat);
    const char *end = strrchr(stat, ')');
    return end != NULL && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}

static bool
is_ours(pid_t pid)
{
    static char environment[256 * 1024];
    char want[4096];
    const char *state = getenv("LEVADA_STATE");
    if (state == NULL || snprintf(want, sizeof want, "LEVADA_STATE=%s", state) >= (int)sizeof want) return false;
    size_t size = read_proc(pid, "environ", environment, sizeof environment);
    for (size_t i = 0; i < size; i += strlen(environment + i) + 1)
        if (strcmp(environment + i, want) == 0) return true;
    return false;
}

static bool
is_victim(const struct spec *spec, const char *word)
{
    size_t size = strlen(word);
    for (const char *p = spec->victim, *end = p + spec->victim_size; p < end;) {
        const char *plus = memchr(p, '+', (size_t)(end - p));
        size_t n = plus != NULL ? (size_t)(plus - p) : (size_t)(end - p);
        if (n == size && memcmp(p, word, size) == 0) return true;
        p += n + 1;
    }
    return false;
}

static void
kill_others(const struct spec *spec)
{
    bool all = is_victim(spec, "all");
    bool engine = all || is_victim(spec, "engine"), launcher = all || is_victim(spec, "launcher");
    bool worker = all || is_victim(spec, "worker"), us = false;
    DIR *proc = engine || launcher || worker ? opendir("/proc") : NULL;
    if (proc == NULL) return;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10), parent = parent_of(pid);
        bool is_worker = pid > 0 && is_named(pid, WORKER_NAME);
        /* A worker that was forked just now still bears the launcher's name. */
        bool is_launcher = pid > 0 && is_named(pid, LAUNCHER_NAME) && !is_named(parent, LAUNCHER_NAME);
        if ((!is_worker && !is_launcher) || !is_ours(pid)) continue;
        bool hit = is_worker ? worker : launcher;
        if (engine && is_launcher && parent != getpid() && is_levada(parent)) kill(parent, SIGKILL);
        if (engine && is_launcher && parent == getpid()) us = true;
        if (hit && pid == getpid()) us = true;
        else if (hit) kill(pid, SIGKILL);
    }
    closedir(proc);
    if (us) raise(SIGKILL);
}

static void
fire(const struct spec *spec)
{
    kill_others(spec);
    if (spec->victim_size == 0 || is_victim(spec, "self")) raise(SIGKILL);
    if (is_victim(spec, "stop")) raise(SIGSTOP);
}

/* The how manieth passing is this? */
static long
count(const struct spec *spec, size_t index)
{
    static long passed[SPECS_MAX];
    char path[4096];
    const char *file = getenv("LEVADA_FAILPOINT_FILE");
    if (file == NULL) return ++passed[index];
    if (snprintf(path, sizeof path, "%s.%.*s", file, (int)spec->where_size, spec->where) >= (int)sizeof path) return 0;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return 0;
    /* After an append the offset is the end of what we wrote, whoever else appends. */
    long n = write(fd, "x", 1) == 1 ? (long)lseek(fd, 0, SEEK_CUR) : 0;
    close(fd);
    return n;
}

void
failpoint(const char *where)
{
    const char *text = getenv("LEVADA_FAILPOINT");
    int saved = errno;
    long passings[2] = {0, 0}; /* of this place, of any: counted once, however many specs name it */
    for (size_t i = 0; text != NULL && *text && i < SPECS_MAX; i++) {
        size_t size = strcspn(text, ",");
        const char *colon = memchr(text, ':', size);
        char *end = NULL;
        struct spec spec = {.where = text};
        if (colon != NULL) {
            spec.where_size = (size_t)(colon - text);
            spec.n = strtol(colon + 1, &end, 10);
            if (*end == ':') spec.victim = end + 1, spec.victim_size = (size_t)(text + size - end - 1);
        }
        bool here = spec.where_size == strlen(where) && memcmp(where, spec.where, spec.where_size) == 0;
        bool any = spec.where_size == 1 && spec.where[0] == '*';
        if (spec.n > 0 && (here || any)) {
            if (passings[any] == 0) passings[any] = count(&spec, i);
            if (passings[any] == spec.n) fire(&spec);
        }
        text += size + (text[size] == ',');
    }
    errno = saved;
}
#else
typedef int failpoint_is_not_built;
#endif
