/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that wait for a person: who may decide, who has, until when, and what to type.
 */
#ifndef SHOW_ASKED_H
#define SHOW_ASKED_H

#include <stdbool.h>

#include "base/buf.h"
#include "run/state.h"

/* "waits for an approval by user:ann or group:dba (1 of 2: bob) since 2026-… until 2026-…"; one line. For a parked
 * step. */
void asked_text(struct buf *buf, const struct step_state *step);
/* "STEP [--item KEY][ --input NAME=…]": what follows `levada approve RUN` (`inputs`) or `levada reject RUN`. */
void asked_words(struct buf *buf, const struct step_state *step, bool inputs);
/* ,"approval":{…} of a step that was asked about; else nothing. */
void asked_json(struct buf *buf, const struct run_state *state, const struct step_state *step);
/* Lines below a summary, one for each parked step, the first ten of them. */
void asked_summary(struct buf *buf, const struct run_state *state);

#endif
