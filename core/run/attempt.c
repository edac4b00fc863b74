/* SPDX-License-Identifier: Apache-2.0
 *
 * One attempt of a step, before it is launched: its token and fence, its job, and the intent in the journal.
 */
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "run/engine_internal.h"
#include "run/hook_job.h"
#include "run/references.h"

static void
make_token(const struct engine *e, const struct step_state *step, char ret[HASH_HEX_SIZE])
{
    struct buf text BUF_SCOPED;
    buf_init(&text, MIB);
    buf_printf(&text, "%s/%s/", e->state.id, step->step->id);
    /* With its length: the item "a/1" is not the second effect of the item "a". */
    if (step->item != NULL) buf_printf(&text, "%zu:%s", strlen(step->item), step->item);
    if (step->round) buf_printf(&text, "/%u", step->round);
    hash_sha256_hex(buf_str(&text), text.size, ret);
    ret[32] = '\0'; /* 128 bits are plenty, and fit where servers limit a key's length */
}

const char *
attempt_reuse(struct engine *e, const struct step *step, const struct value *inputs)
{
    if (step->kind != STEP_USES || !step->schema->reuse) return NULL;
    const struct value *with = value_get(inputs, "with"), *deferred = value_get(inputs, "deferred");
    struct value *key = value_map(&e->turn);
    value_set(&e->turn, key, "plugin", value_text(&e->turn, step->schema->digest));
    for (size_t i = 0; i < step->schema->nreuse_by; i++) {
        const struct value *value = value_get(with, step->schema->reuse_by[i]);
        if (value != NULL) value_set(&e->turn, key, step->schema->reuse_by[i], value);
    }
    /* Secrets are part of it by what they are called: a template and its operands. */
    if (deferred != NULL) value_set(&e->turn, key, "secrets", deferred);
    if (value_get(inputs, "references") != NULL)
        value_set(&e->turn, key, "references", value_get(inputs, "references"));
    const struct value *limits = limits_write(&e->turn, &step->limits);
    if (limits != NULL) value_set(&e->turn, key, "limits", limits);
    return json_text(&e->turn, key);
}

static bool
any_reference(const struct engine *e)
{
    for (size_t u = 0; u < e->nunits; u++)
        if (references_possible(e->units[u])) return true;
    return false;
}

/* All of them: what a step does not mention it may still come across and print. */
static const struct value *
job_secrets(struct engine *e, const struct model *home, const struct value *inputs)
{
    struct value *list = value_list(&e->turn);
    const struct value *deferred = value_get(inputs, "deferred");
    const char *text = deferred != NULL ? json_text(&e->turn, deferred) : "";
    for (size_t u = 0; u < e->nunits; u++)
        for (size_t i = 0; i < e->units[u]->nsecrets; i++) {
            const struct secret_def *def = &e->units[u]->secrets[i];
            bool own = e->units[u]->secrets == home->secrets;
            struct value *entry = value_map(&e->turn);
            value_set(&e->turn, entry, "name",
                      value_text(&e->turn, own ? def->name : arena_printf(&e->turn, "%s/%zu", def->name, u)));
            value_set(&e->turn, entry, "from", value_text(&e->turn, def->from));
            value_set(&e->turn, entry, "key", value_text(&e->turn, def->key));
            if (def->field != NULL) value_set(&e->turn, entry, "field", value_text(&e->turn, def->field));
            /* A name that only looks mentioned costs nothing but a look-up. */
            if (!own || strstr(text, def->name) == NULL)
                value_set(&e->turn, entry, "mask_only", value_bool(&e->turn, true));
            value_push(&e->turn, list, entry);
        }
    if (any_reference(e)) references_mask(&e->turn, &e->state, list);
    return list;
}

static void
job_common(struct engine *e, const struct step_state *step, struct value *job, const struct value *inputs)
{
    static const char *const kinds[] = {[STEP_USES] = "uses", [STEP_RUN] = "run", [STEP_LUA] = "lua"};
    struct arena *arena = &e->turn;
    const struct step *model = step->step;
    value_set(arena, job, "kind", value_text(arena, kinds[model->kind]));
    value_set(arena, job, "run", value_text(arena, e->state.id));
    value_set(arena, job, "step", value_text(arena, model->id));
    value_set(arena, job, "item", value_text(arena, step->item ? step->item : ""));
    value_set(arena, job, "run_folder", value_text(arena, e->folder));
    value_set(arena, job, "folder", value_text(arena, model->home->folder));
    value_set(arena, job, "timeout_ms", value_int(arena, model->timeout_ms));
    value_set(arena, job, "grace_ms", value_int(arena, model->grace_ms));
    const struct value *limits = limits_write(arena, &model->limits);
    if (limits != NULL) value_set(arena, job, "limits", limits);
    value_set(arena, job, "secrets", job_secrets(e, model->home, inputs));
    value_set_all(arena, job, inputs);
    if (step->checkpoints != NULL) value_set(arena, job, "checkpoints", step->checkpoints);
}

