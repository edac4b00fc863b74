/* SPDX-License-Identifier: Apache-2.0
 *
 * A text with `${{ }}` in it, cut into parts once. Alone in a value an expression keeps its type; inside text
 * it is converted. Results are never evaluated again.
 */
#ifndef WORKFLOW_TEMPLATE_H
#define WORKFLOW_TEMPLATE_H

#include "workflow/expr.h"

struct template_part {
    const char *text;        /* literal part, or NULL */
    size_t size;
    const struct expr *expr; /* or this */
};

struct template {
    struct template_part *parts;
    size_t count;
};

bool template_is(const char *text); /* does it hold `${{`? */
/* The first text of the tree that does; NULL: none. */
const struct value *template_find(const struct value *tree);
/* `line`, `column`: of the text's first character in the file. Errors as expr_parse, and an
 * unclosed `${{`. */
int template_parse(struct arena *arena, const char *text, int line, int column, const char *const *extra,
                   struct template **ret, struct err *err);
/* A lone expression keeps its type; else a string (VALUE_SECRET when any part is tainted). Lists,
 * maps and null inside text: lists and maps as JSON, null is an error. */
int template_eval(struct expr_vm *vm, const struct template *template, const struct value *names,
                  struct arena *arena, const struct value **ret, struct err *err);
/* The whole tree: every string in it that is a template is evaluated; everything else is kept. */
int template_eval_tree(struct expr_vm *vm, const struct value *tree, const char *const *extra,
                       const struct value *names, struct arena *arena, const struct value **ret,
                       struct err *err);
/* For SQL inputs: {"sql": text, "params": [[offset, value], …]}: expressions become parameters,
 * except VALUE_SQL (ident(), literal()), which is text. A template without expressions gives a
 * plain string. */
int template_eval_sql(struct expr_vm *vm, const struct template *template, const struct value *names,
                      struct arena *arena, const struct value **ret, struct err *err);
/* Does an expression of the tree begin with this name? False too where there is a fault. */
bool template_mentions(struct arena *arena, const struct value *tree, const char *const *extra, const char *root);
/* Every expression of a tree of values, in order; for edges and checks. Stops at the first nonzero return. */
int template_walk(struct arena *arena, const struct value *tree, const char *const *extra,
                  int (*visit)(void *context, const struct expr *expr, const struct value *at), void *context,
                  struct err *err);

/* `run:` (design section 4, injection): cut a shell script into a script without expressions and
 * variables to set. Each `${{ }}` standing unquoted becomes "${LEVADA_1}" with its quotes, inside
 * double quotes ${LEVADA_1}; anywhere else (single quotes, quoted heredoc, backticks, arithmetic,
 * comment) is an error that says to use `env:`. Where an unquoted or quoted use reaches `sh -c`,
 * `eval`, `ssh` or `awk` on the same command, `warn` is called. shell: "sh", "bash" or "dash"; any
 * other shell with an expression is an error. */
struct inject_var {
    const char *name;        /* LEVADA_1 … */
    const struct expr *expr;
};
struct inject {
    const char *script;
    struct inject_var *vars;
    size_t count;
};
int inject_parse(struct arena *arena, const char *shell, const char *text, int line, int column,
                 const char *const *extra,
                 void (*warn)(void *context, int line, int column, const char *message),
                 void *context, struct inject **ret, struct err *err);

#endif
