/* SPDX-License-Identifier: Apache-2.0
 *
 * What table_check() refuses: one fault in an otherwise good plugin, one exact message.
 */
#include "plugin/table.h"

#include <string.h>

#include "check.h"

struct row_in {
    levada_present present;
    levada_string name;
    levada_int count;
    levada_object inner;
    levada_secret key;
};

struct inner_in {
    levada_present present;
    levada_int depth;
};

static int
run(struct levada_step *step, const void *input)
{
    (void)step, (void)input;
    return 0;
}

static const struct levada_field inner_fields[] = {
    LEVADA_IN(struct inner_in, depth, "How deep."),
};

static const struct levada_field good_inputs[] = {
    LEVADA_IN(struct row_in, name, "A name.", .fallback = "x"),
    LEVADA_IN(struct row_in, count, "A count.", .minimum = "1", .maximum = "9", .fallback = "5"),
    LEVADA_NESTED(struct row_in, inner, inner_fields, struct inner_in, "An object."),
    LEVADA_IN(struct row_in, key, "A secret."),
};

/* A plugin that a test may change in one place. */
struct subject {
    struct levada_field inputs[4], output, inner;
    struct levada_action actions[2];
    struct levada_plugin plugin;
};

static void
subject_init(struct subject *subject)
{
    memcpy(subject->inputs, good_inputs, sizeof good_inputs);
    subject->inner = inner_fields[0];
    subject->inputs[2].fields = &subject->inner;
    subject->output = (struct levada_field)LEVADA_OUT(rows, INT, "Rows.");
    for (int i = 0; i < 2; i++)
        subject->actions[i] = (struct levada_action){
            .name = i ? "second" : "first", .doc = "Do it.", .effect = LEVADA_EFFECT_PURE, .run = run,
            .inputs = subject->inputs, .ninputs = 4, .outputs = &subject->output, .noutputs = 1,
            .input_size = sizeof(struct row_in)};
    subject->plugin = (struct levada_plugin){.abi = LEVADA_ABI, .name = "good", .version = "1.2.3", .doc = "Good.",
                                             .actions = subject->actions, .nactions = 2};
}

static void
expect(const struct subject *subject, const char *message)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    CHECK_INT(table_check(&arena, &subject->plugin, &err), message[0] ? EXIT_INVALID : 0);
    CHECK_STR(err.message, message);
}

#define WITH(change, message) \
    do { \
        struct subject s; \
        subject_init(&s); \
        change; \
        expect(&s, message); \
    } while (0)

static void
takes_good_tables(void)
{
    WITH((void)0, "");
}

static void
checks_the_plugin(void)
{
    WITH(s.plugin.name = NULL,
         "the plugin has no good name: a lower-case letter first, then letters, digits and _");
    WITH(s.plugin.name = "Good",
         "the plugin has no good name: a lower-case letter first, then letters, digits and _");
    WITH(s.plugin.version = "1.2", "the version must be MAJOR.MINOR.PATCH, like 1.0.0");
    WITH(s.plugin.version = "1..2", "the version must be MAJOR.MINOR.PATCH, like 1.0.0");
    WITH(s.plugin.version = "1.2.3.", "the version must be MAJOR.MINOR.PATCH, like 1.0.0");
    WITH(s.plugin.doc = "", "the plugin has no documentation");
    WITH(s.plugin.flags = 4, "the plugin has unknown flags: 0x4");
    WITH(s.plugin.nactions = 0, "the plugin has no actions");
}

static void
checks_reuse(void)
{
    static const char *const by_name[] = {"name", NULL}, *const by_other[] = {"name", "catalog", NULL};
    WITH(s.plugin.flags = LEVADA_REUSE, "the flag LEVADA_REUSE needs the list reuse_by");
    WITH(s.plugin.reuse_by = by_name, "there is a list reuse_by without the flag LEVADA_REUSE");
    WITH((s.plugin.flags = LEVADA_REUSE, s.plugin.reuse_by = by_other),
         "reuse_by names \"catalog\", which no action has as an input");
    WITH((s.plugin.flags = LEVADA_REUSE, s.plugin.reuse_by = by_name), "");
}

static void
checks_actions(void)
{
    WITH(s.actions[1].name = NULL, "action 2 has no name");
    WITH(s.actions[1].name = "first", "action \"first\" is there twice");
    WITH(s.actions[1].name = "two-three",
         "action \"two-three\" has a bad name: a lower-case letter first, then letters, digits and _");
    WITH(s.actions[1].name = "export", ""); /* a keyword of C++, and a good verb */
    WITH(s.actions[0].doc = NULL, "action \"first\" has no documentation");
    WITH(s.actions[0].effect = 0, "action \"first\" has the unknown effect class 0");
    WITH(s.actions[0].effect = 9, "action \"first\" has the unknown effect class 9");
    WITH(s.actions[0].flags = 1, "action \"first\" has unknown flags: 0x1");
    WITH(s.actions[0].run = NULL, "action \"first\" has no run function");
    WITH(s.actions[0].effect = LEVADA_EFFECT_PROBE, "action \"first\" is probe and has no resolve function");
    WITH(s.actions[0].input_size = 4096,
         "action \"first\" has an input struct of 4096 bytes; at least 32, at most 2048, a multiple of 8");
    WITH(s.actions[0].input_size = 8,
         "action \"first\" has an input struct of 8 bytes; at least 32, at most 2048, a multiple of 8");
    WITH((s.actions[0].ninputs = 0, s.actions[0].input_size = 0), "");
}

