/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "show/removed.h"

#include <string.h>

#include "base/str.h"
#include "run/journal.h"

struct finder {
    struct arena *arena;
    struct removed_step *step;
};

static int
take_event(void *context, const struct event *event, struct arena *scratch, struct err *err)
{
    struct finder *finder = context;
    struct removed_step *step = finder->step;
    (void)scratch;
    (void)err;
    step->last_ms = event->time_ms;
    if (event->type != EVENT_STEP_INTENT) return 0;
    step->attempts =
        arena_grow(finder->arena, step->attempts, step->count, &step->capacity, sizeof *step->attempts);
    const char *log = value_get_str(event->data, "log", NULL);
    step->attempts[step->count++] = (struct removed_attempt){
        .attempt = (uint32_t)value_get_int(event->data, "attempt", 0),
        .record = (uint32_t)value_get_int(event->data, "record", 0),
        .log = log != NULL ? arena_strdup(finder->arena, log) : NULL};
    return 0;
}

bool
removed_find(struct arena *arena, const char *run_folder, const char *name, struct removed_step *ret)
{
    struct finder finder = {.arena = arena, .step = ret};
    struct journal *journal;
    struct err ignored;
    *ret = (struct removed_step){0};
    if (journal_open_read(run_folder, &journal, &ignored) != 0) return false;
    bool read = journal_read_of(journal, name, take_event, &finder, &ignored) == 0;
    journal_close(&journal, false);
    return read && ret->last_ms > 0;
}

int
removed_say(const char *run, const char *name, const struct removed_step *step, struct err *err)
{
    struct buf time BUF_SCOPED = {0};
    buf_init(&time, 64);
    str_timestamp(&time, step->last_ms);
    err_set(err, EXIT_USAGE, "run %s had step \"%s\" before it was retried with an edited workflow", run, name);
    err_hint(err, "As it was then: levada why --at %s %s %s", buf_str(&time), run, name);
    return EXIT_USAGE;
}
