/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the fold share: state.c, state_tree.c and that of approvals. Everybody else looks at state.h.
 */
#ifndef RUN_STATE_TREE_H
#define RUN_STATE_TREE_H

#include "base/limits.h"
#include "run/state.h"

/* A member of an event's data, kept with the state; NULL: it has none, or null. */
const struct value *state_keep(struct run_state *state, const struct value *data, const char *name);
/* The same of a text; `old` where there is none. */
const char *state_keep_text(struct run_state *state, const struct value *data, const char *name, const char *old);
/* The member `reason`: why the step is as it is now. */
void state_keep_reason(struct run_state *state, struct step_state *step, const struct value *data);
/* The step that an entry of an event's list names: an id, or {step, item?}. NULL: there is none such. */
struct step_state *state_entry(const struct run_state *state, const struct value *entry);

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
