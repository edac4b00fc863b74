/* SPDX-License-Identifier: Apache-2.0
 *
 * An expression as a tree, between expr_parse.c, which makes and checks it, and expr_emit.c, which
 * writes it as Lua. What runs is always our own writing, so nothing that a user types can leave its
 * frame.
 */
#ifndef WORKFLOW_EXPR_NODE_H
#define WORKFLOW_EXPR_NODE_H

#include <stdbool.h>

#include "workflow/expr.h"
#include "workflow/expr_lex.h"

#define EXPR_NESTING_MAX \
    60 /* brackets within brackets; Lua's own parser gives up at 200 levels, one takes up to 3 */
#define EXPR_HEIGHT_MAX 180 /* operators above each other, as in a + b + c + … */
#define EXPR_ITEMS_MAX 100  /* arguments, items, members: Lua has 255 registers */

enum node_kind {
    NODE_CONSTANT, /* token: number, true, false, null */
    NODE_STRING,   /* text, size */
    NODE_REF,      /* ref: index in expr->refs */
    NODE_LOCAL,    /* text: a parameter of an enclosing function */
    NODE_INDEX,    /* args: container, key */
    NODE_CALL,     /* text: function; args */
    NODE_FUNCTION, /* names: parameters; args: the value */
    NODE_UNARY,    /* text: operator; args: one */
    NODE_BINARY,   /* text: operator; args: two */
    NODE_LIST,     /* args */
    NODE_MAP,      /* args: name, value, name, value, … */
};

struct node {
    enum node_kind kind;
    const char *text;
    size_t size;
    uint32_t place;  /* index in expr_code.places */
    uint32_t ref;
    bool bracketed;  /* ( ) stood around it */
    int power;       /* of a binary or unary operator; 100 for what needs no brackets */
    size_t height;
    struct node **args;
    size_t nargs;
    const char **names;
    size_t nnames;
};

struct expr_place {
    int line, column;
};

/* Where each part of a ref's path stands. */
struct expr_ref_places {
    uint32_t at[EXPR_PATH_MAX];
};

/* What expr_eval needs beside the public part of struct expr. A line of the Lua text is a place's number, so
 * that Lua's own errors can be shown where the user wrote them. */
struct expr_code {
    const char *text;
    size_t size;
    struct expr_place *places; /* places[0] is the expression itself */
    size_t nplaces;
    struct expr_ref_places *ref_places;
    bool lone_ref;             /* nothing but refs[0]: needs no Lua */
};

/* Powers of the operators, as in Lua. */
enum {
    POWER_OR = 1,
    POWER_AND,
    POWER_COMPARE,
    POWER_CONCAT = 9,
    POWER_ADD,
    POWER_MULTIPLY,
    POWER_UNARY,
    POWER_RAISE = 14,
    POWER_ATOM = 100
};

/* The whole text of a chunk, "return " included. */
void expr_emit(struct arena *arena, const struct node *root, const char **ret, size_t *size);
/* expr_check.c: refuses an operator (`power`, standing at `at`) between two sides that it can never be used on. */
int expr_check_binary(const struct expr *expr, int power, const struct token *at, const struct node *left,
                      const struct node *right, struct err *err);
/* Lua's own parser over our writing; NULL or its message. */
int expr_compile_check(const char *text, size_t size, struct err *err);

#endif
