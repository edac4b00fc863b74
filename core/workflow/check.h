/* SPDX-License-Identifier: Apache-2.0
 *
 * From a tree of values to a model: everything that can be known before a run is checked, all faults in one pass.
 * This header is for the check_*.c files and the fuzz target; others call workflow_load() of model.h.
 */
#ifndef WORKFLOW_CHECK_H
#define WORKFLOW_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/value.h"
#include "workflow/diag.h"
#include "workflow/expr.h"
#include "workflow/graph.h"
#include "workflow/keys.h"
#include "workflow/model.h"
#include "workflow/names.h"

/* A step while it is checked; parallel to model.steps. */
struct draft {
    const struct value *map;   /* as in the file */
    const char *what;          /* "step \"load\"", for messages */
    const struct value *own_env; /* of the step alone; NULL: none */
    struct edges edges, reads; /* steps of its own part and of earlier ones */
    struct check *inner;       /* of its own steps; NULL: none */
    struct check *undo;        /* of what takes it back; NULL: none */
    struct check *calls;       /* of the actions that its chunk calls; NULL: none */
    bool broken;               /* its kind or action is unknown: say nothing about its inputs and outputs */
};

struct check {
    struct arena *arena;
    struct diags *diags;
    struct model *model;
    const struct value *root;
    struct names steps;        /* ids; numbers through step_index */
    uint32_t *step_index;
    struct names params, secrets, plugins;
    bool *param_used, *secret_used;
    const struct value *plugins_map;       /* `plugins:` of the file, or NULL */
    const struct schema_plugin **schemas;  /* by number in `plugins`; NULL: could not be loaded */
    struct draft *drafts;
    const struct value *env;               /* top-level and `defaults: env`, merged: what `env.` names; NULL: none */
    struct hook_source *hook_sources;      /* Lua files that hooks named: check_hooks.c */
    struct check *outer;                   /* of the steps that a group stands among; NULL: it is the file itself */
    uint32_t owner;                        /* which of them the group is */
    const char *prefix;                    /* what ids of steps begin with: "" or "tables." */
    const char *const *variables;          /* loop variables of what is around; NULL: none */
    bool calls;                            /* it is of actions that a chunk calls: their inputs are not known yet */
    bool undoes;                           /* it is the undo of its owner, whose outputs are `outputs` in it */
    bool after_failure;                    /* it stands behind the steps of the run: run.error is known */
    const struct including *including;     /* the files that led here */
    size_t *total;                         /* steps of all files so far */
    struct arena *scratch;                 /* expressions while they are looked at: a model keeps their text only */
};

/* A file that is being read, and who asked for it. */
struct including {
    const char *path; /* real */
    const struct including *from;
    unsigned depth;
};

/* Where an expression stands decides what it may name. */
enum {
    SCOPE_PARAMS = 1, SCOPE_ENV = 2, SCOPE_STEPS = 4, SCOPE_RUN = 8, SCOPE_OUTPUTS = 16, SCOPE_STATUS = 32,
    SCOPE_SECRETS = 64, SCOPE_FAILURE = 128, /* run.error and its like */
    SCOPE_RAW = 256,     /* of its own outputs only those that are no expressions */
    SCOPE_UNASKED = 1 << 14, /* before its approval: `approval` is not known */
};
#define NO_STEP UINT32_MAX
struct scope {
    const char *what;        /* "`run`", for messages */
    unsigned allow;
    uint32_t step;           /* whose text it is, or NO_STEP */
    size_t nparams;          /* how many params, in order, may be named */
    const char *const *variables; /* loop variables that may be named; NULL: none */
};

#define CHECK_ERROR(check, at, code, hint, ...) \
    diag_add((check)->diags, DIAG_ERROR, (int)(at)->line, (int)(at)->column, (code), (hint), __VA_ARGS__)
#define CHECK_WARNING(check, at, code, hint, ...) \
    diag_add((check)->diags, DIAG_WARNING, (int)(at)->line, (int)(at)->column, (code), (hint), __VA_ARGS__)

/* check.c: what workflow_load() does once it has the text: model has file, folder and source. NULL: see diags. `path`
 * gives the workflow its name. */
const struct model *check_source(struct arena *arena, const char *path, struct model *model, size_t size,
                                 struct diags *diags);

/* check_names.c: ids, and maps laid over one another. */
/* Reports what is no id or is a keyword, at the given place. `noun`: "a step id", "a param". */
bool check_id(struct check *check, const char *id, const char *noun, int line, int column);
/* An id as near to the text as there is one; "" when nothing of it can be used. */
const char *check_id_like(struct arena *arena, const char *text);
/* Members of `over` replace those of `base`; either may be NULL. Places are kept. */
const struct value *check_merge(struct arena *arena, const struct value *base, const struct value *over);

/* One declaration with the keys of a param. */
struct declared {
    struct param *param;     /* its name is there, the rest is filled */
    const char *what, *noun; /* "param \"day\"", "a param" */
    struct scope scope;      /* of its default; `what` is ignored */
};

/* check_declare.c: params, secrets, plugins and env at the top. */
void check_declared(struct check *check, const struct declared *declared, const struct value *map);
void check_params(struct check *check);
void check_secrets(struct check *check);
void check_env(struct check *check, const struct value *env, const char *what);
void check_unused(struct check *check);

/* A file of its own below `path`: parse, check, with what it includes. `from`: who asked for it; NULL: a person did. */
const struct model *check_file(struct arena *arena, const char *path, struct model *model, size_t size,
                               struct diags *diags, const struct including *from, const char *prefix, size_t *total);

/* check_step.c: the steps' own keys. The first reads what each is, with all that stands in it; the second what it says,
 * once the names of all are known. */
