/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions are parsed here and not by Lua, for three reasons: an error stands at its column,
 * `==` and `and` can be guarded (Lua cannot intercept them, and a secret must not be compared), and
 * nothing of the user's text is run.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/str.h"
#include "workflow/expr_node.h"
#include "workflow/library.h"

#define COMPILED_UNASKED 32 /* parts, each of at most 3 levels of Lua's 200 and 2 of its 255 registers */

struct parser {
    struct arena *arena;
    struct lexer lexer;
    struct token token; /* the next one, not yet taken */
    struct expr *expr;
    struct expr_code *code;
    const char *const *extra;
    const char **locals; /* parameters of enclosing functions */
    size_t nlocals, nesting;
    size_t places_max, refs_max, calls_max;
};

static int parse_expr(struct parser *p, int power, struct node **ret, struct err *err);

__attribute__((format(printf, 3, 4))) static int
refuse(const struct token *token, struct err *err, const char *fmt, ...)
{
    va_list ap;
    char message[LIMIT_MESSAGE_SIZE];
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    err_set(err, EXIT_INVALID, "%s", message);
    err->line = token->line;
    err->column = token->column;
    return EXIT_INVALID;
}

__attribute__((format(printf, 4, 5))) static int
refuse_hint(const struct token *token, struct err *err, const char *hint, const char *fmt, ...)
{
    va_list ap;
    char message[LIMIT_MESSAGE_SIZE];
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    refuse(token, err, "%s", message);
    err_hint(err, "%s", hint);
    return EXIT_INVALID;
}

static int
take(struct parser *p, struct err *err)
{
    return lex_next(&p->lexer, &p->token, err);
}

static void *
grow(struct arena *arena, void *old, size_t count, size_t *max, size_t size)
{
    if (count < *max) return old;
    *max = count < 8 ? 8 : count * 2;
    void *ret = arena_array(arena, *max, size);
    if (count) memcpy(ret, old, count * size);
    return ret;
}

static uint32_t
place_of(struct parser *p, const struct token *token)
{
    struct expr_code *code = p->code;
    code->places = grow(p->arena, code->places, code->nplaces, &p->places_max, sizeof *code->places);
    code->places[code->nplaces] = (struct expr_place){token->line, token->column};
    return (uint32_t)code->nplaces++;
}

static struct node *
node_new(struct parser *p, enum node_kind kind, const struct token *token)
{
    struct node *ret = ARENA_NEW(p->arena, struct node);
    ret->kind = kind;
    ret->text = token->text;
    ret->size = token->size;
    ret->place = place_of(p, token);
    ret->power = POWER_ATOM;
    ret->height = 1;
    return ret;
}

static int
node_add(struct parser *p, struct node *node, struct node *arg, const struct token *at, struct err *err)
{
    if (node->nargs >= 2 * EXPR_ITEMS_MAX)
        return refuse_hint(at, err, "Compute it in a lua: step, or pass it as a param.",
                           "more than %d items in one place", EXPR_ITEMS_MAX);
    if (arg->height + 1 > node->height) node->height = arg->height + 1;
    if (node->height > EXPR_HEIGHT_MAX)
        return refuse_hint(at, err, "Compute it in a lua: step, or in steps.",
                           "an expression with more than %d operators above each other",
                           EXPR_HEIGHT_MAX);
    bool full = node->nargs == 0 || (node->nargs >= 8 && (node->nargs & (node->nargs - 1)) == 0);
    size_t max = full ? node->nargs : node->nargs + 1;
    node->args = grow(p->arena, node->args, node->nargs, &max, sizeof *node->args);
    node->args[node->nargs++] = arg;
    return 0;
}

static bool
known_local(const struct parser *p, const char *name)
{
    for (size_t i = 0; i < p->nlocals; i++)
        if (str_eq(p->locals[i], name)) return true;
    return false;
}

static bool
known_root(const struct parser *p, const char *name)
{
    return expr_is_root(name) || expr_is_variable(p->extra, name);
}

