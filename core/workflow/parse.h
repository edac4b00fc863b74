/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML text into a tree of values, each with its line and column. The only user of libyaml.
 */
#ifndef WORKFLOW_PARSE_H
#define WORKFLOW_PARSE_H

#include "base/arena.h"
#include "base/value.h"
#include "workflow/diag.h"

/* One document of YAML 1.2 (core schema; JSON is a part of it). A string's place is that of its first character,
 * behind the quote or in the first line of a block; all else has the place of its first token. Places of map names are
 * in map.places. Refused with a diagnostic: duplicate and non-text names, tags, merge keys, several documents,
 * aliases that grow past LIMIT_ALIASES, nesting past LIMIT_DEPTH, and what yaml_source_check() refuses.
 * Returns NULL when nothing can be made of the text; else a tree, which is wrong when diags->errors rose. */
const struct value *parse_yaml(struct arena *arena, const char *text, size_t size, struct diags *diags);

/* Place of the i-th name of a map; the map's own when it has none. */
void parse_name_place(const struct value *map, size_t i, int *line, int *column);
/* Place of a member's name, or of the map when it has none such. */
void parse_key_place(const struct value *map, const char *name, int *line, int *column);

#endif
