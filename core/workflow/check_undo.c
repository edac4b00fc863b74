/* SPDX-License-Identifier: Apache-2.0
 *
 * `undo`: what takes the effect of a step back. It is a step of its own, which only `levada rollback` runs; it sees
 * what the step sees, and the step's outputs as `outputs`.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/check.h"

/* The map of `undo` as a list of one step. */
static const struct value *
as_steps(struct check *check, const struct value *undo)
{
    struct value *step = value_copy(check->arena, undo), *list = value_list(check->arena);
    struct value *id = value_text(check->arena, "undo");
    id->line = step->line = list->line = undo->line;
    id->column = step->column = list->column = undo->column;
    value_set(check->arena, step, "id", id);
    value_push(check->arena, list, step);
    return list;
}

void
check_undo_read(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    struct draft *draft = &check->drafts[index];
    const struct value *undo = keys_get(PLACE_STEP, draft->map, "undo");
    if (undo == NULL) return;
    if (step_is_block(step)) {
        CHECK_KEY_ERROR(check, draft->map, "undo", "misplaced-key", "Give it to the steps inside.",
                        "\"undo\" means nothing beside steps of its own");
        return;
    }
    const char *what = arena_printf(check->arena, "`undo` of %s", draft->what);
    size_t errors = check->diags->errors;
    if (!keys_check(check->diags, PLACE_UNDO, undo, what) || check->diags->errors > errors) return;
    const struct value *parts[PARTS] = {as_steps(check, undo)};
    draft->undo = check_inner(check, index);
    draft->undo->undoes = true;
    check_inner_read(check, draft->undo, parts);
    step->undo = draft->undo->model;
}

void
check_undo_link(struct check *check, uint32_t index)
{
    if (check->drafts[index].undo != NULL) check_inner_link(check, check->drafts[index].undo);
}
