/* SPDX-License-Identifier: Apache-2.0
 *
 * A control group (version 2) for what one script starts, where a group was delegated to us: the one that LEVADA_CGROUP
 * names, or the one above our own if systemd delegated that (Delegate= and DelegateSubgroup= of a unit). Nobody but the
 * script is moved. The kernel then holds memory to the byte, and ends all of it at once.
 */
#ifndef RUN_CGROUP_H
#define RUN_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "workflow/model.h"

struct cgroup {
    const char *path; /* NULL: none */
    int procs;        /* where a process writes "0" to come in */
    bool memory;      /* the kernel holds it to its limit */
};

/* The group that is ours to divide, in the arena; NULL: none. */
const char *cgroup_base(struct arena *arena);
/* A group `name` below `base` with these limits as far as its controllers go. EXIT_FAILED: it could not be made. */
int cgroup_make(struct arena *arena, const char *base, const char *name, const struct limits *limits,
                struct cgroup *ret, struct err *err);
/* CPU time used by all that was ever in it, in ms; -1: not known. */
int64_t cgroup_cpu_ms(const struct cgroup *group);
/* Did the kernel end something in it because its memory was full? *peak: the most that was used, or 0. */
bool cgroup_full(const struct cgroup *group, int64_t *peak);
void cgroup_kill(const struct cgroup *group);
/* Removes it, when it is empty, and closes `procs`. */
void cgroup_remove(struct cgroup *group);

/* For cgroup_base and its test: the path of our group in /proc/self/cgroup and the mount of the hierarchy in
 * /proc/self/mountinfo, as one path; NULL: there is none. */
const char *cgroup_own(struct arena *arena, const char *cgroups, const char *mounts);

#endif
