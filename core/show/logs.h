/* SPDX-License-Identifier: Apache-2.0
 *
 * The logs of a run's attempts: the end of one, all of them, or as they grow.
 */
#ifndef SHOW_LOGS_H
#define SHOW_LOGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "show/view.h"

/* Descriptor of a log below RUN_FOLDER/logs, or -1: not made yet, or no plain file name. */
int logs_open(const char *run_folder, const char *log);
/* The last line that says something, or NULL. */
const char *logs_last_line(struct arena *arena, const char *run_folder, const char *log);
/* The last `lines` lines, at most 256 KiB; NULL: nothing was written. *cut: there is more before it. */
const char *logs_tail(struct arena *arena, const char *run_folder, const char *log, size_t lines, size_t *size,
                      bool *cut);

struct logs_options {
    const char *step;    /* NULL: all steps. Of a loop or group all its parts. Each line has the name in front then */
    const char *item;    /* only of the item with this key; NULL: of all */
    uint32_t attempt;    /* 0: the last one of each step (following: all that still come) */
    bool follow;         /* until the run ends or its engine is gone */
    bool plain;          /* make control characters visible: for a terminal */
    FILE *out;
};

/* *written: whether there was anything. EXIT_USAGE: no such step or attempt. */
int logs_print(struct arena *arena, struct view *view, const struct logs_options *options, bool *written,
               struct err *err);

#endif
