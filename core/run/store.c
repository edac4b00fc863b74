/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs are found by name only below a directory we checked: ids are made by us, have a fixed alphabet and
 * length, and nothing else under runs/ is ever looked at.
 */
#include "run/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"
#include "run/attempts.h"
#include "run/job.h"
#include "run/journal.h"
#include "run/journal_export.h"

#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xFF534D42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xFE534D42
#endif

static int
store_path(struct arena *arena, const char **ret, struct err *err)
{
    const char *given = getenv("LEVADA_STATE"), *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (given != NULL && *given != '\0') {
        if (*given == '/') {
            *ret = given;
            return 0;
        }
        char *here = getcwd(NULL, 0);
        if (here == NULL) return err_errno(err, EXIT_STORE, "cannot find the current folder");
        *ret = arena_printf(arena, "%s/%s", here, given);
        memory_free(here);
        return 0;
    }
    if (xdg != NULL && *xdg == '/') *ret = arena_printf(arena, "%s/levada", xdg);
    else if (home != NULL && *home == '/') *ret = arena_printf(arena, "%s/.local/state/levada", home);
    else {
        err_set(err, EXIT_STORE, "no state directory: neither LEVADA_STATE, XDG_STATE_HOME nor HOME is set");
        err_hint(err, "Set LEVADA_STATE to a directory on a local disk.");
        return EXIT_STORE;
    }
    return 0;
}

/* The file system's kind, as statfs says it. LEVADA_TEST_FSTYPE (test builds) stands in for a
 * mount that a test cannot make. */
static long
filesystem_kind(const char *path)
{
    struct statfs fs;
#ifdef LEVADA_FAILPOINTS
    const char *test = getenv("LEVADA_TEST_FSTYPE");
    if (test != NULL) return strtol(test, NULL, 16);
#endif
    return statfs(path, &fs) == 0 ? (long)fs.f_type : 0;
}

static int
check_folder(const char *path, struct err *err)
{
    static const struct { long magic; const char *name; } remote[] = {
        {NFS_SUPER_MAGIC, "NFS"}, {SMB_SUPER_MAGIC, "SMB"}, {(long)CIFS_SUPER_MAGIC, "CIFS"},
        {(long)SMB2_SUPER_MAGIC, "SMB2"}, {AFS_SUPER_MAGIC, "AFS"}, {CEPH_SUPER_MAGIC, "Ceph"},
        {CODA_SUPER_MAGIC, "Coda"}, {V9FS_MAGIC, "9P"}};
    struct stat st;
    if (stat(path, &st) != 0) return err_errno(err, EXIT_STORE, "state directory \"%s\"", path);
    if (!S_ISDIR(st.st_mode)) return err_set(err, EXIT_STORE, "state directory \"%s\" is not a directory", path);
    if (st.st_uid != geteuid()) {
        err_set(err, EXIT_REFUSED, "state directory \"%s\" belongs to user %u, not to the running user %u", path,
                (unsigned)st.st_uid, (unsigned)geteuid());
        err_hint(err, "Set LEVADA_STATE to a directory of your own.");
        return EXIT_REFUSED;
    }
    if (st.st_mode & 022) {
        err_set(err, EXIT_REFUSED, "state directory \"%s\" can be written by others (mode %04o)", path,
                (unsigned)st.st_mode & 07777);
        err_hint(err, "chmod go-w %s", path);
        return EXIT_REFUSED;
    }
    long kind = filesystem_kind(path);
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++)
        if (kind == remote[i].magic) {
            err_set(err, EXIT_STORE, "state directory \"%s\" is on a network file system (%s)", path, remote[i].name);
            err_hint(err, "Locks and durability need a local disk: set LEVADA_STATE to one.");
            return EXIT_STORE;
        }
    return 0;
}

int
store_open(struct arena *arena, bool make, const char **ret, struct err *err)
{
    const char *path = NULL;
    int code = store_path(arena, &path, err);
    if (code) return code;
    struct stat st;
    if (stat(path, &st) != 0) {
        if (errno != ENOENT || !make) {
            err_errno(err, EXIT_STORE, "state directory \"%s\"", path);
            if (!make) err_hint(err, "No run was started yet, or LEVADA_STATE is another one.");
            return EXIT_STORE;
        }
        code = fd_make_folder(path, err);
        if (code) {
            err_context(err, "state directory");
            err_hint(err, "Set LEVADA_STATE to a directory that you can write.");
            return code;
        }
    }
    code = check_folder(path, err);
    if (code) return code;
    if (make && access(path, W_OK) != 0) {
        err_errno(err, EXIT_STORE, "state directory \"%s\" is not writable", path);
        err_hint(err, "Set LEVADA_STATE to a directory that you can write.");
        return EXIT_STORE;
    }
    *ret = path;
    return 0;
}

int64_t
store_changed_ms(struct arena *arena, const char *store)
{
    struct stat st;
    if (stat(arena_printf(arena, "%s/runs", store), &st) != 0) return 0;
    return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

int
store_run_make(struct arena *arena, const char *store, const char *id, const char **ret, struct err *err)
{
    static const char *const folders[] = {LOGS_FOLDER, RECEIPTS_FOLDER, ARTIFACTS_FOLDER};
    const char *folder = arena_printf(arena, "%s/runs/.new-%s", store, id);
    int code = fd_make_folder(folder, err);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && !code; i++)
        code = fd_make_folder(arena_printf(arena, "%s/%s", folder, folders[i]), err);
    if (code) {
        err_hint(err, "Is the disk full, or the state directory read-only? LEVADA_STATE names another one.");
        return code;
    }
    *ret = folder;
    return 0;
}

