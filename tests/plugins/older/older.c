/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin of an older minor: its structs, written out here as they would have been, end earlier than ours. It
 * must load, and what its rows lack must read as nothing.
 */
#include <stddef.h>
#include <stdint.h>

struct old_present { uint64_t bits[4]; };

struct old_field {
    const char *name, *doc;
    uint32_t type, flags;
    size_t offset;
    const char *fallback;
};

struct old_action {
    const char *name, *doc;
    uint32_t effect, flags;
    const struct old_field *inputs, *outputs;
    uint32_t ninputs, noutputs;
    size_t input_size;
    int (*run)(void *step, const void *input);
};

struct old_plugin {
    uint32_t abi, size, action_size, field_size;
    const char *name, *version, *doc;
    const struct old_action *actions;
    uint32_t nactions, flags;
};

struct old_in {
    struct old_present present;
    int64_t count, wait_ms;
};

static int
run(void *step, const void *input)
{
    (void)step, (void)input;
    return 0;
}

static const struct old_field inputs[] = {
    {"count", "How many.", 3, 1, offsetof(struct old_in, count), NULL},
    {"wait", "How long.", 5, 0, offsetof(struct old_in, wait_ms), "2s"},
};

static const struct old_action actions[] = {
    {"first", "The first.", 1, 0, inputs, NULL, 2, 0, sizeof(struct old_in), run},
    {"second", "The second.", 3, 0, inputs, NULL, 2, 0, sizeof(struct old_in), run},
};

extern const struct old_plugin levada_plugin;
__attribute__((visibility("default"))) const struct old_plugin levada_plugin = {
    0u << 16 | 8u, sizeof(struct old_plugin), sizeof(struct old_action), sizeof(struct old_field),
    "older", "0.8.0", "From before.", actions, 2, 0,
};
