/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. What failed or was stopped half-way has no outputs to rely on: that is told, and left to a person.
 */
#include "run/rollback.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "run/retry.h"

#define HINT_NAMES 5 /* enough to find the others by */

/* An item that a retry left out, or a part of what did not begin again: does its effect still stand? */
static bool
is_left_out(const struct run_state *state, const struct step_state *step)
{
    return step->step->undo != NULL && state_step(state, step->step->id, step->item) == step &&
           (step->left || state_has_acted(step));
}

static void
judge(struct rollback_row *row, const struct step_state *step, bool live)
{
    row->step = step;
    row->by_hand = !live || (step->status != STEP_SUCCEEDED_STATUS && (step->left || state_has_acted(step)));
    row->undo = false;
    if (!live) row->text = "a retry left it out: look at what it did before, and mend it by hand";
    else if (step->undone) row->text = "it is undone already";
    else if (step->status == STEP_SUCCEEDED_STATUS && step->step->undo == NULL) row->text = "it has no `undo`";
    else if (step->status == STEP_SUCCEEDED_STATUS) {
        row->undo = true;
        row->text = "it succeeded";
    } else if (state_has_acted(step)) row->text = "it ended half-way: look at what it did, and mend it by hand";
    else if (step->left) row->text = "look at what it did before the retry, and mend it by hand";
    else row->text = "it has done nothing";
}

static int
last_first(const void *left, const void *right)
{
    const struct rollback_row *a = left, *b = right;
    if (a->undo != b->undo) return a->undo ? -1 : 1;
    int64_t x = a->step->ended_seq, y = b->step->ended_seq;
    if (a->undo) return x > y ? -1 : x < y;
    if (a->by_hand != b->by_hand) return a->by_hand ? -1 : 1;
    return (a->step > b->step) - (a->step < b->step);
}

static int
find_only(const struct run_state *state, const char *only, const char *item,
          const struct step_state **ret, struct err *err)
{
    struct step_state *found;
    int code = state_find(state, only, item, &found, err);
    if (code) return code;
    *ret = found;
    if (!state_is_parent(*ret)) return 0;
    err_set(err, EXIT_USAGE, "step \"%s\" has parts, and only these can be undone", only);
    err_hint(err, "Name one of them: `levada show %s` lists them.", state->id);
    return EXIT_USAGE;
}

/* Nothing is undone, and yet something stands. */
static void
hint_by_hand(struct arena *arena, const struct rollback_plan *plan, struct err *err)
{
    const char *names = "";
    size_t count = 0;
    for (; count < plan->nrows && plan->rows[count].by_hand; count++)
        if (count < HINT_NAMES)
            names = arena_printf(arena, "%s%s%s", names, count ? ", " : "", state_name(arena, plan->rows[count].step));
    err_hint(err, "Look at what these did and mend it by hand: %s%s.", names, count > HINT_NAMES ? ", …" : "");
}

int
rollback_plan(struct arena *arena, const struct run_state *state, const char *only, const char *item,
              struct rollback_plan *ret, struct err *err)
{
    const struct step_state *one = NULL;
    *ret = (struct rollback_plan){.rows = ARENA_ARRAY(arena, state->nsteps + 1, struct rollback_row)};
    int code = run_must_have_ended(state, err);
    if (!code && only != NULL) code = find_only(state, only, item, &one, err);
    if (code) return code;
    for (size_t i = 0; i < state->nsteps; i++) {
        const struct step_state *step = &state->steps[i];
        if (state_is_parent(step) || step->undoes != NO_PARENT) continue;
        bool live = state_is_live(state, step);
        if ((!live && !is_left_out(state, step)) || (one != NULL && step != one)) continue;
        judge(&ret->rows[ret->nrows], step, live);
        ret->undo += ret->rows[ret->nrows++].undo;
    }
    qsort(ret->rows, ret->nrows, sizeof *ret->rows, last_first);
    if (ret->undo > 0) return 0;
    err_set(err, EXIT_USAGE, "there is nothing to undo: %s",
            one != NULL ? ret->rows[0].text : "no step that succeeded says how (`undo`), or all is undone already");
    if (one == NULL && ret->nrows > 0 && ret->rows[0].by_hand) hint_by_hand(arena, ret, err);
    return EXIT_USAGE;
}
