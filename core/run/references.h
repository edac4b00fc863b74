/* SPDX-License-Identifier: Apache-2.0
 *
 * Outputs that are secrets: the journal has where they are kept, and only an output that its action's table marks as
 * sensitive counts; what a script printed may look the same. An expression that mentions one is evaluated by the worker
 * that uses it, like one over `secrets`.
 */
#ifndef RUN_REFERENCES_H
#define RUN_REFERENCES_H

#include <stdbool.h>

#include "base/arena.h"
#include "run/inputs_names.h"
#include "run/state.h"
#include "workflow/template.h"

/* Does an expression of the template mention one that is set? */
bool references_touch(const struct inputs *inputs, const struct place *place, const struct template *template);
/* Those that it mentions, onto a list as job.references; each once. */
void references_add(const struct inputs *inputs, const struct place *place, struct arena *arena,
                    const struct template *template, struct value *list);
/* Has an action of the file's plugins an output that may be one? Without, the next two find nothing. */
bool references_possible(const struct model *model);
/* All that the run has so far, onto a list as job.secrets: for masks only. */
void references_mask(struct arena *arena, const struct run_state *state, struct value *list);
/* The variables among them, onto a list as job.unset. */
void references_unset(struct arena *arena, const struct run_state *state, struct value *list);

#endif
