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
    const struct model *back;
    struct buf once BUF_SCOPED, twice BUF_SCOPED;
    buf_init(&once, 64u * 1024 * 1024);
    buf_init(&twice, 64u * 1024 * 1024);
    model_write(&once, model);
    if (model_read(arena, buf_str(&once), once.size, &back, &err)) abort();
    model_write(&twice, back);
    if (strcmp(buf_str(&once), buf_str(&twice)) != 0) abort();
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
    diags.notes = true;
    const struct model *checked = check_source(&arena, "fuzz.yaml", model, size, &diags);
    if ((checked == NULL) != (diags.errors > 0)) abort();
    print(&diags);
    if (checked != NULL) round_trip(&arena, checked);
    /* The same bytes as a stored workflow: an exported run may come from anywhere. */
    struct err err = {0};
    const struct model *stored;
    if (model_read(&arena, model->source, size, &stored, &err) != 0 && err.message[0] == '\0') abort();
    return 0;
}
