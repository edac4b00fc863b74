/* SPDX-License-Identifier: Apache-2.0
 *
 * Every function of the table is called with a secret in every place, and a second time with another secret there.
 * What a reader could see must be the same both times: then nothing he sees came from the secret.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "check.h"
#include "eval_help.h"
#include "workflow/library.h"

/* Into how many parts a secret falls, and whether a pattern fits, can be seen (docs/expressions.md): both have one
 * comma and one 2. */
#define FIRST "hunter2,moon"
#define SECOND "true,correct-horse2"
#define ARGUMENTS 4

static const char *const tainted[] = {"secrets.canary", "{secrets.canary, \"x\"}", "{k = secrets.canary}",
                                      "\"1\" .. secrets.canary", "function(x) return secrets.canary end"};
static const char *const others[] = {"\"x\"", "\",\"", "2",      "{3, 1}", "{k = {1}}",
                                     "null",  "\"k\"", "\"day\"", "function(x) return text(x) end",
                                     "function(x) return x == x end"};

static struct arena arena;
static const struct value *names[2];

static const struct value *
names_with(const char *secret)
{
    struct value *ret = eval_names(&arena), *secrets = value_map(&arena);
    value_set(&arena, secrets, "canary", value_textn(&arena, VALUE_SECRET, secret, strlen(secret)));
    value_set(&arena, ret, "secrets", secrets);
    return ret;
}

/* What it gives, with every secret as ***. */
static void
seen(const char *text, const struct value *with, char *ret, size_t size, bool *secret)
{
    const char *got = eval_with(text, with);
    *secret = strncmp(got, "secret ", 7) == 0;
    snprintf(ret, size, "%s", *secret ? "secret ***" : got);
}

struct tally {
    size_t calls, secrets, failures;
};

static void
compare(const struct library_function *f, const char *text, bool direct, struct tally *tally)
{
    char first[4096], second[4096];
    bool secret;
    seen(text, names[0], first, sizeof first, &secret);
    seen(text, names[1], second, sizeof second, &secret);
    bool failed = first[0] == '3' && first[1] == ':';
    bool hidden = strstr(first, "hunter") == NULL && strstr(second, "horse") == NULL;
    /* A function that looks into texts makes nothing plain of a secret it was given. */
    bool looks = direct && (f->flags & (LIBRARY_STRUCTURE | LIBRARY_LAZY)) == 0;
    bool kept = !looks || failed || secret || strstr(first, "***") != NULL;
    tally->calls++;
    tally->secrets += secret || strstr(first, "***") != NULL;
    tally->failures += failed;
    if (strcmp(first, second) == 0 && hidden && kept) return;
    printf("\n%s\n  %s\n  %s", text, first, second);
    CHECK_STR(first, second);
    CHECK(hidden && kept);
}

/* All calls of `f` with `count` arguments of which number `place` is `secret`. */
static void
call_all(const struct library_function *f, size_t count, size_t place, const char *secret, struct tally *tally)
{
    size_t ways = 1;
    for (size_t i = 1; i < count; i++) ways *= CHECK_COUNT(others);
    for (size_t way = 0; way < ways; way++) {
        struct buf text BUF_SCOPED;
        size_t rest = way;
        buf_init(&text, 4096);
        buf_printf(&text, "%s(", f->name);
        for (size_t i = 0; i < count; i++) {
            const char *argument = secret;
            if (i != place) {
                argument = others[rest % CHECK_COUNT(others)];
                rest /= CHECK_COUNT(others);
            }
            buf_printf(&text, "%s%s", i ? ", " : "", argument);
        }
        buf_char(&text, ')');
        compare(f, buf_str(&text), strncmp(secret, "function", 8) != 0, tally);
    }
}

static void
what_is_seen_of_a_call_does_not_come_from_the_secret(void)
{
    struct tally all = {0};
    const struct library_function *f;
    for (size_t i = 0; (f = library_at(i)) != NULL; i++) {
        struct tally tally = {0};
        size_t most = f->args_max < ARGUMENTS ? f->args_max : f->args_min < 3 ? 3 : f->args_min;
        /* Three free places would be a thousand calls each. */
        for (size_t count = f->args_min; count <= most && count <= 3; count++)
            for (size_t place = 0; place < count; place++)
                for (size_t k = 0; k < CHECK_COUNT(tainted); k++) call_all(f, count, place, tainted[k], &tally);
        if (f->args_max > 0 && f->args_min <= 3 && tally.calls == 0) printf("\n%s was not called", f->name);
        CHECK(f->args_max == 0 || tally.calls > 0);
        all.calls += tally.calls;
        all.secrets += tally.secrets;
        all.failures += tally.failures;
    }
    CHECK(all.calls > 20000);
    CHECK(all.secrets > 500);
    CHECK(all.failures > 500);
}

static void
each_function_is_called_in_earnest(void)
{
    /* With the example's own arguments, each text or number of it in turn a secret. */
    const struct library_function *f;
    size_t calls = 0;
    for (size_t i = 0; (f = library_at(i)) != NULL; i++) {
        struct tally tally = {0};
        for (const char *at = f->example; (at = strchr(at, '"')) != NULL;) {
            const char *end = strchr(at + 1, '"');
            CHECK_FATAL(end != NULL);
            char text[512];
            snprintf(text, sizeof text, "%.*s%s%s", (int)(at - f->example), f->example, "secrets.canary", end + 1);
            compare(f, text, false, &tally);
            at = end + 1;
        }
        calls += tally.calls;
    }
    CHECK(calls > 60);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"what is seen of a call does not come from the secret", what_is_seen_of_a_call_does_not_come_from_the_secret},
        {"each function is called in earnest", each_function_is_called_in_earnest},
    };
    names[0] = names_with(FIRST);
    names[1] = names_with(SECOND);
    int code = check_main("library_taint", tests, CHECK_COUNT(tests), argc, argv);
    eval_end();
    arena_release(&arena);
    return code;
}
