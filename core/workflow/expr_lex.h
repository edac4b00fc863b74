/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens of Lua, as expressions, `lua:` scripts and hooks share them. It knows where each token stands in the workflow
 * file, and it names what people bring along from other languages (`!=`, `&&`, `?`) instead of stumbling over it.
 */
#ifndef WORKFLOW_EXPR_LEX_H
#define WORKFLOW_EXPR_LEX_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_KEYWORD, TOKEN_NUMBER, TOKEN_STRING, TOKEN_OP };

struct token {
    enum token_kind kind;
    const char *text;  /* name, operator or number as written; a string decoded. Ends in NUL */
    size_t size;
    size_t start, end; /* offsets in the source */
    int line, column;
};

struct lexer {
    struct arena *arena;
    const char *source;
    size_t size, at;
    int line, column;  /* of source[at] */
    int column_base;   /* of the first character of every further line */
    bool script;       /* comments, long brackets and all of Lua's operators are allowed */
};

/* For an expression. */
void lex_init(struct lexer *lexer, struct arena *arena, const char *source, size_t size, int line, int column);
/* For a chunk. */
void lex_init_script(struct lexer *lexer, struct arena *arena, const char *source, int line, int column);
/* The next token. Errors: EXIT_INVALID with line and column. */
int lex_next(struct lexer *lexer, struct token *ret, struct err *err);
bool token_is(const struct token *token, const char *text); /* a keyword or an operator spelled so */
/* Moves over a whole expression inside a template: the offset of the `}}` that ends it, from `at` on. Braces and quotes
 * inside the expression are understood. -1: it is never closed. */
ptrdiff_t lex_template_end(const char *source, size_t size, size_t at);

/* expr_parse.c: fills err for a name that is no root and no function (or, `call`, no function).
 * Returns EXIT_INVALID. */
int expr_unknown_name(const struct token *token, const char *const *extra, bool call, struct err *err);

#endif
