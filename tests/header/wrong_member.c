/* SPDX-License-Identifier: Apache-2.0
 *
 * Must not compile: a member that is no type of the contract cannot become an input.
 */
#include <levada/plugin.h>

struct wrong_in {
    levada_present present;
    int count;
};

static const struct levada_field wrong_inputs[] = {LEVADA_IN(struct wrong_in, count, "How many.")};

const void *wrong_use(void);

const void *
wrong_use(void)
{
    return wrong_inputs;
}