static int
expect(struct parser *p, const char *text, const char *after, struct err *err)
{
    if (token_is(&p->token, text)) return take(p, err);
    if (p->token.kind == TOKEN_END)
        return refuse(&p->token, err, "the expression ends where \"%s\" is missing%s", text, after);
    if (p->token.kind == TOKEN_STRING)
        return refuse_hint(&p->token, err, "Join texts with a .. b, and put a text in quotes.",
                           "a text stands where \"%s\" is missing%s", text, after);
    return refuse(&p->token, err, "\"%s\" stands where \"%s\" is missing%s", p->token.text, text, after);
}

/* A list of values up to `close`, which is taken. */
static int
parse_args(struct parser *p, struct node *node, const char *close, struct err *err)
{
    while (!token_is(&p->token, close)) {
        struct node *arg;
        struct token at = p->token;
        if (parse_expr(p, 0, &arg, err) != 0 || node_add(p, node, arg, &at, err) != 0) return EXIT_INVALID;
        if (!token_is(&p->token, ",")) break;
        if (take(p, err) != 0) return EXIT_INVALID;
    }
    return expect(p, close, "", err);
}

static bool
computed_is_refused(const struct expr_ref *ref)
{
    static const char *const named[] = {"steps", "params", "secrets", "env"};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (ref->depth == 1 && str_eq(ref->path[0], named[i])) return true;
    return false;
}

/* `.name` or `["name"]` behind a ref's path, or an index of any kind behind anything. */
static int
parse_suffix(struct parser *p, struct node **node, struct err *err)
{
    struct token open = p->token, key;
    struct node *index;
    if (take(p, err) != 0) return EXIT_INVALID;
    key = p->token;
    if (str_eq(open.text, ".")) {
        if (key.kind != TOKEN_NAME && key.kind != TOKEN_KEYWORD)
            return refuse_hint(&key, err, "Write .name, [\"name with spaces\"] or [1].",
                               "a name is missing after \".\"");
        index = node_new(p, NODE_STRING, &key);
        if (take(p, err) != 0) return EXIT_INVALID;
    } else {
        if (parse_expr(p, 0, &index, err) != 0 || expect(p, "]", "", err) != 0) return EXIT_INVALID;
        if (index->kind == NODE_CONSTANT && (str_eq(index->text, "0")))
            return refuse_hint(&key, err, "Lists start at 1: the first item is [1].", "index 0");
    }
    struct expr_ref *ref = (*node)->kind == NODE_REF ? &p->expr->refs[(*node)->ref] : NULL;
    if (ref != NULL && index->kind == NODE_STRING && ref->depth < EXPR_PATH_MAX &&
        memchr(index->text, 0, index->size) == NULL) {
        p->code->ref_places[(*node)->ref].at[ref->depth] = index->place;
        ref->path[ref->depth++] = index->text;
        return 0;
    }
    if (ref != NULL && computed_is_refused(ref))
        return refuse_hint(&key, err, "Write the name itself, as in steps.load or params[\"name\"].",
                           "a computed name after \"%s\"", ref->path[0]);
    if (index->kind == NODE_FUNCTION) return refuse(&key, err, "a function cannot be an index");
    struct node *ret = node_new(p, NODE_INDEX, &key);
    if (node_add(p, ret, *node, &open, err) != 0 || node_add(p, ret, index, &open, err) != 0)
        return EXIT_INVALID;
    *node = ret;
    return 0;
}

/* `steps` alone names no step, so no edge could come of it; `secrets` alone would be all of them. */
static int
check_ref(const struct parser *p, const struct node *node, const struct token *at, struct err *err)
{
    const struct expr_ref *ref = node->kind == NODE_REF ? &p->expr->refs[node->ref] : NULL;
    if (ref == NULL || ref->depth > 1) return 0;
    if (str_eq(ref->path[0], "steps"))
        return refuse_hint(at, err, "Write steps.ID.outputs.NAME.", "\"steps\" alone names no step");
    if (str_eq(ref->path[0], "secrets"))
        return refuse_hint(at, err, "Write secrets.NAME.", "\"secrets\" alone names no secret");
    return 0;
}

static void
add_call(struct parser *p, const char *name)
{
    struct expr *expr = p->expr;
    for (size_t i = 0; i < expr->ncalls; i++)
        if (str_eq(expr->calls[i], name)) return;
    expr->calls = grow(p->arena, expr->calls, expr->ncalls, &p->calls_max, sizeof *expr->calls);
    expr->calls[expr->ncalls++] = name;
}

