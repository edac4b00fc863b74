/* SPDX-License-Identifier: Apache-2.0
 *
 * What all bad plugins share: one good action, so that each file is bad in one way only.
 */
#ifndef EVIL_H
#define EVIL_H

#include <levada/plugin.h>

struct evil_in {
    levada_present present;
    levada_duration wait;
};

static inline int
evil_run(struct levada_step *step, const void *input)
{
    (void)step, (void)input;
    return 0;
}

#define EVIL_ACTION(table, ...) \
    {.name = "act", .doc = "Do it.", .effect = LEVADA_EFFECT_PURE, .input_size = sizeof(struct evil_in), \
     .inputs = (table), .ninputs = LEVADA_COUNT(table), .run = evil_run, __VA_ARGS__}

/* A plugin without a fault, for those whose fault is elsewhere. */
#define EVIL_OTHERWISE_GOOD(id) \
    static const struct levada_field evil_inputs[] = { \
        LEVADA_IN(struct evil_in, wait, "How long.", .fallback = "1s"), \
    }; \
    static const struct levada_action evil_actions[] = {EVIL_ACTION(evil_inputs, .flags = 0)}; \
    LEVADA_PLUGIN(.name = id, .version = "1.0.0", .doc = "Bad.", LEVADA_ACTIONS(evil_actions))

#endif
