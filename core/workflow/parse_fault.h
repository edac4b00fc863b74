/* SPDX-License-Identifier: Apache-2.0
 *
 * What the YAML parser says, said for a person who wrote a workflow.
 */
#ifndef WORKFLOW_PARSE_FAULT_H
#define WORKFLOW_PARSE_FAULT_H

#include "workflow/diag.h"

/* Lines and columns from 1. */
struct parse_fault {
    const char *problem, *context; /* libyaml's words; context may be NULL */
    int line, column, context_line, context_column;
};

void parse_fault_report(const struct parse_fault *fault, const char *text, size_t size, struct diags *diags);

#endif
