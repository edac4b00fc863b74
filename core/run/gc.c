/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Who removes a run holds the lock of its engine: no resume or retry can begin meanwhile, and none has.
 */
#include "run/gc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/str.h"
#include "run/attempts.h"
#include "run/folder.h"
#include "run/job.h"
#include "run/state.h"

#define GONE ".gone-"
#define NEW ".new-"

int
gc_lock(struct arena *arena, const char *store, struct err *err)
{
    const char *path = arena_printf(arena, "%s/runs", store);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    if (fd >= 0 && errno == EWOULDBLOCK) {
        err_set(err, EXIT_HELD, "another `levada gc` is at work in \"%s\"", store);
        err_hint(err, "It does the same: wait for it.");
    } else if (errno != ENOENT) {
        err_errno(err, EXIT_STORE, "cannot lock \"%s\"", path);
    }
    fd_close(&fd);
    return -1;
}

/* 0: the engine's lock is ours (*lock), the run is as it was judged, and nothing of it lives. 1: *why. */
static int
take(const struct gc *gc, const char *folder, const struct history_run *run, int *lock, const char **why,
     struct err *err)
{
    struct arena scratch ARENA_SCOPED = {0};
    struct run_state state;
    *lock = gc->dry ? attempts_open_read(folder) : attempts_open(folder, err);
    if (*lock < 0) return gc->dry ? err_errno(err, EXIT_STORE, "cannot read \"%s/attempts\"", folder) : EXIT_STORE;
    int code = gc->dry ? attempts_held(*lock, 0, false) : attempts_lock(*lock, 0, err);
    if (code == 1) *why = "an engine is at work on it";
    if (code) return code;
    code = state_load(&scratch, folder, &state, err);
    if (code) return code;
    if (!run_status_ended(state.status)) *why = "it has not ended";
    /* A retry may have begun and ended between the judgement and our lock; the rule was not asked about that end. */
    else if (state.last_seq != run->last_seq) *why = "it went on meanwhile: the next gc looks again";
    else if (attempts_held(*lock, 1, true)) *why = "a worker of it still lives: levada ps";
    for (size_t i = 0; i < gc->nmarked && *why == NULL; i++)
        if (str_eq(gc->marked[i].run, run->id)) *why = "a process of it still lives: levada ps";
    return *why != NULL;
}

static int
remove_gone(const char *path, struct err *err)
{
    if (folder_remove(path) == 0) return 0;
    err_errno(err, EXIT_STORE, "cannot remove all of \"%s\"", path);
    err_hint(err, "The next `levada gc` goes on with it; or remove it by hand.");
    return EXIT_STORE;
}

int
gc_run(struct arena *arena, const struct gc *gc, const struct history_run *run, int64_t *bytes, const char **why,
       struct err *err)
{
    const char *folder = arena_printf(arena, "%s/runs/%s", gc->store, run->id);
    const char *gone = arena_printf(arena, "%s/runs/" GONE "%s", gc->store, run->id);
    int lock FD_SCOPED = -1;
    *why = NULL;
    *bytes = 0;
    int code = take(gc, folder, run, &lock, why, err);
    if (code) return code;
    *bytes = folder_size(folder);
    if (gc->dry) return 0;
    if (rename(folder, gone) != 0) return err_errno(err, EXIT_STORE, "cannot remove \"%s\"", folder);
    FAILPOINT("gc_gone");
    return remove_gone(gone, err);
}

int
gc_logs(struct arena *arena, const struct gc *gc, const struct history_run *run, int64_t *bytes, const char **why,
        struct err *err)
{
    const char *folder = arena_printf(arena, "%s/runs/%s", gc->store, run->id);
    const char *logs = arena_printf(arena, "%s/" LOGS_FOLDER, folder);
    int lock FD_SCOPED = -1;
    *why = NULL;
    *bytes = 0;
    DIR *dir = opendir(logs);
    size_t count = 0;
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) count += entry->d_name[0] != '.';
    if (dir != NULL) closedir(dir);
    if (count == 0) return 0;
    int code = take(gc, folder, run, &lock, why, err);
    if (code) return code;
    *bytes = folder_size(logs);
    if (gc->dry) return 0;
    code = folder_empty(logs);
    return code == 0 ? 0 : err_errno(err, EXIT_STORE, "cannot remove all of \"%s\"", logs);
}

/* A folder that is no run (any more, or yet). */
static int
finish_one(struct arena *arena, const struct gc *gc, const char *name, int64_t *bytes, struct err *err)
{
    const char *path = arena_printf(arena, "%s/runs/%s", gc->store, name);
    *bytes = folder_size(path);
    if (gc->dry) return 0;
    if (str_starts(name, NEW)) {
        const char *gone = arena_printf(arena, "%s/runs/" GONE "%s", gc->store, name + strlen(NEW));
        if (rename(path, gone) != 0)
            return errno == ENOENT ? 0 : err_errno(err, EXIT_STORE, "cannot remove \"%s\"", path);
        path = gone;
    }
    return remove_gone(path, err);
}

static bool
is_finished(int folder, const char *name)
{
    struct stat st;
    if (str_starts(name, GONE)) return id_is(name + strlen(GONE));
    if (!str_starts(name, NEW) || !id_is(name + strlen(NEW))) return false;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return false;
    return clock_wall_ms() - ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000) > GC_NEW_AGE_MS;
}

int
gc_finish(struct arena *arena, const struct gc *gc, size_t *count, int64_t *bytes, struct err *err)
{
    int code = 0;
    *count = 0;
    *bytes = 0;
    DIR *dir = opendir(arena_printf(arena, "%s/runs", gc->store));
    if (dir == NULL) return errno == ENOENT ? 0 : err_errno(err, EXIT_STORE, "cannot list \"%s/runs\"", gc->store);
    for (struct dirent *entry; !code && (entry = readdir(dir)) != NULL;) {
        int64_t freed;
        if (!is_finished(dirfd(dir), entry->d_name)) continue;
        code = finish_one(arena, gc, entry->d_name, &freed, err);
        if (code) break;
        *bytes += freed;
        ++*count;
    }
    closedir(dir);
    return code;
}
