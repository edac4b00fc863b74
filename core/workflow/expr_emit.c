/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the tree as Lua. Names of ours start with `__` and cannot be typed by a user. A native
 * operator is put on the line whose number is its place, so that Lua's "attempt to …" errors lead
 * back to a column of the workflow file.
 */
#include <string.h>

#include "base/assert.h"
#include "base/str.h"
#include "workflow/expr_node.h"
#include "workflow/library.h"

struct emitter {
    struct buf buf;
    uint32_t line;
};

static void emit(struct emitter *e, const struct node *node);

/* Lines only rise; a place that lies behind keeps the present line, which is close to it. */
static void
emit_line(struct emitter *e, uint32_t place)
{
    for (; e->line < place; e->line++) buf_char(&e->buf, '\n');
}

static void
emit_string(struct emitter *e, const char *text, size_t size)
{
    buf_char(&e->buf, '"');
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f) buf_printf(&e->buf, "\\%03d", c);
        else buf_char(&e->buf, (char)c);
    }
    buf_char(&e->buf, '"');
}

static void
emit_args(struct emitter *e, const struct node *node)
{
    for (size_t i = 0; i < node->nargs; i++) {
        if (i) buf_char(&e->buf, ',');
        emit(e, node->args[i]);
    }
}

static bool
is_text(const struct node *node, const char *text)
{
    return (node->kind == NODE_BINARY || node->kind == NODE_UNARY) && str_eq(node->text, text);
}

static bool
is_boolean(const struct node *node)
{
    return (node->kind == NODE_BINARY && node->power == POWER_COMPARE) || is_text(node, "not") ||
           (node->kind == NODE_CONSTANT && (str_eq(node->text, "true") || str_eq(node->text, "false")));
}

static void
emit_bracketed(struct emitter *e, const struct node *node, bool needed)
{
    if (needed) buf_char(&e->buf, '(');
    emit(e, node);
    if (needed) buf_char(&e->buf, ')');
}

/* A value that is asked for its truth: null and secrets have none, and Lua would not tell. `power`:
 * what binds less tightly needs brackets here. */
static void
emit_truth(struct emitter *e, const struct node *node, const char *guard, int power)
{
    if (is_boolean(node)) {
        emit_bracketed(e, node, node->power < POWER_CONCAT);
    } else if (is_text(node, "and") || is_text(node, "or")) {
        if (node->power < power) buf_char(&e->buf, '(');
        emit_truth(e, node->args[0], is_text(node, "or") ? "__o" : "__t", node->power);
        buf_printf(&e->buf, " %s ", node->text);
        emit_truth(e, node->args[1], guard, node->power + 1);
        if (node->power < power) buf_char(&e->buf, ')');
    } else {
        buf_printf(&e->buf, "%s(", guard);
        emit(e, node);
        buf_printf(&e->buf, ",%u)", node->place);
    }
}

static void
emit_binary(struct emitter *e, const struct node *node)
{
    const struct node *left = node->args[0], *right = node->args[1];
    if (str_eq(node->text, "==") || str_eq(node->text, "~=")) {
        if (node->text[0] == '~') buf_text(&e->buf, "not ");
        buf_text(&e->buf, "__e(");
        emit_args(e, node);
        buf_printf(&e->buf, ",%u)", node->place);
        return;
    }
    if (node->power <= POWER_AND) {
        emit_truth(e, left, node->power == POWER_OR ? "__o" : "__t", node->power);
        buf_printf(&e->buf, " %s ", node->text);
        emit_bracketed(e, right, right->power <= node->power);
        return;
    }
    /* `..` came in as bound to the left; Lua binds it to the right, and without brackets joins all
     * at once. */
    emit_bracketed(e, left,
                   left->power < node->power ||
                       (left->power == node->power && node->power == POWER_RAISE));
    emit_line(e, node->place);
    buf_printf(&e->buf, " %s ", node->text);
    emit_bracketed(e, right,
                   right->power < node->power ||
                       (right->power == node->power && node->power != POWER_RAISE));
}

static void
emit_call(struct emitter *e, const struct node *node)
{
    emit_line(e, node->place);
    buf_printf(&e->buf, "%s(", node->text);
    bool lazy = (library_find(node->text)->flags & LIBRARY_LAZY) != 0;
    for (size_t i = 0; i < node->nargs; i++) {
        const struct node *arg = node->args[i];
        bool wrapped = lazy && arg->kind != NODE_CONSTANT && arg->kind != NODE_STRING;
        if (i) buf_char(&e->buf, ',');
        if (wrapped) buf_text(&e->buf, "function()return ");
        emit(e, arg);
        if (wrapped) buf_text(&e->buf, " end");
    }
    buf_char(&e->buf, ')');
}

static void
emit_function(struct emitter *e, const struct node *node)
{
    buf_text(&e->buf, "function(");
    for (size_t i = 0; i < node->nnames; i++) buf_printf(&e->buf, i ? ",%s" : "%s", node->names[i]);
    buf_text(&e->buf, ")return ");
    emit(e, node->args[0]);
    buf_text(&e->buf, " end");
}

static void
emit(struct emitter *e, const struct node *node)
{
    switch (node->kind) {
    case NODE_CONSTANT: buf_text(&e->buf, str_eq(node->text, "null") ? "__null" : node->text); break;
    case NODE_STRING: emit_string(e, node->text, node->size); break;
    case NODE_REF: buf_printf(&e->buf, "__r(%u)", node->ref); break;
    case NODE_LOCAL: buf_text(&e->buf, node->text); break;
    case NODE_INDEX:
        buf_text(&e->buf, "__i(");
        emit_args(e, node);
        buf_printf(&e->buf, ",%u)", node->place);
        break;
    case NODE_CALL: emit_call(e, node); break;
    case NODE_FUNCTION: emit_function(e, node); break;
    case NODE_UNARY:
        if (str_eq(node->text, "not")) {
            buf_text(&e->buf, "not ");
            emit_truth(e, node->args[0], "__t", POWER_UNARY);
        } else {
            emit_line(e, node->place);
            buf_text(&e->buf, "- ");
            emit_bracketed(e, node->args[0], node->args[0]->power < POWER_UNARY);
        }
        break;
    case NODE_BINARY: emit_binary(e, node); break;
    case NODE_LIST:
    case NODE_MAP:
        buf_text(&e->buf, node->kind == NODE_LIST ? "__l(" : "__m(");
        emit_args(e, node);
        buf_char(&e->buf, ')');
        break;
    }
}

void
expr_emit(struct arena *arena, const struct node *root, const char **ret, size_t *size)
{
    struct emitter e = {.line = 1};
    /* Brackets and guards make a text longer, by a factor that its own size bounds. */
    buf_init(&e.buf, 64 * LIMIT_EXPR_SIZE);
    buf_text(&e.buf, "return ");
    emit(&e, root);
    ASSERT(!e.buf.full);
    *ret = arena_strndup(arena, buf_str(&e.buf), e.buf.size);
    *size = e.buf.size;
    buf_release(&e.buf);
}