static void
job_of_kind(struct engine *e, const struct step *step, struct value *job, const struct value *inputs)
{
    struct arena *arena = &e->turn;
    if (step->kind == STEP_USES) {
        value_set(arena, job, "plugin", value_text(arena, step->schema->path));
        value_set(arena, job, "action", value_text(arena, step->action));
        value_set(arena, job, "digest", value_text(arena, step->schema->digest));
        const char *key = attempt_reuse(e, step, inputs);
        if (key != NULL) value_set(arena, job, "reuse", value_text(arena, key));
    } else if (step->kind == STEP_LUA) {
        value_set(arena, job, "text", value_text(arena, step->text));
        value_set(arena, job, "line", value_int(arena, step->text_line));
    } else {
        struct value *unset = value_list(arena), *outputs = value_list(arena);
        for (size_t u = 0; u < e->nunits; u++)
            for (size_t i = 0; i < e->units[u]->nsecrets; i++)
                if (str_eq(e->units[u]->secrets[i].from, "env"))
                    value_push(arena, unset, value_text(arena, e->units[u]->secrets[i].key));
        for (size_t i = 0; i < step->noutputs; i++) {
            struct value *entry = value_map(arena);
            if (step->outputs[i].value != NULL) continue;
            value_set(arena, entry, "name", value_text(arena, step->outputs[i].name));
            if (step->outputs[i].from) value_set(arena, entry, "from", value_text(arena, step->outputs[i].from));
            if (step->outputs[i].as) value_set(arena, entry, "as", value_text(arena, step->outputs[i].as));
            value_push(arena, outputs, entry);
        }
        if (any_reference(e)) references_unset(arena, &e->state, unset);
        value_set(arena, job, "unset", unset);
        value_set(arena, job, "outputs", outputs);
    }
}

void
attempt_start(struct engine *e, size_t i, const struct value *inputs, bool ask, const struct value *reason)
{
    int seat = -1;
    if (e->state.steps[i].step->pool != NULL && !seating_pool(e, i, &seat)) return;
    struct step_state *step = &e->state.steps[i];
    struct value *intent = value_map(&e->turn), *job = value_map(&e->turn);
    char token[HASH_HEX_SIZE];
    uint32_t record = e->state.next_record, attempt = 1;
    for (size_t k = 0; k < step->nattempts; k++) attempt += !step->attempts[k].resolve;
    if (ask) attempt--;
    make_token(e, step, token);
    const struct value *fence = value_int(&e->turn, (int64_t)++e->last_fence);
    const char *log = arena_printf(&e->turn, "%s.%u.log", step->step->id, record);
    struct value *const both[] = {intent, job};
    for (size_t k = 0; k < 2; k++) {
        value_set(&e->turn, both[k], "attempt", value_int(&e->turn, attempt));
        value_set(&e->turn, both[k], "record", value_int(&e->turn, record));
        value_set(&e->turn, both[k], "fence", fence);
        value_set(&e->turn, both[k], "token", value_text(&e->turn, token));
        value_set(&e->turn, both[k], "log", value_text(&e->turn, log));
    }
    job_common(e, step, job, inputs);
    job_of_kind(e, step->step, job, inputs);
    if (ask) value_set(&e->turn, job, "kind", value_text(&e->turn, "resolve"));
    else hook_job(&e->turn, step, step_failed_attempts(step), job);
    value_set(&e->turn, intent, "effect", value_text(&e->turn, schema_effect_name(step->step->effect)));
    if (step->inputs == NULL) value_set(&e->turn, intent, "inputs", inputs);
    if (ask) value_set(&e->turn, intent, "resolve", value_bool(&e->turn, true));
    value_set(&e->turn, intent, "reason", reason);
    engine_emit(e, EVENT_STEP_INTENT, step, intent);
    if (step->step->effect > LEVADA_EFFECT_READ) e->sync = true;
    e->launching++;
    engine_after(e, (struct after){.type = AFTER_LAUNCH, .step = i, .record = record, .job = job,
                                   .seat = seat});
}
