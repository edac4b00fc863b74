/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds a zone's file. A name can only be that of a file below the folder: no dot is in it, so no `..` and none of the
 * lists that lie there too, and no slash begins it.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/str.h"
#include "base/zone.h"

#define SYSTEM_FOLDER "/usr/share/zoneinfo"
#define NAMES_MAX 1000 /* of one folder, for a suggestion */

/* "Etc/UTC" without daylight saving, for machines without tables. */
static const char utc_table[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
                                "\0\0\0\0\0\0UTC\0\nUTC0\n";

static bool
is_name(const char *name)
{
    if (strlen(name) >= ZONE_TEXT_SIZE || !isalpha((unsigned char)name[0])) return false;
    for (const char *p = name; *p; p++) {
        bool plain = isalnum((unsigned char)*p) || *p == '_' || *p == '+' || *p == '-';
        if (!plain && !(*p == '/' && isalpha((unsigned char)p[1]))) return false;
    }
    /* What the machine is set to is nobody's zone; the others count leap seconds. */
    return !str_eq(name, "localtime") && !str_starts(name, "right/");
}

/* The nearest name to `wanted` in a folder below `folder` (NULL: in that one), or NULL. */
static const char *
nearest_in(struct arena *arena, const char *folder, const char *area, const char *wanted)
{
    size_t count = 0;
    DIR *dir = opendir(area != NULL ? arena_printf(arena, "%s/%s", folder, area) : folder);
    if (dir == NULL) return NULL;
    const char **names = ARENA_ARRAY(arena, NAMES_MAX, const char *);
    for (struct dirent *entry; count < NAMES_MAX && (entry = readdir(dir)) != NULL;)
        if (is_name(entry->d_name)) names[count++] = arena_strdup(arena, entry->d_name);
    closedir(dir);
    const char *found = str_nearest(wanted, names, count);
    return found != NULL && area != NULL ? arena_printf(arena, "%s/%s", area, found) : found;
}

/* The nearest name to one that is not there, or NULL. */
static const char *
nearest(struct arena *arena, const char *folder, const char *name)
{
    const char *slash = strrchr(name, '/');
    if (slash == NULL) return nearest_in(arena, folder, NULL, name);
    const char *area = arena_strndup(arena, name, (size_t)(slash - name));
    const char *found = nearest_in(arena, folder, area, slash + 1);
    /* Eurpe/Berlin: the area may be what is wrong. */
    if (found == NULL && strchr(area, '/') == NULL && (area = nearest_in(arena, folder, NULL, area)) != NULL)
        found = nearest_in(arena, folder, area, slash + 1);
    return found;
}

static int
not_found(struct arena *arena, const char *folder, const char *name, struct err *err)
{
    /* A minimal machine may have the folder and nothing in it. */
    if (access(arena_printf(arena, "%s/UTC", folder), F_OK) != 0) {
        err_set(err, EXIT_INVALID, "the time zone \"%s\" cannot be read: there are no zones in %s", name, folder);
        err_hint(err, "Install the package tzdata, or set TZDIR to the folder of the zones.");
        return EXIT_INVALID;
    }
    err_set(err, EXIT_INVALID, "no time zone is named \"%s\"", name);
    const char *near = nearest(arena, folder, name);
    if (near != NULL) err_hint(err, "Did you mean \"%s\"?", near);
    else err_hint(err, "Zones have names like Europe/Berlin; those that are known lie in %s.", folder);
    return EXIT_INVALID;
}

int
zone_open(struct arena *arena, const char *folder, const char *name, const struct zone **ret, struct err *err)
{
    if (str_eq(name, "UTC") || str_eq(name, "Etc/UTC"))
        return zone_parse(arena, utc_table, sizeof utc_table - 1, ret, err);
    if (!is_name(name)) {
        err_set(err, EXIT_INVALID, "\"%.100s\" is not the name of a time zone", name);
        err_hint(err, "Write a name like \"Europe/Berlin\", or \"UTC\".");
        return EXIT_INVALID;
    }
    if (folder == NULL) folder = getenv("TZDIR");
    if (folder == NULL || folder[0] != '/') folder = SYSTEM_FOLDER;
    char *data;
    size_t size;
    struct stat info;
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return not_found(arena, folder, name, err);
    if (fd < 0 || fstat(fd, &info) != 0)
        return err_errno(err, EXIT_INVALID, "the time zone \"%s\" cannot be read", name);
    if (S_ISDIR(info.st_mode)) return not_found(arena, folder, name, err);
    if (!S_ISREG(info.st_mode)) return err_set(err, EXIT_INVALID, "the time zone \"%s\" is not a file", name);
    if (fd_read_rest(arena, fd, 256 * KIB, &data, &size, err) != 0 || zone_parse(arena, data, size, ret, err) != 0) {
        err_context(err, "the time zone \"%s\"", name);
        err->code = EXIT_INVALID;
        return EXIT_INVALID;
    }
    return 0;
}
