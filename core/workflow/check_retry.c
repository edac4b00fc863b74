/* SPDX-License-Identifier: Apache-2.0
 *
 * `retry` of a step, and what the type of a key of it does not say. `defaults` and each step are looked at by
 * themselves, so that a fault is told once, where it stands; only the delays are compared as they come together.
 */
#include "base/buf.h"
#include "base/str.h"
#include "workflow/check.h"

static double
number_of(const struct value *value, double fallback)
{
    if (value == NULL) return fallback;
    return value->type == VALUE_INT ? (double)value->integer : value->real;
}

/* Those that are not said are as if nobody had asked for another delay. */
static struct retry
read_delays(const struct value *map)
{
    struct retry ret = {.attempts = 1, .delay_ms = 1000, .max_delay_ms = 300000, .backoff = 2};
    if (map == NULL) return ret;
    ret.delay_ms = keys_duration(PLACE_RETRY, map, "delay", ret.delay_ms);
    ret.max_delay_ms = keys_duration(PLACE_RETRY, map, "max_delay", ret.max_delay_ms);
    return ret;
}

static void
check_values(struct check *check, const struct value *retry, const char *what)
{
    const struct value *backoff = keys_get(PLACE_RETRY, retry, "backoff"),
                       *jitter = keys_get(PLACE_RETRY, retry, "jitter"), *classes = keys_get(PLACE_RETRY, retry, "for");
    if (number_of(backoff, 1) < 1)
        CHECK_ERROR(check, backoff, "wrong-value", "1 keeps the delay the same.", "\"backoff\" of %s is less than 1",
                    what);
    if (number_of(jitter, 0) > 1)
        CHECK_ERROR(check, jitter, "wrong-value", "0.2 makes a fifth of the delay chance.",
                    "\"jitter\" of %s is more than 1", what);
    if (classes == NULL) return;
    if (classes->list.count == 0)
        CHECK_ERROR(check, classes, "wrong-value", "Leave it out for those that are worth it by nature.",
                    "\"for\" of %s is empty", what);
    check_twice(check, classes, "for", what);
}

static void
check_delays(struct check *check, const struct value *own, const struct retry *retry, const char *what)
{
    const struct value *delay = keys_get(PLACE_RETRY, own, "delay"), *most = keys_get(PLACE_RETRY, own, "max_delay");
    if ((delay == NULL && most == NULL) || retry->delay_ms <= retry->max_delay_ms) return;
    struct buf text BUF_SCOPED;
    buf_init(&text, KIB);
    str_duration(&text, retry->max_delay_ms);
    CHECK_WARNING(check, delay != NULL ? delay : most, "no-effect",
                  "The first delay is cut to it: raise `max_delay`, or shorten `delay`.",
                  "\"delay\" of %s is longer than its \"max_delay\", which is %s%s", what, buf_str(&text),
                  most == NULL ? " here" : "");
}

void
check_step_retry(struct check *check, uint32_t index)
{
    const struct draft *draft = &check->drafts[index];
    const struct value *defaults = keys_get(PLACE_WORKFLOW, check->root, "defaults");
    const struct value *own = keys_get(PLACE_STEP, draft->map, "retry");
    if (own != NULL)
        keys_check(check->diags, PLACE_RETRY, own, arena_printf(check->arena, "`retry` of %s", draft->what));
    const struct value *map = check_merge(check->arena, keys_get(PLACE_DEFAULTS, defaults, "retry"), own);
    struct retry *retry = &check->model->steps[index].retry;
    *retry = read_delays(map);
    if (map == NULL) return;
    const struct value *attempts = keys_get(PLACE_RETRY, map, "attempts"),
                       *classes = keys_get(PLACE_RETRY, map, "for");
    retry->attempts = attempts != NULL ? (uint32_t)attempts->integer : 3;
    retry->backoff = number_of(keys_get(PLACE_RETRY, map, "backoff"), retry->backoff);
    retry->jitter = number_of(keys_get(PLACE_RETRY, map, "jitter"), 0);
    for (size_t i = 0; classes != NULL && i < classes->list.count; i++)
        retry->classes |= 1u << schema_class_from_name(classes->list.items[i]->text.ptr);
    if (own != NULL) check_values(check, own, draft->what);
    check_delays(check, own, retry, draft->what);
}

void
check_default_retry(struct check *check, const struct value *retry)
{
    const struct retry delays = read_delays(retry);
    keys_check(check->diags, PLACE_RETRY, retry, "`retry` of `defaults`");
    check_values(check, retry, "`defaults`");
    check_delays(check, retry, &delays, "`defaults`");
}

void
check_twice(struct check *check, const struct value *list, const char *key, const char *what)
{
    if (list == NULL || list->type != VALUE_LIST || list->list.count < 2) return;
    struct names names;
    names_init(&names, check->arena);
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *item = list->list.items[i];
        struct buf text BUF_SCOPED;
        buf_init(&text, LIMIT_VALUE_SIZE);
        value_show(&text, item);
        if (names_add(&names, arena_strdup(check->arena, buf_str(&text))) >= 0)
            CHECK_WARNING(check, item, "no-effect", "Once is enough.", "`%.100s` stands twice in \"%s\" of %s",
                          buf_str(&text), key, what);
    }
}
