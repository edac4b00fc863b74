/* SPDX-License-Identifier: Apache-2.0
 *
 * See files.h.
 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *
file_read(struct work *work, const char *path, size_t size_max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0) return NULL;
    char *data = NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size <= size_max) {
        data = work->step->host->alloc(work->step, (size_t)st.st_size + 1);
        size_t size = 0;
        ssize_t got;
        while (size < (size_t)st.st_size && (got = read(fd, data + size, (size_t)st.st_size - size)) > 0)
            size += (size_t)got;
        if (size != (size_t)st.st_size) data = NULL;
    }
    close(fd);
    return data;
}

static int
write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        data += put;
        size -= (size_t)put;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

int
file_write(struct work *work, const char *path, const char *data, size_t size, bool *changed)
{
    const char *old = file_read(work, path, size);
    *changed = old == NULL || strlen(old) != size || memcmp(old, data, size) != 0;
    if (!*changed) return 0;
    int error = path_make_folder(path_folder(work->step, path));
    const char *temporary = text_format(work->step, "%s.levada-%d", path, (int)getpid());
    int fd = error == 0 ? open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    if (error == 0 && fd < 0) error = errno;
    if (error == 0) error = write_all(fd, data, size);
    if (fd >= 0) close(fd);
    if (error == 0 && rename(temporary, path) != 0) error = errno;
    if (error == 0) return 0;
    if (fd >= 0) (void)unlink(temporary);
    return fault_set(work, LEVADA_PERMANENT, NULL, "cannot write \"%s\": %s", path, strerror(error));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path) == 0 ? 0 : errno;
}

int
file_remove_tree(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0) return errno == ENOENT ? 0 : errno;
    int error = nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return error < 0 ? errno : error;
}

static int
sync_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    (void)fsync(fd);
    close(fd);
    return 0;
}

void
file_sync_tree(const char *path)
{
    (void)nftw(path, sync_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool
file_is_taken(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0) return false;
    if (!S_ISDIR(st.st_mode)) return true;
    DIR *folder = opendir(path);
    if (folder == NULL) return true;
    const struct dirent *entry;
    bool taken = false;
    while ((entry = readdir(folder)) != NULL)
        taken = taken || (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0);
    closedir(folder);
    return taken;
}
