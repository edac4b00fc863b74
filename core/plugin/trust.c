/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The folder counts as well: who may write there can replace the file between our look and the
 * worker's dlopen.
 */
#include "plugin/trust.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

int
trust_check(const char *path, const struct stat *st, uid_t user, struct err *err)
{
    if (st->st_uid != 0 && st->st_uid != user) {
        err_set(err, EXIT_REFUSED, "\"%s\" is owned by user %u, not by root or user %u", path, (unsigned)st->st_uid,
                (unsigned)user);
        err_hint(err, "Make it yours: chown %u '%s'", (unsigned)user, path);
        return EXIT_REFUSED;
    }
    if (st->st_mode & (S_IWGRP | S_IWOTH)) {
        err_set(err, EXIT_REFUSED, "\"%s\" can be changed by %s", path,
                st->st_mode & S_IWOTH ? "everybody" : "its group");
        err_hint(err, "Take that right away: chmod go-w '%s'", path);
        return EXIT_REFUSED;
    }
    return 0;
}

int
trust_file(struct arena *arena, const char *folder, const char *file, const char **ret, struct err *err)
{
    char real_folder[PATH_MAX], real[PATH_MAX];
    const char *path = arena_printf(arena, "%s/%s", folder, file);
    struct stat st;
    if (realpath(folder, real_folder) == NULL || realpath(path, real) == NULL || stat(real, &st) != 0)
        return err_errno(err, EXIT_INVALID, "cannot find \"%s\"", path);
    if (!S_ISREG(st.st_mode)) return err_set(err, EXIT_INVALID, "\"%s\" is not a file", path);
    size_t size = strlen(real_folder);
    if (strncmp(real, real_folder, size) != 0 || real[size] != '/' || strchr(real + size + 1, '/') != NULL) {
        err_set(err, EXIT_REFUSED, "\"%s\" is a link to \"%s\", outside of its folder", path, real);
        err_hint(err, "Copy the plugin into the folder, or add the other folder to LEVADA_PLUGIN_PATH.");
        return EXIT_REFUSED;
    }
    int code = trust_check(real, &st, geteuid(), err);
    if (code) return code;
    if (stat(real_folder, &st) != 0) return err_errno(err, EXIT_INVALID, "cannot find \"%s\"", real_folder);
    code = trust_check(real_folder, &st, geteuid(), err);
    if (code == 0) *ret = arena_strdup(arena, real);
    return code;
}
