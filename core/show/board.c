/* SPDX-License-Identifier: Apache-2.0
 *
 * Every number here follows from comparing what a step is now with what it was when it was last looked at, so it does
 * no harm that the state may be ahead of the event.
 */
#include "show/board.h"

#include <string.h>

#include "show/view.h"

struct board_part *
board_part(struct board *board, const struct step_state *step)
{
    size_t needed = board->state->nsteps;
    if (needed > board->capacity) {
        size_t capacity = board->capacity * 2 > needed ? board->capacity * 2 : needed;
        struct board_part *grown = ARENA_ARRAY(board->arena, capacity, struct board_part);
        if (board->nparts) memcpy(grown, board->parts, board->nparts * sizeof *grown);
        board->parts = grown;
        board->capacity = capacity;
    }
    board->nparts = needed;
    return &board->parts[step - board->state->steps];
}

const struct board_sum *
board_sum(const struct board *board, const struct step_state *parent)
{
    if (parent == NULL) return &board->sum;
    size_t at = (size_t)(parent - board->state->steps);
    return at < board->nparts ? board->parts[at].sum : NULL;
}

static struct board_sum *
sum_above(struct board *board, const struct step_state *step)
{
    return step->parent == NO_PARENT ? &board->sum
                                     : board_part(board, &board->state->steps[step->parent])->sum;
}

static bool
at_work(enum step_status status)
{
    return status == STEP_RUNNING_STATUS || status == STEP_BACKOFF_STATUS || status == STEP_PARKED_STATUS ||
           status == STEP_UNKNOWN_STATUS || status == STEP_READY_STATUS;
}

static void
link_part(struct board *board, struct board_sum *sum, uint32_t i)
{
    struct board_part *part = &board->parts[i];
    if (part->linked) return;
    part->linked = true;
    part->next = 0;
    part->before = sum->last;
    if (sum->last) board->parts[sum->last - 1].next = i + 1;
    else sum->first = i + 1;
    sum->last = i + 1;
}

static void
unlink_part(struct board *board, struct board_sum *sum, uint32_t i)
{
    struct board_part *part = &board->parts[i];
    if (!part->linked) return;
    part->linked = false;
    if (part->before) board->parts[part->before - 1].next = part->next;
    else sum->first = part->next;
    if (part->next) board->parts[part->next - 1].before = part->before;
    else sum->last = part->before;
}

/* It failed, or is no longer a failure. */
static void
note_failure(struct board_sum *sum, uint32_t i, bool failed)
{
    size_t at = 0;
    while (at < sum->nfailed && sum->failed[at] != i) at++;
    if (failed && at == sum->nfailed && at < BOARD_FAILURES) sum->failed[sum->nfailed++] = i;
    if (failed || at == sum->nfailed) return;
    memmove(&sum->failed[at], &sum->failed[at + 1], (sum->nfailed - at - 1) * sizeof sum->failed[0]);
    sum->nfailed--;
}

static void
count_in_run(struct board *board, const struct step_state *step)
{
    struct board_part *part = board_part(board, step);
    if (part->counted) {
        board->all.by[part->counted_as]--;
        board->all.all--;
    }
    part->counted = !step->gone && step_counts(step);
    part->counted_as = step->status;
    if (part->counted) tally_add(&board->all, step->status);
}

/* Into the sum above it, as it is now. */
static void
enter(struct board *board, struct board_sum *sum, const struct step_state *step)
{
    uint32_t i = (uint32_t)(step - board->state->steps);
    struct board_part *part = board_part(board, step);
    part->seen = step->status;
    part->known = true;
    part->linked = false;
    tally_add(&sum->tally, step->status);
    if (at_work(step->status)) link_part(board, sum, i);
    if (step->status == STEP_FAILED_STATUS) note_failure(sum, i, true);
    count_in_run(board, step);
}

/* All parts of one that has begun (NULL: of the run). */
static void
scan(struct board *board, const struct step_state *parent)
{
    size_t count;
    const struct step_state *parts = instance_parts(board->state, parent, &count);
    struct board_sum *sum = &board->sum;
    if (parent != NULL) {
        struct board_part *own = board_part(board, parent);
        if (own->sum == NULL) own->sum = ARENA_NEW(board->arena, struct board_sum);
        sum = own->sum;
        count_in_run(board, parent);
    }
    *sum = (struct board_sum){0};
    for (size_t i = 0; i < count; i++)
        if (!parts[i].gone) enter(board, sum, &parts[i]);
}

static void
scan_all(struct board *board)
{
    for (size_t i = 0; i < board->nparts; i++) board->parts[i].counted = board->parts[i].known = false;
    board->all = (struct tally){0};
    scan(board, NULL);
    for (const struct step_state *at = instance_next(board->state, NULL); at != NULL;
         at = instance_next(board->state, at))
        if (at->expanded && state_is_parent(at)) scan(board, at);
        else if (at->parent == NO_PARENT && at >= board->state->steps + board->state->model->nsteps)
            enter(board, &board->sum, at);
}

void
board_init(struct board *board, struct arena *arena, const struct run_state *state)
{
    *board = (struct board){.arena = arena, .state = state};
    scan_all(board);
}

static void
note(struct board *board, const struct step_state *step)
{
    struct board_sum *sum = sum_above(board, step);
    struct board_part *part = board_part(board, step);
    uint32_t i = (uint32_t)(step - board->state->steps);
    if (sum == NULL || step->gone) return;
    if (!part->known) { /* a call: no event names it before it begins */
        enter(board, sum, step);
        return;
    }
    count_in_run(board, step);
    if (part->seen == step->status) return;
    sum->tally.by[part->seen]--;
    sum->tally.by[step->status]++;
    part->seen = step->status;
    note_failure(sum, i, step->status == STEP_FAILED_STATUS);
    if (at_work(step->status)) link_part(board, sum, i);
    else unlink_part(board, sum, i);
}

void
board_event(struct board *board, const struct event *event)
{
    const struct step_state *step =
        event->step != NULL ? state_step(board->state, event->step, event->item) : NULL;
    if (event->type == EVENT_RUN_RETRIED || event->type == EVENT_RUN_ROLLBACK) {
        scan_all(board);
    } else if (step != NULL) {
        if (event->type == EVENT_STEP_EXPANDED && step->expanded) scan(board, step);
        note(board, step);
    }
}

const struct tree_row *
board_rows(struct board *board, const struct model *model)
{
    for (size_t i = 0; i < board->nrows; i++)
        if (board->rows[i].model == model) return board->rows[i].rows;
    board->rows = arena_grow(board->arena, board->rows, board->nrows, &board->rows_capacity, sizeof *board->rows);
    board->rows[board->nrows] = (struct board_rows){model, tree_rows(board->arena, model)};
    return board->rows[board->nrows++].rows;
}
