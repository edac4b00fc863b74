/* SPDX-License-Identifier: Apache-2.0
 *
 * Is what is kept of a run whole? Each thing in the run folder is read to its end, and what is wrong is told with its
 * place and what to do. A bit that flipped inside a text and leaves it a text goes unseen: the journal has no
 * checksums of its own.
 */
#ifndef RUN_INTEGRITY_H
#define RUN_INTEGRITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum finding_kind {
    FINDING_DAMAGE, /* something is lost or cannot be read */
    FINDING_NOTE,   /* something is left over, owed, or waits: no harm */
    FINDING_DONE,   /* something was owed and is done now */
};
const char *finding_kind_name(enum finding_kind kind);

struct finding {
    enum finding_kind kind;
    const char *place;         /* "journal.db", "receipts/3.json" */
    const char *message;
    const char *hint;          /* what to do; NULL: nothing */
};

struct integrity {
    const char *workflow;      /* NULL: not known */
    struct finding *findings;
    size_t count, capacity;
    size_t damages;
};

/* `folder`: of a run, or the file of an exported one. `id`: as the folder is called; NULL: any. Writes nothing, but
 * for the journal of an ended run that is owed its last conversion. */
void integrity_check(struct arena *arena, const char *folder, const char *id, struct integrity *ret);

#endif
