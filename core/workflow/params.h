/* SPDX-License-Identifier: Apache-2.0
 *
 * One param and one value: types, bounds, allowed values. params_bind() of model.h does all of them; check uses these
 * for what a file declares.
 */
#ifndef WORKFLOW_PARAMS_H
#define WORKFLOW_PARAMS_H

#include "workflow/model.h"

bool param_type_from_name(const char *name, enum param_type *ret);
/* Has the type an order, so that minimum and maximum mean something? */
bool param_type_ordered(enum param_type type);

/* The value as the param's type, without bounds. `text`: a string may stand for any type, as on the command line
 * (lists and maps: YAML or JSON). NULL with err: EXIT_INVALID, a phrase ("must be an integer, not a list"). */
const struct value *param_coerce(struct arena *arena, enum param_type type, const struct value *value, bool text,
                                 struct err *err);
/* A coerced value against enum, minimum, maximum, pattern and format. EXIT_INVALID with a phrase. */
int param_allows(struct arena *arena, const struct param *param, const struct value *value, struct err *err);
/* Does it compile? EXIT_INVALID with what is wrong in it. A pattern must match the whole text. */
int param_pattern_check(struct arena *arena, const char *pattern, struct err *err);

#endif
