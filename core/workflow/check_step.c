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
#include "workflow/parse.h"

#define CYCLES_SHOWN 10

/* Place of a member's name, or of the map. */
static void
key_place(const struct value *map, const char *name, int *line, int *column)
{
    *line = (int)map->line;
    *column = (int)map->column;
    for (size_t i = 0; i < map->map.count; i++)
        if (str_eq(map->map.names[i], name)) parse_name_place(map, i, line, column);
}

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
    ptrdiff_t first = names_add(&check->steps, id->text.ptr);
    if (first >= 0) {
        CHECK_ERROR(check, id, "duplicate-id", "Ids are unique in the whole file.",
                    "there are two steps \"%s\", the first in line %d", id->text.ptr,
                    check->model->steps[check->step_index[first]].line);
        return;
    }
    step->id = id->text.ptr;
    check->step_index[check->steps.count - 1] = index;
}

/* Keys that mean something only beside some of uses, run and lua. */
static void
step_misplaced(struct check *check, uint32_t index)
{
    static const struct {
        const char *key;
        bool uses, run, lua;
        const char *hint;
    } rules[] = {
        {"with", true, false, false, "Give a script its values through `env`, or through `${{ }}` in its text."},
        {"env", false, true, true, "Give an action its values in `with`."},
        {"shell", false, true, false, NULL}, {"cwd", false, true, false, NULL}, {"stdin", false, true, false, NULL},
        {"effect", false, true, true, "An action says itself what its effect is."},
    };
    static const char *const kinds[] = {"uses", "run", "lua"};
    const struct step *step = &check->model->steps[index];
    const struct value *map = check->drafts[index].map;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const bool fits[] = {rules[i].uses, rules[i].run, rules[i].lua};
        if (value_get(map, rules[i].key) == NULL || fits[step->kind]) continue;
        int line, column;
        key_place(map, rules[i].key, &line, &column);
        diag_add(check->diags, DIAG_ERROR, line, column, "misplaced-key", rules[i].hint,
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
    static const char *const kinds[] = {"uses", "run", "lua"};
    struct step *step = &check->model->steps[index];
    struct draft *draft = &check->drafts[index];
    int found = -1;
    draft->broken = true;
    for (int i = 0; i < 3; i++) {
        if (value_get(draft->map, kinds[i]) == NULL) continue;
        if (found >= 0) {
            int line, column;
            key_place(draft->map, kinds[i], &line, &column);
            diag_add(check->diags, DIAG_ERROR, line, column, "step-kind", "Make two steps of it.",
                     "%s has both `%s` and `%s`", draft->what, kinds[found], kinds[i]);
            return;
        }
        found = i;
    }
    if (found < 0) {
        if (faults == 0)
            CHECK_ERROR(check, draft->map, "step-kind", "Give it one of `uses`, `run` and `lua`.",
                        "%s does nothing", draft->what);
        return;
    }
    step->kind = (enum step_kind)found;
    draft->broken = false;
    step_misplaced(check, index);
    if (step->kind == STEP_USES) check_action(check, index);
    else step_text(check, index, kinds[found]);
}

/* ---- how it runs -------------------------------------------------------------------------------------- */

static double
number_of(const struct value *value, double fallback)
{
    if (value == NULL) return fallback;
    return value->type == VALUE_INT ? (double)value->integer : value->real;
}

static void
step_retry(struct check *check, uint32_t index, const struct value *defaults)
{
    struct step *step = &check->model->steps[index];
    const struct draft *draft = &check->drafts[index];
    const struct value *own = keys_get(PLACE_STEP, draft->map, "retry");
    const struct value *shared = keys_get(PLACE_DEFAULTS, defaults, "retry");
    step->retry = (struct retry){.attempts = 1, .delay_ms = 1000, .max_delay_ms = 300000, .backoff = 2};
    if (own != NULL)
        keys_check(check->diags, PLACE_RETRY, own, arena_printf(check->arena, "`retry` of %s", draft->what));
    const struct value *map = check_merge(check->arena, shared, own);
    if (map == NULL) return;
    const struct value *attempts = keys_get(PLACE_RETRY, map, "attempts"),
                       *classes = keys_get(PLACE_RETRY, map, "for");
    struct retry *retry = &step->retry;
    retry->attempts = attempts != NULL ? (uint32_t)attempts->integer : 3;
    retry->delay_ms = keys_duration(PLACE_RETRY, map, "delay", retry->delay_ms);
    retry->max_delay_ms = keys_duration(PLACE_RETRY, map, "max_delay", retry->max_delay_ms);
    retry->backoff = number_of(keys_get(PLACE_RETRY, map, "backoff"), retry->backoff);
    retry->jitter = number_of(keys_get(PLACE_RETRY, map, "jitter"), 0);
    for (size_t i = 0; classes != NULL && i < classes->list.count; i++)
        retry->classes |= 1u << schema_class_from_name(classes->list.items[i]->text.ptr);
    if (own != NULL) check_retry(check, own, draft->what);
    check_retry_delays(check, own, retry, draft->what);
}

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
    if (step->kind != STEP_USES) {
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
    step_retry(check, index, defaults);
    check_pool(check, index);
    if (step->kind == STEP_USES) {
        step->shell = NULL;
        step->cwd = NULL;
        step->standard_input = NULL;
    }
}

/* ---- what it needs ------------------------------------------------------------------------------------ */

static void
step_need(struct check *check, uint32_t index, const struct value *name)
{
    const struct step *step = &check->model->steps[index];
    ptrdiff_t i = names_find(&check->steps, name->text.ptr);
    if (i < 0) {
        CHECK_ERROR(check, name, "unknown-step",
                    keys_suggest(check->diags, name->text.ptr, check->steps.list, check->steps.count),
                    "there is no step \"%s\"", name->text.ptr);
        return;
    }
    uint32_t to = check->step_index[i];
    const struct step *other = &check->model->steps[to];
    if (to == index)
        CHECK_ERROR(check, name, "self-need", NULL, "step \"%s\" needs itself", step->id);
    else if (other->part > step->part)
        CHECK_ERROR(check, name, "later-part", NULL, "step \"%s\" is in `%s`, which runs after `%s`", other->id,
                    model_parts[other->part], model_parts[step->part]);
    else if (other->part < step->part)
        CHECK_ERROR(check, name, "other-part", "Leave it out; an expression may name its outputs and status.",
                    "step \"%s\" is in `%s`, which has ended before `%s` begins", other->id, model_parts[other->part],
                    model_parts[step->part]);
    else edges_add(check->arena, &check->drafts[index].edges, to);
}

static void
step_needs(struct check *check, uint32_t index)
{
    const struct value *needs = keys_get(PLACE_STEP, check->drafts[index].map, "needs");
    if (needs == NULL) return;
    if (needs->type == VALUE_STRING) step_need(check, index, needs);
    check_twice(check, needs, "needs", check->drafts[index].what);
    for (size_t i = 0; needs->type == VALUE_LIST && i < needs->list.count; i++)
        step_need(check, index, needs->list.items[i]);
    check->model->steps[index].starts_alone = needs->type == VALUE_LIST && needs->list.count == 0;
}

/* A step without edges that stands below one with edges was probably meant to wait; not so when a step above it
 * names it. */
static void
warn_alone(struct check *check)
{
    bool edges = false, *named = ARENA_ARRAY(check->arena, check->model->nsteps, bool);
    for (size_t i = 0; i < check->model->nsteps; i++) {
        const struct step *step = &check->model->steps[i];
        if (step->part != PART_STEPS) return;
        if (edges && step->nneeds == 0 && !named[i] && value_get(check->drafts[i].map, "needs") == NULL)
            CHECK_WARNING(check, check->drafts[i].map, "no-edges",
                          "Name the steps it waits for in `needs`, or write `needs: []` if that is on purpose.",
                          "%s waits for nothing and starts at once", check->drafts[i].what);
        edges = edges || step->nneeds > 0;
        for (size_t k = 0; k < step->nneeds; k++) named[step->needs[k]] = true;
    }
}

static void
report_cycle(struct check *check, const uint32_t *path, size_t length)
{
    size_t first = 0;
    for (size_t i = 0; i < length; i++)
        if (path[i] < path[first]) first = i;
    const char *text = "";
    for (size_t i = 0; i <= length; i++) {
        bool skip = length > 12 && i > 5 && i + 5 < length;
        if (skip && i == 6) text = arena_printf(check->arena, "%s -> … (%zu more)", text, length - 11);
        if (!skip)
            text = arena_printf(check->arena, "%s%s%s", text, i == 0 ? "" : " -> ",
                                check->model->steps[path[(first + i) % length]].id);
    }
    CHECK_ERROR(check, check->drafts[path[first]].map, "cycle",
                "Each waits for the one before it: take one `needs` or one `steps.…` away.",
                "steps wait for each other in a circle: %s", text);
}

static void
finish_edges(struct check *check)
{
    struct model *model = check->model;
    struct edges *edges = ARENA_ARRAY(check->arena, model->nsteps, struct edges);
    for (size_t i = 0; i < model->nsteps; i++) {
        edges_finish(&check->drafts[i].edges);
        edges[i] = check->drafts[i].edges;
        model->steps[i].needs = edges[i].items;
        model->steps[i].nneeds = edges[i].count;
        edges_finish(&check->drafts[i].reads);
        model->steps[i].reads = check->drafts[i].reads.items;
        model->steps[i].nreads = check->drafts[i].reads.count;
    }
    warn_alone(check);
    uint32_t *path;
    size_t length;
    for (size_t i = 0; i < CYCLES_SHOWN; i++) {
        if (!graph_cycle(check->arena, edges, model->nsteps, &path, &length)) return;
        report_cycle(check, path, length);
    }
}

/* ---- all of them -------------------------------------------------------------------------------------- */

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
    step->part = part;
    step->line = (int)map->line;
    step->column = (int)map->column;
    step_id(check, index);
    step_kind(check, index, check->diags->errors - errors);
    step_settings(check, index);
    check_step_outputs(check, index);
}

