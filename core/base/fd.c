/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. EINTR is retried everywhere; signals are handled through signalfd, so it is rare.
 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/failpoint.h"

void
fd_close(int *fd)
{
    int saved = errno;
    if (*fd >= 0) close(*fd);
    *fd = -1;
    errno = saved;
}

int
fd_write_all(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) {
            errno = EIO;
            return -1;
        }
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

int
fd_read_rest(struct arena *arena, int fd, size_t size_max, char **ret, size_t *size, struct err *err)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, size_max + 1);
    char chunk[16 * KIB];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_errno(err, EXIT_FAILED, "cannot read");
        if (n == 0) break;
        buf_add(&buf, chunk, (size_t)n);
        if (buf.full || buf.size > size_max)
            return err_set(err, EXIT_INVALID, "larger than the limit of %zu bytes", size_max);
    }
    *ret = arena_strndup(arena, buf_str(&buf), buf.size);
    *size = buf.size;
    return 0;
}

/* As much of a file as it had when it was looked at, without a copy on the way. */
static int
read_sized(struct arena *arena, int fd, size_t size_max, char **ret, size_t *size, struct err *err)
{
    char *text = arena_alloc(arena, size_max + 1);
    size_t used = 0;
    while (used < size_max) {
        ssize_t n = read(fd, text + used, size_max - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_errno(err, EXIT_FAILED, "cannot read");
        if (n == 0) break;
        used += (size_t)n;
    }
    *ret = text;
    *size = used;
    return 0;
}

int
fd_read_file(struct arena *arena, const char *path, size_t size_max, char **ret, size_t *size, struct err *err)
{
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return err_errno(err, EXIT_INVALID, "cannot read \"%s\"", path);
    struct stat st;
    if (fstat(fd, &st) != 0) return err_errno(err, EXIT_INVALID, "cannot read \"%s\"", path);
    if (S_ISDIR(st.st_mode)) return err_set(err, EXIT_INVALID, "\"%s\" is a directory, not a file", path);
    if (S_ISREG(st.st_mode) && (unsigned long long)st.st_size > size_max)
        return err_set(err, EXIT_INVALID, "\"%s\" is larger than the limit of %zu bytes", path, size_max);
    /* Files of the kernel's own have no size. */
    int code = S_ISREG(st.st_mode) && st.st_size > 0 ? read_sized(arena, fd, (size_t)st.st_size, ret, size, err)
                                                     : fd_read_rest(arena, fd, size_max, ret, size, err);
    if (code) err_context(err, "\"%s\"", path);
    return code;
}

int
fd_replace_file(int folder, const char *name, const void *data, size_t size, unsigned mode, bool durable,
                struct err *err)
{
    char beside[300];
    if (snprintf(beside, sizeof beside, ".%s.%d.new", name, (int)getpid()) >= (int)sizeof beside)
        return err_set(err, EXIT_STORE, "file name too long: \"%s\"", name);
    int fd FD_SCOPED = openat(folder, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    if (fd < 0) return err_errno(err, EXIT_STORE, "cannot write \"%s\"", name);
    bool good = fd_write_all(fd, data, size) == 0;
    FAILPOINT("file_written");
    good = good && (!durable || fsync(fd) == 0);
    FAILPOINT("file_synced");
    good = good && renameat(folder, beside, folder, name) == 0;
    FAILPOINT("file_renamed");
    if (good && (!durable || fsync(folder) == 0)) return 0;
    err_errno(err, EXIT_STORE, "cannot write \"%s\"", name);
    unlinkat(folder, beside, 0);
    return EXIT_STORE;
}

int
fd_memfd(const char *name, const void *data, size_t size)
{
    int fd FD_SCOPED = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || fd_write_all(fd, data, size) != 0) return -1;
    if (lseek(fd, 0, SEEK_SET) != 0) return -1;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) return -1;
    int ret = fd;
    fd = -1;
    return ret;
}

int
fd_make_folder(const char *path, struct err *err)
{
    char part[4096];
    struct stat st;
    if (path[0] == '\0') return err_set(err, EXIT_STORE, "a folder needs a name");
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return err_set(err, EXIT_STORE, "path too long: \"%s\"", path);
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p != '\0') continue;
        char saved = *p;
        *p = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return err_errno(err, EXIT_STORE, "cannot make the folder \"%s\"", part);
        *p = saved;
        if (saved == '\0') break;
    }
    if (stat(path, &st) != 0) return err_errno(err, EXIT_STORE, "cannot make the folder \"%s\"", path);
    if (!S_ISDIR(st.st_mode)) return err_set(err, EXIT_STORE, "\"%s\" is there and is not a folder", path);
    return 0;
}
