/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. What failed or was stopped half-way has no outputs to rely on: that is told, and left to a person.
 */
#include "run/rollback.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "run/retry.h"

static bool
may_have_happened(const struct step_state *step)
{
    return step->nattempts > step->past &&
           (step->status == STEP_FAILED_STATUS || step->status == STEP_CANCELLED_STATUS);
}

static void
judge(struct rollback_row *row, const struct step_state *step)
{
    row->step = step;
    row->undo = false;
    if (step->undone) row->text = "it is undone already";
    else if (step->status == STEP_SUCCEEDED_STATUS && step->step->undo == NULL) row->text = "it has no `undo`";
    else if (step->status == STEP_SUCCEEDED_STATUS) {
        row->undo = true;
        row->text = "it succeeded";
    } else if (may_have_happened(step)) row->text = "it ended half-way: look at what it did, and mend it by hand";
    else row->text = "it has done nothing";
}

static int
last_first(const void *left, const void *right)
{
    const struct rollback_row *a = left, *b = right;
    if (a->undo != b->undo) return a->undo ? -1 : 1;
    int64_t x = a->step->ended_seq, y = b->step->ended_seq;
    if (a->undo) return x > y ? -1 : x < y;
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
        if (state_is_parent(step) || step->undoes != NO_PARENT || !state_is_live(state, step)) continue;
        if (one != NULL && step != one) continue;
        judge(&ret->rows[ret->nrows], step);
        ret->undo += ret->rows[ret->nrows++].undo;
    }
    qsort(ret->rows, ret->nrows, sizeof *ret->rows, last_first);
    if (ret->undo > 0) return 0;
    err_set(err, EXIT_USAGE, "there is nothing to undo: %s",
            one != NULL ? ret->rows[0].text : "no step that succeeded says how (`undo`), or all is undone already");
    return EXIT_USAGE;
}
