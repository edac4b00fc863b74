/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada actions`: everything it prints comes from the plugins' own tables. Plugins are looked for as a workflow
 * in the current folder would find them. One that cannot be described does not hide the others: it is a message on
 * standard error, and the exit code.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "plugin/schema.h"

#define WIDTH 100

static const char help[] =
    "usage: levada actions [PLUGIN[.ACTION]] [--json]\n"
    "\n"
    "Lists the actions of all plugins, of one plugin, or everything about one action.\n"
    "  --json   a JSON array with one object per action\n";

/* Words of `text` from column `indent` on, folded at WIDTH. The first line starts at column `at`. */
static void
print_folded(const char *text, size_t at, size_t indent)
{
    size_t column = at;
    while (*text) {
        size_t size = strcspn(text, " \n");
        if (column > indent && column + 1 + size > WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        fwrite(text, 1, size, stdout);
        column += size;
        text += size + strspn(text + size, " \n");
    }
    putchar('\n');
}

/* `label` padded to `indent`, then the folded text. */
static void
print_item(const char *label, size_t indent, const char *text)
{
    size_t size = strlen(label);
    printf("%s", label);
    if (size + 1 > indent) {
        putchar('\n');
        size = 0;
    }
    printf("%*s", (int)(indent - size), "");
    print_folded(text, indent, indent);
}

static void
add_facts(struct buf *facts, const struct schema_field *field, bool input)
{
    buf_text(facts, schema_type_name(field->type));
    if (field->required) buf_text(facts, ", required");
    else if (input && field->fallback != NULL)
        buf_printf(facts, ", default %s", field->fallback[0] ? field->fallback : "\"\"");
    for (size_t i = 0; i < field->nchoices; i++) buf_printf(facts, "%s%s", i ? " | " : ", one of ", field->choices[i]);
    if (field->minimum != NULL) buf_printf(facts, ", at least %s", field->minimum);
    if (field->maximum != NULL) buf_printf(facts, ", at most %s", field->maximum);
    if (field->sensitive) buf_text(facts, ", secret");
}

static void
print_fields(const struct schema_field *fields, size_t count, size_t depth, bool input)
{
    for (size_t i = 0; i < count; i++) {
        struct buf facts BUF_SCOPED;
        buf_init(&facts, 4 * KIB);
        add_facts(&facts, &fields[i], input);
        printf("%*s%s (%s)\n%*s", (int)(2 + depth * 4), "", fields[i].name, buf_str(&facts), (int)(6 + depth * 4), "");
        print_folded(fields[i].doc, 6 + depth * 4, 6 + depth * 4);
        print_fields(fields[i].fields, fields[i].nfields, depth + 1, input);
    }
}

static void
print_action(const struct schema_plugin *plugin, const struct schema_action *action)
{
    printf("%s.%s\n", plugin->name, action->name);
    print_item("", 4, action->doc);
    printf("\neffect: %s\n", schema_effect_name(action->effect));
    struct buf meaning BUF_SCOPED;
    buf_init(&meaning, 4 * KIB);
    buf_printf(&meaning, "After an attempt that vanished: %s.", schema_effect_meaning(action->effect));
    print_item("", 4, buf_str(&meaning));
    printf("\ninputs:%s\n", action->ninputs ? "" : " none");
    print_fields(action->inputs, action->ninputs, 0, true);
    printf("\noutputs:%s\n", action->noutputs ? "" : " none");
    print_fields(action->outputs, action->noutputs, 0, false);
    printf("\nfrom %s %s, %s\n", plugin->name, plugin->version, plugin->path);
}

static void
print_plugin(const struct schema_plugin *plugin)
{
    size_t widest = 0;
    for (size_t i = 0; i < plugin->nactions; i++) {
        size_t size = strlen(plugin->name) + 1 + strlen(plugin->actions[i].name);
        if (size > widest) widest = size;
    }
    struct buf title BUF_SCOPED;
    buf_init(&title, 4 * KIB);
    buf_printf(&title, "%s %s:", plugin->name, plugin->version);
    printf("%s ", buf_str(&title));
    print_folded(plugin->doc, title.size, 4);
    for (size_t i = 0; i < plugin->nactions; i++) {
        const struct schema_action *action = &plugin->actions[i];
        printf("  %s.%-*s  %-13s  ", plugin->name, (int)(widest - strlen(plugin->name) - 1), action->name,
               schema_effect_name(action->effect));
        print_folded(action->doc, widest + 19, widest + 19);
    }
}

struct request {
    struct arena *arena;
    const char *plugin, *action; /* NULL: all */
    bool json;
    struct value *list;          /* of JSON */
    size_t printed;
};

static int
show_plugin(struct request *request, const char *name, struct err *err)
{
    const struct schema_plugin *plugin;
    int code = schema_load(request->arena, name, ".", &plugin, err);
    if (code) return code;
    const struct schema_action *only = NULL;
    if (request->action != NULL) {
        only = schema_action_find(plugin, request->action);
        if (only == NULL) {
            const char *nearest = schema_action_nearest(request->arena, plugin, request->action);
            err_set(err, EXIT_INVALID, "plugin \"%s\" has no action \"%s\"", name, request->action);
            if (nearest != NULL) err_hint(err, "Did you mean \"%s.%s\"?", name, nearest);
            else err_hint(err, "Type \"levada actions %s\" to see what it has.", name);
            return EXIT_INVALID;
        }
    }
    if (request->json) {
        for (size_t i = 0; i < plugin->nactions; i++)
            if (only == NULL || only == &plugin->actions[i])
                value_push(request->arena, request->list,
                           schema_action_json(request->arena, plugin, &plugin->actions[i]));
    } else if (only != NULL) {
        print_action(plugin, only);
    } else {
        if (request->printed++) putchar('\n');
        print_plugin(plugin);
    }
    return 0;
}

static int
show_all(struct request *request, struct err *err)
{
    const char **names;
    size_t count;
    int first = schema_list(request->arena, ".", &names, &count, err);
    if (first) {
        err_print(err);
        return first;
    }
    for (size_t i = 0; i < count; i++) {
        int code = show_plugin(request, names[i], err);
        if (code) err_print(err);
        if (first == 0) first = code;
    }
    if (count == 0) {
        err_set(err, EXIT_INVALID, "no plugins found");
        err_hint(err, "Install levada with its plugins, or name their folder in LEVADA_PLUGIN_PATH.");
        err_print(err);
        return EXIT_INVALID;
    }
    if (!request->json && request->printed)
        puts("\nType \"levada actions PLUGIN.ACTION\" to see the inputs and outputs of one.");
    return first;
}

static int
usage(const char *what, const char *which)
{
    fprintf(stderr, "levada: actions: %s \"%s\"\n  Type \"levada actions --help\".\n", what, which);
    return EXIT_USAGE;
}

int
cmd_actions(int argc, char **argv)
{
    struct arena arena ARENA_SCOPED = {0};
    struct request request = {.arena = &arena, .list = value_list(&arena)};
    struct err err = {0};
    const char *name = NULL;
    for (int i = 1; i < argc; i++) {
        if (str_eq(argv[i], "--json")) request.json = true;
        else if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h")) return fputs(help, stdout) < 0;
        else if (argv[i][0] == '-') return usage("unknown option", argv[i]);
        else if (name != NULL) return usage("one name is enough, got also", argv[i]);
        else name = argv[i];
    }
    int code;
    if (name == NULL) {
        code = show_all(&request, &err);
    } else {
        const char *dot = strchr(name, '.');
        request.plugin = dot == NULL ? name : arena_strndup(&arena, name, (size_t)(dot - name));
        request.action = dot == NULL ? NULL : dot + 1;
        code = show_plugin(&request, request.plugin, &err);
        if (code) err_print(&err);
    }
    /* One plugin or action that is not there has no data; a list with a broken plugin in it has. */
    if (request.json && (name == NULL || code == 0)) {
        struct buf buf BUF_SCOPED;
        buf_init(&buf, LIMIT_VALUE_SIZE);
        json_write(&buf, request.list);
        puts(buf_str(&buf));
    }
    return fflush(stdout) != 0 && code == 0 ? EXIT_FAILED : code;
}
