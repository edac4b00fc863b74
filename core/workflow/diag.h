/* SPDX-License-Identifier: Apache-2.0
 *
 * Diagnostics: what is wrong in a file, where, and what to write instead. Collected over one pass, printed with
 * the source line and a caret.
 */
#ifndef WORKFLOW_DIAG_H
#define WORKFLOW_DIAG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE }; /* only errors make a file wrong */

/* The code of a fault that is a secret itself: its line is shown up to the caret only. */
#define DIAG_PLAIN_SECRET "plain-secret"

struct diag {
    enum diag_severity severity;
    int line, column;    /* 0: the file as a whole */
    const char *code;    /* stable word: "unknown-key", "cycle", … (listed in docs/workflow.md) */
    const char *message; /* lower case, no full stop */
    const char *hint;    /* a sentence, or NULL */
};

struct diags {
    struct arena *arena;
    const char *file;    /* as the user named it */
    const char *source;  /* its text, or NULL */
    size_t source_size;
    struct diag *items;  /* sorted by line, column when printed */
    size_t count;        /* at most LIMIT_DIAGNOSTICS; the rest is counted in dropped */
    size_t dropped, errors; /* errors: those of included files too */
    struct diags *included; /* of a file that this one includes; they are told behind its own */
    struct diags *next;     /* beside this one */
    const struct value *within; /* the text that is being looked at: places are those in it; NULL: of the file */
    struct diag_place { int line, column; } *hidden; /* what stands there, up to the end of its line, is not printed */
    size_t nhidden, hidden_max;
    bool notes;          /* set by whoever wants notes too: `levada check` */
    bool stopped;        /* so much was wrong that the rest of the file was not looked at */
};

void diags_init(struct diags *diags, struct arena *arena, const char *file);
/* Those of an included file, once it has been read: nothing is copied. */
void diags_include(struct diags *diags, struct diags *included);
__attribute__((format(printf, 7, 8))) void diag_add(struct diags *diags, enum diag_severity severity, int line,
                                                    int column, const char *code, const char *hint,
                                                    const char *fmt, ...);
/* From this place to the end of its line there may be a secret: no diagnostic prints it. */
void diag_hide(struct diags *diags, int line, int column);
/* Are there so many errors that no more is shown? Whoever walks a long list then ends it, and `stopped` is set. */
bool diags_full(struct diags *diags);
/* From an err with a place. */
void diag_err(struct diags *diags, const char *code, const struct err *err);
/* file:line:column: error: message [code] / source line / caret / hint. colour: ANSI. */
void diags_print(const struct diags *diags, FILE *out, bool colour);
/* As `levada check --json` prints them, appended to `list`. */
void diags_json(const struct diags *diags, struct arena *arena, struct value *list);

#endif
