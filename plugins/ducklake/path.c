/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths and URIs as inputs give them: relative ones belong to the workflow's folder.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lake.h"

bool
path_is_remote(const char *path)
{
    const char *colon = strstr(path, "://");
    return colon != NULL && colon != path && memchr(path, '/', (size_t)(colon - path)) == NULL;
}

/* Drop empty and `.` parts and fold `..`, so that path_within() can compare texts. */
static void
fold(char *path)
{
    char *to = path;
    for (const char *part = path; *part != '\0';) {
        while (*part == '/') part++;
        size_t size = strcspn(part, "/");
        if (size == 2 && part[0] == '.' && part[1] == '.') {
            while (to > path && *--to != '/') {}
        } else if (size > 0 && !(size == 1 && part[0] == '.')) {
            *to++ = '/';
            memmove(to, part, size);
            to += size;
        }
        part += size;
    }
    if (to == path) *to++ = '/';
    *to = '\0';
}

const char *
path_resolve(struct levada_step *step, const char *path)
{
    if (path_is_remote(path)) return path;
    if (text_starts(path, "file://")) path += strlen("file://");
    char *full = path[0] == '/' ? text_copy(step, path, strlen(path))
                                : text_format(step, "%s/%s", step->folder, path);
    fold(full);
    return full;
}

const char *
path_folder(struct levada_step *step, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) return "/";
    return text_copy(step, path, (size_t)(slash - path));
}

bool
path_within(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    while (size > 1 && folder[size - 1] == '/') size--;
    if (strncmp(path, folder, size) != 0) return false;
    return path[size] == '\0' || path[size] == '/' || folder[size - 1] == '/';
}

int
path_make_folder(const char *path)
{
    char part[4096];
    size_t size = strlen(path);
    if (size >= sizeof part) return ENAMETOOLONG;
    memcpy(part, path, size + 1);
    for (char *slash = part + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) return errno;
        *slash = '/';
    }
    if (mkdir(part, 0777) != 0 && errno != EEXIST) return errno;
    struct stat st;
    if (stat(part, &st) != 0) return errno;
    return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
}
