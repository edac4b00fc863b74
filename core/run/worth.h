/* SPDX-License-Identifier: Apache-2.0
 *
 * Is another attempt worthwhile? Pure: the engine decides by it, and a worker foretells that decision to its hooks.
 */
#ifndef RUN_WORTH_H
#define RUN_WORTH_H

#include <stdbool.h>
#include <stdint.h>

#include "workflow/model.h"

/* `tries`: attempts that failed, the last one too. `action`: a plugin's, whose error classes mean something;
 * `error_class`: enum levada_class; `limited`: it was ended for going over one of its `limits`. */
bool worth_retrying(const struct retry *retry, bool action, uint32_t tries, int error_class, bool limited);

#endif
