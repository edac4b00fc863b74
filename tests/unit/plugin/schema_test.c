/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding, trusting and describing plugins. This program is its own describer: started as `… describe FILE` it
 * does what levada would.
 */
#include "plugin/schema.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "check.h"
#include "plugin/cache.h"
#include "plugin/describer.h"
#include "plugin/loader.h"
#include "plugin/trust.h"

#define PLUGINS TESTS_BUILD "/plugins"
#define EVIL TESTS_BUILD "/evil"

static struct arena arena;
static char folder[256]; /* of one test, with cache/ and plugins/ in it */

static int
remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static const char *
inside(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static void
setup(void)
{
    const char *base = getenv("TMPDIR");
    struct err err = {0};
    snprintf(folder, sizeof folder, "%s/levada-schema-XXXXXX", base != NULL ? base : "/tmp");
    CHECK_FATAL(mkdtemp(folder) != NULL);
    CHECK_INT(fd_make_folder(arena_printf(&arena, "%s/plugins", folder), &err), 0);
    /* Plugins beside the executable are those of the test, not those of the build tree. */
    CHECK_INT(fd_make_folder(inside("bin"), &err), 0);
    CHECK_INT(symlink("/proc/self/exe", inside("bin/levada")), 0);
    schema_set_self(inside("bin/levada"));
    setenv("LEVADA_CACHE", arena_printf(&arena, "%s/cache", folder), 1);
    setenv("LEVADA_PLUGIN_PATH", PLUGINS, 1);
}

static void
teardown(void)
{
    schema_set_self(NULL);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    arena_release(&arena);
}

static void
write_file(const char *path, const void *data, size_t size, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK_FATAL(fd >= 0);
    CHECK_INT(fd_write_all(fd, data, size), 0);
    CHECK_INT(fchmod(fd, mode), 0);
    close(fd);
}

static const char *
copy_plugin(const char *from, const char *to, mode_t mode)
{
    char *data;
    size_t size;
    struct err err = {0};
    const char *path = inside(to);
    CHECK_FATAL(fd_read_file(&arena, from, 64 * MIB, &data, &size, &err) == 0);
    write_file(path, data, size, mode);
    return path;
}

static const struct schema_plugin *
load(const char *name, const char *beside)
{
    const struct schema_plugin *ret = NULL;
    struct err err = {0};
    CHECK_INT(schema_load(&arena, name, beside, &ret, &err), 0);
    CHECK_STR(err.message, "");
    CHECK_FATAL(ret != NULL);
    return ret;
}

static void
refused(const char *name, const char *beside, int code, const char *message, const char *hint)
{
    const struct schema_plugin *ret = NULL;
    struct err err = {0};
    CHECK_INT(schema_load(&arena, name, beside, &ret, &err), code);
    CHECK_STR(err.message, message);
    if (hint != NULL) CHECK_STR(err.hint, hint);
    CHECK(ret == NULL);
}

static void
a_plugin_is_described(void)
{
    setup();
    const struct schema_plugin *probe = load("probe", NULL);
    CHECK_STR(probe->name, "probe");
    CHECK_STR(probe->version, "0.9.0");
    CHECK_INT(strlen(probe->digest), 64);
    CHECK(strstr(probe->path, "/plugins/probe.so") != NULL && probe->path[0] == '/');
    CHECK(!probe->reuse);
    const struct schema_action *echo = schema_action_find(probe, "echo");
    CHECK_FATAL(echo != NULL);
    CHECK_INT(echo->effect, LEVADA_EFFECT_PURE);
    CHECK(!echo->can_plan && !echo->can_resolve);
    CHECK(schema_action_find(probe, "transactional")->can_resolve);
    const struct schema_field *colour = schema_field_find(echo->inputs, echo->ninputs, "colour");
    CHECK_FATAL(colour != NULL);
    CHECK_INT(colour->nchoices, 3);
    CHECK_STR(colour->choices[2], "blue");
    CHECK_STR(colour->fallback, "red");
    const struct schema_field *places = schema_field_find(echo->inputs, echo->ninputs, "places");
    CHECK_FATAL(places != NULL && places->nfields == 2);
    CHECK(places->fields[0].required && !places->fields[1].required);
    const struct schema_action *key = schema_action_find(probe, "key");
    CHECK(schema_field_find(key->outputs, key->noutputs, "copy")->sensitive);
    CHECK_STR(schema_action_nearest(&arena, probe, "transactionel"), "transactional");
    const struct schema_plugin *keeper = load("keeper", NULL);
    CHECK(keeper->reuse);
    CHECK_INT(keeper->nreuse_by, 1);
    CHECK_STR(keeper->reuse_by[0], "catalog");
    CHECK_STR(load("older", NULL)->version, "0.8.0");
    teardown();
}

static void
names_are_listed_and_suggested(void)
{
    setup();
    const char **names;
    size_t count;
    struct err err = {0};
    copy_plugin(PLUGINS "/keeper.so", "plugins/extra.so", 0600);
    write_file(inside("plugins/Not-an-id.so"), "", 0, 0600);
    write_file(inside("plugins/readme.txt"), "", 0, 0600);
    setenv("LEVADA_PLUGIN_PATH", arena_printf(&arena, "::/nowhere:%s:%s", PLUGINS, PLUGINS), 1);
    CHECK_INT(schema_list(&arena, folder, &names, &count, &err), 0);
    CHECK_INT(count, 5);
    CHECK_STR(names[0], "extra");
    CHECK_STR(names[4], "probe");
    char real[4096], here[4096];
    CHECK_FATAL(realpath(PLUGINS, real) != NULL && realpath(inside("plugins"), here) != NULL);
    refused("prob", folder, EXIT_INVALID, "there is no plugin \"prob\"",
            arena_printf(&arena, "Did you mean \"probe\"? Looked in %s, %s.", real, here));
    refused("zzz", NULL, EXIT_INVALID, "there is no plugin \"zzz\"", arena_printf(&arena, "Looked in %s.", real));
    refused("../probe", NULL, EXIT_INVALID, "there is no plugin \"../probe\"", NULL);
    unsetenv("LEVADA_PLUGIN_PATH");
    refused("probe", NULL, EXIT_INVALID, "there is no plugin \"probe\"",
            "No folder of plugins exists; name one in LEVADA_PLUGIN_PATH.");
    teardown();
}

static void
plugins_are_found_in_order(void)
{
    setup();
    struct err err = {0};
    CHECK_INT(fd_make_folder(inside("lib/levada/plugins"), &err), 0);
    copy_plugin(PLUGINS "/keeper.so", "lib/levada/plugins/keeper.so", 0600);
    copy_plugin(PLUGINS "/keeper.so", "plugins/keeper.so", 0600);
    unsetenv("LEVADA_PLUGIN_PATH");
    CHECK(strstr(load("keeper", folder)->path, "/lib/levada/plugins/keeper.so") != NULL);
    setenv("LEVADA_PLUGIN_PATH", PLUGINS, 1);
    CHECK(strstr(load("keeper", folder)->path, "/tests/plugins/keeper.so") != NULL);
    unsetenv("LEVADA_PLUGIN_PATH");
    CHECK_INT(unlink(inside("lib/levada/plugins/keeper.so")), 0);
    CHECK_STR(load("keeper", folder)->path, arena_printf(&arena, "%s/plugins/keeper.so", folder));
    teardown();
}

static void
a_bad_plugin_is_one_message(void)
{
    setup();
    setenv("LEVADA_PLUGIN_PATH", EVIL, 1);
    char real[4096];
    CHECK_FATAL(realpath(EVIL, real) != NULL);
#define SEE(name) arena_printf(&arena, "Run \"levada describe %s/%s.so\" to see it by itself.", real, name)
    refused("crash", NULL, EXIT_INVALID, "plugin \"crash\" crashed while loading: signal 11 (Segmentation fault)",
            SEE("crash"));
    refused("crash_late", NULL, EXIT_INVALID, "plugin \"crash_late\" crashed while loading: signal 6 (Aborted)",
            SEE("crash_late"));
    refused("leave", NULL, EXIT_INVALID, "plugin \"leave\" ended its process while loading (exit code 0)",
            SEE("leave"));
    refused("flood", NULL, EXIT_INVALID,
            "the tables of plugin \"flood\" are larger than the limit of 4194304 bytes", SEE("flood"));
    refused("no_resolve", NULL, EXIT_INVALID,
            arena_printf(&arena, "\"%s/no_resolve.so\": action \"act\" is transactional and has no resolve function",
                         real), "");
    refused("wrong_major", NULL, EXIT_INVALID,
            arena_printf(&arena, "\"%s/wrong_major.so\": the plugin was built for plugin contract 1.9, this levada "
                         "has 0.9", real),
            "Rebuild the plugin with this levada's header, or use a levada that has its contract.");
    refused("not_elf", NULL, EXIT_INVALID,
            arena_printf(&arena, "\"%s/not_elf.so\": cannot be loaded: file too short", real), "");
    refused("other_name", NULL, EXIT_INVALID,
            arena_printf(&arena, "\"%s/other_name.so\" holds the plugin \"another_name\", not \"other_name\"", real),
            "A plugin's file is named after it: another_name.so");
    /* What it prints while loading does not get into its description. */
    CHECK_STR(load("chatter", NULL)->name, "chatter");
    teardown();
}

/* Processes that describe this file. */
static int
describers_of(const char *file)
{
    int ret = 0;
    DIR *proc = opendir("/proc");
    CHECK_FATAL(proc != NULL);
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        char text[8192] = "";
        int fd = open(arena_printf(&arena, "/proc/%s/cmdline", entry->d_name), O_RDONLY | O_CLOEXEC);
        ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
        if (fd >= 0) close(fd);
        if (size > 0 && memmem(text, (size_t)size, file, strlen(file) + 1) != NULL) ret++;
    }
    closedir(proc);
    return ret;
}

