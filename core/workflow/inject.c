/* SPDX-License-Identifier: Apache-2.0
 *
 * `${{ }}` in `run:` becomes a variable in double quotes, never text: whatever the value is, the
 * shell has parsed the script before it sees it.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/expr_lex.h"
#include "workflow/inject_shell.h"
#include "workflow/template.h"

struct rewrite {
    struct arena *arena;
    const char *text;
    const char *const *extra;
    size_t size, copied;
    int line, column;
    size_t placed;               /* the last place asked for: */
    int placed_line, placed_column;
    struct buf out;
    struct inject *inject;
    void (*warn)(void *context, int line, int column, const char *message);
    void *context;
    struct err *err;
};

static void
place_of(struct rewrite *rewrite, size_t at, int *line, int *column)
{
    if (at < rewrite->placed || rewrite->placed_line == 0) {
        rewrite->placed = 0;
        rewrite->placed_line = rewrite->line;
        rewrite->placed_column = rewrite->column;
    }
    for (; rewrite->placed < at; rewrite->placed++) {
        char c = rewrite->text[rewrite->placed];
        rewrite->placed_line += c == '\n';
        if (c == '\n') rewrite->placed_column = rewrite->column;
        else if (((unsigned char)c & 0xc0) != 0x80) rewrite->placed_column++;
    }
    *line = rewrite->line > 0 ? rewrite->placed_line : 0;
    *column = rewrite->line > 0 ? rewrite->placed_column : 0;
}

static int
refuse(struct rewrite *rewrite, size_t at, const char *why)
{
    struct err *err = rewrite->err;
    err_set(err, EXIT_INVALID, "${{ }} %s cannot be made safe", why);
    const char *hint = "Give the step `env: {NAME: \"${{ … }}\"}` and write \"$NAME\" in the script.";
    if (strstr(why, "comment") != NULL) hint = "Take it out of the comment.";
    /* A shell evaluates the text of a variable that it counts with: env would not help. */
    if (strstr(why, "arithmetic") != NULL || strstr(why, "subscript") != NULL ||
        strstr(why, "counts") != NULL)
        hint = "Compute it in the expression, as in ${{ params.x + 1 }}, or compare with = and [ ].";
    err_hint(err, "%s", hint);
    place_of(rewrite, at, &err->line, &err->column);
    return EXIT_INVALID;
}

/* The variable for an expression: one for all that read alike. */
static const char *
variable(struct rewrite *rewrite, const struct expr *expr)
{
    struct inject *inject = rewrite->inject;
    for (size_t i = 0; i < inject->count; i++)
        if (str_eq(inject->vars[i].expr->text, expr->text)) return inject->vars[i].name;
    if ((inject->count & (inject->count - 1)) == 0) {
        struct inject_var *more = ARENA_ARRAY(
            rewrite->arena, inject->count == 0 ? 1 : inject->count * 2, struct inject_var);
        if (inject->count) memcpy(more, inject->vars, inject->count * sizeof *more);
        inject->vars = more;
    }
    const char *name = arena_printf(rewrite->arena, "LEVADA_%zu", inject->count + 1);
    inject->vars[inject->count++] = (struct inject_var){name, expr};
    return name;
}

static int
found(void *context, size_t at, enum shell_place place, const char *why, size_t *end)
{
    struct rewrite *rewrite = context;
    ptrdiff_t close = lex_template_end(rewrite->text, rewrite->size, at + 3);
    if (place == SHELL_REFUSED) return refuse(rewrite, at, why);
    int line, column;
    place_of(rewrite, at, &line, &column);
    if (close < 0) {
        err_set(rewrite->err, EXIT_INVALID, "\"${{\" is never closed");
        rewrite->err->line = line;
        rewrite->err->column = column;
        return EXIT_INVALID;
    }
    struct expr *expr;
    const char *inner = arena_strndup(rewrite->arena, rewrite->text + at + 3, (size_t)close - at - 3);
    int code = expr_parse(rewrite->arena, inner, line, column + 3, rewrite->extra, &expr, rewrite->err);
    if (code) return code;
    buf_add(&rewrite->out, rewrite->text + rewrite->copied, at - rewrite->copied);
    buf_printf(&rewrite->out, place == SHELL_QUOTED ? "${%s}" : "\"${%s}\"", variable(rewrite, expr));
    rewrite->copied = *end = (size_t)close + 2;
    return 0;
}

static void
risk(void *context, size_t at, const char *command)
{
    struct rewrite *rewrite = context;
    int line, column;
    if (rewrite->warn == NULL) return;
    place_of(rewrite, at, &line, &column);
    const char *message =
        strcmp(command, "the command's name") == 0
            ? "the value of ${{ }} chooses the command that is run"
            : arena_printf(rewrite->arena,
                           "the value of ${{ }} reaches %s, which may read it as a program",
                           command);
    rewrite->warn(rewrite->context, line, column, message);
}

static bool
shell_known(const char *shell)
{
    static const char *const known[] = {"sh", "bash", "dash"};
    size_t size = strcspn(shell, " \t");
    for (const char *slash; (slash = memchr(shell, '/', size)) != NULL;) {
        size -= (size_t)(slash + 1 - shell);
        shell = slash + 1;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == size && memcmp(known[i], shell, size) == 0) return true;
    return false;
}

int
inject_parse(struct arena *arena, const char *shell, const char *text, int line, int column,
             const char *const *extra,
             void (*warn)(void *context, int line, int column, const char *message), void *context,
             struct inject **ret, struct err *err)
{
    struct rewrite rewrite = {.arena = arena,
                              .text = text,
                              .size = strlen(text),
                              .extra = extra,
                              .line = line,
                              .column = column,
                              .warn = warn,
                              .context = context,
                              .err = err};
    rewrite.inject = ARENA_NEW(arena, struct inject);
    rewrite.inject->script = text;
    const char *first = strstr(text, "${{");
    if (first == NULL) {
        *ret = rewrite.inject;
        return 0;
    }
    if (!shell_known(shell)) {
        err_set(err, EXIT_INVALID, "${{ }} in a script for \"%.100s\" cannot be made safe", shell);
        err_hint(err, "Give the step `env: {NAME: \"${{ … }}\"}` and read the variable in the script.");
        place_of(&rewrite, (size_t)(first - text), &err->line, &err->column);
        return EXIT_INVALID;
    }
    struct shell_lex lex = {
        .text = text, .size = rewrite.size, .expression = found, .risk = risk, .context = &rewrite};
    buf_init(&rewrite.out, 2 * LIMIT_WORKFLOW_SIZE);
    int code = shell_read(&lex);
    if (code == 0 && lex.unclosed)
        code = refuse(&rewrite, (size_t)(first - text),
                      "in a script whose quotes or brackets are not closed");
    if (code == 0) {
        buf_add(&rewrite.out, text + rewrite.copied, rewrite.size - rewrite.copied);
        rewrite.inject->script = arena_strndup(arena, buf_str(&rewrite.out), rewrite.out.size);
        *ret = rewrite.inject;
        /* The net below: what the reader passed over must not reach a shell. */
        if (strstr(rewrite.inject->script, "${{") != NULL)
            code = refuse(&rewrite, (size_t)(first - text), "somewhere in this script");
    }
    buf_release(&rewrite.out);
    return code;
}
