/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Device, inode, size and both times: whoever changes the file changes its ctime,
 * which no program can set back. The memory is a file per digest in the run's private folder;
 * without it we only compute.
 */
#include "run/digest.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"
#include "levada/plugin.h"

/* A file changed within this time of being hashed may change again within the same clock tick,
 * unseen. */
#define SETTLED_NS 100000000

struct looks {
    uint64_t device, inode, size;
    int64_t changed_s, changed_ns, modified_s, modified_ns;
};

static int
look(const char *path, struct looks *ret)
{
    struct stat st;
    if (stat(path, &st) != 0) return -1;
    *ret = (struct looks){st.st_dev, st.st_ino, (uint64_t)st.st_size, st.st_ctim.tv_sec, st.st_ctim.tv_nsec,
                          st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
    return 0;
}

static bool
remembered(const char *memory, const struct looks *now)
{
    struct looks before;
    int fd FD_SCOPED = open(memory, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && read(fd, &before, sizeof before) == (ssize_t)sizeof before &&
           memcmp(&before, now, sizeof before) == 0;
}

static bool
settled(const struct looks *now)
{
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME_COARSE, &clock);
    int64_t age_s = clock.tv_sec - now->changed_s;
    return age_s > 1 || age_s * 1000000000 + clock.tv_nsec - now->changed_ns > SETTLED_NS;
}

static void
remember(const char *run_folder, const char *want, const struct looks *now)
{
    struct err ignored;
    int folder FD_SCOPED = open(run_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char name[HASH_HEX_SIZE + 16];
    snprintf(name, sizeof name, "plugin.%.64s", want);
    if (folder >= 0) (void)fd_replace_file(folder, name, now, sizeof *now, 0600, false, &ignored);
}

int
digest_check(const char *run_folder, const char *path, const char *want, struct err *err)
{
    char memory[4096], digest[HASH_HEX_SIZE];
    struct looks before, after;
    bool seen = look(path, &before) == 0 &&
                snprintf(memory, sizeof memory, "%s/plugin.%.64s", run_folder, want) < (int)sizeof memory &&
                remembered(memory, &before);
    if (seen) return 0;
    if (hash_sha256_file(path, digest) != 0) {
        err_errno(err, EXIT_INVALID, "cannot read the plugin \"%s\"", path);
    } else if (!str_eq(digest, want)) {
        err_set(err, EXIT_INVALID, "plugin \"%s\" changed on disk while the run was going", path);
        err_hint(err, "Start a new run: this one was checked with another plugin.");
    } else {
        if (look(path, &after) == 0 && memcmp(&before, &after, sizeof before) == 0 && settled(&after))
            remember(run_folder, want, &after);
        return 0;
    }
    err->error_class = LEVADA_INVALID;
    return EXIT_INVALID;
}
