/* SPDX-License-Identifier: Apache-2.0
 *
 * A run is judged by its own workflow, as it was when it ran: what was promised for it is kept, whatever the file says
 * today.
 */
#include "run/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

bool
keep_parse(const char *text, struct keep *ret)
{
    int64_t number;
    if (str_to_int(text, &number)) {
        if (number < 1) return false;
        *ret = (struct keep){.given = true, .count = number};
        return true;
    }
    if (!str_to_duration(text, &number)) return false;
    *ret = (struct keep){.given = true, .age_ms = number};
    return true;
}

const char *
keep_text(struct arena *arena, const struct keep *keep)
{
    struct buf text BUF_SCOPED = {0};
    if (keep->count) return arena_printf(arena, "%lld", (long long)keep->count);
    buf_init(&text, 64);
    str_duration(&text, keep->age_ms);
    return arena_strdup(arena, buf_str(&text));
}

static void
read_keep(const struct value *map, const char *name, struct keep *ret)
{
    const struct value *value = value_get(map, name);
    if (value_is(value, VALUE_INT) && value->integer >= 1) *ret = (struct keep){.given = true, .count = value->integer};
    else if (value_is(value, VALUE_STRING)) (void)keep_parse(value->text.ptr, ret);
}

void
history_read(const struct value *map, struct history *ret)
{
    *ret = (struct history){.logs_ms = -1};
    read_keep(map, "keep", &ret->keep);
    read_keep(map, "keep_failed", &ret->keep_failed);
    const char *logs = value_get_str(map, "logs", NULL);
    if (logs != NULL && !str_to_duration(logs, &ret->logs_ms)) ret->logs_ms = -1;
}

static int
by_workflow(const void *a, const void *b)
{
    const struct history_run *x = a, *y = b;
    int order = strcmp(x->workflow, y->workflow);
    if (order == 0) order = strcmp(x->file, y->file);
    return order ? order : strcmp(y->id, x->id);
}

/* `of_failed`: the rule is for failed runs alone, so that they are counted by themselves. */
static const struct keep *
rule_of(const struct history *history, bool failed, bool *of_failed)
{
    *of_failed = failed && history->keep_failed.given;
    const struct keep *keep = *of_failed ? &history->keep_failed : &history->keep;
    return keep->given ? keep : NULL;
}

static void
decide_one(struct arena *arena, struct history_run *run, const struct history *given, bool over, int64_t counts[2],
           int64_t now_ms)
{
    bool failed = run->status != RUN_SUCCEEDED_STATUS, of_failed;
    const struct history *first = over ? given : &run->own, *second = over ? &run->own : given;
    const struct keep *keep = rule_of(first, failed, &of_failed);
    if (keep == NULL) keep = rule_of(second, failed, &of_failed);
    int64_t logs_ms = first->logs_ms >= 0 ? first->logs_ms : second->logs_ms;
    int64_t rank = counts[of_failed]++, age_ms = now_ms - run->finished_ms;
    const char *name = of_failed ? "keep_failed" : "keep";
    if (keep != NULL) run->rule = arena_printf(arena, "%s %s", name, keep_text(arena, keep));
    if (keep != NULL && (keep->count ? rank >= keep->count : age_ms >= keep->age_ms)) {
        run->fate = HISTORY_RUN;
    } else if (logs_ms >= 0 && age_ms >= logs_ms) {
        run->fate = HISTORY_LOGS;
        run->rule = arena_printf(arena, "logs %s", keep_text(arena, &(struct keep){.given = true, .age_ms = logs_ms}));
    }
}

void
history_decide(struct arena *arena, struct history_run *runs, size_t count, const struct history *given, bool over,
               int64_t now_ms)
{
    int64_t counts[2] = {0};
    qsort(runs, count, sizeof *runs, by_workflow);
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && str_eq(runs[i].workflow, runs[i - 1].workflow) && str_eq(runs[i].file, runs[i - 1].file);
        if (!same) counts[0] = counts[1] = 0;
        runs[i].fate = HISTORY_KEPT;
        runs[i].rule = NULL;
        decide_one(arena, &runs[i], given, over, counts, now_ms);
    }
}