void check_steps_read(struct check *check, const struct value *const parts[PARTS]);
void check_steps_link(struct check *check);
/* What texts of a step may name, whatever key they stand in. */
struct scope check_scope(const struct check *check, uint32_t index, const char *what);

/* check_graph.c: what they need, and whether that goes round in a circle. */
void check_needs(struct check *check, uint32_t index);
void check_edges(struct check *check);

/* check_loop.c: foreach, matrix and until. */
void check_loop_read(struct check *check, uint32_t index);
void check_loop_texts(struct check *check, uint32_t index);

/* check_calls.c: the actions that a chunk calls. */
void check_calls_read(struct check *check, uint32_t index);
void check_calls_link(struct check *check, uint32_t index);

/* check_undo.c: what takes a step back. */
void check_undo_read(struct check *check, uint32_t index);
void check_undo_link(struct check *check, uint32_t index);

/* check_body.c: steps within a step, and the workflow of another file. */
/* A check of steps that stand in step `index`, with a model of their own: a part of the same file. The second gives
 * back what they have loaded, once they are read. */
void check_inner(struct check *check, uint32_t index, struct model *body, struct check *inner);
void check_inner_end(struct check *check, const struct check *inner);
void check_body_read(struct check *check, uint32_t index);
void check_nesting(struct check *check, uint32_t index); /* is it too deep to be stored? */
void check_body_link(struct check *check, uint32_t index);

/* check_retry.c: the ranges of one `retry`; and, of a step's own (may be NULL), its delays beside those it inherits. */
void check_retry(struct check *check, const struct value *retry, const char *what);
void check_retry_delays(struct check *check, const struct value *own, const struct retry *retry, const char *what);
/* Warns of what stands twice in a list; NULL and no list are let pass. */
void check_twice(struct check *check, const struct value *list, const char *key, const char *what);

/* check_outputs.c: `outputs:` of a step. */
void check_step_outputs(struct check *check, uint32_t index);
/* The names that steps.X.outputs has, for suggestions; *fields gets the schema's field when it is one. */
bool check_output_find(const struct check *check, uint32_t index, const char *name,
                       const struct schema_field **field);
/* Is it one that `outputs:` makes with an expression? */
bool check_output_made(const struct check *check, uint32_t index, const char *name);
const char *check_output_suggest(struct check *check, uint32_t index, const char *name);

/* check_plugin.c: actions and their inputs. */
void check_plugins(struct check *check);
void check_action(struct check *check, uint32_t index);
void check_inputs(struct check *check, uint32_t index);
void check_shared_inputs(struct check *check);

/* check_refs.c: names in expressions. */
void check_tree(struct check *check, const struct scope *scope, const struct value *tree);
void check_ref(struct check *check, const struct scope *scope, const struct expr_ref *ref, int line, int column);
void check_call(struct check *check, const struct scope *scope, const char *name, int line, int column);
void check_expr(struct check *check, const struct scope *scope, const struct expr *expr);

/* check_reach.c: conditions that are the same in every run, and steps that none reaches; when there are no errors. */
void check_reach(struct check *check);

/* check_files.c: warns of companion files that are not there. */
void check_files(struct check *check);

/* check_effect.c: notes scripts that could say `effect: read`. */
void check_effects(struct check *check);

/* check_order.c: warns of a script that reads what another writes and does not wait for it. */
void check_order(struct check *check);

/* check_braces.c: warns of `{{ … }}` that was probably meant as an expression. */
void check_braces(struct check *check, const struct value *text);

/* check_hint.c: a better hint for a name that an expression does not know, when the workflow knows it. */
void check_hint_name(struct check *check, struct err *err);

/* check_shared.c: what a run shares with others: its group, and the pools of its steps. */
void check_concurrency(struct check *check);
void check_pool(struct check *check, uint32_t index);
void check_pools(struct check *check); /* all of them, beside each other */

/* check_limits.c: `limits` of a step. */
void check_limits(struct check *check, uint32_t index);
/* check_approve.c: who is asked before a step, and for what. */
void check_approve(struct check *check, uint32_t index);       /* its keys */
void check_approve_texts(struct check *check, uint32_t index); /* its expressions */
/* What follows `approval` in a text of the scope, and what follows `steps.ID.approval` for step `step` of `at`. */
void check_approval(struct check *check, const struct scope *scope, const struct expr_ref *ref, int line, int column);
void check_approval_of(struct check *at, uint32_t step, const struct expr_ref *ref, int line, int column);

/* check_script.c: the text of `run` and `lua`. */
void check_script(struct check *check, uint32_t index);
/* One Lua chunk, wherever it stands: that it compiles, and the names it mentions. */
void check_lua_text(struct check *check, const struct scope *scope, const char *text, int line, int column);

/* check_hooks.c: `hooks` of the top, once params and env are known, and of a step: first read, then, when all steps are
 * known, looked through for the names they mention. The end tells what is wrong in the files. */
void check_hooks(struct check *check);
void check_step_hooks(struct check *check, uint32_t index);
void check_step_hook_texts(struct check *check, const struct scope *around, uint32_t index);
void check_hooks_end(struct check *check);
/* `before_run`: a step for each, in front of the others, which all wait for it. First the steps as a file would have
 * them; then, when they are read, what only hooks are; at last, when all edges are known, those to them. */
const struct value *check_hook_steps(struct check *check, const struct value *steps);
void check_hook_steps_read(struct check *check);
void check_hook_edges(struct check *check);

/* check_step_texts.c: every expression of a step. */
void check_step_texts(struct check *check, uint32_t index);
/* What decides something is one expression and nothing around it. */
void check_lone(struct check *check, const struct value *value, const char *const *variables, const char *key,
                const char *what);

#endif
