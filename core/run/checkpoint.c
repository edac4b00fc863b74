/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. One write per line behind O_APPEND, so that two writers never mix.
 */
#include "run/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"

static int
sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t size = slash != NULL && slash != path ? (size_t)(slash - path) : 1;
    if (size >= sizeof folder) return -1;
    memcpy(folder, slash != NULL ? path : ".", size);
    folder[size] = '\0';
    int fd FD_SCOPED = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fsync(fd) : -1;
}

int
checkpoint_check(const char *key, const char *value, struct err *err)
{
    size_t key_size = strlen(key), value_size = strlen(value);
    if (key_size == 0) return err_set(err, EXIT_INVALID, "a checkpoint needs a key");
    if (key_size > CHECKPOINT_KEY_SIZE)
        return err_set(err, EXIT_INVALID, "the key of a checkpoint is larger than the limit of %u bytes",
                       CHECKPOINT_KEY_SIZE);
    if (value_size > CHECKPOINT_VALUE_SIZE)
        return err_set(err, EXIT_INVALID, "checkpoint \"%s\" is larger than the limit of %u bytes", key,
                       (unsigned)CHECKPOINT_VALUE_SIZE);
    if (str_utf8_bad(key, key_size) >= 0 || str_utf8_bad(value, value_size) >= 0)
        return err_set(err, EXIT_INVALID, "a checkpoint must be UTF-8");
    return 0;
}

static void
write_line(struct buf *line, const char *key, const char *value, size_t size)
{
    buf_text(line, "{\"key\":");
    json_quote(line, key, strlen(key));
    buf_text(line, ",\"value\":");
    json_quote(line, value, size);
    buf_text(line, "}\n");
}

int
checkpoint_append(const char *path, const char *key, const char *value, struct err *err)
{
    int code = checkpoint_check(key, value, err);
    if (code) return code;
    bool made = true;
    int fd FD_SCOPED = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST) {
        made = false;
        fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    }
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) return err_errno(err, EXIT_STORE, "cannot open \"%s\"", path);

    struct buf line BUF_SCOPED;
    buf_init(&line, 8 * CHECKPOINT_VALUE_SIZE);
    char last = '\n';
    /* A line cut short by a kill must not swallow this one. */
    if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n') buf_char(&line, '\n');
    write_line(&line, key, value, strlen(value));
    if ((size_t)st.st_size + line.size > CHECKPOINTS_SIZE)
        return err_set(err, EXIT_INVALID, "the checkpoints of one attempt are larger than the limit of %u bytes",
                       (unsigned)CHECKPOINTS_SIZE);
    bool good = fd_write_all(fd, buf_str(&line), line.size) == 0;
    FAILPOINT("checkpoint_written");
    if (!good || fsync(fd) != 0 || (made && sync_folder(path) != 0))
        return err_errno(err, EXIT_STORE, "cannot keep a checkpoint in \"%s\"", path);
    FAILPOINT("checkpoint_synced");
    return 0;
}

int
checkpoint_write(const char *path, const struct value *map, struct err *err)
{
    struct buf lines BUF_SCOPED;
    buf_init(&lines, CHECKPOINTS_SIZE);
    for (size_t i = 0; i < map->map.count; i++)
        if (map->map.values[i]->type == VALUE_STRING)
            write_line(&lines, map->map.names[i], map->map.values[i]->text.ptr, map->map.values[i]->text.size);
    if (lines.full)
        return err_set(err, EXIT_INVALID, "the checkpoints of one attempt are larger than the limit of %u bytes",
                       (unsigned)CHECKPOINTS_SIZE);
    int fd FD_SCOPED = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fd_write_all(fd, buf_str(&lines), lines.size) != 0)
        return err_errno(err, EXIT_STORE, "cannot write \"%s\"", path);
    return 0;
}

int
checkpoint_read(struct arena *arena, const char *path, struct value *map, struct err *err)
{
    if (access(path, F_OK) != 0 && errno == ENOENT) return 0;
    char *text;
    size_t size;
    int code = fd_read_file(arena, path, CHECKPOINTS_SIZE, &text, &size, err);
    if (code) return code;
    for (char *line = text, *end; (end = memchr(line, '\n', size - (size_t)(line - text))) != NULL; line = end + 1) {
        const struct value *data;
        struct err ignored = {0};
        if (json_parse(arena, line, (size_t)(end - line), &data, &ignored) != 0) continue;
        const char *key = value_get_str(data, "key", NULL);
        const struct value *value = value_get(data, "value");
        if (key != NULL && value_is(value, VALUE_STRING)) value_set(arena, map, key, value);
    }
    return 0;
}
