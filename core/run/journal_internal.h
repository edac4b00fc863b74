/* SPDX-License-Identifier: Apache-2.0
 *
 * What the journal's own files share: journal.c (opening and writing), journal_read.c.
 */
#ifndef RUN_JOURNAL_INTERNAL_H
#define RUN_JOURNAL_INTERNAL_H

#include <sqlite3.h>

#include "base/buf.h"
#include "run/journal.h"

struct waiting_event {
    enum event_type type;
    int64_t time_ms;
    char *step, *item;
    struct buf data;
};

struct journal {
    sqlite3 *db;
    sqlite3_stmt *insert, *check, *begin, *commit, *rollback, *set_fence;
    uint64_t holder, fence, fence_written; /* written: all up to it may be given out */
    bool writable, power, cut;
    int64_t until_ms; /* 0: to the end */
    int synchronous; /* as set last: 0 OFF, 1 NORMAL, 2 FULL; -1 not yet */
    struct waiting_event *queue;
    size_t count, capacity;
    const char *new_model; /* the caller's, until the commit; NULL: none */
    struct arena arena; /* names of what waits; rewound at commit */
};

bool event_from_name(const char *name, enum event_type *ret);
/* "run journal: cannot WHAT: …" as SQLite says it, with what to do. Returns EXIT_STORE. */
int journal_error(struct journal *journal, struct err *err, const char *what);

#endif
