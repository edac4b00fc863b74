/* SPDX-License-Identifier: Apache-2.0
 *
 * Control groups, as far as files can stand in for them: which is ours, what is written, what is read.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "check.h"
#include "run/cgroup.h"

static struct arena arena;

static const char *
make(const char *folder, const char *name, const char *text)
{
    const char *path = arena_printf(&arena, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK_FATAL(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    return path;
}

static const char *
read_back(const char *folder, const char *name)
{
    char *text = NULL;
    size_t size = 0;
    struct err err = {0};
    int code = fd_read_file(&arena, arena_printf(&arena, "%s/%s", folder, name), MIB, &text, &size, &err);
    return code == 0 ? text : "(none)";
}

static void
own_group(void)
{
    static const char mounts[] =
        "22 1 0:20 / /sys rw shared:7 - sysfs sysfs rw\n"
        "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
    static const char below[] =
        "30 22 0:26 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    CHECK_STR(cgroup_own(&arena, "0::/user.slice/a.service\n", mounts), "/sys/fs/cgroup/user.slice/a.service");
    CHECK_STR(cgroup_own(&arena, "9:memory:/x\n0::/\n", mounts), "/sys/fs/cgroup");
    CHECK_STR(cgroup_own(&arena, "0::/docker/x/y\n", below), "/sys/fs/cgroup/y");
    CHECK(cgroup_own(&arena, "0::/docker/xy\n", below) == NULL);
    CHECK(cgroup_own(&arena, "9:memory:/x\n", mounts) == NULL);
    CHECK(cgroup_own(&arena, "0::/a\n", "22 1 0:20 / /sys rw - sysfs sysfs rw\n") == NULL);
    CHECK(cgroup_own(&arena, "", "") == NULL);
}

static void
named_group(void)
{
    setenv("LEVADA_CGROUP", "/some/group", 1);
    CHECK_STR(cgroup_base(&arena), "/some/group");
    setenv("LEVADA_CGROUP", "relative", 1);
    CHECK(cgroup_base(&arena) == NULL);
    unsetenv("LEVADA_CGROUP");
}

static void
limits_of_a_group(void)
{
    char base[] = "/tmp/levada-cgroup-XXXXXX";
    struct err err = {0};
    struct cgroup group;
    int64_t peak;
    CHECK_FATAL(mkdtemp(base) != NULL);
    const struct limits limits = {.memory = 1000000, .processes = 20};
    CHECK_INT(cgroup_make(&arena, base, "a", &limits, &group, &err), EXIT_FAILED); /* no group, only a folder */
    CHECK(access(arena_printf(&arena, "%s/a", base), F_OK) != 0);
    static const char *const files[] = {"cgroup.procs", "memory.max", "memory.oom.group", "memory.swap.max",
                                        "pids.max", "cgroup.kill"};
    const char *folder = arena_printf(&arena, "%s/b", base);
    CHECK_FATAL(mkdir(folder, 0700) == 0);
    for (size_t i = 0; i < CHECK_COUNT(files); i++) (void)make(folder, files[i], "");
    CHECK_FATAL(cgroup_make(&arena, base, "b", &limits, &group, &err) == 0);
    CHECK(group.memory);
    CHECK_STR(read_back(folder, "memory.max"), "1000000");
    CHECK_STR(read_back(folder, "memory.swap.max"), "0");
    CHECK_STR(read_back(folder, "memory.oom.group"), "1");
    CHECK_STR(read_back(folder, "pids.max"), "384");
    CHECK_INT(cgroup_cpu_ms(&group), -1);
    CHECK(!cgroup_full(&group, &peak));
    (void)make(folder, "cpu.stat", "usage_usec 1234567\nuser_usec 1\n");
    (void)make(folder, "memory.events", "low 0\noom 3\noom_kill 0\n");
    CHECK_INT(cgroup_cpu_ms(&group), 1234);
    CHECK(!cgroup_full(&group, &peak));
    (void)make(folder, "memory.events", "low 0\noom 3\noom_kill 2\n");
    (void)make(folder, "memory.peak", "999424\n");
    CHECK(cgroup_full(&group, &peak));
    CHECK_INT(peak, 999424);
    cgroup_kill(&group);
    CHECK_STR(read_back(folder, "cgroup.kill"), "1");
    static const char *const made[] = {"cpu.stat", "memory.events", "memory.peak"};
    for (size_t i = 0; i < CHECK_COUNT(files); i++) (void)unlink(arena_printf(&arena, "%s/%s", folder, files[i]));
    for (size_t i = 0; i < CHECK_COUNT(made); i++) (void)unlink(arena_printf(&arena, "%s/%s", folder, made[i]));
    cgroup_remove(&group);
    CHECK(group.path == NULL);
    CHECK(access(folder, F_OK) != 0);
    cgroup_remove(&group);
    CHECK_INT(rmdir(base), 0);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"our own group is found where the hierarchy is mounted", own_group},
        {"a group that is named by a whole path is taken", named_group},
        {"a group gets its limits, tells what became of it, and goes", limits_of_a_group},
    };
    int code = check_main("cgroup", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return code;
}
