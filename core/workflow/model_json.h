/* SPDX-License-Identifier: Apache-2.0
 *
 * What writing and reading the model's JSON share.
 */
#ifndef WORKFLOW_MODEL_JSON_H
#define WORKFLOW_MODEL_JSON_H

/* Raised when a model of before can no longer be read. */
#define MODEL_VERSION 1

/* By enum step_part, as in the file. */
extern const char *const model_parts[4];
extern const char *const model_on_unknown[3];

#endif
