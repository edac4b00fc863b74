/* SPDX-License-Identifier: Apache-2.0
 *
 * One walk over the run. Of a long loop the parts that it shows are chosen before it is entered.
 */
#include "show/outline.h"

#include "base/str.h"
#include "show/view.h"

struct builder {
    struct arena *arena;
    const struct run_state *state;
    const struct outline_options *options;
    struct outline *outline;
    unsigned loops;       /* that the walk is within */
};

static void
add(struct builder *b, struct outline_row row)
{
    struct outline *outline = b->outline;
    outline->rows = arena_grow(b->arena, outline->rows, outline->count, &outline->capacity, sizeof *outline->rows);
    outline->rows[outline->count++] = row;
}

static bool
is_bad(const struct step_state *step)
{
    return step->status == STEP_FAILED_STATUS || step->status == STEP_UNKNOWN_STATUS;
}

static bool
is_busy(const struct step_state *step)
{
    return step->status == STEP_RUNNING_STATUS || step->status == STEP_BACKOFF_STATUS ||
           step->status == STEP_PARKED_STATUS || step->status == STEP_READY_STATUS;
}

static void add_parts(struct builder *b, const struct step_state *parent, unsigned depth);

static void
add_one(struct builder *b, const struct step_state *step, unsigned depth)
{
    bool sometimes = step->step->part == PART_ON_FAILURE || step->step->part == PART_ON_SUCCESS;
    if (step->gone || (b->options->failed && !is_bad(step))) return;
    if (sometimes && (step->status == STEP_SKIPPED_STATUS || step->status == STEP_WAITING_STATUS)) return;
    add(b, (struct outline_row){.step = step, .depth = depth});
    add_parts(b, step, depth + 1);
}

/* Those that did not succeed first, for they are what somebody looks for. */
static void
add_some(struct builder *b, const struct step_state *parts, size_t count, unsigned depth)
{
    struct outline_row rest = {.depth = depth};
    size_t bad = 0, busy = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].gone) continue;
        if (is_bad(&parts[i]) && bad++ < b->options->others) add_one(b, &parts[i], depth);
        else if (!is_busy(&parts[i])) tally_add(&rest.left, parts[i].status);
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].gone || !is_busy(&parts[i])) continue;
        if (busy++ < b->options->others) add_one(b, &parts[i], depth);
        else tally_add(&rest.left, parts[i].status);
    }
    if (rest.left.all > 0) b->outline->cut = true;
    if (rest.left.all > 0 && bad + busy > 0) add(b, rest); /* else the loop's own line says it */
}

static void
add_parts(struct builder *b, const struct step_state *parent, unsigned depth)
{
    size_t count;
    const struct step_state *parts = instance_parts(b->state, parent, &count);
    bool loop = parent != NULL && state_is_loop(parent);
    size_t most = b->loops > 0 ? b->options->nested : b->options->items;
    b->loops += loop;
    if (!loop || count <= most || b->options->failed)
        for (size_t i = 0; i < count; i++) add_one(b, &parts[i], depth);
    else
        add_some(b, parts, count, depth);
    b->loops -= loop;
}

void
outline_build(struct arena *arena, const struct run_state *state, const struct outline_options *options,
              struct outline *ret)
{
    struct builder b = {.arena = arena, .state = state, .options = options, .outline = ret};
    *ret = (struct outline){0};
    if (options->step == NULL) {
        add_parts(&b, NULL, 0);
        return;
    }
    unsigned top = 0;
    for (const struct step_state *at = instance_next(state, NULL); at != NULL; at = instance_next(state, at)) {
        if (!instance_within(state, at, options->step, options->item) || (options->failed && !is_bad(at))) continue;
        unsigned depth = instance_depth(state, at);
        if (ret->count == 0 || depth < top) top = depth;
        add(&b, (struct outline_row){.step = at, .depth = depth - top});
    }
}