static void
an_endless_plugin_is_ended_with_its_children(void)
{
    setup();
    const struct value *json = NULL;
    struct err err = {0};
    int64_t before = clock_monotonic_ms();
    CHECK_INT(describer_run(&arena, "/proc/self/exe", "loop", EVIL "/loop.so", 500, &json, &err), EXIT_INVALID);
    CHECK_STR(err.message, "plugin \"loop\" did not finish loading within 0.5 s");
    CHECK_STR(err.hint, "Run \"levada describe " EVIL "/loop.so\" to see it by itself.");
    int64_t took = clock_monotonic_ms() - before;
    CHECK(took >= 500 && took < 5000);
    /* Its child was killed with it, and needs a moment to be gone. */
    for (int i = 0; i < 200 && describers_of(EVIL "/loop.so"); i++) usleep(10000);
    CHECK_INT(describers_of(EVIL "/loop.so"), 0);
    err = (struct err){0};
    CHECK_INT(describer_run(&arena, "/nowhere/levada", "x", "/x.so", 5000, &json, &err), EXIT_INVALID);
    CHECK_STR(err.message, "plugin \"x\" ended its process while loading (exit code 127)");
    teardown();
}

static void
only_trusted_files_are_loaded(void)
{
    setup();
    setenv("LEVADA_PLUGIN_PATH", inside("plugins"), 1);
    const char *path = copy_plugin(PLUGINS "/keeper.so", "plugins/keeper.so", 0602);
    refused("keeper", NULL, EXIT_REFUSED, arena_printf(&arena, "\"%s\" can be changed by everybody", path),
            arena_printf(&arena, "Take that right away: chmod go-w '%s'", path));
    CHECK_INT(chmod(path, 0660), 0);
    refused("keeper", NULL, EXIT_REFUSED, arena_printf(&arena, "\"%s\" can be changed by its group", path),
            arena_printf(&arena, "Take that right away: chmod go-w '%s'", path));
    CHECK_INT(chmod(path, 0600), 0);
    CHECK_STR(load("keeper", NULL)->name, "keeper");
    /* The folder counts as well. */
    CHECK_INT(chmod(inside("plugins"), 0777), 0);
    refused("keeper", NULL, EXIT_REFUSED,
            arena_printf(&arena, "\"%s\" can be changed by everybody", inside("plugins")),
            arena_printf(&arena, "Take that right away: chmod go-w '%s'", inside("plugins")));
    CHECK_INT(chmod(inside("plugins"), 0700), 0);
    /* A link within the folder is a name, a link out of it is somebody else's file. */
    CHECK_INT(rename(path, inside("plugins/keeper.so.1")), 0);
    CHECK_INT(symlink("keeper.so.1", path), 0);
    CHECK_STR(load("keeper", NULL)->name, "keeper");
    const char *outside = copy_plugin(PLUGINS "/keeper.so", "keeper.so", 0600);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(symlink("../keeper.so", path), 0);
    refused("keeper", NULL, EXIT_REFUSED,
            arena_printf(&arena, "\"%s\" is a link to \"%s\", outside of its folder", path, outside),
            "Copy the plugin into the folder, or add the other folder to LEVADA_PLUGIN_PATH.");
    CHECK_INT(mkdir(inside("plugins/dir.so"), 0700), 0);
    refused("dir", NULL, EXIT_INVALID, arena_printf(&arena, "\"%s\" is not a file", inside("plugins/dir.so")), NULL);
    teardown();
}

