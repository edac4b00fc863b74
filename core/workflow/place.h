/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a place in a text of the file stands in the file itself: YAML folds lines, and quotes have escapes.
 */
#ifndef WORKFLOW_PLACE_H
#define WORKFLOW_PLACE_H

#include "base/value.h"

/* `line` and `column` count from the place of `text` as if each of its lines began in the column of the first; they
 * become those of the file. Left as they are when the text is not found in the source (it came by an alias, say). */
void place_in_source(const char *source, size_t size, const struct value *text, int *line, int *column);

#endif
