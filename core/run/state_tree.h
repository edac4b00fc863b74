/* SPDX-License-Identifier: Apache-2.0
 *
 * What state.c and state_tree.c share. Everybody else looks at state.h.
 */
#ifndef RUN_STATE_TREE_H
#define RUN_STATE_TREE_H

#include "base/limits.h"
#include "run/state.h"

/* Children of a loop or block, as the event says. May move state->steps: `step` is not valid behind it. */
int state_expand(struct run_state *state, struct step_state *step, const struct event *event, struct err *err);
/* As if it had never been looked at; what it did stays on record. */
void state_reset(struct step_state *step);
/* The action that the chunk of `step` calls, as the event says. May move state->steps. */
int state_call(struct run_state *state, struct step_state *step, const struct event *event, struct err *err);
/* The steps that undo, as the event says: they run one after the other. */
int state_roll_back(struct run_state *state, const struct event *event, struct err *err);
/* What it is a part of has not ended any more. */
void state_reopen(struct run_state *state, const struct step_state *child);
/* Makes the instance the one that its id and item find. */
void state_index(struct run_state *state, uint32_t i);

#endif
