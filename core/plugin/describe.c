/* SPDX-License-Identifier: Apache-2.0
 *
 * The describer's own work: open a plugin, check its tables, print them. What a plugin prints while it loads goes
 * to standard error: standard output carries one JSON object and nothing else.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/json.h"
#include "plugin/loader.h"
#include "plugin/schema.h"

static struct schema_field *
fields_of(struct arena *arena, const struct levada_field *fields, size_t count)
{
    struct schema_field *ret = ARENA_ARRAY(arena, count, struct schema_field);
    for (size_t i = 0; i < count; i++) {
        const struct levada_field *field = &fields[i];
        size_t nchoices = 0;
        if (field->choices != NULL)
            while (field->choices[nchoices] != NULL) nchoices++;
        const char **choices = ARENA_ARRAY(arena, nchoices, const char *);
        for (size_t k = 0; k < nchoices; k++) choices[k] = field->choices[k];
        ret[i] = (struct schema_field){
            .name = field->name, .doc = field->doc, .type = (enum levada_type)field->type,
            .required = (field->flags & LEVADA_REQUIRED) != 0, .sensitive = (field->flags & LEVADA_SENSITIVE) != 0,
            .fallback = field->fallback, .choices = nchoices ? choices : NULL, .nchoices = nchoices,
            .minimum = field->minimum, .maximum = field->maximum,
            .fields = fields_of(arena, field->fields, field->nfields), .nfields = field->nfields};
    }
    return ret;
}

static const struct value *
describe(struct arena *arena, const struct levada_plugin *plugin)
{
    struct schema_plugin schema = {.name = plugin->name, .version = plugin->version, .doc = plugin->doc,
                                   .reuse = (plugin->flags & LEVADA_REUSE) != 0, .nactions = plugin->nactions};
    if (schema.reuse)
        while (plugin->reuse_by[schema.nreuse_by] != NULL) schema.nreuse_by++;
    schema.reuse_by = ARENA_ARRAY(arena, schema.nreuse_by, const char *);
    for (size_t i = 0; i < schema.nreuse_by; i++) schema.reuse_by[i] = plugin->reuse_by[i];
    schema.actions = ARENA_ARRAY(arena, schema.nactions, struct schema_action);
    for (size_t i = 0; i < schema.nactions; i++) {
        const struct levada_action *action = &plugin->actions[i];
        schema.actions[i] = (struct schema_action){
            .name = action->name, .doc = action->doc, .effect = (enum levada_effect)action->effect,
            .can_plan = action->plan != NULL, .can_resolve = action->resolve != NULL,
            .inputs = fields_of(arena, action->inputs, action->ninputs), .ninputs = action->ninputs,
            .outputs = fields_of(arena, action->outputs, action->noutputs), .noutputs = action->noutputs};
    }
    return schema_to_json(arena, &schema);
}

static const struct value *
error_json(struct arena *arena, const struct err *err)
{
    struct value *error = value_map(arena), *ret = value_map(arena);
    value_set(arena, error, "code", value_int(arena, err->code));
    value_set(arena, error, "message", value_text(arena, err->message));
    value_set(arena, error, "hint", value_text(arena, err->hint));
    value_set(arena, ret, "error", error);
    return ret;
}

int
loader_describe(const char *path)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct loaded_plugin *loaded;
    struct err err = {0};
    fflush(stdout);
    int out FD_SCOPED = dup(STDOUT_FILENO);
    if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        err_errno(&err, EXIT_FAILED, "cannot redirect standard output");
        err_print(&err);
        return EXIT_FAILED;
    }
    int code = loader_open(&arena, path, &loaded, &err);
    if (code) err_print(&err);
    const struct value *json = code ? error_json(&arena, &err) : describe(&arena, &loaded->plugin);
    struct buf buf BUF_SCOPED;
    buf_init(&buf, LIMIT_DESCRIBE_SIZE);
    json_write(&buf, json);
    buf_char(&buf, '\n');
    if (buf.full) {
        err_set(&err, EXIT_INVALID, "\"%s\": its tables are larger than the limit of %u bytes", path,
                LIMIT_DESCRIBE_SIZE);
        err_print(&err);
        return EXIT_INVALID;
    }
    if (fd_write_all(out, buf.data, buf.size) != 0) return EXIT_FAILED;
    return code;
}