static void
checks_names_and_docs(void)
{
    WITH(s.inputs[1].name = NULL, "action \"first\": input 2 has no name");
    WITH(s.inputs[1].name = "a b",
         "action \"first\": input \"a b\" has a bad name: a lower-case letter first, then letters, digits and _");
    WITH(s.inputs[1].name = "end", "action \"first\": input \"end\" is named by a keyword of Lua, C or C++");
    WITH(s.inputs[1].name = "name", "action \"first\": input \"name\" is there twice");
    WITH(s.inputs[1].doc = "\xff", "action \"first\": input \"count\" has no documentation");
    WITH(s.inputs[1].type = 17, "action \"first\": input \"count\" has the unknown type 17");
    WITH(s.inputs[1].type = 0, "action \"first\": input \"count\" has the unknown type 0");
    WITH(s.inputs[1].flags = LEVADA_SENSITIVE,
         "action \"first\": input \"count\" has flags that do not belong there: 0x2");
    WITH(s.output.flags = LEVADA_REQUIRED,
         "action \"first\": output \"rows\" has flags that do not belong there: 0x1");
    WITH(s.output.flags = LEVADA_SENSITIVE, "");
    WITH(s.output.type = LEVADA_TYPE_SECRET,
         "action \"first\": output \"rows\" is a secret; give it another type and the flag LEVADA_SENSITIVE");
    WITH(s.output.type = LEVADA_TYPE_SQL, "action \"first\": output \"rows\" is SQL, which is a type of inputs only");
}

static void
checks_places(void)
{
    WITH(s.inputs[1].offset = 0, "action \"first\": input \"count\" lies on the presence bits; "
                                 "`levada_present present` must be the first member");
    WITH(s.inputs[1].offset = 36, "action \"first\": input \"count\" has an offset that is no multiple of 8");
    WITH(s.inputs[1].offset = 32, "action \"first\": input \"count\" lies on the input \"name\"");
    WITH(s.inputs[3].offset = 64, "action \"first\": input \"key\" ends at byte 88 of a struct of 80");
    WITH(s.inputs[3].offset = SIZE_MAX - 7, "action \"first\": input \"key\" ends at byte 16 of a struct of 80");
}

static void
checks_defaults_choices_and_bounds(void)
{
    static const char *const some[] = {"x", "y", NULL}, *const none[] = {NULL};
    WITH(s.inputs[0].choices = some, "");
    WITH((s.inputs[0].choices = some, s.inputs[0].fallback = "z"),
         "action \"first\": input \"name\" has a bad default: it does not take \"z\"");
    WITH(s.inputs[0].choices = none, "action \"first\": input \"name\" has an empty list of choices");
    WITH(s.inputs[1].choices = some,
         "action \"first\": input \"count\" has choices, which only strings and lists may have");
    WITH(s.inputs[0].minimum = "1", "action \"first\": input \"name\" has a bound, which its type cannot have");
    WITH(s.inputs[1].minimum = "one",
         "action \"first\": input \"count\" has a bad bound \"one\": it wants an integer, got \"one\"");
    WITH((s.inputs[1].minimum = "10", s.inputs[1].fallback = NULL),
         "action \"first\": input \"count\" has a bad bound \"9\": it must be at least 10, got the integer 9");
    WITH(s.inputs[1].fallback = "10",
         "action \"first\": input \"count\" has a bad default: it must be at most 9, got the integer 10");
    WITH(s.inputs[1].flags = LEVADA_REQUIRED, "action \"first\": input \"count\" is required and has a default");
    WITH(s.inputs[3].fallback = "hunter22", "action \"first\": input \"key\" is a secret and has a default");
    WITH(s.inputs[2].fallback = "{}",
         "action \"first\": input \"inner\" is an object and has a default; its members may have defaults");
}

static void
checks_objects(void)
{
    WITH(s.inner.name = "do", "action \"first\": input \"inner\": \"do\" is named by a keyword of Lua, C or C++");
    WITH(s.inner.offset = 40, "action \"first\": input \"inner\": \"depth\" ends at byte 48 of a struct of 40");
    WITH(s.inputs[2].nfields = 0, "action \"first\": input \"inner\" is an object without a table of its own");
    WITH(s.inputs[2].object_size = 20, "action \"first\": input \"inner\" has an object size of 20 bytes; at least 32, "
                                       "at most 2048, a multiple of 8");
    WITH((s.inputs[0].fields = &s.inner, s.inputs[0].nfields = 1),
         "action \"first\": input \"name\" has a table of its own, but is no object");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"good tables are taken", takes_good_tables},
        {"a plugin has a name, a version, a text and actions", checks_the_plugin},
        {"reuse names inputs that exist", checks_reuse},
        {"an action has a name, a text, an effect class and functions", checks_actions},
        {"inputs and outputs have good names, texts, types and flags", checks_names_and_docs},
        {"an input lies in its struct and on nothing else", checks_places},
        {"defaults, choices and bounds fit each other", checks_defaults_choices_and_bounds},
        {"an object has a table, which is checked the same way", checks_objects},
    };
    return check_main("table", tests, CHECK_COUNT(tests), argc, argv);
}