static int
check_call(const struct library_function *f, const struct node *call, const struct token *name,
           struct err *err)
{
    if (call->nargs < f->args_min || call->nargs > f->args_max) {
        refuse(name, err, "%s() is given %zu value%s", f->name, call->nargs, call->nargs == 1 ? "" : "s");
        err_hint(err, "It is used as %s.", f->signature);
        return EXIT_INVALID;
    }
    for (size_t i = 0; i < call->nargs; i++) {
        bool wanted = (f->flags & LIBRARY_FUNCTION) && i == 1, given = call->args[i]->kind == NODE_FUNCTION;
        if (wanted == given) continue;
        if (given) return refuse(name, err, "a function is passed where %s() wants a value", f->name);
        return refuse_hint(name, err, "Write function(x) return … end.",
                           "%s() wants a function in second place", f->name);
    }
    return 0;
}

static int
parse_call(struct parser *p, const struct token *name, struct node **ret, struct err *err)
{
    const struct library_function *f = library_find(name->text);
    if (f == NULL || known_local(p, name->text)) {
        if (f == NULL && known_root(p, name->text))
            return refuse(name, err, "\"%s\" is not a function", name->text);
        if (f == NULL && !known_local(p, name->text)) return expr_unknown_name(name, p->extra, true, err);
        return refuse(name, err, "\"%s\" is a value here, not a function", name->text);
    }
    struct node *call = node_new(p, NODE_CALL, name);
    if (take(p, err) != 0 || parse_args(p, call, ")", err) != 0) return EXIT_INVALID;
    add_call(p, f->name);
    *ret = call;
    return check_call(f, call, name, err);
}

static int
parse_name(struct parser *p, struct node **ret, struct err *err)
{
    struct token name = p->token;
    if (take(p, err) != 0) return EXIT_INVALID;
    if (token_is(&p->token, "(")) return parse_call(p, &name, ret, err);
    if (p->token.kind == TOKEN_STRING || token_is(&p->token, "{"))
        return refuse_hint(&p->token, err, "Write f(x) with parentheses, or a .. b to join texts.",
                           "a value right after \"%s\"", name.text);
    if (known_local(p, name.text)) {
        *ret = node_new(p, NODE_LOCAL, &name);
        return 0;
    }
    if (str_eq(name.text, "null")) {
        *ret = node_new(p, NODE_CONSTANT, &name);
        return 0;
    }
    if (!known_root(p, name.text)) {
        if (library_find(name.text) == NULL) return expr_unknown_name(&name, p->extra, false, err);
        refuse(&name, err, "\"%s\" is a function", name.text);
        err_hint(err, "It is used as %s.", library_find(name.text)->signature);
        return EXIT_INVALID;
    }
    struct expr *expr = p->expr;
    size_t max = p->refs_max;
    expr->refs = grow(p->arena, expr->refs, expr->nrefs, &p->refs_max, sizeof *expr->refs);
    p->code->ref_places = grow(p->arena, p->code->ref_places, expr->nrefs, &max, sizeof *p->code->ref_places);
    *ret = node_new(p, NODE_REF, &name);
    (*ret)->ref = (uint32_t)expr->nrefs++;
    expr->refs[(*ret)->ref] = (struct expr_ref){.path = {name.text}, .depth = 1};
    p->code->ref_places[(*ret)->ref] = (struct expr_ref_places){.at = {(*ret)->place}};
    return 0;
}

