/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps in three passes: first what each is (so that a step may name one that stands below it), then what it needs and
 * says, then whether the whole goes round in a circle.
 */
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "workflow/check.h"
#include "workflow/model_json.h"

/* ---- what it is --------------------------------------------------------------------------------------- */

static void
step_id(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct draft *draft = &check->drafts[index];
    const struct value *id = keys_get(PLACE_STEP, draft->map, "id");
    if (id == NULL) {
        const char *like = check_id_like(check->arena, value_get_str(draft->map, "name", ""));
        if (value_get(draft->map, "id") == NULL)
            CHECK_ERROR(check, draft->map, "missing-key",
                        arena_printf(check->arena, "Begin it with `- id: %s`.", *like ? like : "NAME"),
                        "%s has no \"id\"", draft->what);
        return;
    }
    if (!check_id(check, id->text.ptr, "a step id", (int)id->line, (int)id->column)) return;
    if (strlen(check->prefix) + strlen(id->text.ptr) > LIMIT_ID_SIZE) {
        CHECK_ERROR(check, id, "bad-id", "Shorten the ids of the groups around it.",
                    "with the groups that it stands in, the id has more than %u characters", LIMIT_ID_SIZE);
        return;
    }
    ptrdiff_t first = names_add(&check->steps, id->text.ptr);
    if (first >= 0) {
        CHECK_ERROR(check, id, "duplicate-id",
                    check->outer != NULL ? "Ids are unique within a group." : "Ids are unique in the whole file.",
                    "there are two steps \"%s\", the first in line %d", id->text.ptr,
                    check->model->steps[check->step_index[first]].line);
        return;
    }
    step->local = id->text.ptr;
    step->id = check->prefix[0] != '\0' ? arena_printf(check->arena, "%s%s", check->prefix, step->local) : step->local;
    check->step_index[check->steps.count - 1] = index;
}

/* As in the file, by enum step_kind. */
static const char *const kinds[] = {"uses", "run", "lua", "steps", "workflow"};
#define KINDS 5
#define OF(kind) (1u << STEP_##kind)

/* Keys that mean something only beside some kinds. */
static void
step_misplaced(struct check *check, uint32_t index)
{
    static const char *const inside = "Give it to the steps inside.";
    static const struct {
        const char *key;
        unsigned fits; /* bits of enum step_kind */
        const char *hint, *block_hint;
    } rules[] = {
        {"with", OF(USES) | OF(WORKFLOW), "Give a script its values through `env`, or through `${{ }}` in its text.",
         "The steps inside see all that is around them."},
        {"env", OF(RUN) | OF(LUA), "Give an action its values in `with`.", inside},
        {"shell", OF(RUN), NULL, inside}, {"cwd", OF(RUN), NULL, inside}, {"stdin", OF(RUN), NULL, inside},
        {"effect", OF(RUN) | OF(LUA), "An action says itself what its effect is.", inside},
        {"retry", OF(USES) | OF(RUN) | OF(LUA), NULL, inside}, {"pool", OF(USES) | OF(RUN) | OF(LUA), NULL, inside},
        {"timeout", OF(USES) | OF(RUN) | OF(LUA), NULL, inside}, {"grace", OF(USES) | OF(RUN) | OF(LUA), NULL, inside},
        {"on_unknown", OF(USES) | OF(RUN) | OF(LUA), NULL, inside},
        {"limits", OF(USES) | OF(RUN) | OF(LUA), NULL, inside},
        {"until", OF(USES) | OF(RUN) | OF(LUA), NULL, inside},
        {"hooks", OF(USES) | OF(RUN) | OF(LUA), NULL, inside},
        {"outputs", OF(USES) | OF(RUN) | OF(LUA) | OF(GROUP), NULL,
         "Its outputs are those that the other file declares at its top."},
    };
    const struct step *step = &check->model->steps[index];
    const struct value *map = check->drafts[index].map;
    bool block = step->kind == STEP_GROUP || step->kind == STEP_WORKFLOW;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (value_get(map, rules[i].key) == NULL || (rules[i].fits >> step->kind & 1)) continue;
        CHECK_KEY_ERROR(check, map, rules[i].key, "misplaced-key", block ? rules[i].block_hint : rules[i].hint,
                        "\"%s\" means nothing beside `%s`", rules[i].key, kinds[step->kind]);
    }
}

