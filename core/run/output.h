/* SPDX-License-Identifier: Apache-2.0
 *
 * The outputs of a `run:` step: what it wrote to $LEVADA_OUTPUT, and what `outputs:` takes from its
 * standard output.
 */
#ifndef RUN_OUTPUT_H
#define RUN_OUTPUT_H

#include <stdbool.h>

#include "run/work.h"

/* Does `outputs:` ask for the standard output? */
bool output_wants_stdout(const struct job *job);
/* All outputs of a script that has ended well, into a map. `captured`: its standard output.
 * Errors: EXIT_INVALID, class INVALID (a line that is no output, by number) or CONTRACT (what it
 * printed is not what `outputs:` promises). */
int output_collect(struct work *work, const struct buf *captured, const struct value **ret, struct err *err);

#endif
