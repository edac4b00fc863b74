/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "run/decisions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "run/requests.h"

#define PREFIX "decide."
#define SUFFIX ".json"
#define DECISIONS_MAX 1000u /* looked at in one go: a run folder is no mailbox */
#define DECISION_SIZE (1u * MIB)

static void
set_text(struct arena *arena, struct value *map, const char *name, const char *text)
{
    if (text != NULL) value_set(arena, map, name, value_text(arena, text));
}

int
decisions_leave(struct arena *arena, const char *run_folder, const struct approval_request *request,
                const char **name, struct err *err)
{
    int folder FD_SCOPED = open(run_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return err_errno(err, EXIT_STORE, "run folder \"%s\"", run_folder);
    requests_sweep(folder, "." PREFIX);
    struct value *map = value_map(arena);
    set_text(arena, map, "id", request->id);
    set_text(arena, map, "step", request->step);
    set_text(arena, map, "item", request->item);
    value_set(arena, map, "number", value_int(arena, request->number));
    set_text(arena, map, "decision", request->reject ? "reject" : "approve");
    set_text(arena, map, "who", request->who);
    set_text(arena, map, "claim", request->claim);
    set_text(arena, map, "as", request->as);
    set_text(arena, map, "why", request->why);
    if (request->input != NULL) value_set(arena, map, "input", request->input);
    const char *text = json_text(arena, map);
    if (strlen(text) >= DECISION_SIZE)
        return err_set(err, EXIT_USAGE, "the decision has %zu bytes; the limit is %u", strlen(text), DECISION_SIZE);
    *name = arena_printf(arena, PREFIX "%013" PRId64 ".%s" SUFFIX, clock_wall_ms(), request->id);
    int code = fd_replace_file(folder, *name, text, strlen(text), 0644, true, err);
    /* What root leaves its owner must be able to read; the folder lets nobody else in. */
    if (!code && fchmodat(folder, *name, 0644, 0) != 0) code = err_errno(err, EXIT_STORE, "\"%s\"", *name);
    return code;
}

static bool
is_name(const char *name)
{
    return str_starts(name, PREFIX) && str_ends(name, SUFFIX) && strlen(name) < 128;
}

static int
by_name(const void *a, const void *b)
{
    const struct decision_file *const one = a, *const other = b;
    return strcmp(one->name, other->name);
}

static bool
read_one(struct arena *arena, int folder, struct decision_file *file)
{
    char *text;
    size_t size;
    struct stat st;
    struct err ignored;
    const struct value *map;
    int fd FD_SCOPED = openat(folder, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return false;
    if (fd_read_rest(arena, fd, DECISION_SIZE, &text, &size, &ignored) != 0) return false;
    if (json_parse(arena, text, size, &map, &ignored) != 0 || !value_is(map, VALUE_MAP)) return false;
    const char *decision = value_get_str(map, "decision", "");
    int64_t number = value_get_int(map, "number", 0);
    file->request = (struct approval_request){
        .id = value_get_str(map, "id", ""), .step = value_get_str(map, "step", ""),
        .item = value_get_str(map, "item", NULL), .number = number > 0 && number < UINT32_MAX ? (uint32_t)number : 0,
        .reject = str_eq(decision, "reject"), .uid = (int64_t)st.st_uid,
        .who = value_get_str(map, "who", "somebody"), .claim = value_get_str(map, "claim", NULL),
        .as = value_get_str(map, "as", NULL), .why = value_get_str(map, "why", ""),
        .input = value_is(value_get(map, "input"), VALUE_MAP) ? value_get(map, "input") : NULL};
    return file->request.reject || str_eq(decision, "approve");
}

void
decisions_list(struct arena *arena, const char *run_folder, struct decision_file **ret, size_t *count)
{
    size_t capacity = 0, kept = 0;
    *ret = NULL;
    *count = 0;
    DIR *dir = opendir(run_folder);
    if (dir == NULL) return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL && *count < DECISIONS_MAX;) {
        if (!is_name(entry->d_name)) continue;
        *ret = arena_grow(arena, *ret, *count, &capacity, sizeof **ret);
        (*ret)[(*count)++] = (struct decision_file){.name = arena_strdup(arena, entry->d_name)};
    }
    if (*count > 1) qsort(*ret, *count, sizeof **ret, by_name);
    for (size_t i = 0; i < *count; i++)
        if (read_one(arena, dirfd(dir), &(*ret)[i])) (*ret)[kept++] = (*ret)[i];
    *count = kept;
    closedir(dir);
}

bool
decisions_has(const char *run_folder, const char *name)
{
    struct arena arena ARENA_SCOPED = {0};
    return access(arena_printf(&arena, "%s/%s", run_folder, name), F_OK) == 0;
}

void
decisions_forget(const char *run_folder, const char *name)
{
    struct arena arena ARENA_SCOPED = {0};
    FAILPOINT("decision_taken");
    if (is_name(name)) (void)unlink(arena_printf(&arena, "%s/%s", run_folder, name));
}
