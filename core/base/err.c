/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors are filled once and printed once; nothing here allocates.
 */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *err, int code, const char *fmt, ...)
{
    char message[sizeof err->message];
    va_list ap;
    /* Beside first: the arguments may be parts of the old error. */
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    *err = (struct err){.code = code};
    memcpy(err->message, message, strlen(message) + 1);
    return code;
}

int
err_errno(struct err *err, int code, const char *fmt, ...)
{
    int saved = errno;
    char text[128], message[sizeof err->message];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    *err = (struct err){.code = code};
    memcpy(err->message, message, strlen(message) + 1);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", strerror_r(saved, text, sizeof text));
    return code;
}

void
err_hint(struct err *err, const char *fmt, ...)
{
    char hint[sizeof err->hint];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(hint, sizeof hint, fmt, ap);
    va_end(ap);
    memcpy(err->hint, hint, strlen(hint) + 1);
}

void
err_context(struct err *err, const char *fmt, ...)
{
    char old[sizeof err->message];
    va_list ap;
    memcpy(old, err->message, sizeof old);
    va_start(ap, fmt);
    vsnprintf(err->message, sizeof err->message, fmt, ap);
    va_end(ap);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", old);
}

void
err_place(struct err *err, const char *file, int line, int column)
{
    snprintf(err->file, sizeof err->file, "%s", file);
    err->line = line;
    err->column = column;
}

void
err_print(const struct err *err)
{
    fputs("levada: ", stderr);
    if (err->file[0]) {
        fputs(err->file, stderr);
        if (err->line) fprintf(stderr, ":%d:%d", err->line, err->column);
        fputs(": ", stderr);
    }
    fprintf(stderr, "%s\n", err->message);
    if (err->hint[0]) fprintf(stderr, "  %s\n", err->hint);
}
