/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ducklake tests share: a folder of their own with a lake in it, actions run on it, SQL asked of it.
 */
#ifndef TESTS_DUCKLAKE_LAB_H
#define TESTS_DUCKLAKE_LAB_H

#include <sys/types.h>

#include "check.h"
#include "fake/host.h"
#include "lake.h"

extern const struct levada_plugin levada_plugin;

struct lab {
    char root[512];
    struct fake fake; /* of the last action */
    bool used;
    int tokens;
    char token[64];
};

/* Begin with an empty folder; a lake that an earlier test had open is let go. */
void lab_begin(struct lab *lab);
void lab_end(struct lab *lab);
/* Let go of the lake and its lock, as the end of this worker would. */
void lab_leave(void);
void lab_write(struct lab *lab, const char *name, const char *content);
void lab_write_bytes(struct lab *lab, const char *name, const void *content, size_t size);
/* The absolute path; lives until the next 8 calls. */
const char *lab_path(struct lab *lab, const char *name);
char *lab_read(struct lab *lab, const char *name); /* to be freed; NULL: no such file */

/* Run an action under a new token, or under the same token again. `input` is JSON where ' stands for ". */
int lab_run(struct lab *lab, const char *action, const char *input);
int lab_again(struct lab *lab, const char *action, const char *input);
int lab_resolve(struct lab *lab, const char *token, const char *action, const char *input, int32_t *found);
/* First cell of a query on the default lake as text; "(error)" or "(null)". Lives until the next call. */
const char *lab_ask(struct lab *lab, const char *sql);
int64_t lab_count(struct lab *lab, const char *sql);
/* A CSV of generated rows: id, grp, amount, made. */
void lab_big_csv(struct lab *lab, const char *name, long rows);

#define CHECK_RUN(lab, action, input) lab_must_run(__FILE__, __LINE__, (lab), (action), (input))
void lab_must_run(const char *file, int line, struct lab *lab, const char *action, const char *input);
/* The same program again as a worker of its own: runs the action under `token` and ends with its class. A
 * program that uses this calls lab_child() first in main(), which does the work and does not return there. */
pid_t lab_spawn(struct lab *lab, const char *token, const char *action, const char *input, const char *limit);
void lab_child(int argc, char **argv);
/* Wait for it: its exit code, or 1000 and the signal's number. */
int lab_wait(pid_t pid);

/* ROOT in the message stands for the folder. */
#define CHECK_FAULT(lab, action, input, error_class, message) \
    lab_must_fail(__FILE__, __LINE__, (lab), (action), (input), (error_class), (message))
void lab_must_fail(const char *file, int line, struct lab *lab, const char *action, const char *input, int error_class,
    const char *message);

#endif
