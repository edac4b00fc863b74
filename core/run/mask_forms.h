/* SPDX-License-Identifier: Apache-2.0
 *
 * The ways in which programs write a text down. Private to mask*.c.
 */
#ifndef RUN_MASK_FORMS_H
#define RUN_MASK_FORMS_H

#include <stddef.h>

#include "base/arena.h"

/* Calls `add` for every form of the value, the plain one included; forms may repeat. */
void mask_forms(const char *value, size_t size,
                void (*add)(void *context, const char *form, size_t size), void *context);

#endif
