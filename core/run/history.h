/* SPDX-License-Identifier: Apache-2.0
 *
 * How long ended runs are kept: the workflow's `history`, or what the command line says for workflows without one.
 * Pure: which runs are past it. gc.h carries it out.
 */
#ifndef RUN_HISTORY_H
#define RUN_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/value.h"
#include "run/state.h"

struct keep {
    bool given;
    int64_t count;      /* the newest so many; 0: by age */
    int64_t age_ms;
};

struct history {
    struct keep keep, keep_failed;
    int64_t logs_ms;    /* -1: as long as the run */
};

/* "30d" or "10" (from 1; "0s": no time at all). */
bool keep_parse(const char *text, struct keep *ret);
/* As it is written: "30d", "10". */
const char *keep_text(struct arena *arena, const struct keep *keep);
/* Of a checked model; NULL: nothing is said. */
void history_read(const struct value *map, struct history *ret);

enum history_fate { HISTORY_KEPT, HISTORY_LOGS, HISTORY_RUN }; /* goes: nothing, the logs, the whole run */

struct history_run {
    const char *id, *workflow, *file;
    enum run_status status;
    int64_t finished_ms;
    int64_t last_seq;    /* of the journal that this was read from */
    struct history own;
    /* Found out: */
    enum history_fate fate;
    const char *rule;    /* "keep 30d", "keep_failed 5", "logs 1w"; NULL: none holds for it */
};

/* Fills fate and rule of ended runs, in any order; sorts them by workflow, the newest first. `given` holds for runs
 * whose workflow says nothing of the kind, or (`over`) for all. */
void history_decide(struct arena *arena, struct history_run *runs, size_t count, const struct history *given, bool over,
                    int64_t now_ms);

#endif
