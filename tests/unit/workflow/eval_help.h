/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions in tests: one interpreter, one set of names, results as "type json" or "line:column
 * message | hint".
 */
#ifndef TESTS_EVAL_HELP_H
#define TESTS_EVAL_HELP_H

#include "base/value.h"
#include "workflow/expr.h"

/* Evaluates `text`, said to stand at line 3, column 7. Result and error live until the next call. */
const char *eval_text(const char *text);
/* The same with a name to each root; NULL: eval_text's. */
const char *eval_with(const char *text, const struct value *names);
/* What text_eval uses: params, env, secrets, steps, run, outputs, status; in `arena`. */
struct value *eval_names(struct arena *arena);
const char *eval_show(struct arena *arena, const struct value *value);
const char *eval_error(struct arena *arena, const struct err *err);
struct expr_vm *eval_vm(void);
void eval_end(void);

#endif
