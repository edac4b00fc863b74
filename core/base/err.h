/* SPDX-License-Identifier: Apache-2.0
 *
 * One way to fail: a function returns 0 or an exit code of the table below, and fills `struct err` once, where the
 * failure is found. Message: lower case, no full stop. Hint: a full sentence, the next thing to do.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

#include "base/limits.h"

/* Exit codes are the codes of functions too: there is one table. */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_INVALID = 3,   /* workflow or params */
    EXIT_CHANGES = 4,
    EXIT_PARKED = 5,
    EXIT_HELD = 6,      /* not started: held, overlap, paused */
    EXIT_REFUSED = 7,   /* policy, signature, sandbox, ownership */
    EXIT_STORE = 8,     /* run store unavailable, corrupt, full */
    EXIT_UNKNOWN = 9,
    EXIT_CANCELLED = 10,
};

struct err {
    int code;           /* 0: no error yet */
    int error_class;    /* enum levada_class, 0 when none applies */
    int line, column;   /* from 1; 0: none */
    char file[512];     /* "" when none */
    char message[LIMIT_MESSAGE_SIZE];
    char hint[512];     /* "" when none */
};

/* Fill and return code. */
__attribute__((format(printf, 3, 4))) int err_set(struct err *err, int code, const char *fmt, ...);
/* The same, with ": " and the text of errno behind it. */
__attribute__((format(printf, 3, 4))) int err_errno(struct err *err, int code, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void err_hint(struct err *err, const char *fmt, ...);
/* "context: message". */
__attribute__((format(printf, 2, 3))) void err_context(struct err *err, const char *fmt, ...);
void err_place(struct err *err, const char *file, int line, int column);
/* "levada: [file:line:column: ]message" and "  hint" to stderr. */
void err_print(const struct err *err);

#endif
