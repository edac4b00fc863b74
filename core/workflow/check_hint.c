/* SPDX-License-Identifier: Apache-2.0
 *
 * What an expression cannot know about a name that it does not know: perhaps the workflow has something of that name.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/check.h"

void
check_hint_name(struct check *check, struct err *err)
{
    static const char before[] = "unknown name \"";
    if (!str_starts(err->message, before)) return;
    const char *start = err->message + sizeof before - 1, *end = strchr(start, '"');
    if (end == NULL) return;
    const char *name = arena_strndup(check->arena, start, (size_t)(end - start));
    bool step = names_find(&check->steps, name) >= 0, param = names_find(&check->params, name) >= 0;
    if (step && param) err_hint(err, "Write params.%s for the param, steps.%s.outputs.NAME for the step.", name, name);
    else if (param) err_hint(err, "Did you mean params.%s?", name);
    else if (step) err_hint(err, "Did you mean steps.%s.outputs.NAME?", name);
    else if (names_find(&check->secrets, name) >= 0) err_hint(err, "Did you mean secrets.%s?", name);
    else if (value_get(check->env, name) != NULL) err_hint(err, "Did you mean env.%s?", name);
}
