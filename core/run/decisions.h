/* SPDX-License-Identifier: Apache-2.0
 *
 * Decisions on their way to a run: one file each in the run folder, `decide.TIME.ID.json`, written beside, synced and
 * renamed. It is taken into the journal, and only then removed: by the engine, which a SIGUSR1 tells of it, by
 * `levada approve` itself when no engine lives, or by the next `levada resume`. Whose it is says the file's owner,
 * which nobody but root can set to somebody else.
 */
#ifndef RUN_DECISIONS_H
#define RUN_DECISIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "run/approval.h"

struct decision_file {
    const char *name;
    struct approval_request request;
};

/* Leave one; *name is its file. The request's uid is not written: it is the caller's. */
int decisions_leave(struct arena *arena, const char *run_folder, const struct approval_request *request,
                    const char **name, struct err *err);
/* All that lie there, oldest first. One that cannot be read is passed over. */
void decisions_list(struct arena *arena, const char *run_folder, struct decision_file **ret, size_t *count);
bool decisions_has(const char *run_folder, const char *name);
void decisions_forget(const char *run_folder, const char *name);

#endif
