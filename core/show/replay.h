/* SPDX-License-Identifier: Apache-2.0
 *
 * The stored events of a run told again, as the engine told them when they happened. Nothing is executed.
 */
#ifndef SHOW_REPLAY_H
#define SHOW_REPLAY_H

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "show/progress.h"
#include "show/view.h"

#define REPLAY_GAP_MS 5000 /* the longest wait between two events, whatever the speed */

struct replay_options {
    double speed;      /* 1: as long as it took, 10: ten times as fast, 0: at once; < 0: chosen, so that it takes
                          half a minute at most */
    enum progress_mode mode;
    FILE *out;
};

/* The events up to what `view` shows. */
int replay_run(struct arena *arena, const struct view *view, const struct replay_options *options, struct err *err);

#endif
