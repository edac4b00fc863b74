/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Controllers that are not there make no error: what the kernel does not hold is watched.
 */
#include "run/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/str.h"

#define TASKS_PER_PROCESS 16 /* pids.max counts threads; it is there for what starts faster than anybody can watch */
#define TASKS_SLACK 64

static bool
write_file(const char *folder, const char *name, const char *text)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return false;
    int fd FD_SCOPED = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool
write_number(const char *folder, const char *name, int64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, number);
    return write_file(folder, name, text);
}

static bool
read_file(const char *folder, const char *name, char *text, size_t size)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return false;
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* "NAME NUMBER" in a line of its own; -1: not there. */
static int64_t
member(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, size) == 0 && line[size] == ' ') return strtoll(line + size, NULL, 10);
    }
    return -1;
}

/* ---- which ---- */

const char *
cgroup_own(struct arena *arena, const char *cgroups, const char *mounts)
{
    const char *own = str_starts(cgroups, "0::") ? cgroups : strstr(cgroups, "\n0::");
    if (own == NULL) return NULL;
    own += *own == '\n';
    own = arena_strndup(arena, own + 3, strcspn(own + 3, "\n"));
    for (const char *line = mounts; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        char root[1024], point[1024];
        line += *line == '\n';
        const char *type = strstr(line, " - cgroup2 "), *end = strchr(line, '\n');
        if (type == NULL || (end != NULL && type > end)) continue;
        if (sscanf(line, "%*s %*s %*s %1023s %1023s", root, point) != 2) continue;
        size_t size = str_eq(root, "/") ? 0 : strlen(root);
        if (strncmp(own, root, size) != 0 || (own[size] != '/' && own[size] != '\0')) continue;
        return arena_printf(arena, "%s%s", point, str_eq(own + size, "/") ? "" : own + size);
    }
    return NULL;
}

static bool
is_delegated(const char *path)
{
    char mark[8];
    return (getxattr(path, "user.delegate", mark, sizeof mark) == 1 ||
            getxattr(path, "trusted.delegate", mark, sizeof mark) == 1) &&
           mark[0] == '1';
}

const char *
cgroup_base(struct arena *arena)
{
    static char cgroups[4096], mounts[65536];
    const char *named = getenv("LEVADA_CGROUP");
    if (named != NULL) return named[0] == '/' ? named : NULL;
    if (!read_file("/proc/self", "cgroup", cgroups, sizeof cgroups) ||
        !read_file("/proc/self", "mountinfo", mounts, sizeof mounts))
        return NULL;
    const char *own = cgroup_own(arena, cgroups, mounts);
    const char *slash = own != NULL ? strrchr(own, '/') : NULL;
    if (slash == NULL || slash == own) return NULL;
    const char *above = arena_strndup(arena, own, (size_t)(slash - own));
    return is_delegated(above) ? above : NULL;
}

/* ---- one of its own ---- */

int
cgroup_make(struct arena *arena, const char *base, const char *name, const struct limits *limits,
            struct cgroup *ret, struct err *err)
{
    const char *path = arena_printf(arena, "%s/%s", base, name);
    /* Each by itself: one that is not there would take the other with it. */
    if (limits->memory > 0) (void)write_file(base, "cgroup.subtree_control", "+memory");
    if (limits->processes > 0) (void)write_file(base, "cgroup.subtree_control", "+pids");
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return err_errno(err, EXIT_FAILED, "cannot make the control group \"%s\"", path);
    struct cgroup group = {.path = path,
                           .procs = open(arena_printf(arena, "%s/cgroup.procs", path), O_WRONLY | O_CLOEXEC)};
    if (group.procs < 0) {
        err_errno(err, EXIT_FAILED, "cannot use the control group \"%s\"", path);
        (void)rmdir(path);
        return EXIT_FAILED;
    }
    if (limits->memory > 0) {
        group.memory = write_number(path, "memory.max", limits->memory);
        (void)write_file(path, "memory.swap.max", "0");
        (void)write_file(path, "memory.oom.group", "1");
    }
    if (limits->processes > 0)
        (void)write_number(path, "pids.max", limits->processes * TASKS_PER_PROCESS + TASKS_SLACK);
    *ret = group;
    return 0;
}

int64_t
cgroup_cpu_ms(const struct cgroup *group)
{
    char text[4096];
    if (group->path == NULL || !read_file(group->path, "cpu.stat", text, sizeof text)) return -1;
    int64_t us = member(text, "usage_usec");
    return us < 0 ? -1 : us / 1000;
}

bool
cgroup_full(const struct cgroup *group, int64_t *peak)
{
    char text[4096];
    *peak = 0;
    if (group->path == NULL || !group->memory) return false;
    if (read_file(group->path, "memory.peak", text, sizeof text)) *peak = strtoll(text, NULL, 10);
    return read_file(group->path, "memory.events", text, sizeof text) && member(text, "oom_kill") > 0;
}

void
cgroup_kill(const struct cgroup *group)
{
    if (group->path != NULL) (void)write_file(group->path, "cgroup.kill", "1");
}

void
cgroup_remove(struct cgroup *group)
{
    if (group->path == NULL) return;
    fd_close(&group->procs);
    (void)rmdir(group->path);
    group->path = NULL;
}
