/* SPDX-License-Identifier: Apache-2.0
 *
 * What the journal says of an error. Pure.
 */
#ifndef RUN_FAILURE_H
#define RUN_FAILURE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "workflow/model.h"

/* {class, message, hint?, file?, line?, column?}. `error_class`: enum levada_class, for an error that has none. */
const struct value *failure_value(struct arena *arena, int error_class, const struct err *err);
/* An error that knows a line only is in the file that the step stands in. */
void failure_place(struct err *err, const struct step *step);

#endif
