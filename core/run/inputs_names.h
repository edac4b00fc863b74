/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a text of the workflow stands, and what the names in it mean there. For inputs.c alone.
 */
#ifndef RUN_INPUTS_NAMES_H
#define RUN_INPUTS_NAMES_H

#include "run/inputs.h"
#include "workflow/template.h"

/* Where a text stands: what it may name depends on it. */
struct place {
    const struct step_state *step;       /* whose text it is; NULL: of the block or the run as a whole */
    const struct step_state *undone;     /* that it takes back: its outputs are `outputs`; NULL: none */
    const struct step_state *block;      /* among whose steps; NULL: of the workflow itself */
    const struct value *bindings;        /* loop variables, or NULL */
    const char *const *variables;        /* their names */
};

struct place place_of(const struct inputs *inputs, const struct step_state *step);
/* Between the steps of a block (NULL: of the run): its outputs. */
struct place place_inside(const struct step_state *block);
/* Journalled outputs are JSON; durations, sizes and times get their types back, and what is missing is null. */
const struct value *place_outputs(struct arena *arena, const struct step_state *step);

/* The step that is called so beside the place: of the same block or, past groups, of one around it. NULL: none. */
struct step_state *place_step(const struct inputs *inputs, const struct place *place, const char *name);

/* Each adds to the map `names` what the reference, the template or the id of a step needs to be evaluated. */
void place_add(const struct inputs *inputs, const struct place *place, struct arena *arena, struct value *names,
               const struct expr_ref *ref);
void place_add_all(const struct inputs *inputs, const struct place *place, struct arena *arena, struct value *names,
                   const struct template *template);
void place_add_step(const struct inputs *inputs, const struct place *place, struct arena *arena,
                    struct value *names, const char *name);

#endif