static void
owners_are_root_and_oneself(void)
{
    struct stat st = {.st_mode = S_IFREG | 0755};
    struct err err = {0};
    CHECK_INT(trust_check("/p", &st, 1000, &err), 0);
    st.st_uid = 1000;
    CHECK_INT(trust_check("/p", &st, 1000, &err), 0);
    CHECK_INT(trust_check("/p", &st, 1001, &err), EXIT_REFUSED);
    CHECK_STR(err.message, "\"/p\" is owned by user 1000, not by root or user 1001");
    CHECK_STR(err.hint, "Make it yours: chown 1001 '/p'");
}

/* The one file in the cache, after `keeper` was described. */
static const char *
cached(const struct schema_plugin *plugin)
{
    return arena_printf(&arena, "%s/%s-0.9.json", cache_folder(&arena), plugin->digest);
}

static void
descriptions_are_cached(void)
{
    setup();
    struct stat st;
    const struct schema_plugin *keeper = load("keeper", NULL);
    const char *path = cached(keeper);
    CHECK_FATAL(stat(path, &st) == 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    /* The cache answers: no describer is needed, so one that cannot start does no harm. */
    schema_set_self("/nowhere/levada");
    CHECK_STR(load("keeper", NULL)->actions[0].name, "count");
    /* Not from a file that others may have written. */
    CHECK_INT(chmod(path, 0644), 0);
    refused("keeper", NULL, EXIT_INVALID, "plugin \"keeper\" ended its process while loading (exit code 127)", NULL);
    schema_set_self(NULL); /* our own executable, again */
    CHECK_STR(load("keeper", NULL)->name, "keeper");
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    teardown();
}

static void
a_damaged_cache_is_not_used(void)
{
    setup();
    const char *path = cached(load("keeper", NULL));
    static const char *const bad[] = {
        "", "{", "[]", "null", "{\"name\":\"keeper\"}", "\xff\xfe",
        "{\"name\":\"keeper\",\"version\":\"1.0.0\",\"doc\":\"x\",\"reuse_by\":[],\"actions\":[{}]}",
        "{\"name\":\"keeper\",\"version\":\"1.0.0\",\"doc\":\"x\",\"reuse_by\":[1],\"actions\":[]}",
        "{\"name\":\"keeper\",\"version\":\"1.0.0\",\"doc\":\"x\",\"reuse_by\":[],\"actions\":[{\"name\":\"a\","
        "\"doc\":\"d\",\"effect\":\"pure\",\"inputs\":[{\"name\":\"n\",\"doc\":\"d\",\"type\":\"object\"}],"
        "\"outputs\":[]}]}",
    };
    for (size_t i = 0; i < CHECK_COUNT(bad); i++) {
        write_file(path, bad[i], strlen(bad[i]), 0600);
        CHECK_INT(load("keeper", NULL)->nactions, 1);
    }
    CHECK_INT(unlink(path), 0);
    CHECK_INT(symlink("/etc/passwd", path), 0);
    CHECK_INT(load("keeper", NULL)->nactions, 1);
    teardown();
}

static void
a_cache_that_cannot_be_written_is_not_missed(void)
{
    setup();
    write_file(inside("cache"), "a file", 6, 0600); /* where the folder should be: holds for root too */
    CHECK_STR(load("keeper", NULL)->name, "keeper");
    unsetenv("LEVADA_CACHE");
    char *home = getenv("HOME") != NULL ? strdup(getenv("HOME")) : NULL;
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    CHECK(cache_folder(&arena) == NULL);
    CHECK_STR(load("keeper", NULL)->name, "keeper");
    setenv("HOME", "/somewhere/x", 1);
    CHECK_STR(cache_folder(&arena), "/somewhere/x/.cache/levada/plugins");
    setenv("XDG_CACHE_HOME", "/var/x", 1);
    CHECK_STR(cache_folder(&arena), "/var/x/levada/plugins");
    setenv("XDG_CACHE_HOME", "relative", 1);
    CHECK_STR(cache_folder(&arena), "/somewhere/x/.cache/levada/plugins");
    unsetenv("XDG_CACHE_HOME");
    if (home != NULL) setenv("HOME", home, 1);
    else unsetenv("HOME");
    free(home);
    teardown();
}

static void
a_changed_file_is_described_again(void)
{
    setup();
    setenv("LEVADA_PLUGIN_PATH", inside("plugins"), 1);
    copy_plugin(PLUGINS "/keeper.so", "plugins/keeper.so", 0600);
    const char *first = load("keeper", NULL)->digest;
    const char *path = inside("plugins/keeper.so");
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    CHECK_FATAL(fd >= 0);
    CHECK_INT(fd_write_all(fd, "\n", 1), 0); /* bytes behind an ELF file do no harm */
    close(fd);
    const struct schema_plugin *second = load("keeper", NULL);
    CHECK(strcmp(first, second->digest) != 0);
    CHECK_INT(access(cached(second), F_OK), 0);
    teardown();
}

static void
json_goes_there_and_back(void)
{
    setup();
    const struct schema_plugin *probe = load("probe", NULL), *again = NULL;
    struct err err = {0};
    const char *text = json_text(&arena, schema_to_json(&arena, probe));
    const struct value *json = NULL;
    CHECK_INT(json_parse(&arena, text, strlen(text), &json, &err), 0);
    CHECK_INT(schema_from_json(&arena, json, &again, &err), 0);
    CHECK_STR(again->path, probe->path);
    CHECK_STR(again->digest, probe->digest);
    CHECK_STR(json_text(&arena, schema_to_json(&arena, again)), text);
    teardown();
}

static void
the_public_json_is_what_scripts_rely_on(void)
{
    setup();
    const struct schema_plugin *keeper = load("keeper", NULL);
    CHECK_STR(json_text(&arena, schema_action_json(&arena, keeper, &keeper->actions[0])),
              "{\"name\":\"keeper.count\",\"doc\":\"Lock the catalog and count attempts in this process.\","
              "\"effect\":\"idempotent\",\"plan\":false,\"resolve\":false,\"inputs\":["
              "{\"name\":\"catalog\",\"type\":\"path\",\"required\":true,\"default\":null,\"secret\":false,"
              "\"doc\":\"The file to lock.\"},"
              "{\"name\":\"wait\",\"type\":\"duration\",\"required\":false,\"default\":\"0s\",\"secret\":false,"
              "\"doc\":\"Sleep with the lock held.\"},"
              "{\"name\":\"crash\",\"type\":\"integer\",\"required\":false,\"default\":0,\"secret\":false,"
              "\"doc\":\"Then die of this signal.\"}],\"outputs\":["
              "{\"name\":\"pid\",\"type\":\"integer\",\"secret\":false,\"doc\":\"The worker's process id.\"},"
              "{\"name\":\"attempts\",\"type\":\"integer\",\"secret\":false,"
              "\"doc\":\"How many attempts this worker has run, this one included.\"}]}");
    teardown();
}

static void
words_and_numbers_match(void)
{
    enum levada_effect effect;
    CHECK_STR(schema_type_name(LEVADA_TYPE_DURATION), "duration");
    CHECK_STR(schema_effect_name(LEVADA_EFFECT_UNSAFE), "unsafe");
    CHECK(schema_effect_from_name("keyed", &effect) && effect == LEVADA_EFFECT_KEYED);
    CHECK(!schema_effect_from_name("Keyed", &effect));
    CHECK_STR(schema_class_name(LEVADA_THROTTLED), "throttled");
    CHECK_STR(schema_class_name(77), "permanent");
    CHECK_INT(schema_class_from_name("contract"), LEVADA_CONTRACT);
    CHECK_INT(schema_class_from_name("no"), 0);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a plugin is described by a process of its own", a_plugin_is_described},
        {"plugins are listed, and a missing one is answered with the nearest and the places",
         names_are_listed_and_suggested},
        {"the plugin path comes first, then our own folder, then the workflow's", plugins_are_found_in_order},
        {"a bad plugin is one message, whatever it does", a_bad_plugin_is_one_message},
        {"an endless plugin is ended with its children", an_endless_plugin_is_ended_with_its_children},
        {"a file or folder that others may change is refused with the remedy", only_trusted_files_are_loaded},
        {"owners are root and oneself", owners_are_root_and_oneself},
        {"descriptions are cached for oneself alone", descriptions_are_cached},
        {"a damaged cache is not used", a_damaged_cache_is_not_used},
        {"a cache that cannot be written is not missed", a_cache_that_cannot_be_written_is_not_missed},
        {"a changed file is described again", a_changed_file_is_described_again},
        {"a description goes to JSON and back", json_goes_there_and_back},
        {"the public JSON is what scripts rely on", the_public_json_is_what_scripts_rely_on},
        {"words and numbers of the contract match", words_and_numbers_match},
    };
    if (argc == 3 && strcmp(argv[1], "describe") == 0) return loader_describe(argv[2]);
    return check_main("schema", tests, CHECK_COUNT(tests), argc, argv);
}