/* function(a, b) return VALUE end: one value, no statements. */
static int
parse_function(struct parser *p, struct node **ret, struct err *err)
{
    struct node *function = node_new(p, NODE_FUNCTION, &p->token), *value;
    size_t before = p->nlocals;
    if (take(p, err) != 0 || expect(p, "(", " after \"function\"", err) != 0) return EXIT_INVALID;
    function->names = ARENA_ARRAY(p->arena, 4, const char *);
    const char **locals = ARENA_ARRAY(p->arena, before + 4, const char *);
    for (size_t i = 0; i < before; i++) locals[i] = p->locals[i];
    p->locals = locals;
    while (!token_is(&p->token, ")")) {
        const char *name = p->token.text;
        if (p->token.kind != TOKEN_NAME) return refuse(&p->token, err, "a parameter's name is missing");
        if (known_root(p, name) || known_local(p, name) || library_find(name) != NULL ||
            str_eq(name, "null") || str_starts(name, "__"))
            return refuse_hint(&p->token, err, "Choose another name.", "\"%s\" has a meaning already", name);
        if (function->nnames == 2)
            return refuse(&p->token, err,
                          "a function here has one or two parameters: the item and its index");
        function->names[function->nnames++] = locals[p->nlocals++] = name;
        if (take(p, err) != 0) return EXIT_INVALID;
        if (!token_is(&p->token, ",")) break;
        if (take(p, err) != 0) return EXIT_INVALID;
    }
    if (expect(p, ")", "", err) != 0) return EXIT_INVALID;
    if (!token_is(&p->token, "return"))
        return refuse_hint(
            &p->token, err,
            "Write function(x) return … end; anything longer belongs in a lua: step.",
            "a function in an expression is one \"return\"");
    struct token at = p->token;
    if (take(p, err) != 0 || parse_expr(p, 0, &value, err) != 0 ||
        node_add(p, function, value, &at, err) != 0)
        return EXIT_INVALID;
    p->nlocals = before;
    *ret = function;
    return expect(p, "end", "", err);
}

/* {1, 2} or {name = 1, ["any text"] = 2}. */
static int
parse_braces(struct parser *p, struct node **ret, struct err *err)
{
    struct node *node = node_new(p, NODE_LIST, &p->token);
    bool named = false, plain = false;
    if (take(p, err) != 0) return EXIT_INVALID;
    while (!token_is(&p->token, "}")) {
        struct token at = p->token;
        struct node *key = NULL, *value;
        struct lexer here = p->lexer;
        if (at.kind == TOKEN_NAME || at.kind == TOKEN_KEYWORD) {
            struct token next;
            if (lex_next(&p->lexer, &next, err) == 0 && token_is(&next, "=")) {
                key = node_new(p, NODE_STRING, &at);
                if (take(p, err) != 0) return EXIT_INVALID;
            } else {
                p->lexer = here;
            }
        } else if (token_is(&at, "[")) {
            if (take(p, err) != 0 || parse_expr(p, 0, &key, err) != 0 || expect(p, "]", "", err) != 0 ||
                expect(p, "=", "", err) != 0)
                return EXIT_INVALID;
        }
        named = named || key != NULL;
        plain = plain || key == NULL;
        if (named && plain)
            return refuse_hint(&at, err, "Write {1, 2} or {a = 1, b = 2}.",
                               "a list and a map in one");
        if (key != NULL && node_add(p, node, key, &at, err) != 0) return EXIT_INVALID;
        if (parse_expr(p, 0, &value, err) != 0) return EXIT_INVALID;
        if (value->kind == NODE_FUNCTION)
            return refuse(&at, err, "a function cannot be kept in a list or map");
        if (node_add(p, node, value, &at, err) != 0) return EXIT_INVALID;
        if (token_is(&p->token, ":") || token_is(&p->token, "="))
            return refuse_hint(&p->token, err, "Write {name = value}.", "\"%s\" in a map", p->token.text);
        if (!token_is(&p->token, ",")) break;
        if (take(p, err) != 0) return EXIT_INVALID;
    }
    if (named) node->kind = NODE_MAP;
    *ret = node;
    return expect(p, "}", "", err);
}

static int
parse_keyword(struct parser *p, struct node **ret, struct err *err)
{
    const struct token *t = &p->token;
    if (token_is(t, "true") || token_is(t, "false")) {
        *ret = node_new(p, NODE_CONSTANT, t);
        return take(p, err);
    }
    if (token_is(t, "function")) return parse_function(p, ret, err);
    if (token_is(t, "nil")) return refuse_hint(t, err, "Write null.", "\"nil\" is no value here");
    if (token_is(t, "if"))
        return refuse_hint(t, err, "Write cond(test, a, b).",
                           "\"if\" is a statement, and an expression has none");
    return refuse_hint(t, err, "Compute it in a lua: step.",
                       "\"%s\" cannot stand here: an expression has no statements", t->text);
}

