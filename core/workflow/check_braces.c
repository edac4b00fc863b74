/* SPDX-License-Identifier: Apache-2.0
 *
 * `{{ params.x }}` is an expression elsewhere and plain text here. Other programs have such braces too, so only those
 * are spoken of that hold one of our names, or one that means the same in the tools that people come from.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/check.h"
#include "workflow/expr_lex.h"

static const char *const roots[] = {"params.", "env.", "secrets.", "steps.", "run.", "outputs.", "inputs.", "vars.",
                                    "tasks.", "needs.", "workflow.", "execution.", "item}", "item.", "ds}", "item "};

static bool
is_ours(const char *inner, const char *end)
{
    while (inner < end && (*inner == ' ' || *inner == '-')) inner++;
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if ((size_t)(end + 1 - inner) >= strlen(roots[i]) && memcmp(inner, roots[i], strlen(roots[i])) == 0)
            return true;
    return false;
}

void
check_braces(struct check *check, const struct value *text)
{
    int line = (int)text->line, column = (int)text->column;
    const char *seen = text->text.ptr;
    for (const char *p = seen; (p = strstr(p, "{{")) != NULL; p += 2) {
        const char *end = strstr(p, "}}");
        if (end == NULL) return;
        if (p > text->text.ptr && p[-1] == '$') {
            /* An expression may have braces of its own. */
            ptrdiff_t close = lex_template_end(text->text.ptr, text->text.size, (size_t)(p + 2 - text->text.ptr));
            if (close < 0) return;
            p = text->text.ptr + close;
            continue;
        }
        if ((p > text->text.ptr && p[-1] == '{') || !is_ours(p + 2, end)) continue;
        for (; seen < p; seen++) {
            column = *seen == '\n' ? (int)text->column : column + (((unsigned char)*seen & 0xc0) != 0x80);
            line += *seen == '\n';
        }
        const char *first = p + 2 + strspn(p + 2, " ");
        size_t size = (size_t)(end > first ? end - first : 0);
        while (size > 0 && first[size - 1] == ' ') size--;
        diag_add(check->diags, DIAG_WARNING, line, column, "bare-braces",
                 arena_printf(check->arena, "Write `${{ %.*s }}`.", (int)(size < 100 ? size : 100), first),
                 "without `$` this is plain text, and no expression");
    }
}
