/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a workflow file. Whatever they are, the answer comes soon, every diagnostic can be printed, and a model
 * that was accepted goes through JSON and back unchanged.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "workflow/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
print(const struct diags *diags)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL) abort();
    diags_print(diags, out, true);
    fclose(out);
    if (memchr(text, '\a', length) != NULL) abort(); /* a control character of the file reached the terminal */
    free(text);
}

static void
round_trip(struct arena *arena, const struct model *model)
{
    struct err err = {0};
    const struct value *json;
    const struct model *back;
    const char *once = json_text(arena, model_to_json(arena, model));
    if (json_parse(arena, once, strlen(once), &json, &err) || model_from_json(arena, json, &back, &err)) abort();
    if (strcmp(once, json_text(arena, model_to_json(arena, back))) != 0) abort();
    const struct value *params;
    (void)params_bind(arena, model, NULL, NULL, &params, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 100000) return 0;
    struct arena arena ARENA_SCOPED = {0};
    struct diags diags;
    struct model *model = ARENA_NEW(&arena, struct model);
    model->file = "/nowhere/fuzz.yaml";
    model->folder = "/nowhere";
    model->source = arena_strndup(&arena, (const char *)data, size);
    diags_init(&diags, &arena, "fuzz.yaml");
    const struct model *checked = check_source(&arena, "fuzz.yaml", model, size, &diags);
    if ((checked == NULL) != (diags.errors > 0)) abort();
    print(&diags);
    if (checked != NULL) round_trip(&arena, checked);
    return 0;
}
