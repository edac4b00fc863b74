/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "run/failure.h"

#include "plugin/schema.h"

const struct value *
failure_value(struct arena *arena, int error_class, const struct err *err)
{
    struct value *error = value_map(arena);
    const char *word = schema_class_name(err->error_class ? err->error_class : error_class);
    value_set(arena, error, "class", value_text(arena, word));
    value_set(arena, error, "message", value_text(arena, err->message));
    if (err->hint[0]) value_set(arena, error, "hint", value_text(arena, err->hint));
    if (err->file[0]) value_set(arena, error, "file", value_text(arena, err->file));
    if (err->line) {
        value_set(arena, error, "line", value_int(arena, err->line));
        value_set(arena, error, "column", value_int(arena, err->column));
    }
    return error;
}

void
failure_place(struct err *err, const struct step *step)
{
    if (err->file[0] == '\0' && err->line) err_place(err, step->home->file, err->line, err->column);
}
