/* SPDX-License-Identifier: Apache-2.0
 *
 * A workflow file made of a text, loaded.
 */
#ifndef TESTS_UNIT_WORKFLOW_LOAD_HELP_H
#define TESTS_UNIT_WORKFLOW_LOAD_HELP_H

#include "workflow/model.h"

/* The model, or NULL; *diags says why. The file is called flow.yaml, in a folder of its own that is gone afterwards. */
const struct model *load_text(struct arena *arena, const char *text, struct diags *diags);
/* The diagnostics as "line:column code" words, sorted as printed; "" when there are none. */
const char *load_faults(struct arena *arena, const char *text);
/* Use the levada of this build to describe plugins, and those of the tests. */
void load_use_plugins(void);

#endif
