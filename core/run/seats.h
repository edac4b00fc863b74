/* SPDX-License-Identifier: Apache-2.0
 *
 * Seats: what runs and steps of one state directory share. A group has seats for runs, a pool for steps; both are a
 * folder with one marker file for each holder. A seat is taken while somebody has its marker locked (an OFD lock on an
 * open description that engine and worker share, so it holds while either lives and ends with the last of them), or
 * while the journal of its run says so: see seat_claimed(). Any other marker is stale, and who looks removes it.
 *
 * Who finds no seat stands in a queue: a marker `q-NUMBER-RUN`, locked by the engine that waits. The kernel tells who
 * waits when a marker goes or its last description is closed: nobody polls. The first in the queue watches the folder,
 * every other only the one before it, so a seat that comes free wakes one engine, not all.
 *
 * Markers: "RUN" in a group, "RUN.RECORD.STEP" in a pool. Looking, counting and taking are done under a mutex, the OFD
 * lock of the file NAME.lock beside the folder.
 */
#ifndef RUN_SEATS_H
#define RUN_SEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* Longest name of a marker, with its NUL: run id, record, step id, dots. */
#define SEAT_NAME_SIZE 192u

enum seats_kind { SEATS_GROUP, SEATS_POOL };

struct seats {
    const char *path;     /* of the folder; in the arena of seats_open */
    int folder, mutex;    /* descriptors; -1: not open */
    bool durable;         /* a seat taken is on disk */
    int place;            /* our marker in the queue, locked; -1: we do not wait */
    char place_name[48];
    int watching;         /* inotify's number for what we wait for; -1: nothing */
    char watched[48];     /* the marker before ours; "": the folder */
};

enum seats_flag {
    SEATS_QUEUE = 1,      /* wait for it: stand in the queue */
    SEATS_MORE = 2,       /* we shall want another one: keep our place when nobody is behind us */
    SEATS_FORCE = 4,      /* ours by right, or no limit: neither count nor wait */
    SEATS_ALL = 8,        /* look at every waiter before us, not only the next */
};

/* What a look found. Texts are in the arena given. */
struct seats_look {
    const char **holders; /* markers */
    size_t nholders;
    const char **ahead;   /* ids of runs that wait before us; without SEATS_ALL at most one */
    size_t nahead;
    bool busy;            /* the mutex could not be had within a moment: nothing is known, look again soon */
};

/* The run that looks. Of its own pool markers it knows itself whether their seats are in use. */
struct seats_own {
    const char *run;
    bool (*at_work)(void *context, uint32_t record, const char *step); /* NULL: nothing is */
    void *context;
};

/* Opens, and makes if absent, the folder of a group (any text) or pool under the state directory. */
int seats_open(struct seats *ret, struct arena *arena, const char *state_folder, enum seats_kind kind, const char *name,
               bool durable, struct err *err);
/* Leaves the queue and closes. Seats stay with those who have their descriptors. */
void seats_close(struct seats *seats, int watch);

/* One look, and a seat when there is one. 0: it is ours, *fd keeps it (-1: a worker of the run has it already); 1: not
 * now, *look says why; else an exit code. `watch`: an inotify descriptor that becomes readable when it is worth
 * another look; used with SEATS_QUEUE only. */
int seats_take(struct seats *seats, const char *marker, const struct seats_own *own, uint32_t limit, unsigned flags,
               int watch, struct arena *arena, struct seats_look *look, int *fd, struct err *err);
/* Give it back: the marker goes, whoever still has it open. */
void seats_release(const struct seats *seats, const char *marker);
/* The same by name, for who has nothing open. */
void seats_forget(const char *state_folder, enum seats_kind kind, const char *name, const char *marker);
/* No longer wait. */
void seats_leave(struct seats *seats, int watch);

/* Are we the first in the queue, and told when a seat comes free? */
bool seats_first(const struct seats *seats);

/* The marker of a step's attempt. */
void seat_name(char ret[SEAT_NAME_SIZE], const char *run, uint32_t record, const char *step);
/* The run, 26 characters, of a marker. */
const char *seat_run(struct arena *arena, const char *marker);
/* Does the journal of its run say that the marker's seat is taken? A group's, until the run has ended; a pool's, while
 * its step has an open attempt of this record, or nobody knows its outcome. A journal that cannot be read keeps its
 * seats; without its run's folder a marker means nothing. */
bool seat_claimed(const char *state_folder, const char *marker);
/* The state directory that a run folder belongs to. */
const char *seats_state_folder(struct arena *arena, const char *run_folder);

#endif
