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
    va_list ap;
    *err = (struct err){.code = code};
    va_start(ap, fmt);
    vsnprintf(err->message, sizeof err->message, fmt, ap);
    va_end(ap);
    return code;
}

int
err_errno(struct err *err, int code, const char *fmt, ...)
{
    int saved = errno;
    char text[128];
    va_list ap;
    *err = (struct err){.code = code};
    va_start(ap, fmt);
    vsnprintf(err->message, sizeof err->message, fmt, ap);
    va_end(ap);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", strerror_r(saved, text, sizeof text));
    return code;
}

void
err_hint(struct err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
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
