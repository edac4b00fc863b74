/* SPDX-License-Identifier: Apache-2.0
 *
 * The host that an action sees: the step handle and the table of functions behind it (levada/plugin.h).
 */
#ifndef RUN_HOST_H
#define RUN_HOST_H

#include "levada/plugin.h"
#include "run/work.h"

struct hosted {
    struct levada_step step;    /* first: the handle is the hosted itself */
    struct work *work;
    const struct levada_action *action;
    struct value *outputs;      /* map: what goes into the receipt */
    size_t outputs_size;
    struct err error;           /* of the first fail(); code 0: none */
    bool broken;                /* it set a sensitive output to a value: `error` says so, whatever run() returns */
    atomic_llong progress_ms;   /* when the last progress went out */
};

/* `scratch` and the artifacts folder exist. */
void host_init(struct hosted *ret, struct work *work, const struct levada_action *action, const char *scratch);

#endif
