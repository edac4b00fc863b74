/* SPDX-License-Identifier: Apache-2.0
 *
 * A checked workflow: what parse and check make of a file, what the engine runs, and what the run folder keeps (as
 * JSON, so that resume parses no YAML). Everything lives in one arena and is immutable once checked. Strings may
 * still hold `${{ }}`; expressions are cut out when a step becomes ready.
 */
#ifndef WORKFLOW_MODEL_H
#define WORKFLOW_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "plugin/schema.h"
#include "workflow/diag.h"

enum param_type {
    PARAM_STRING, PARAM_INTEGER, PARAM_NUMBER, PARAM_BOOLEAN, PARAM_DURATION, PARAM_SIZE, PARAM_TIMESTAMP,
    PARAM_LIST, PARAM_MAP,
};

struct param {
    const char *name, *doc; /* doc may be NULL */
    enum param_type type;
    bool required;
    const struct value *fallback; /* NULL: none; may hold templates over params, env, run */
    const struct value *choices;  /* a list, or NULL */
    const struct value *minimum, *maximum;
    const char *pattern, *format; /* NULL: none */
    int line, column;
};

struct secret_def {
    const char *name;
    const char *from;              /* "env" or "file" */
    const char *key;               /* variable or path (absolute) */
    const char *field, *version;   /* NULL: none */
    int line, column;
};

enum step_kind { STEP_USES, STEP_RUN, STEP_LUA, STEP_GROUP, STEP_WORKFLOW };
/* One after the other. What does not apply is skipped as a whole. */
enum step_part { PART_STEPS, PART_ON_SUCCESS, PART_ON_FAILURE, PART_FINALLY };
#define PARTS 4

struct retry {
    uint32_t attempts;      /* in all; 1: no retry */
    int64_t delay_ms, max_delay_ms;
    double backoff;         /* factor, 1: constant */
    double jitter;          /* 0 to 1: part of the delay that is chance */
    uint32_t classes;       /* bit 1 << enum levada_class; 0: those worth retrying by default */
};

enum overlap { OVERLAP_QUEUE, OVERLAP_SKIP, OVERLAP_REPLACE, OVERLAP_ALLOW };

struct concurrency {        /* which runs exclude each other */
    const struct value *group; /* template over params and run; NULL: none */
    uint32_t limit;         /* runs of the group that may be open at once, at least 1 */
    enum overlap overlap;   /* what a run does that finds it full */
};

struct output_def {         /* outputs: {x: {from: stdout, as: json}} or an expression */
    const char *name;
    const char *from;       /* "stdout", or NULL */
    const char *as;         /* "text", "json", "lines", "integer", "number"; NULL: text */
    const struct value *value; /* template over outputs.*, when from is NULL */
};

/* When a hook runs: of the whole run, then of an attempt. */
enum hook_on { HOOK_BEFORE_RUN, HOOK_BEFORE_STEP, HOOK_AFTER_STEP, HOOK_ON_RETRY, HOOK_ON_FAILURE };
#define HOOKS 5

struct hook {               /* a Lua chunk beside the work */
    enum hook_on on;
    const char *file;       /* absolute: its own, or the workflow's */
    const char *text;
    int line, column;       /* of the text's first character in that file */
    const struct value *with; /* map of plain values, or NULL */
    bool names;             /* it mentions params, env, run or steps */
};

struct limits {             /* of one attempt; 0: none */
    int64_t memory;         /* bytes, of all its processes together */
    int64_t cpu_ms;         /* computed by all of them */
    int64_t processes;      /* at once */
    int64_t file_size;      /* bytes, of each file */
};

struct approve {            /* who is asked before the step starts, and for what */
    const char *condition;  /* `when`, with ${{ }}; NULL: always */
    int condition_line, condition_column;
    const struct value *by; /* list of "user:NAME" and "group:NAME"; NULL: anybody who can reach the run */
    uint32_t min;           /* different users, at least 1 */
    int64_t expires_ms;     /* 0: never */
    bool of_item;           /* of a loop: it names the item, so each is asked about by itself */
    struct param *inputs;   /* defaults may hold templates over params, env, steps, run */
    size_t ninputs;
};

/* What becomes of a step when nobody knows whether its effect happened. */
enum on_unknown { ON_UNKNOWN_HOLD, ON_UNKNOWN_RETRY, ON_UNKNOWN_FAIL };

/* The step is done for each item. What runs are its items: the step itself only counts them. */
struct loop {
    const struct value *items;               /* template, list or map; of a matrix a map of templates or lists */
    bool matrix;
    const char *as;                          /* what an item is called in expressions */
    const struct value *key;                 /* template; NULL: the item itself, or its number */
    uint32_t max_parallel;                   /* 0: as many as the run allows */
    bool fail_fast;                          /* no item begins once one has failed */
};

/* It is repeated after a success until a condition over its outputs holds. */
struct until {
    const char *text;                        /* with ${{ }} */
    int line, column;
    int64_t every_ms;
    uint32_t attempts;                       /* how often in all */
};

struct model;
struct step {
    const char *id;         /* all the way from the top: "load", or "tables.load" for a step of the group "tables" */
    const char *local;      /* the last part of it: what steps beside it call it */
    const char *name;       /* for people; NULL: the id */
    const struct model *home; /* whose steps it is one of */
    enum step_part part;
    enum step_kind kind;
    int line, column;

    const char *plugin, *action;             /* STEP_USES */
    const struct schema_plugin *schema;      /* filled by check and by model_read */
    const struct schema_action *schema_action;
    const struct value *with;                /* map; plugins.X.with merged in by check; may be NULL */
    const char *text;                        /* STEP_RUN, STEP_LUA */
    int text_line, text_column;              /* of the text's first character */