static void
step_text(struct check *check, uint32_t index, const char *key)
{
    struct step *step = &check->model->steps[index];
    const struct value *text = keys_get(PLACE_STEP, check->drafts[index].map, key);
    if (text == NULL) return;
    if (text->text.ptr[strspn(text->text.ptr, " \t\r\n")] == '\0') {
        CHECK_ERROR(check, text, "wrong-value", NULL, "\"%s\" of %s is empty", key, check->drafts[index].what);
        return;
    }
    step->text = text->text.ptr;
    step->text_line = (int)text->line;
    step->text_column = (int)text->column;
}

/* `faults`: errors found in its keys already; one of them may well be the misspelt kind. */
static void
step_kind(struct check *check, uint32_t index, size_t faults)
{
    struct step *step = &check->model->steps[index];
    struct draft *draft = &check->drafts[index];
    int found = -1;
    draft->broken = true;
    for (int i = 0; i < KINDS; i++) {
        if (value_get(draft->map, kinds[i]) == NULL) continue;
        if (found >= 0) {
            CHECK_KEY_ERROR(check, draft->map, kinds[i], "step-kind", "Make two steps of it.",
                            "%s has both `%s` and `%s`", draft->what, kinds[found], kinds[i]);
            return;
        }
        found = i;
    }
    if (found < 0) {
        if (faults == 0)
            CHECK_ERROR(check, draft->map, "step-kind",
                        value_get(draft->map, "approve") != NULL
                            ? "Put `approve` into the step that is to wait for it."
                            : "Give it one of `uses`, `run`, `lua`, `steps` and `workflow`.",
                        "%s does nothing", draft->what);
        return;
    }
    step->kind = (enum step_kind)found;
    draft->broken = false;
    step_misplaced(check, index);
    if (step->kind == STEP_USES) check_action(check, index);
    else if (step_is_block(step)) check_body_read(check, index);
    else step_text(check, index, kinds[found]);
}

/* ---- how it runs -------------------------------------------------------------------------------------- */

static void
step_settings(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    struct draft *draft = &check->drafts[index];
    const struct value *defaults = keys_get(PLACE_WORKFLOW, check->root, "defaults"), *map = draft->map;
    const char *effect = keys_text(PLACE_STEP, map, "effect");
    step->name = keys_text(PLACE_STEP, map, "name");
    step->timeout_ms =
        keys_duration(PLACE_STEP, map, "timeout", keys_duration(PLACE_DEFAULTS, defaults, "timeout", 0));
    step->grace_ms = keys_duration(PLACE_STEP, map, "grace",
                                   keys_duration(PLACE_DEFAULTS, defaults, "grace", LIMIT_GRACE_MS));
    step->continue_on_error = value_get_bool(map, "continue_on_error", false);
    if (step_is_block(step)) step->effect = LEVADA_EFFECT_PURE; /* itself it does nothing */
    else if (step->kind != STEP_USES) {
        step->effect = LEVADA_EFFECT_UNSAFE;
        if (effect != NULL) schema_effect_from_name(effect, &step->effect);
    }
    const char *word = keys_text(PLACE_STEP, map, "on_unknown");
    for (int i = 0; word != NULL && i < 3; i++)
        if (str_eq(word, model_on_unknown[i])) step->on_unknown = (enum on_unknown)i;
    step->shell = keys_text(PLACE_STEP, map, "shell");
    const struct value *shell = value_get(map, "shell");
    if (step->shell != NULL && (step->shell[0] == '\0' || strpbrk(step->shell, " \t\n") != NULL))
        CHECK_ERROR(check, shell, "wrong-value", "The script itself goes into `run`.",
                    "\"shell\" of %s must be the name of one program", draft->what);
    if (step->shell == NULL) step->shell = keys_text(PLACE_DEFAULTS, defaults, "shell");
    if (step->shell == NULL) step->shell = "sh";
    step->cwd = keys_text(PLACE_STEP, map, "cwd");
    step->standard_input = keys_get(PLACE_STEP, map, "stdin");
    draft->own_env = keys_get(PLACE_STEP, map, "env");
    check_env(check, draft->own_env, arena_printf(check->arena, "`env` of %s", draft->what));
    step->env = check_merge(check->arena, check->env, draft->own_env);
    check_step_retry(check, index);
    check_pool(check, index);
    if (!step_is_block(step)) check_step_hooks(check, index);
    check_limits(check, index);
    if (step->kind == STEP_USES || step_is_block(step)) {
        step->shell = NULL;
        step->cwd = NULL;
        step->standard_input = NULL;
    }
    if (step_is_block(step)) step->env = NULL;
}

