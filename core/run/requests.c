/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "run/requests.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "base/value.h"

#define CANCEL_FILE "cancel.json"
#define LEFT_AGE_MS 60000

const char *
requests_who(struct arena *arena)
{
    struct passwd entry, *found = NULL;
    char text[4096];
    if (getpwuid_r(getuid(), &entry, text, sizeof text, &found) == 0 && found != NULL)
        return arena_strdup(arena, found->pw_name);
    return arena_printf(arena, "uid %u", (unsigned)getuid());
}

void
requests_sweep(int folder, const char *prefix)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    if (dir == NULL) {
        fd_close(&copy);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (!str_starts(entry->d_name, prefix) || !str_ends(entry->d_name, ".new")) continue;
        if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (clock_wall_ms() - (int64_t)st.st_mtim.tv_sec * 1000 > LEFT_AGE_MS)
            (void)unlinkat(folder, entry->d_name, 0);
    }
    closedir(dir);
}

int
requests_ask_cancel(const char *run_folder, const char *who, const char *why, struct err *err)
{
    struct arena arena ARENA_SCOPED = {0};
    int folder FD_SCOPED = open(run_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return err_errno(err, EXIT_STORE, "run folder \"%s\"", run_folder);
    requests_sweep(folder, "." CANCEL_FILE ".");
    struct value *map = value_map(&arena);
    value_set(&arena, map, "who", value_text(&arena, who));
    value_set(&arena, map, "why", value_text(&arena, why));
    const char *text = json_text(&arena, map);
    return fd_replace_file(folder, CANCEL_FILE, text, strlen(text), 0600, true, err);
}

bool
requests_cancel(struct arena *arena, const char *run_folder, const char **who, const char **why)
{
    char *text;
    size_t size;
    struct err ignored;
    const struct value *map;
    const char *path = arena_printf(arena, "%s/" CANCEL_FILE, run_folder);
    if (access(path, F_OK) != 0 || fd_read_file(arena, path, 64 * KIB, &text, &size, &ignored) != 0) return false;
    bool good = json_parse(arena, text, size, &map, &ignored) == 0;
    *who = good ? value_get_str(map, "who", "") : "";
    *why = good ? value_get_str(map, "why", "") : "";
    return true;
}

void
requests_forget_cancel(const char *run_folder)
{
    struct arena arena ARENA_SCOPED = {0};
    (void)unlink(arena_printf(&arena, "%s/" CANCEL_FILE, run_folder));
}
