/* SPDX-License-Identifier: Apache-2.0
 *
 * contract.h: what a table's rows promise, from a YAML or JSON file:
 *
 *   columns:
 *     origin: {type: string, required: true, values: [EWR, JFK, LGA]}
 *     dep_delay: {type: integer, minimum: -120, maximum: 3000}
 *     carrier: string
 *   key: [year, month, day, carrier, flight, origin]     unique together
 *   rows: {min: 1, max: 1000000}
 *   extra: error                                         or ignore, or add
 */
#ifndef DUCKLAKE_CONTRACT_H
#define DUCKLAKE_CONTRACT_H

#include <jansson.h>

#include "name.h"

enum contract_extra { EXTRA_ERROR, EXTRA_IGNORE, EXTRA_ADD };

struct promise {
    const char *name, *type; /* type: as DuckDB spells it */
    bool required, unique;
    json_t *values;           /* a list, or NULL */
    json_t *minimum, *maximum; /* numbers or texts, or NULL */
    const char *pattern;      /* a regular expression, or NULL */
};

struct contract {
    const char *path;
    const char *digest; /* of the file's content; "" without a contract */
    json_t *root;       /* owns the values above */
    struct promise *columns;
    size_t count;
    const char **key;
    size_t key_count;
    int64_t rows_min, rows_max; /* -1: no bound */
    enum contract_extra extra;
};

/* Read and check the file; `path` empty: no contract (count 0). The lake must be open: it spells the types.
 * contract_free() in any case. */
int contract_read(struct work *work, const char *path, struct contract *ret);
void contract_free(struct contract *contract);
const struct promise *contract_find(const struct contract *contract, const char *column);
/* SQL literal of a JSON scalar. */
const char *json_literal(struct levada_step *step, const json_t *value);

#endif
