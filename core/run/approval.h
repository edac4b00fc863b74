/* SPDX-License-Identifier: Apache-2.0
 *
 * Approvals: what the journal says of one, and what a decision about it would do. Pure: no file, no clock, no look at
 * the users of this machine. The engine asks and decides through asking.c; without an engine, `levada approve` does.
 */
#ifndef RUN_APPROVAL_H
#define RUN_APPROVAL_H

#include "base/arena.h"
#include "base/err.h"
#include "run/state.h"

/* What somebody decided. */
struct approval_request {
    const char *id;            /* its own; not NULL */
    const char *step, *item;   /* item NULL: none */
    uint32_t number;           /* of the question that it answers: approval_state.number */
    bool reject;
    int64_t uid;               /* the kernel's word for who it was */
    const char *who;           /* their name, or "uid 1000" */
    const char *claim;         /* who they say they are (SUDO_USER), or NULL */
    const char *as;            /* the entry of `by` that they come under, as who asked found it; NULL: none */
    const char *why;           /* "": no reason */
    const struct value *input; /* map of texts or values, or NULL */
};

/* The fold of state.c: STEP_PARKED and STEP_DECIDED. */
int approval_parked(struct run_state *state, struct step_state *step, const struct event *event, struct err *err);
int approval_decided(struct run_state *state, struct step_state *step, const struct event *event, struct err *err);
/* A question has its answer, or its end. While no engine lives, `resume` goes on then. */
void approval_closed(struct run_state *state);

/* What the request would do now. *data: the STEP_DECIDED event's, or NULL: nothing new, they have approved already.
 * `expired`: the question stands no longer. EXIT_USAGE: the step asks nobody (any more); EXIT_REFUSED: not theirs to
 * decide, expired, or another input than was approved before; EXIT_INVALID: the input. */
int approval_judge(struct arena *arena, const struct run_state *state, const struct approval_request *request,
                   bool expired, const struct value **data, struct err *err);
/* By the wall clock: for who has no engine to ask. */
bool approval_expired(const struct approval_state *approval, int64_t now_ms);
/* What the step fails with: its STEP_FINISHED event's data. */
const struct value *approval_rejection(struct arena *arena, const struct run_state *state,
                                       const struct step_state *step, int64_t now_ms);
const struct value *approval_expiry(struct arena *arena, const struct run_state *state,
                                    const struct step_state *step, int64_t now_ms);
/* The data of STEP_PARKED. `declared`: approval_declared(). */
struct value *approval_question(struct arena *arena, const struct step *step, const struct value *declared,
                                int64_t now_ms);
/* What is asked for, as it is journalled; `defaults`: a map of evaluated defaults. */
const struct value *approval_declared(struct arena *arena, const struct approve *approve,
                                      const struct value *defaults);
/* The defaults alone: what holds when nobody was asked. */
const struct value *approval_defaults(struct arena *arena, const struct approve *approve,
                                      const struct value *declared);

/* The map `approval` of expressions, inputs typed; all null when nobody decided. */
const struct value *approval_names(struct arena *arena, const struct step_state *step);
/* "ann", or "root (through sudo by ann)". */
const char *approver_name(struct arena *arena, const struct approver *approver);
/* Different users who have approved. */
uint32_t approval_count(const struct approval_state *approval);
/* The first step that waits for an approval, or NULL. */
const struct step_state *approval_first(const struct run_state *state);

#endif