static int
parse_atom(struct parser *p, struct node **ret, struct err *err)
{
    const struct token *t = &p->token;
    switch (t->kind) {
    case TOKEN_NAME: return parse_name(p, ret, err);
    case TOKEN_KEYWORD: return parse_keyword(p, ret, err);
    case TOKEN_NUMBER:
    case TOKEN_STRING:
        *ret = node_new(p, t->kind == TOKEN_NUMBER ? NODE_CONSTANT : NODE_STRING, t);
        return take(p, err);
    case TOKEN_END: return refuse(t, err, "a value is missing at the end of the expression");
    case TOKEN_OP: break;
    }
    if (token_is(t, "{")) return parse_braces(p, ret, err);
    if (token_is(t, "(")) {
        struct token at = *t;
        if (take(p, err) != 0 || parse_expr(p, 0, ret, err) != 0 || expect(p, ")", "", err) != 0)
            return EXIT_INVALID;
        (*ret)->bracketed = true;
        if ((*ret)->kind == NODE_FUNCTION)
            return refuse(&at, err, "a function can only be passed to a function");
        return 0;
    }
    if (token_is(t, "="))
        return refuse_hint(t, err, "Write == to compare.", "\"=\" cannot stand in an expression");
    if (token_is(t, "~")) return refuse_hint(t, err, "Write \"not x\".", "\"~\" is not an operator here");
    return refuse(t, err, "\"%s\" stands where a value is missing", t->text);
}

static int
parse_postfix(struct parser *p, struct node **ret, struct err *err)
{
    struct token at = p->token;
    if (parse_atom(p, ret, err) != 0) return EXIT_INVALID;
    for (;;) {
        if (p->token.kind == TOKEN_NUMBER && p->token.text[0] == '.')
            return refuse_hint(&p->token, err, "Items of lists are [1], [2], …",
                               "\"%s\" after a value", p->token.text);
        if (token_is(&p->token, "("))
            return refuse_hint(&p->token, err, "The functions are listed in docs/expressions.md.",
                               "this is not a function");
        if (!token_is(&p->token, ".") && !token_is(&p->token, "[")) return check_ref(p, *ret, &at, err);
        if ((*ret)->kind == NODE_FUNCTION) return refuse(&p->token, err, "a function has no members");
        if (parse_suffix(p, ret, err) != 0) return EXIT_INVALID;
    }
}

static int
parse_unary(struct parser *p, struct node **ret, struct err *err)
{
    if (!token_is(&p->token, "not") && !token_is(&p->token, "-")) return parse_postfix(p, ret, err);
    struct token at = p->token;
    struct node *node = node_new(p, NODE_UNARY, &at), *arg;
    node->power = POWER_UNARY;
    if (take(p, err) != 0 || parse_expr(p, POWER_UNARY, &arg, err) != 0) return EXIT_INVALID;
    *ret = node;
    return node_add(p, node, arg, &at, err);
}

static const struct operator {
    const char *text;
    int left, right; /* left > right: bound to the right */
}
operators[] = {
    /* `..` is bound to the right in Lua; joining texts is associative, and a loop needs no stack.
     */
    {"or", 1, 1},  {"and", 2, 2},  {"<", 3, 3},   {">", 3, 3},   {"<=", 3, 3},  {">=", 3, 3},
    {"~=", 3, 3},  {"==", 3, 3},   {"..", 9, 9},  {"+", 10, 10}, {"-", 10, 10}, {"*", 11, 11},
    {"/", 11, 11}, {"//", 11, 11}, {"%", 11, 11}, {"^", 14, 13}};

static const struct operator *
operator_at(const struct token *token)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (token_is(token, operators[i].text)) return &operators[i];
    return NULL;
}

