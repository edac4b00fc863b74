/* SPDX-License-Identifier: Apache-2.0
 *
 * The noop: an action that does nothing, in a worker that is reused: what a step costs by itself.
 */
#include <levada/plugin.h>
#include <string.h>
#include <unistd.h>

struct nothing_in {
    levada_present present;
    levada_string say;
};

static int
nothing_run(struct levada_step *step, const void *input)
{
    const struct nothing_in *in = input;
    if (in->say.text != NULL) (void)!write(STDOUT_FILENO, in->say.text, strlen(in->say.text));
    return step->host->output_int(step, "pid", getpid());
}

static const struct levada_field nothing_inputs[] = {
    LEVADA_IN(struct nothing_in, say, "Written to standard output.", .fallback = ""),
};

static const struct levada_field nothing_outputs[] = {
    LEVADA_OUT(pid, INT, "The worker's process id."),
};

static const struct levada_action actions[] = {
    LEVADA_ACTION(nothing, PURE, struct nothing_in, nothing_inputs, nothing_outputs, "Do nothing.", .run = nothing_run),
};

static const char *const reuse_by[] = {NULL};

LEVADA_PLUGIN(.name = "noop", .version = "0.9.0", .doc = "Steps that do nothing, in a reused worker.",
              .flags = LEVADA_REUSE, .reuse_by = reuse_by, LEVADA_ACTIONS(actions));
