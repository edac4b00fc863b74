/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run shares with others: the group it belongs to, and the pools its steps draw from. Both are names that other
 * workflows use too, so what looks like a slip of the pen here is said before it lets two of them run at once.
 */
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "workflow/check.h"
#include "workflow/template.h"

void
check_concurrency(struct check *check)
{
    static const char *const what = "`concurrency`";
    const struct value *own = keys_get(PLACE_WORKFLOW, check->root, "concurrency");
    struct concurrency *ret = &check->model->concurrency;
    struct scope scope = {.what = "the group of `concurrency`", .allow = SCOPE_PARAMS | SCOPE_RUN, .step = NO_STEP,
                          .nparams = check->model->nparams};
    if (own == NULL) return;
    *ret = (struct concurrency){.limit = 1, .overlap = OVERLAP_QUEUE};
    const struct value *group = own;
    if (own->type == VALUE_MAP) {
        keys_check(check->diags, PLACE_CONCURRENCY, own, what);
        group = keys_get(PLACE_CONCURRENCY, own, "group");
        const struct value *limit = keys_get(PLACE_CONCURRENCY, own, "limit");
        const char *word = keys_text(PLACE_CONCURRENCY, own, "overlap");
        if (limit != NULL) ret->limit = (uint32_t)limit->integer;
        for (int i = OVERLAP_QUEUE; word != NULL && i <= OVERLAP_ALLOW; i++)
            if (str_eq(overlap_name((enum overlap)i), word)) ret->overlap = (enum overlap)i;
        if (ret->overlap == OVERLAP_ALLOW && limit != NULL)
            CHECK_WARNING(check, limit, "no-effect", "Take one of the two away.",
                          "\"limit\" of %s means nothing beside `overlap: allow`", what);
    }
    if (group == NULL) return; /* reported as missing */
    if (group->text.ptr[strspn(group->text.ptr, " \t\n")] == '\0') {
        CHECK_ERROR(check, group, "wrong-value", "Runs of one group share its name: `group: orders`.",
                    "\"group\" of %s is empty", what);
        return;
    }
    ret->group = group;
    check_tree(check, &scope, group);
}

/* The name in the letters that a pool's name may have; "" when nothing of it can be used. */
static const char *
pool_name_like(struct arena *arena, const char *text)
{
    size_t size = strlen(text) > LIMIT_POOL_NAME ? LIMIT_POOL_NAME : strlen(text), used = 0;
    char *ret = arena_alloc(arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (good) ret[used++] = c;
        else if (used > 0 && ret[used - 1] != '-') ret[used++] = '-';
    }
    while (used > 0 && ret[used - 1] == '-') used--;
    ret[used] = '\0';
    return ret;
}

void
check_pool(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct draft *draft = &check->drafts[index];
    const struct value *own = keys_get(PLACE_STEP, draft->map, "pool");
    if (own == NULL) return;
    const struct value *name = own, *slots = NULL;
    if (own->type == VALUE_MAP) {
        keys_check(check->diags, PLACE_POOL, own, arena_printf(check->arena, "`pool` of %s", draft->what));
        name = keys_get(PLACE_POOL, own, "name");
        slots = keys_get(PLACE_POOL, own, "slots");
    }
    if (name == NULL) return; /* reported as missing */
    if (template_is(name->text.ptr)) {
        CHECK_ERROR(check, name, "no-expression", "Write the name itself.", "\"pool\" of %s takes no expression",
                    draft->what);
        return;
    }
    if (!pool_name_is(name->text.ptr)) {
        const char *rule = arena_printf(check->arena, "Lower-case letters, digits, `_` and `-`, at most %u.",
                                        LIMIT_POOL_NAME);
        const char *better = pool_name_like(check->arena, name->text.ptr);
        CHECK_ERROR(check, name, "bad-id",
                    *better != '\0' ? arena_printf(check->arena, "%s Try `%s`.", rule, better) : rule,
                    "\"%.200s\" cannot be the name of a pool", name->text.ptr);
        return;
    }
    step->pool = name->text.ptr;
    step->pool_slots = slots != NULL ? (uint32_t)slots->integer : 1;
}

void
check_pools(struct check *check)
{
    struct names names;
    names_init(&names, check->arena);
    uint32_t *first = ARENA_ARRAY(check->arena, check->model->nsteps + 1, uint32_t);
    for (uint32_t i = 0; i < check->model->nsteps; i++) {
        const struct step *step = &check->model->steps[i];
        if (step->pool == NULL) continue;
        ptrdiff_t known = names_add(&names, step->pool);
        if (known < 0) first[names.count - 1] = i;
        const struct step *other = &check->model->steps[known < 0 ? i : first[known]];
        if (other->pool_slots != step->pool_slots)
            CHECK_WARNING(check, value_get(check->drafts[i].map, "pool"), "pool-slots",
                          "Each step keeps to its own number; write the same in both if that is not meant.",
                          "pool \"%s\" has %u slot%s here and %u in step \"%s\", line %d", step->pool,
                          step->pool_slots, step->pool_slots == 1 ? "" : "s", other->pool_slots,
                          other->id != NULL ? other->id : "?", other->line);
    }
}
