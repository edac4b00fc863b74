/* SPDX-License-Identifier: Apache-2.0
 *
 * A levada_host that records: what an action said, set and failed with. One fake is one attempt; several
 * attempts in one process stand for a reused worker.
 */
#ifndef TESTS_FAKE_HOST_H
#define TESTS_FAKE_HOST_H

#include <jansson.h>
#include <levada/plugin.h>
#include <stdatomic.h>

struct fake {
    struct levada_step step; /* first: a step is cast back to its fake */
    json_t *outputs;
    json_t *checkpoints;
    char log[65536];
    int error_class; /* the first fault; 0: none */
    char message[8192], hint[8192];
    _Atomic bool cancel;
    _Atomic unsigned progress_count;
    struct fake_block *blocks;
    char root[4096]; /* folder of the workflow; artifacts/ and scratch/ are in it */
    size_t log_size;
};

/* An attempt of a step in the workflow folder `root`, which exists. `token` lives as long as the fake. */
void fake_init(struct fake *fake, const char *root, const char *token);
void fake_release(struct fake *fake);
/* Let go of all locks, as the end of a worker does. */
void fake_unlock(void);
/* An output as an integer, -1 when it is not set; as a text, "" when it is not set. */
int64_t fake_int(const struct fake *fake, const char *output);
const char *fake_text(const struct fake *fake, const char *output);
bool fake_bool(const struct fake *fake, const char *output);

/* Fill an input struct from JSON by its field table, with defaults and presence, as the host does.
 * Aborts with a message on what the tables do not allow: tests are to be right. */
void fake_fill(struct fake *fake, const struct levada_field *fields, uint32_t count, void *input, const char *json);
/* Look an action up by name, fill its input and run it. */
int fake_run(struct fake *fake, const struct levada_plugin *plugin, const char *action, const char *json);
int fake_resolve(
    struct fake *fake, const struct levada_plugin *plugin, const char *action, const char *json, int32_t *found);

#endif
