/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin in C++17: no _Generic, no designated initialisers, so every member is written in its order. What
 * compiles here can be bound from other languages too.
 */
#include <levada/plugin.h>

namespace {

struct add_in {
    levada_present present;
    levada_int left;
    levada_int right;
    levada_duration wait;
};

int
add_run(levada_step *step, const void *input)
{
    const add_in *in = static_cast<const add_in *>(input);
    if (!LEVADA_HAS(in, right)) return levada_fail(step, LEVADA_INVALID, "nothing to add");
    return step->host->output_int(step, "sum", in->left.value + in->right.value);
}

const levada_field add_inputs[] = {
    LEVADA_FIELD(LEVADA_TYPE_INT, "left", offsetof(add_in, left), LEVADA_REQUIRED, nullptr, "One number."),
    LEVADA_FIELD(LEVADA_TYPE_INT, "right", offsetof(add_in, right), 0, "1", "The other."),
    LEVADA_FIELD(LEVADA_TYPE_DURATION, "wait", offsetof(add_in, wait), 0, "0s", "Take your time."),
};

const levada_field add_outputs[] = {
    LEVADA_FIELD(LEVADA_TYPE_INT, "sum", 0, 0, nullptr, "Both together."),
};

const levada_action actions[] = {
    {"add", "Add two numbers.", LEVADA_EFFECT_PURE, 0, add_inputs, add_outputs, LEVADA_COUNT(add_inputs),
     LEVADA_COUNT(add_outputs), sizeof(add_in), add_run, nullptr, nullptr},
};

} // namespace

extern "C" {
/* g++ wants the attribute behind the name. */
extern const struct levada_plugin levada_plugin LEVADA_EXPORT;
const struct levada_plugin levada_plugin = {
    LEVADA_ABI, sizeof(struct levada_plugin), sizeof(levada_action), sizeof(levada_field), "plus", "1.0.0",
    "Sums, from C++.", actions, LEVADA_COUNT(actions), 0, nullptr};
}