void
check_steps(struct check *check)
{
    const struct value *parts[PARTS];
    size_t total = 0;
    for (size_t p = 0; p < PARTS; p++) {
        parts[p] = keys_get(PLACE_WORKFLOW, check->root, model_parts[p]);
        if (parts[p] != NULL) total += parts[p]->list.count;
    }
    if (parts[0] != NULL && parts[0]->list.count == 0)
        CHECK_ERROR(check, parts[0], "wrong-value", NULL, "\"steps\" is empty");
    if (total > LIMIT_STEPS) {
        CHECK_ERROR(check, parts[0] != NULL ? parts[0] : check->root, "too-large", NULL,
                    "there are %zu steps; the limit is %u", total, LIMIT_STEPS);
        return;
    }
    check->model->steps = ARENA_ARRAY(check->arena, total, struct step);
    check->drafts = ARENA_ARRAY(check->arena, total, struct draft);
    check->step_index = ARENA_ARRAY(check->arena, total, uint32_t);
    for (size_t p = 0; p < PARTS; p++)
        for (size_t i = 0; parts[p] != NULL && i < parts[p]->list.count && !diags_full(check->diags); i++)
            read_step(check, parts[p]->list.items[i], (enum step_part)p, i);
    for (uint32_t i = 0; i < check->model->nsteps && !diags_full(check->diags); i++) {
        step_needs(check, i);
        check_step_texts(check, i);
    }
    finish_edges(check);
}
