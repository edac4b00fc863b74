/* SPDX-License-Identifier: Apache-2.0
 *
 * Members of the stored model, one by one: what is missing, of the wrong type or out of range damages the model and
 * reads as something harmless. For model.c alone.
 */
#ifndef WORKFLOW_MODEL_READER_H
#define WORKFLOW_MODEL_READER_H

#include "workflow/model.h"

struct reader {
    struct arena *arena;
    const char *bad; /* what is damaged first, or NULL */
};

#define HOURS_MAX INT64_C(9000000000000000) /* what str_to_duration() accepts */

void reader_damage(struct reader *reader, const char *what);

/* Must be there. The value is the JSON's own. */
const char *reader_needed_text(struct reader *reader, const struct value *map, const char *name);
const struct value *reader_needed_map(struct reader *reader, const struct value *map, const char *name);
const struct value *reader_needed_list(struct reader *reader, const struct value *map, const char *name);

/* May be missing: NULL, or 0. Texts and trees are copies, for the JSON goes; trees have their places again. */
const char *reader_text(struct reader *reader, const struct value *map, const char *name);
const struct value *reader_tree(struct reader *reader, const struct value *map, const char *name);
const struct value *reader_map(struct reader *reader, const struct value *map, const char *name);
const struct value *reader_list(struct reader *reader, const struct value *map, const char *name);
/* JSON has no durations, sizes and times; what is no template was one of those. */
const struct value *reader_typed(struct reader *reader, enum param_type type, const struct value *map,
                                 const char *name);
/* From 0 to `high`. */
int64_t reader_int_within(struct reader *reader, const struct value *map, const char *name, int64_t high);
/* Not negative, and must be there. */
double reader_real(struct reader *reader, const struct value *map, const char *name);
/* `at`: [line, column]. */
void reader_place(struct reader *reader, const struct value *map, int *line, int *column);
/* Numbers below nsteps; *count of them. */
uint32_t *reader_indexes(struct reader *reader, const struct value *map, const char *name, size_t nsteps,
                         size_t *count);

#endif
