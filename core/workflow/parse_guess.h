/* SPDX-License-Identifier: Apache-2.0
 *
 * What was probably meant where libyaml lost its way.
 */
#ifndef WORKFLOW_PARSE_GUESS_H
#define WORKFLOW_PARSE_GUESS_H

#include <stdbool.h>

#include "workflow/diag.h"
#include "workflow/parse_fault.h"

/* Reports the slip that is to be seen at the fault or in the line above it. False: there is none that we know. */
bool parse_guess(const struct parse_fault *fault, const char *text, size_t size, struct diags *diags);

#endif