int
store_run_publish(struct arena *arena, const char *store, const char *id, bool durable, const char **ret,
                  struct err *err)
{
    int runs FD_SCOPED = open(arena_printf(arena, "%s/runs", store), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (runs < 0 || renameat(runs, arena_printf(arena, ".new-%s", id), runs, id) != 0 || (durable && fsync(runs) != 0))
        return err_errno(err, EXIT_STORE, "cannot make the run folder \"%s/runs/%s\"", store, id);
    *ret = arena_printf(arena, "%s/runs/%s", store, id);
    return 0;
}

bool
store_run_is_gone(const char *run_folder)
{
    return access(run_folder, F_OK) != 0 && errno == ENOENT;
}

static int
newest_first(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return -strcmp(*x, *y);
}

int
store_run_list(struct arena *arena, const char ***ret, size_t *count, struct err *err)
{
    const char *store = NULL;
    *ret = NULL;
    *count = 0;
    int code = store_path(arena, &store, err);
    if (code) return code;
    if (access(store, F_OK) != 0 && errno == ENOENT) return 0; /* nothing was run here yet: an empty list, no error */
    code = store_open(arena, false, &store, err);
    if (code) return code;
    DIR *dir = opendir(arena_printf(arena, "%s/runs", store));
    if (dir == NULL) return errno == ENOENT ? 0 : err_errno(err, EXIT_STORE, "cannot list the runs in \"%s\"", store);
    struct value *list = value_list(arena);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (id_is(entry->d_name)) value_push(arena, list, value_text(arena, entry->d_name));
    closedir(dir);
    *count = list->list.count;
    *ret = ARENA_ARRAY(arena, *count + 1, const char *);
    for (size_t i = 0; i < *count; i++) (*ret)[i] = list->list.items[i]->text.ptr;
    qsort(*ret, *count, sizeof **ret, newest_first);
    return 0;
}

static int
found_folder(struct arena *arena, const char *id, const char **ret, struct err *err)
{
    const char *store;
    int code = store_open(arena, false, &store, err);
    if (!code) *ret = arena_printf(arena, "%s/runs/%s", store, id);
    return code;
}

static bool
is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A run folder, its journal, or an exported run, by its path. */
static int
find_path(struct arena *arena, const char *name, const char **ret, struct err *err)
{
    int64_t exported_ms;
    bool living;
    char *real = realpath(name, NULL);
    if (real == NULL) return err_errno(err, EXIT_USAGE, "run \"%s\"", name);
    const char *path = arena_strdup(arena, real);
    memory_free(real);
    if (str_ends(path, "/" JOURNAL_FILE) && !export_is(path, &exported_ms, &living))
        path = arena_strndup(arena, path, strlen(path) - strlen("/" JOURNAL_FILE));
    if (is_file(path)) {
        if (export_is(path, &exported_ms, &living)) {
            /* As it was typed: that is what to type next. (Two slashes would be a host to SQLite.) */
            *ret = str_starts(name, "//") ? path : arena_strdup(arena, name);
            return 0;
        }
        err_set(err, EXIT_USAGE, "\"%s\" is neither a run folder nor an exported run", name);
        err_hint(err, "`levada export RUN -o FILE` writes a run as one file.");
        return EXIT_USAGE;
    }
    if (access(arena_printf(arena, "%s/" JOURNAL_FILE, path), F_OK) != 0)
        return err_set(err, EXIT_USAGE, "\"%s\" is not a run folder: it has no " JOURNAL_FILE, name);
    *ret = path;
    return 0;
}

int
store_run_see(struct arena *arena, const char *name, const char **ret, struct err *err)
{
    if (strchr(name, '/') == NULL && str_ends(name, EXPORT_SUFFIX)) return find_path(arena, name, ret, err);
    return strchr(name, '/') != NULL ? find_path(arena, name, ret, err) : store_run_find(arena, name, ret, err);
}

int
store_run_find(struct arena *arena, const char *name, const char **ret, struct err *err)
{
    if (strchr(name, '/') != NULL || (str_ends(name, EXPORT_SUFFIX) && is_file(name))) {
        const char *path;
        int code = find_path(arena, name, &path, err);
        if (code) return code;
        if (!is_file(path)) {
            *ret = path;
            return 0;
        }
        err_set(err, EXIT_USAGE, "\"%s\" is an exported run: it can be looked at, nothing can be done to it", name);
        err_hint(err, "levada show, logs, why, report and replay read it.");
        return EXIT_USAGE;
    }
    const char **ids;
    size_t count, found = 0;
    int code = store_run_list(arena, &ids, &count, err);
    if (code) return code;
    if (count == 0) return err_set(err, EXIT_USAGE, "there is no run yet");
    if (str_eq(name, "last")) return found_folder(arena, ids[0], ret, err);
    const char *match = NULL, *other = NULL;
    if (strlen(name) >= 4)
        for (size_t i = 0; i < count; i++)
            if (str_starts(ids[i], name) || str_ends(ids[i], name)) {
                if (found++ == 0) match = ids[i];
                else other = ids[i];
            }
    if (found == 1) return found_folder(arena, match, ret, err);
    if (found == 0) err_set(err, EXIT_USAGE, "there is no run \"%s\"", name);
    else err_set(err, EXIT_USAGE, "\"%s\" means %zu runs, among them %s and %s", name, found, match, other);
    err_hint(err, "`levada ls` lists the runs; at least four characters of an id, or `last`.");
    return EXIT_USAGE;
}
