/* SPDX-License-Identifier: Apache-2.0
 *
 * A walk goes from a parent to its parts by their place in the state's array, and knows nothing but where it is: a run
 * of a million instances is walked without memory.
 */
#include "show/instance.h"

#include <string.h>

#include "base/str.h"
#include "show/text.h"
#include "show/view.h"

static bool
is_live(const struct run_state *state, uint32_t i)
{
    return state_is_live(state, &state->steps[i]);
}

const struct step_state *
instance_parts(const struct run_state *state, const struct step_state *step, size_t *count)
{
    if (step == NULL) {
        *count = state->model->nsteps;
        return state->steps;
    }
    *count = step->expanded && state_is_parent(step) ? step->nchildren : 0;
    return &state->steps[step->first];
}

/* Calls of Lua steps, and steps that undo others, stand in no workflow and have no parent. */
static const struct step_state *
beside_the_tree(const struct run_state *state, const struct step_state *at)
{
    for (; at < state->steps + state->nsteps; at++)
        if (at->parent == NO_PARENT && !at->gone && (at->caller == NO_PARENT || is_live(state, at->caller))) return at;
    return NULL;
}

const struct step_state *
instance_past(const struct run_state *state, const struct step_state *at)
{
    for (;;) {
        size_t count;
        const struct step_state *parent = at->parent == NO_PARENT ? NULL : &state->steps[at->parent];
        const struct step_state *first = instance_parts(state, parent, &count);
        for (at++; at < first + count; at++)
            if (!at->gone) return at;
        if (parent == NULL) return beside_the_tree(state, at);
        at = parent;
    }
}

const struct step_state *
instance_next(const struct run_state *state, const struct step_state *at)
{
    size_t count;
    const struct step_state *first = instance_parts(state, at, &count);
    for (size_t i = 0; i < count; i++)
        if (!first[i].gone) return &first[i];
    return at == NULL ? NULL : instance_past(state, at);
}

unsigned
instance_depth(const struct run_state *state, const struct step_state *step)
{
    unsigned depth = 0;
    for (; step->parent != NO_PARENT; step = &state->steps[step->parent]) depth++;
    return depth;
}

/* ---- names -------------------------------------------------------------------------------------------- */

static void
put_key(struct buf *buf, const char *key)
{
    buf_char(buf, '[');
    text_line(buf, key);
    buf_char(buf, ']');
}

void
instance_name(struct buf *buf, const struct step_state *step)
{
    buf_text(buf, step->step->id);
    if (step->item != NULL) put_key(buf, step->item);
}

void
instance_label(struct buf *buf, const struct step_state *step)
{
    if (step->is_item) put_key(buf, step->key);
    else buf_text(buf, step->parent != NO_PARENT ? step->step->local : step->step->id);
}

const char *
instance_name_text(struct arena *arena, const struct step_state *step)
{
    struct buf buf BUF_SCOPED = {0};
    if (step->item == NULL) return step->step->id;
    buf_init(&buf, 1 << 16);
    instance_name(&buf, step);
    return arena_strdup(arena, buf_str(&buf));
}

/* ---- finding ------------------------------------------------------------------------------------------ */

/* By its name, or by its key as the workflow has it: "a/b" is easier typed than "a%2Fb". */
static bool
is_called(const struct run_state *state, const struct step_state *step, const char *item)
{
    if (step->item == NULL) return false;
    if (str_eq(step->item, item)) return true;
    return step->is_item && state->steps[step->parent].item == NULL && str_eq(step->key, item);
}

bool
instance_within(const struct run_state *state, const struct step_state *step, const char *id, const char *item)
{
    size_t size = strlen(id);
    /* "a" is around "a.b", and not around "ab". */
    if (strncmp(step->step->id, id, size) != 0 || (step->step->id[size] != '\0' && step->step->id[size] != '.'))
        return false;
    for (; item != NULL; step = &state->steps[step->parent]) {
        if (is_called(state, step, item)) return true;
        if (step->parent == NO_PARENT) return false;
    }
    return true;
}

void
instance_split(struct arena *arena, const char **step, const char **item)
{
    const char *open = *step != NULL ? strchr(*step, '[') : NULL;
    size_t size = open != NULL ? strlen(open) : 0;
    if (*item != NULL || size < 3 || open == *step || open[size - 1] != ']') return;
    *item = arena_strndup(arena, open + 1, size - 2);
    *step = arena_strndup(arena, *step, (size_t)(open - *step));
}

bool
instance_exists(const struct run_state *state, const char *step)
{
    for (size_t i = 0; i < state->nsteps; i++)
        if (str_eq(state->steps[i].step->id, step)) return true;
    return false;
}

