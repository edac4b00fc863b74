/* SPDX-License-Identifier: Apache-2.0
 *
 * Files for tests go through a real file, because the model keeps its path.
 */
#include "load_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plugin/schema.h"

const struct model *
load_text(struct arena *arena, const char *text, struct diags *diags)
{
    char folder[] = "/tmp/levada-test-XXXXXX";
    const struct model *model = NULL;
    struct err err = {0};
    if (mkdtemp(folder) == NULL) abort();
    const char *path = arena_printf(arena, "%s/flow.yaml", folder);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) abort();
    diags_init(diags, arena, "flow.yaml");
    int code = workflow_load(arena, path, diags, &model, &err);
    unlink(path);
    rmdir(folder);
    if (code) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return model;
}

const char *
load_faults(struct arena *arena, const char *text)
{
    struct diags diags;
    load_text(arena, text, &diags);
    struct value *list = value_list(arena);
    diags_json(&diags, arena, list);
    const char *ret = "";
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *one = list->list.items[i];
        ret = arena_printf(arena, "%s%s%lld:%lld %s", ret, i ? ", " : "", (long long)value_get_int(one, "line", 0),
                           (long long)value_get_int(one, "column", 0), value_get_str(one, "code", ""));
    }
    return ret;
}

void
load_use_plugins(void)
{
    setenv("LEVADA_PLUGIN_PATH", TESTS_BUILD "/plugins", 1);
    schema_set_self(TESTS_BUILD "/../core/levada");
}
