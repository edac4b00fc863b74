/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine of one run: journals and schedules. It maps no plugin, opens no network socket and is single-threaded.
 */
#ifndef RUN_ENGINE_H
#define RUN_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "run/launcher.h"
#include "run/state.h"
#include "workflow/model.h"

/* What looks on. Every member may be NULL. Events come after their commit. */
struct engine_watch {
    void *context;
    void (*event)(void *context, const struct run_state *state, const struct event *event);
    void (*progress)(void *context, const struct run_state *state, const struct step_state *step, uint64_t done,
                     uint64_t total, const char *what);
    void (*tick)(void *context, const struct run_state *state); /* every tick_ms */
    int tick_ms;                                                /* 0: never */
    void (*note)(void *context, const char *text);              /* for the person watching: what is being waited for */
};

struct engine_options {
    struct launcher launcher;      /* started before anything was opened */
    uint32_t max_parallel;         /* 0: as the run had it, else the number of processors, at least 4 */
    bool takeover;                 /* resume: kill a live holder first */
    bool cancel;                   /* resume only to end it */
    bool no_wait;                  /* leave it, EXIT_HELD, when its group is full of runs that no engine works on */
    const char *who, *why;         /* of the cancel; may be NULL */
    char *const *again;            /* argv of `levada resume RUN …`: what to exec when the launcher dies */
    struct engine_watch watch;
};

/* The map `run` for defaults of params, before the run has an id: name, date, time, trigger. */
const struct value *engine_run_names(struct arena *arena, const struct model *model);
/* The name of the group that a run of the model belongs to, evaluated; *ret NULL: to none. EXIT_INVALID, with a
 * place. */
int engine_group(struct arena *arena, const struct model *model, const struct value *params, const char *id,
                 const char *trigger, const char **ret, struct err *err);
/* Make the run folder and journal of a new run. *ret: the folder. `params`: as params_bind made them. */
int engine_create(struct arena *arena, const struct model *model, const struct value *params, const char *trigger,
                  const char **run_folder, struct err *err);
/* Run it, or go on with it, until it ends, parks or is interrupted. Returns an exit code of
 * base/err.h; err is filled when the engine itself could not go on (6, 7, 8). */
int engine_run(const char *run_folder, const struct engine_options *options, struct err *err);

#endif
