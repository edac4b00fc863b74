/* SPDX-License-Identifier: Apache-2.0
 *
 * What of YAML 1.2 needs no parser: which bytes a file may hold, and what a plain scalar means (core schema).
 */
#ifndef WORKFLOW_YAML_H
#define WORKFLOW_YAML_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/value.h"
#include "workflow/diag.h"

/* UTF-8, no NUL, no control characters, no UTF-16, something besides comments. False: reported, and parsing it
 * makes no sense. */
bool yaml_source_check(const char *text, size_t size, struct diags *diags);

/* A plain scalar's value: null, boolean, integer, number or string. NULL: it looks like a number and cannot be one
 * (*why says so: a phrase for a message). `yes`, `no`, `on` and `off` are strings. */
const struct value *yaml_scalar(struct arena *arena, const char *text, size_t size, const char **why);

#endif
