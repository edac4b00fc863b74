/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. What somebody else could have written is not read: a description decides which inputs are
 * secret.
 */
#include "plugin/cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "levada/plugin.h"

const char *
cache_folder(struct arena *arena)
{
    const char *own = getenv("LEVADA_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (own != NULL && own[0] == '/') return arena_printf(arena, "%s/plugins", own);
    if (xdg != NULL && xdg[0] == '/') return arena_printf(arena, "%s/levada/plugins", xdg);
    if (home != NULL && home[0] == '/') return arena_printf(arena, "%s/.cache/levada/plugins", home);
    return NULL;
}

static const char *
file_name(struct arena *arena, const char *digest)
{
    return arena_printf(arena, "%s-%u.%u.json", digest, LEVADA_ABI_MAJOR, LEVADA_ABI_MINOR);
}

const struct value *
cache_get(struct arena *arena, const char *digest)
{
    const char *folder = cache_folder(arena);
    struct stat st;
    struct err ignored;
    char *text;
    size_t size;
    const struct value *ret = NULL;
    if (folder == NULL) return NULL;
    const char *path = arena_printf(arena, "%s/%s", folder, file_name(arena, digest));
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
        return NULL;
    if (fd_read_rest(arena, fd, LIMIT_DESCRIBE_SIZE, &text, &size, &ignored)) return NULL;
    return json_parse(arena, text, size, &ret, &ignored) ? NULL : ret;
}

void
cache_put(struct arena *arena, const char *digest, const struct value *json)
{
    const char *folder = cache_folder(arena);
    struct err ignored;
    struct stat st;
    if (folder == NULL || fd_make_folder(folder, &ignored)) return;
    int fd FD_SCOPED = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 022)) return;
    const char *text = json_text(arena, json);
    (void)fd_replace_file(fd, file_name(arena, digest), text, strlen(text), 0600, false, &ignored);
}