/* ---- all of them -------------------------------------------------------------------------------------- */

struct scope
check_scope(const struct check *check, uint32_t index, const char *what)
{
    const struct step *step = &check->model->steps[index];
    bool after = check->after_failure || step->part != PART_STEPS;
    return (struct scope){.what = what, .step = index, .nparams = check->model->nparams, .variables = step->variables,
                          .allow = SCOPE_PARAMS | SCOPE_ENV | SCOPE_STEPS | SCOPE_RUN | (after ? SCOPE_FAILURE : 0) |
                                   (check->undoes ? SCOPE_OUTPUTS : 0)};
}

static void
read_step(struct check *check, const struct value *map, enum step_part part, size_t number)
{
    const char *id = value_get_str(map, "id", NULL);
    const char *what = id != NULL ? arena_printf(check->arena, "step \"%.100s\"", id)
                                  : arena_printf(check->arena, "step %zu of `%s`", number + 1, model_parts[part]);
    size_t errors = check->diags->errors;
    if (!keys_check(check->diags, PLACE_STEP, map, what)) return;
    uint32_t index = (uint32_t)check->model->nsteps++;
    check->drafts[index] = (struct draft){.map = map, .what = what};
    struct step *step = &check->model->steps[index];
    step->home = check->model;
    step->part = part;
    step->line = (int)map->line;
    step->column = (int)map->column;
    step->variables = check->variables;
    step_id(check, index);
    check_loop_read(check, index);
    step_kind(check, index, check->diags->errors - errors);
    check_nesting(check, index);
    step_settings(check, index);
    if (!step_is_block(step)) check_step_outputs(check, index);
    check_approve(check, index);
    check_calls_read(check, index);
    check_undo_read(check, index);
    /* A chunk reaches nothing outside but through its calls, and these are journalled. */
    if (step->kind == STEP_LUA && value_get(map, "effect") == NULL)
        step->effect = step->calls != NULL ? LEVADA_EFFECT_CHECKPOINTED : LEVADA_EFFECT_PURE;
}

void
check_steps_read(struct check *check, const struct value *const parts[PARTS])
{
    size_t total = 0;
    for (size_t p = 0; p < PARTS; p++)
        if (parts[p] != NULL) total += parts[p]->list.count;
    if (parts[0] != NULL && parts[0]->list.count == 0)
        CHECK_ERROR(check, parts[0], "wrong-value", NULL, "\"steps\" is empty");
    *check->total += total;
    if (*check->total > LIMIT_STEPS) {
        CHECK_ERROR(check, parts[0] != NULL ? parts[0] : check->root, "too-large", NULL,
                    "there are %zu steps; the limit is %u", *check->total, LIMIT_STEPS);
        return;
    }
    check->model->steps = ARENA_ARRAY(check->arena, total, struct step);
    check->drafts = ARENA_ARRAY(check->arena, total, struct draft);
    check->step_index = ARENA_ARRAY(check->arena, total, uint32_t);
    check->model->total = total;
    for (size_t p = 0; p < PARTS; p++)
        for (size_t i = 0; parts[p] != NULL && i < parts[p]->list.count && !diags_full(check->diags); i++)
            read_step(check, parts[p]->list.items[i], (enum step_part)p, i);
    for (size_t i = 0; i < check->model->nsteps; i++)
        check->model->total += (check->model->steps[i].body != NULL ? check->model->steps[i].body->total : 0) +
                               (check->model->steps[i].undo != NULL) +
                               (check->model->steps[i].calls != NULL ? check->model->steps[i].calls->nsteps : 0);
}

void
check_steps_link(struct check *check)
{
    for (uint32_t i = 0; i < check->model->nsteps && !diags_full(check->diags); i++) {
        check_needs(check, i);
        check_step_texts(check, i);
        check_loop_texts(check, i);
        check_body_link(check, i);
        check_calls_link(check, i);
        check_undo_link(check, i);
    }
    check_edges(check);
}
