/* SPDX-License-Identifier: Apache-2.0
 *
 * From a step's model to what a worker gets: conditions, inputs, scripts and outputs evaluated once, in the engine,
 * with the names of this run. What touches a secret, one declared or an output that is one (references.h), is not
 * evaluated here: it travels as a template with its operands fixed.
 */
#ifndef RUN_INPUTS_H
#define RUN_INPUTS_H

#include "base/arena.h"
#include "base/err.h"
#include "run/sched.h"
#include "run/state.h"
#include "workflow/expr.h"

/* What every evaluation of a run shares. */
struct inputs {
    struct expr_vm *vm;
    struct run_state *state;    /* values that are made once are kept in it */
    const struct value *params; /* typed */
    const struct value *env;    /* the workflow's env, evaluated; a map */
    const char *artifacts;      /* absolute path of the run's artifacts folder */
};

/* Params typed, env evaluated, values in the state's arena. Errors: EXIT_INVALID with a place. */
int inputs_init(struct inputs *inputs, struct expr_vm *vm, struct run_state *state, const char *run_folder,
                struct err *err);

/* The map `run` of expressions: id short_id name date time trigger artifacts, and after a failure
 * error error_class failed_step. */
const struct value *inputs_run(struct arena *arena, const struct run_state *state, const char *artifacts);

/* `if`: sets *ret; a step without one runs when all its needs succeeded. One that names the item is asked of each item,
 * else of the loop alone. Not a boolean: an error. */
int inputs_condition(const struct inputs *inputs, const struct step_state *at, struct sched_view view,
                     struct arena *arena, bool *ret, struct err *err);

/* `when` of its `approve`: sets *ret; true without one. */
int inputs_asks(const struct inputs *inputs, const struct step_state *at, struct arena *arena, bool *ret,
                struct err *err);
/* The defaults of what its `approve` asks for: a map. */
int inputs_approval(const struct inputs *inputs, const struct step_state *at, struct arena *arena,
                    const struct value **ret, struct err *err);

/* Everything an attempt needs, as the map that the intent journals: of the members of job.h with, deferred, references,
 * names, env, vars, script, shell, cwd, stdin. The same for every attempt of the step. */
int inputs_evaluate(const struct inputs *inputs, const struct step_state *at, struct arena *arena,
                    const struct value **ret, struct err *err);

/* Any tree of the step's. `outside`: as the loop sees it, to which its own variable means nothing. */
int inputs_value(const struct inputs *inputs, const struct step_state *at, bool outside, const struct value *tree,
                 struct arena *arena, const struct value **ret, struct err *err);

/* Params and env of a workflow, from what it was given. EXIT_INVALID with a place. */
int inputs_unit(const struct inputs *inputs, const struct model *model, const struct value *given, struct arena *arena,
                const struct value **params, const struct value **env, struct err *err);

/* `until` over the outputs of the attempt that ended. */
int inputs_until(const struct inputs *inputs, const struct step_state *at, const struct value *outputs,
                 struct arena *arena, bool *ret, struct err *err);

/* After a success: `outputs` whose value is an expression, added to *outputs; then every `expect`. A false one is an
 * error of class CONTRACT that quotes it. */
int inputs_finish(const struct inputs *inputs, const struct step_state *at, struct arena *arena,
                  const struct value **outputs, struct err *err);

/* What a group or a workflow declares as its outputs; NULL: the run. */
int inputs_outputs(const struct inputs *inputs, const struct step_state *block, struct arena *arena,
                   const struct value **ret, struct err *err);

#endif
