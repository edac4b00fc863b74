/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening shared objects: each bad one is refused with its own message, and one of an older minor loads.
 */
#include "plugin/loader.h"

#include <string.h>

#include "check.h"

#define EVIL TESTS_BUILD "/evil/"

static void
refused(const char *name, const char *message, const char *hint)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    const struct loaded_plugin *loaded = NULL;
    const char *path = arena_printf(&arena, EVIL "%s.so", name);
    CHECK_INT(loader_open(&arena, path, &loaded, &err), EXIT_INVALID);
    CHECK_STR(err.message, arena_printf(&arena, "\"%s\": %s", path, message));
    CHECK_STR(err.hint, hint);
    CHECK(loaded == NULL);
}

static void
refuses_other_majors(void)
{
    refused("wrong_major", "the plugin was built for plugin contract 1.9, this levada has 0.9",
            "Rebuild the plugin with this levada's header, or use a levada that has its contract.");
}

static void
refuses_newer_minors(void)
{
    refused("newer_minor", "the plugin was built for plugin contract 0.10, this levada has 0.9",
            "Rebuild the plugin with this levada's header, or use a levada that has its contract.");
}

static void
refuses_sizes_that_cannot_be(void)
{
    refused("short_struct", "struct levada_plugin of the plugin has 32 bytes, fewer than 64", "");
    refused("short_action", "struct levada_action of the plugin has 24 bytes, fewer than 80", "");
    refused("huge_rows", "struct levada_action of the plugin has 1073741824 bytes, which cannot be", "");
    refused("small_symbol", "the symbol \"levada_plugin\" has 4 bytes, which is no plugin", "");
    refused("liar", "struct levada_plugin says 64 bytes and has 16", "");
}

static void
refuses_what_is_no_plugin(void)
{
    refused("no_symbol", "is no plugin: it has no symbol \"levada_plugin\"",
            "End the plugin's source with LEVADA_PLUGIN(…).");
    refused("borrowed", "is no plugin: it has no symbol \"levada_plugin\"",
            "End the plugin's source with LEVADA_PLUGIN(…).");
    refused("not_elf", "cannot be loaded: file too short", "");
    refused("undefined", "cannot be loaded: undefined symbol: evil_missing_function", "");
    refused("absent", "cannot be loaded: cannot open shared object file: No such file or directory", "");
}

static void
refuses_bad_tables(void)
{
    refused("no_doc", "action \"act\": input \"wait\" has no documentation", "");
    refused("bad_default",
            "action \"act\": input \"wait\" has a bad default: it wants a duration, got \"2 fortnights\"", "");
    refused("outside", "action \"act\": input \"wait\" ends at byte 4104 of a struct of 40", "");
    refused("no_resolve", "action \"act\" is transactional and has no resolve function", "");
    refused("endless", "action \"act\": objects are nested more than 8 deep", "");
    refused("null_table", "action \"act\": a table of 2 fields is NULL", "");
}

static void
loads_a_good_one(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    const struct loaded_plugin *loaded = NULL;
    CHECK_INT(loader_open(&arena, TESTS_BUILD "/plugins/probe.so", &loaded, &err), 0);
    CHECK_STR(err.message, "");
    CHECK_FATAL(loaded != NULL);
    CHECK_STR(loaded->plugin.name, "probe");
    const struct levada_action *action = loader_action(loaded, "echo");
    CHECK_FATAL(action != NULL);
    CHECK_INT(action->effect, LEVADA_EFFECT_PURE);
    CHECK(action->run != NULL && action->resolve == NULL);
    CHECK(loader_action(loaded, "transactional")->resolve != NULL);
    CHECK(loader_action(loaded, "ech") == NULL);
    /* Nested tables are copies too. */
    const struct levada_field *places = NULL;
    for (uint32_t i = 0; i < action->ninputs; i++)
        if (strcmp(action->inputs[i].name, "places") == 0) places = &action->inputs[i];
    CHECK_FATAL(places != NULL);
    CHECK_INT(places->nfields, 2);
    CHECK_STR(places->fields[1].name, "floor");
    CHECK_STR(places->fields[1].fallback, "1");
}

static void
loads_an_older_minor(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    const struct loaded_plugin *loaded = NULL;
    CHECK_INT(loader_open(&arena, TESTS_BUILD "/plugins/older.so", &loaded, &err), 0);
    CHECK_STR(err.message, "");
    CHECK_FATAL(loaded != NULL);
    CHECK_INT(loaded->plugin.nactions, 2);
    CHECK(loaded->plugin.reuse_by == NULL);
    const struct levada_action *second = loader_action(loaded, "second");
    CHECK_FATAL(second != NULL);
    CHECK_INT(second->effect, LEVADA_EFFECT_IDEMPOTENT);
    CHECK(second->run != NULL && second->plan == NULL && second->resolve == NULL);
    CHECK_INT(second->ninputs, 2);
    CHECK_STR(second->inputs[0].name, "count");
    CHECK_STR(second->inputs[1].name, "wait");
    CHECK_STR(second->inputs[1].fallback, "2s");
    CHECK(second->inputs[1].choices == NULL && second->inputs[1].maximum == NULL);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a plugin of another major is refused with both versions", refuses_other_majors},
        {"a plugin of a newer minor is refused with both versions", refuses_newer_minors},
        {"sizes that cannot be are refused before any row is read", refuses_sizes_that_cannot_be},
        {"a file that is no plugin is refused and says why", refuses_what_is_no_plugin},
        {"a table with a fault is refused and names the row", refuses_bad_tables},
        {"a good plugin is copied with its nested tables", loads_a_good_one},
        {"a plugin of an older minor loads, and what its rows lack is nothing", loads_an_older_minor},
    };
    return check_main("loader", tests, CHECK_COUNT(tests), argc, argv);
}
