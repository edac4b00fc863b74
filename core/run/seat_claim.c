/* SPDX-License-Identifier: Apache-2.0
 *
 * What a journal says of a seat that nobody has locked: its engine and worker are gone, so either the run or step has
 * ended and the marker was left behind, or it has not, and nobody else may begin.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"
#include "run/journal.h"
#include "run/seats.h"
#include "run/store.h"

struct claim {
    const char *step;      /* NULL: of the run */
    uint32_t record;
    bool run_ended;
    bool open;             /* the step's last attempt is ours, and not decided */
    bool item_known;
    char item[512];        /* of the attempt, when the step is a loop's */
};

static int
see_run(void *context, const struct event *event, struct arena *scratch, struct err *err)
{
    struct claim *claim = context;
    (void)scratch;
    (void)err;
    if (event->type == EVENT_CANCEL_ASKED) return 0;
    claim->run_ended = event->type == EVENT_RUN_FINISHED;
    return 0;
}

static int
see_step(void *context, const struct event *event, struct arena *scratch, struct err *err)
{
    struct claim *claim = context;
    const char *item = event->item != NULL ? event->item : "";
    (void)scratch;
    (void)err;
    bool intent = event->type == EVENT_STEP_INTENT;
    bool ours = intent && value_get_int(event->data, "record", -1) == (int64_t)claim->record;
    if (ours) {
        claim->open = claim->item_known = true;
        snprintf(claim->item, sizeof claim->item, "%s", item);
    } else if (!claim->item_known || strncmp(claim->item, item, sizeof claim->item - 1) != 0) {
        return 0; /* before it, or of another item */
    } else if (intent || event->type == EVENT_STEP_RETRY || event->type == EVENT_STEP_VANISHED ||
               event->type == EVENT_STEP_RESOLVED) {
        claim->open = false;
    } else if (event->type == EVENT_STEP_FINISHED) {
        claim->open = str_eq(value_get_str(event->data, "status", ""), "unknown");
    }
    return 0;
}

bool
seat_claimed(const char *state_folder, const char *marker)
{
    struct claim claim = {0};
    struct journal *journal;
    struct err err;
    char folder[4200], *end = NULL;
    if (snprintf(folder, sizeof folder, "%s/runs/%.*s", state_folder, ID_SIZE - 1, marker) >= (int)sizeof folder)
        return true;
    if (access(folder, F_OK) != 0) return errno != ENOENT;
    if (marker[ID_SIZE - 1] == '.') {
        claim.record = (uint32_t)strtoul(marker + ID_SIZE, &end, 10);
        claim.step = *end == '.' ? end + 1 : end;
    }
    if (journal_open_read(folder, &journal, &err) != 0) return true;
    int code = journal_read_of(journal, NULL, see_run, &claim, &err);
    if (!code && claim.step != NULL && !claim.run_ended)
        code = journal_read_of(journal, claim.step, see_step, &claim, &err);
    journal_close(&journal, false);
    if (code) return true;
    return !claim.run_ended && (claim.step == NULL || claim.open);
}

const char *
seats_state_folder(struct arena *arena, const char *run_folder)
{
    struct err ignored;
    const char *store;
    char *path = arena_strdup(arena, run_folder), *slash = strrchr(path, '/');
    if (slash != NULL) *slash = '\0';
    if (slash != NULL && str_ends(path, "/runs")) {
        *strrchr(path, '/') = '\0';
        return path;
    }
    /* A folder that was copied elsewhere and is resumed there. */
    return store_open(arena, true, &store, &ignored) == 0 ? store : path;
}