    const char *shell;                       /* "sh" by default */
    const char *cwd;                         /* relative to the workflow's folder, template; NULL: that folder */
    const struct value *env;                 /* map of templates, or NULL; the top-level env is merged in by check */
    const struct value *standard_input;      /* template, or NULL */
    enum levada_effect effect;               /* of the action, or `effect:` of run and lua */
    enum on_unknown on_unknown;

    const char *condition;                   /* the `if` text with ${{ }}, or NULL */
    int condition_line, condition_column;
    const struct value *expect;              /* list of templates, or NULL */
    struct output_def *outputs;
    size_t noutputs;
    struct retry retry;
    int64_t timeout_ms;                      /* 0: none */
    int64_t grace_ms;
    bool continue_on_error;
    const char *pool;                        /* name of what it shares with steps of other runs; NULL: nothing */
    uint32_t pool_slots;                     /* how many may use it at once, in its opinion; at least 1 */

    uint32_t *needs; /* indexes into model.steps of the same part: explicit and inferred, sorted, unique */
    size_t nneeds;
    uint32_t *reads; /* steps of earlier parts that it mentions: no edges, for they have ended */
    size_t nreads;
    bool starts_alone;                       /* `needs: []` was written */
    struct hook *hooks;                      /* its own; those of the model come before */
    size_t nhooks;
    const struct hook *hook;                 /* it is a hook of before_run, and runs as a step; NULL: none */

    const struct loop *loop;                 /* NULL: none */
    const struct until *until;               /* NULL: none */
    const struct model *body;                /* STEP_GROUP, STEP_WORKFLOW: its steps */
    const struct model *calls;               /* STEP_LUA: the actions that it calls; NULL: none */
    const struct model *undo;                /* one step that takes its effect back; NULL: none */
    const char *const *variables;            /* loop variables that its texts may name, ended by NULL; NULL: none */
    struct limits limits;
    const struct approve *approve;           /* NULL: nobody is asked */
};

/* A file, or a group within one: then all but the steps is that of the file. */
struct model {
    const char *name, *description;          /* description may be NULL */
    const struct step *owner;                /* whose body it is; NULL: the workflow that was run */
    const char *file;                        /* absolute path of the workflow file */
    const char *folder;                      /* its folder, absolute */
    const char *source;                      /* the text as it was run */
    const struct value *labels, *env;        /* maps or NULL */
    struct param *params;
    size_t nparams;
    struct secret_def *secrets;
    size_t nsecrets;
    struct step *steps;                      /* all parts, in the order of enum step_part */
    size_t nsteps;
    size_t total;                            /* steps with those of all bodies */
    const struct schema_plugin **plugins;    /* every plugin used */
    size_t nplugins;
    const struct value *outputs;             /* map of templates, or NULL */
    struct concurrency concurrency;
    bool power;                              /* durability: power (default) or process */
    const struct value *history;             /* map or NULL */
    struct hook *hooks;                      /* of all its steps, and before_run */
    size_t nhooks;
};

const char *hook_on_name(enum hook_on on);       /* "before_step" */

/* Read, parse, check. Errors of the user's go to diags; *ret is NULL when there are errors. Returns 0 when the work
 * could be done (look at diags->errors), else an exit code with err. `path` "-" is stdin. */
int workflow_load(struct arena *arena, const char *path, struct diags *diags, const struct model **ret,
                  struct err *err);

/* The model as JSON text for the run folder, and back from that text alone. Step by step: a tree of 100,000 steps would
 * take ten times the memory of the model. The model keeps nothing of the text. */
void model_write(struct buf *buf, const struct model *model);
int model_read(struct arena *arena, const char *text, size_t size, const struct model **ret, struct err *err);
/* A map of those that are set, as the model and a job have them; NULL: none is. And back: false, and *ret untouched,
 * when a member is none (NULL: no limits). */
const struct value *limits_write(struct arena *arena, const struct limits *limits);
bool limits_read(const struct value *map, struct limits *ret);
/* What decides over the result of a step: a map that is equal for two steps that do the same. */
const struct value *model_step_definition(struct arena *arena, const struct model *model, size_t index);

/* Params given as text (-p K=V) over values of files (--params) over defaults, checked and typed by the declarations.
 * `given`: a map name → string value (text) or any value (from a file). Defaults that hold templates are evaluated
 * with the names params and run (`run`: a map). Errors: EXIT_INVALID naming the param, with a suggestion for an
 * unknown one. */
int params_bind(struct arena *arena, const struct model *model, const struct value *given, const struct value *run,
                const struct value **ret, struct err *err);
/* The same for what an approval of the step asks for. Defaults hold no templates any more. */
int params_bind_input(struct arena *arena, const struct param *inputs, size_t ninputs, const struct value *given,
                      const char *step, const struct value **ret, struct err *err);
/* A params file: YAML or JSON map. */
int params_read(struct arena *arena, const char *path, const struct value **ret, struct err *err);
const char *param_type_name(enum param_type type);
const char *overlap_name(enum overlap overlap);
/* A pool's name is part of file names: lower-case letters, digits, `_` and `-`, at most LIMIT_POOL_NAME. */
bool pool_name_is(const char *name);

/* Does the step have steps of its own? */
bool step_is_block(const struct step *step);
/* Index of a step by id in all parts of this model alone, or -1. */
ptrdiff_t model_step_find(const struct model *model, const char *id);

#endif
