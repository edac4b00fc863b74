/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Whatever a script wrote is data of a stranger: a bad line is an error that names
 * it, never a guess.
 */
#include "run/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "levada/plugin.h"
#include "run/hook.h"

bool
output_wants_stdout(const struct job *job)
{
    for (size_t i = 0; job->outputs != NULL && i < job->outputs->list.count; i++)
        if (value_get_str(job->outputs->list.items[i], "from", NULL) != NULL) return true;
    return false;
}

static int
bad_line(struct err *err, size_t line, const char *why)
{
    err_set(err, EXIT_INVALID, "line %zu of $LEVADA_OUTPUT %s", line, why);
    err_hint(err, "Write key=value, or one JSON object, a line; texts of several lines go as JSON.");
    err->error_class = LEVADA_INVALID;
    return EXIT_INVALID;
}

static int
parse_line(struct arena *arena, const char *line, size_t size, size_t number, struct value *map, struct err *err)
{
    if (str_utf8_bad(line, size) >= 0) return bad_line(err, number, "is not UTF-8");
    if (line[0] == '{') {
        const struct value *object;
        struct err detail = {0};
        if (json_parse(arena, line, size, &object, &detail) != 0 || !value_is(object, VALUE_MAP))
            return bad_line(err, number, "is not a JSON object");
        for (size_t i = 0; i < object->map.count; i++) {
            if (!str_is_id(object->map.names[i]))
                return bad_line(err, number, "has a name that no output can have");
            value_set(arena, map, object->map.names[i], object->map.values[i]);
        }
        return 0;
    }
    const char *equals = memchr(line, '=', size);
    if (equals == NULL) return bad_line(err, number, "is neither key=value nor JSON");
    const char *key = arena_strndup(arena, line, (size_t)(equals - line));
    if (!str_is_id(key)) return bad_line(err, number, "has a name that no output can have");
    const char *value = equals + 1;
    value_set(arena, map, key, value_textn(arena, VALUE_STRING, value, size - (size_t)(value - line)));
    return 0;
}

/* The text of $LEVADA_OUTPUT: key=value, or a JSON object, a line. */
static int
parse_lines(struct arena *arena, const char *text, size_t size, struct value *map, struct err *err)
{
    size_t number = 0;
    for (const char *line = text; line < text + size;) {
        const char *end = memchr(line, '\n', size - (size_t)(line - text));
        if (end == NULL) end = text + size;
        number++;
        int code = end > line ? parse_line(arena, line, (size_t)(end - line), number, map, err) : 0;
        if (code) return code;
        line = end + 1;
    }
    return 0;
}

static int
broken_promise(struct err *err, const char *what)
{
    err_set(err, EXIT_INVALID, "%s", what);
    err->error_class = LEVADA_CONTRACT;
    return EXIT_INVALID;
}

static const struct value *
split_lines(struct arena *arena, const char *text, size_t size)
{
    struct value *list = value_list(arena);
    for (const char *line = text; line < text + size;) {
        const char *end = memchr(line, '\n', size - (size_t)(line - text));
        if (end == NULL) end = text + size;
        value_push(arena, list, value_textn(arena, VALUE_STRING, line, (size_t)(end - line)));
        line = end + 1;
    }
    return list;
}

/* Text into what `as` says: text (NULL), json, lines, integer, number. */
static int
convert(struct arena *arena, const char *text, size_t size, const char *as, const struct value **ret, struct err *err)
{
    if (as == NULL) as = "text";
    if (str_utf8_bad(text, size) >= 0) return broken_promise(err, "is not UTF-8");
    if (str_eq(as, "json")) {
        struct err detail = {0};
        if (json_parse(arena, text, size, ret, &detail) == 0) return 0;
        broken_promise(err, detail.message);
        return EXIT_INVALID;
    }
    if (str_eq(as, "lines")) {
        *ret = split_lines(arena, text, size);
        return 0;
    }
    if (size > 0 && text[size - 1] == '\n') size--;
    if (str_eq(as, "text")) {
        *ret = value_textn(arena, VALUE_STRING, text, size);
        return 0;
    }
    const char *start = text, *end = text + size;
    while (start < end && strchr(" \t\r\n", *start) != NULL) start++;
    while (end > start && strchr(" \t\r\n", end[-1]) != NULL) end--;
    const char *trimmed = arena_strndup(arena, start, (size_t)(end - start));
    int64_t integer;
    double real;
    if (str_eq(as, "integer")) {
        if (!str_to_int(trimmed, &integer)) return broken_promise(err, "is not an integer");
        *ret = value_int(arena, integer);
    } else if (str_eq(as, "number")) {
        if (!str_to_real(trimmed, &real)) return broken_promise(err, "is not a number");
        *ret = str_to_int(trimmed, &integer) ? value_int(arena, integer) : value_real(arena, real);
    } else {
        return broken_promise(err, "is of a type that nobody knows");
    }
    return 0;
}

static int
collect_declared(struct work *work, const struct buf *captured, struct value *map, struct err *err)
{
    const struct value *outputs = work->job.outputs;
    for (size_t i = 0; outputs != NULL && i < outputs->list.count; i++) {
        const char *name = value_get_str(outputs->list.items[i], "name", "");
        const char *from = value_get_str(outputs->list.items[i], "from", NULL);
        const char *as = value_get_str(outputs->list.items[i], "as", NULL);
        const struct value *said = value_get(map, name);
        if (from == NULL && said == NULL && !hook_comes_after(&work->job))
            work_log(work, "warn", "the declared output \"%s\" was not set: it is null", name);
        const char *text = from != NULL ? buf_str(captured) : value_str(said, NULL);
        if (text == NULL || (from == NULL && as == NULL)) continue;
        const struct value *value;
        int code = convert(&work->arena, text, from != NULL ? captured->size : said->text.size, as, &value, err);
        if (code) {
            err_context(err, "output \"%s\" of the step", name);
            return code;
        }
        value_set(&work->arena, map, name, value);
    }
    return 0;
}

/* Opened without following links and without waiting: the script may have put anything there. */
static int
read_file(struct work *work, struct value *map, struct err *err)
{
    const char *path = work_path(work, "output");
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    work->output_made = fd >= 0 || errno != ENOENT;
    if (!work->output_made) return 0;
    char *text = NULL;
    size_t size = 0;
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        err_set(err, EXIT_INVALID, "$LEVADA_OUTPUT is no file any more: the script replaced it");
        err->error_class = LEVADA_INVALID;
        return EXIT_INVALID;
    }
    int code = fd < 0 ? err_errno(err, EXIT_INVALID, "cannot read $LEVADA_OUTPUT")
                      : fd_read_rest(&work->arena, fd, LIMIT_OUTPUT_SIZE, &text, &size, err);
    if (code) {
        if (fd >= 0) err_context(err, "$LEVADA_OUTPUT");
        err->error_class = LEVADA_INVALID;
        return code;
    }
    return parse_lines(&work->arena, text, size, map, err);
}

int
output_collect(struct work *work, const struct buf *captured, const struct value **ret, struct err *err)
{
    struct value *map = value_map(&work->arena);
    int code = read_file(work, map, err);
    if (code == 0) code = collect_declared(work, captured, map, err);
    if (code == 0) *ret = map;
    return code;
}