static int
no_such_item(const struct run_state *state, const char *run, const char *id, const char *item, struct err *err)
{
    struct arena arena ARENA_SCOPED = {0};
    const char **items = ARENA_ARRAY(&arena, state->nsteps + 1, const char *);
    size_t count = 0;
    for (const struct step_state *at = instance_next(state, NULL); at != NULL; at = instance_next(state, at))
        if (at->item != NULL && str_eq(at->step->id, id)) items[count++] = at->item;
    const char *near = item != NULL ? str_nearest(item, items, count) : NULL;
    if (item == NULL)
        err_set(err, EXIT_USAGE, "step \"%s\" of run %s is done for each item: which one?", id, run);
    else if (count == 0)
        err_set(err, EXIT_USAGE, "step \"%s\" of run %s has no items", id, run);
    else
        err_set(err, EXIT_USAGE, "step \"%s\" of run %s has no item \"%s\"", id, run, item);
    struct buf word BUF_SCOPED = {0};
    buf_init(&word, 1 << 16);
    if (count > 0) str_shell(&word, items[0]);
    if (near != NULL) err_hint(err, "Did you mean \"%s\"?", near);
    else if (count > 0) err_hint(err, "It has %zu: --item %s%s", count, buf_str(&word), count > 1 ? ", …" : "");
    return EXIT_USAGE;
}

int
instance_find(const struct run_state *state, const char *run, const char *step, const char *item,
              const struct step_state **ret, struct err *err)
{
    struct arena arena ARENA_SCOPED = {0};
    instance_split(&arena, &step, &item);
    *ret = state_step(state, step, item);
    for (const struct step_state *at = instance_next(state, NULL); *ret == NULL && item != NULL && at != NULL;
         at = instance_next(state, at))
        if (str_eq(at->step->id, step) && is_called(state, at, item)) *ret = at;
    if (*ret != NULL) return 0;
    if (instance_exists(state, step)) return no_such_item(state, run, step, item, err);
    const char *near = state_nearest(state, step);
    err_set(err, EXIT_USAGE, "run %s has no step \"%s\"", state->id, step);
    if (near != NULL) err_hint(err, "Did you mean \"%s\"?", near);
    else err_hint(err, "`levada show %s` lists its steps.", run);
    return EXIT_USAGE;
}

/* ---- counting ----------------------------------------------------------------------------------------- */

void
tally_add(struct tally *tally, enum step_status status)
{
    tally->by[status]++;
    tally->all++;
}

void
tally_run(struct tally *tally, const struct run_state *state)
{
    *tally = (struct tally){0};
    for (const struct step_state *at = instance_next(state, NULL); at != NULL; at = instance_next(state, at))
        if (step_counts(at)) tally_add(tally, at->status);
}

void
tally_parts(struct tally *tally, const struct run_state *state, const struct step_state *parent)
{
    size_t count;
    const struct step_state *parts = instance_parts(state, parent, &count);
    *tally = (struct tally){0};
    for (size_t i = 0; i < count; i++)
        if (!parts[i].gone) tally_add(tally, parts[i].status);
}

static void
put_counts(struct buf *buf, const struct tally *tally, const enum step_status *order, size_t count, bool first)
{
    for (size_t i = 0; i < count; i++) {
        if (tally->by[order[i]] == 0) continue;
        if (!first) buf_text(buf, ", ");
        first = false;
        text_count(buf, (int64_t)tally->by[order[i]]);
        buf_printf(buf, " %s", step_status_name(order[i]));
    }
}

void
tally_text(struct buf *buf, const struct tally *tally)
{
    static const enum step_status order[] = {
        STEP_SUCCEEDED_STATUS, STEP_FAILED_STATUS, STEP_UNKNOWN_STATUS, STEP_PARKED_STATUS, STEP_CANCELLED_STATUS,
        STEP_SKIPPED_STATUS, STEP_RUNNING_STATUS, STEP_BACKOFF_STATUS, STEP_READY_STATUS, STEP_WAITING_STATUS};
    if (tally->all == 0) buf_text(buf, "no steps");
    else put_counts(buf, tally, order, sizeof order / sizeof order[0], true);
}

void
tally_progress(struct buf *buf, const struct tally *tally)
{
    static const enum step_status order[] = {
        STEP_RUNNING_STATUS, STEP_BACKOFF_STATUS, STEP_FAILED_STATUS, STEP_UNKNOWN_STATUS, STEP_PARKED_STATUS,
        STEP_CANCELLED_STATUS, STEP_SKIPPED_STATUS};
    text_count(buf, (int64_t)tally->by[STEP_SUCCEEDED_STATUS]);
    buf_text(buf, " of ");
    text_count(buf, (int64_t)tally->all);
    buf_text(buf, " done");
    put_counts(buf, tally, order, sizeof order / sizeof order[0], false);
}
