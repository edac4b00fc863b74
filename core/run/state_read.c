/* SPDX-License-Identifier: Apache-2.0
 *
 * A state from a journal: the last of its workflows, then the fold of all its events.
 */
#include "run/state.h"

static int
apply_read(void *context, const struct event *event, struct arena *scratch, struct err *err)
{
    (void)scratch;
    return state_apply(context, event, err);
}

int
state_read(struct arena *arena, struct journal *journal, struct run_state *ret, struct err *err)
{
    const char *text, *id;
    int64_t models = 1;
    size_t size;
    const struct model *model;
    struct arena scratch = {0};
    int code = journal_model(journal, &scratch, 0, &text, &size, &models, err);
    if (!code) code = journal_run_id(journal, arena, &id, err);
    if (!code) code = model_read(arena, text, size, &model, err);
    arena_release(&scratch);
    memory_trim();
    if (code) {
        err->code = EXIT_STORE;
        return EXIT_STORE;
    }
    state_init(ret, arena, model, id);
    ret->models = models;
    return journal_read(journal, 0, apply_read, ret, err);
}

int
state_load(struct arena *arena, const char *run_folder, struct run_state *ret, struct err *err)
{
    struct journal *journal;
    int code = journal_open_read(run_folder, &journal, err);
    if (code) return code;
    code = state_read(arena, journal, ret, err);
    journal_close(&journal, false);
    return code;
}
