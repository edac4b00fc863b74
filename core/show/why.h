/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada why`: the recorded decisions in order, and for a run that failed the way to its cause. Prints data, guesses
 * nothing.
 */
#ifndef SHOW_WHY_H
#define SHOW_WHY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "show/view.h"

/* step NULL: the whole run. The step must exist. */
void why_text(struct buf *buf, const struct view *view, const struct step_state *step, int64_t now_ms, bool colour);
/* {run,status,step?,decisions[{seq,time,event,step?,item?,attempt?,status?,code,text}],cause?,affected[]} */
void why_json(struct buf *buf, const struct view *view, const struct step_state *step);

/* Steps that did not run because of `cause`, directly or through others: marks[i] true. Marks are nsteps long and
 * zeroed. */
void why_affected(const struct run_state *state, const struct step_state *cause, bool *marks);

#endif
