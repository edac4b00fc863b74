/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions: the text between `${{` and `}}`, a Lua expression with strict names, no way out,
 * budgets, and secrets that keep their taint. The only user of Lua, with script.c (`lua:` steps)
 * and library.c (functions).
 */
#ifndef WORKFLOW_EXPR_H
#define WORKFLOW_EXPR_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"

/* One name an expression mentions, as far as it is written with constants: steps.load.outputs.rows
 * is {"steps", "load", "outputs", "rows"}. `["x"]` counts as `.x`; any other index ends the path, and
 * after `steps`, `params`, `secrets` or `env` it is an error (a computed name). */
#define EXPR_PATH_MAX 8
struct expr_ref {
    const char *path[EXPR_PATH_MAX];
    size_t depth;
};

struct expr {
    const char *text;   /* without `${{ }}`, trimmed */
    int line, column;   /* of the text in the workflow file, from 1; 0: unknown */
    struct expr_ref *refs;
    size_t nrefs;
    const char **calls; /* names of functions called, once each */
    size_t ncalls;
    const struct expr_code *code; /* private to expr*.c */
};

/* Checks syntax, finds names and calls: our parser makes a tree, Lua compiles what we write of it. Errors:
 * EXIT_INVALID with line and column in the file and, for foreign spellings (`!=`, `&&`, `||`, `!x`, `#x`,
 * index 0, `nil`), a hint with the right one. An unknown root name or function is an error with the nearest one
 * as hint. `extra` (may be NULL): names of loop variables, ended by NULL. */
int expr_parse(struct arena *arena, const char *text, int line, int column, const char *const *extra,
               struct expr **ret, struct err *err);
bool expr_mentions(const struct expr *expr, const char *root);
/* Is it a name that every expression knows? */
bool expr_is_root(const char *name);
/* Is it one of the list, which NULL ends and which may be NULL? */
bool expr_is_variable(const char *const *variables, const char *name);

/* One interpreter, reused over many evaluations; expensive to make (about 100 us), so make one per process. */
struct expr_vm;
struct expr_vm *expr_vm_new(void);
void expr_vm_free(struct expr_vm *vm);

/* `names`: a map from root names (params, env, steps, run, secrets, outputs, …) to values, holding
 * at least what the refs name. A missing member is an error ("steps.load.outputs has no \"rowz\";
 * did you mean \"rows\"?"). `calls` always() success() failure() cancelled() read the map
 * names.status = {success,failure,cancelled: bool} when present. Result: never a function; nil is
 * an error; taint is kept. Within LIMIT_EXPR_INSTRUCTIONS and LIMIT_EXPR_MEMORY. Errors:
 * EXIT_INVALID, class INVALID, at the expression's place. */
int expr_eval(struct expr_vm *vm, const struct expr *expr, const struct value *names, struct arena *arena,
              const struct value **ret, struct err *err);

/* `lua:` steps. Compile only (at check time); the chunk's line 1 is file line `line`. `variables`: loop variables that
 * it may name, ended by NULL; or NULL. */
int script_check(const char *text, int line, const char *const *variables, struct err *err);
/* What a script may do besides computing; the worker provides them. Each returns 0 or fills err and
 * returns nonzero. */
struct script_host {
    void *context;
    int (*log)(void *context, const char *level, const char *text);
    int (*metric)(void *context, const char *name, double value, const char *unit);
    int (*set_output)(void *context, const char *name, const struct value *value, struct err *err);
    bool (*cancelled)(void *context);
    /* Runs an action and waits for its outputs, a map; err has a class. */
    int (*call)(void *context, const char *action, const struct value *with, const struct value **ret, struct err *err);
    uint64_t instructions; /* at most; 0: LIMIT_LUA_INSTRUCTIONS */
};
/* Runs the chunk with the same names as expressions plus log, metric, fail(message[, class]),
 * skip(reason), set_output(name, value), call(action, inputs). If the chunk returns a map, its members become outputs.
 * *skipped is set (arena) when skip() ended it. Errors: EXIT_FAILED with error_class. */
int script_run(const char *text, int line, const struct value *names, const struct script_host *host,
               struct arena *arena, const char **skipped, struct err *err);

#endif