static int
parse_expr(struct parser *p, int power, struct node **ret, struct err *err)
{
    struct node *left, *right;
    if (++p->nesting > EXPR_NESTING_MAX)
        return refuse_hint(&p->token, err, "Compute it in a lua: step.",
                           "an expression nested more than %d deep", EXPR_NESTING_MAX);
    if (parse_unary(p, &left, err) != 0) return EXIT_INVALID;
    for (const struct operator *op; (op = operator_at(&p->token)) != NULL && op->left > power;) {
        struct token at = p->token;
        if (take(p, err) != 0 || parse_expr(p, op->right, &right, err) != 0) return EXIT_INVALID;
        struct node *node = node_new(p, NODE_BINARY, &at);
        if (left->kind == NODE_FUNCTION || right->kind == NODE_FUNCTION)
            return refuse(&at, err, "\"%s\" of a function", at.text);
        if (op->left == POWER_COMPARE && left->power == POWER_COMPARE && !left->bracketed)
            return refuse_hint(&at, err, "Write a < b and b < c.", "two comparisons in a row");
        if (expr_check_binary(p->expr, op->left, &at, left, right, err) != 0) return EXIT_INVALID;
        node->power = op->left;
        if (node_add(p, node, left, &at, err) != 0 || node_add(p, node, right, &at, err) != 0)
            return EXIT_INVALID;
        left = node;
    }
    p->nesting--;
    *ret = left;
    return 0;
}

static int
refuse_rest(const struct parser *p, struct err *err)
{
    const struct token *t = &p->token;
    if (token_is(t, "="))
        return refuse_hint(t, err, "Write == to compare.", "\"=\" cannot stand in an expression");
    if (token_is(t, ",")) return refuse(t, err, "an expression is one value, and this is a second");
    if (token_is(t, "~"))
        return refuse_hint(t, err, "Write ~= for unequal, and \"not x\".",
                           "\"~\" is not an operator here");
    if (t->kind == TOKEN_OP || t->kind == TOKEN_KEYWORD)
        return refuse(t, err, "\"%s\" cannot stand here", t->text);
    return refuse_hint(t, err, "Join texts with a .. b, and put a text in quotes.",
                       "a second value begins here");
}

static int
parse_whole(struct parser *p, struct err *err)
{
    struct node *root;
    if (take(p, err) != 0) return EXIT_INVALID;
    if (p->token.kind == TOKEN_END) return refuse(&p->token, err, "an empty expression");
    struct token first = p->token;
    if (parse_expr(p, 0, &root, err) != 0) return EXIT_INVALID;
    if (p->token.kind != TOKEN_END) return refuse_rest(p, err);
    if (root->kind == NODE_FUNCTION)
        return refuse(&first, err, "a function is not a value that a workflow can use");
    if (p->expr->line > 0) {
        p->expr->line = first.line;
        p->expr->column = first.column;
        p->code->places[0] = (struct expr_place){first.line, first.column};
    }
    p->code->lone_ref = root->kind == NODE_REF;
    expr_emit(p->arena, root, &p->code->text, &p->code->size);
    /* What has few parts fits into Lua's registers and levels; asking it for each of 10,000 steps takes longer than all
     * else. */
    if (p->code->nplaces <= COMPILED_UNASKED || expr_compile_check(p->code->text, p->code->size, err) == 0) return 0;
    err->line = first.line;
    err->column = first.column;
    return EXIT_INVALID;
}

int
expr_parse(struct arena *arena, const char *text, int line, int column, const char *const *extra,
           struct expr **ret, struct err *err)
{
    struct parser p = {.arena = arena, .extra = extra};
    struct lexer lexer;
    size_t size = strlen(text);
    lex_init(&lexer, arena, text, size, line, column);
    struct token start = {.line = line, .column = column};
    if (size > LIMIT_EXPR_SIZE)
        return refuse(&start, err, "an expression of %zu bytes; the limit is %u", size, LIMIT_EXPR_SIZE);
    ptrdiff_t bad = str_utf8_bad(text, size);
    if (bad >= 0) return refuse(&start, err, "byte %td of the expression is not UTF-8", bad + 1);
    p.lexer = lexer;
    p.expr = ARENA_NEW(arena, struct expr);
    p.code = ARENA_NEW(arena, struct expr_code);
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL) size--;
    size_t skip = strspn(text, " \t\r\n");
    p.expr->text = arena_strndup(arena, text + skip, size > skip ? size - skip : 0);
    p.expr->line = line;
    p.expr->column = column;
    p.expr->code = p.code;
    place_of(&p, &start);
    if (parse_whole(&p, err) != 0) {
        if (line == 0) err->line = err->column = 0;
        return EXIT_INVALID;
    }
    *ret = p.expr;
    return 0;
}
