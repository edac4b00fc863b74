/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. OFD locks: they end with the process however it ends, and no child inherits one.
 */
#include "run/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

struct lock {
    struct lock *next;
    const char *path;
    int fd; /* never closed: the lock is held until the process ends */
};

/* A lock on a file that was renamed or removed meanwhile excludes nobody. */
static bool
same_file(int fd, const char *path)
{
    struct stat ours, there;
    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

int
locks_take(struct locks *locks, struct arena *arena, const char *path, struct err *err)
{
    for (struct lock *lock = locks->head; lock != NULL; lock = lock->next)
        if (str_eq(lock->path, path) && same_file(lock->fd, path)) return 0;
    int fd FD_SCOPED = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0) return err_errno(err, EXIT_STORE, "cannot open the lock file \"%s\"", path);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    while (fcntl(fd, F_OFD_SETLK, &range) != 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EACCES)
            return err_errno(err, EXIT_STORE, "cannot lock \"%s\"", path);
        (void)futimens(fd, NULL);
        return 1;
    }
    if (!same_file(fd, path)) return 1;
    struct lock *lock = ARENA_NEW(arena, struct lock);
    *lock = (struct lock){.next = locks->head, .path = arena_strdup(arena, path), .fd = fd};
    locks->head = lock;
    fd = -1;
    return 0;
}

int
locks_watch(struct locks *locks)
{
    if (locks->head == NULL) return -1;
    if (locks->inotify == 0) {
        int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (fd <= 0) return -1;
        locks->inotify = fd;
    }
    /* The same watch again when the file is known: adding is idempotent. What happened while we
     * worked does not count. */
    for (struct lock *lock = locks->head; lock != NULL; lock = lock->next)
        (void)inotify_add_watch(locks->inotify, lock->path, IN_ATTRIB);
    char events[4096];
    while (read(locks->inotify, events, sizeof events) > 0) continue;
    return locks->inotify;
}
