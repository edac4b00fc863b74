/* SPDX-License-Identifier: Apache-2.0
 *
 * What the type of a key of `retry` does not say. `defaults` and each step are looked at by themselves, so that a
 * fault is told once, where it stands; only the delays are compared as they come together.
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

void
check_retry(struct check *check, const struct value *retry, const char *what)
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

void
check_retry_delays(struct check *check, const struct value *own, const struct retry *retry, const char *what)
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
