/* SPDX-License-Identifier: Apache-2.0
 *
 * What writing and reading the model's JSON share.
 */
#ifndef WORKFLOW_MODEL_JSON_H
#define WORKFLOW_MODEL_JSON_H

#include "workflow/model.h"

/* model_hooks.c: a list of hooks, with their texts: a resume needs no file. `file`: of the workflow that they are of.
 * Reading takes NULL for none, copies, and returns false when the JSON is damaged. */
const struct value *model_hooks_write(struct arena *arena, const struct hook *hooks, size_t count, const char *file);
bool model_hooks_read(struct arena *arena, const struct value *list, const char *file, struct hook **ret,
                      size_t *count);

/* Raised when a model of before can no longer be read. */
#define MODEL_VERSION 1

/* By enum step_part, as in the file. */
extern const char *const model_parts[4];
extern const char *const model_on_unknown[3];

/* The first member of a model that was read that cannot be so beside the others; NULL: all is well. */
const char *model_fault(const struct model *model);

#endif
