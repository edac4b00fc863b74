/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Walks by descriptors: a script may have renamed and linked as it liked.
 */
#include "run/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

static int
remove_entry(int folder, const char *name, unsigned depth)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT) return 0;
    if (errno != EISDIR && errno != EPERM) return -1;
    if (unlinkat(folder, name, AT_REMOVEDIR) == 0) return 0;
    if ((errno != ENOTEMPTY && errno != EEXIST) || depth > LIMIT_DEPTH) return -1;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries == NULL) {
        if (fd >= 0) close(fd);
        return -1;
    }
    int code = 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            remove_entry(fd, entry->d_name, depth + 1) != 0)
            code = -1;
    closedir(entries);
    return unlinkat(folder, name, AT_REMOVEDIR) == 0 ? code : -1;
}

int
folder_remove(const char *path)
{
    return remove_entry(AT_FDCWD, path, 0);
}

static DIR *
open_folder(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries == NULL && fd >= 0) close(fd);
    return entries;
}

static bool
is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int
folder_empty(const char *path)
{
    int code = 0;
    DIR *entries = open_folder(AT_FDCWD, path);
    if (entries == NULL) return errno == ENOENT ? 0 : -1;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (!is_dots(entry->d_name) && remove_entry(dirfd(entries), entry->d_name, 0) != 0) code = -1;
    closedir(entries);
    return code;
}

static int64_t
size_of(int folder, const char *name, unsigned depth)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    int64_t bytes = (int64_t)st.st_blocks * 512;
    DIR *entries = S_ISDIR(st.st_mode) && depth <= LIMIT_DEPTH ? open_folder(folder, name) : NULL;
    if (entries == NULL) return bytes;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (!is_dots(entry->d_name)) bytes += size_of(dirfd(entries), entry->d_name, depth + 1);
    closedir(entries);
    return bytes;
}

int64_t
folder_size(const char *path)
{
    return size_of(AT_FDCWD, path, 0);
}
