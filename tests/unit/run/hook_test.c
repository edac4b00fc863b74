/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks in a worker: what its record says meanwhile, what its receipt says afterwards, and the decision over a retry
 * that a worker shares with the engine.
 */
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "check.h"
#include "levada/plugin.h"
#include "run/attempts.h"
#include "run/worth.h"
#include "worker_help.h"

#define SPIN "local n = 0 for i = 1, 6000000 do n = n + i end"

/* A job with one hook, and what else `more` says of hooks (", ..." or ""). */
static const char *
hooked(struct bench *bench, const char *on, const char *text, const char *more, const char *job)
{
    struct value *quoted = value_text(&bench->arena, text);
    return arena_printf(&bench->arena,
                        "{\"hooks\": {\"list\": [{\"on\": \"%s\", \"file\": \"%s/flow.yaml\", \"line\": 7, "
                        "\"text\": %s}]%s}, %s}", on, bench->folder, json_text(&bench->arena, quoted), more, job);
}

static const char *
status_of(const struct value *receipt)
{
    return value_get_str(receipt, "status", "");
}

static void
record_says_whose_and_not_started(void)
{
    struct bench bench;
    struct err err = {0};
    struct attempt_record record = {0};
    bench_open(&bench);
    int fd FD_SCOPED = attempts_open(bench.folder, &err);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, hooked(&bench, "before_step", "log('here') " SPIN, "",
                                                           "\"script\": \"echo x > effect\", \"fence\": 5")));
    CHECK(bench_await(&bench, "logs/log"));
    CHECK_INT(attempts_read(fd, 1, &record, &err), 0);
    CHECK_INT(record.mark, ATTEMPT_NEW);
    CHECK_INT(record.pid, bench.pid); /* a resumer waits for it, and does not take it for a leftover */
    CHECK(attempts_alive(&record));
    CHECK_INT(attempts_lock(fd, 1, &err), 1);
    CHECK(bench_read(&bench, "effect") == NULL);
    const struct value *receipt = bench_expect(&bench, FRAME_RECEIPT);
    CHECK_STR(status_of(receipt), "succeeded");
    CHECK(value_get(receipt, "begun") == NULL);
    CHECK_INT(attempts_read(fd, 1, &record, &err), 0);
    CHECK_INT(record.mark, ATTEMPT_STARTED);
    CHECK_INT(record.fence, 5);
    CHECK_STR(bench_read(&bench, "effect"), "x\n");
    bench_close(&bench);
}

static void
only_hooks_that_come_first_delay_the_mark(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, hooked(&bench, "after_step", "log('x')", "",
        "\"script\": \"while ! test -f go; do sleep 0.01; done\"")));
    CHECK(bench_started(&bench));
    bench_write(&bench, "go", "");
    CHECK_STR(status_of(bench_expect(&bench, FRAME_RECEIPT)), "succeeded");
    bench_close(&bench);
}

static void
refusal_is_kept_without_an_engine(void)
{
    struct bench bench;
    struct err err = {0};
    const struct value *receipt = NULL;
    bench_open(&bench);
    const char *text = "log('here') " SPIN " fail('no', 'contract')";
    bench_send(&bench, FRAME_JOB, bench_job(&bench, hooked(&bench, "before_step", text, "",
                                                           "\"script\": \"echo x > effect\"")));
    CHECK(bench_await(&bench, "logs/log"));
    bench_hang_up(&bench);
    CHECK_INT(bench_wait(&bench), 0);
    text = bench_read(&bench, "receipts/1.json");
    CHECK_FATAL(text != NULL);
    CHECK_INT(json_parse(&bench.arena, text, strlen(text), &receipt, &err), 0);
    CHECK_STR(status_of(receipt), "failed");
    CHECK_INT(value_get_bool(receipt, "begun", true), false);
    CHECK_STR(error_of(receipt, "message"), "hook before_step: no");
    CHECK_STR(error_of(receipt, "class"), "contract");
    CHECK(bench_read(&bench, "effect") == NULL);
    bench_close(&bench);
}

static void
interrupt_before_the_effect_says_so(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, hooked(&bench, "before_step", "log('here') while true do end", "",
                                                           "\"script\": \"echo x > effect\"")));
    CHECK(bench_await(&bench, "logs/log"));
    struct value *why = value_map(&bench.arena);
    value_set(&bench.arena, why, "record", value_int(&bench.arena, 1));
    value_set(&bench.arena, why, "why", value_text(&bench.arena, "interrupted"));
    bench_send(&bench, FRAME_CANCEL, why);
    const struct value *receipt = bench_expect(&bench, FRAME_RECEIPT);
    CHECK_STR(status_of(receipt), "interrupted");
    CHECK_INT(value_get_bool(receipt, "begun", true), false);
    CHECK(bench_read(&bench, "effect") == NULL);
    bench_close(&bench);
}

static void
cancel_behind_the_effect_changes_nothing(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, hooked(&bench, "after_step", "log('here') " SPIN, "",
                                                           "\"script\": \"echo n=1 > $LEVADA_OUTPUT\"")));
    CHECK(bench_await(&bench, "logs/log"));
    struct value *why = value_map(&bench.arena);
    value_set(&bench.arena, why, "record", value_int(&bench.arena, 1));
    bench_send(&bench, FRAME_CANCEL, why);
    const struct value *receipt = bench_expect(&bench, FRAME_RECEIPT);
    CHECK_STR(status_of(receipt), "succeeded");
    CHECK_STR(json_text(&bench.arena, value_get(receipt, "outputs")), "{\"n\":\"1\"}");
    bench_close(&bench);
}

static void
on_failure_waits_for_the_last_attempt(void)
{
    static const struct { const char *more; bool runs; } cases[] = {
        {", \"attempts\": 3, \"failed\": 1", false},
        {", \"attempts\": 3, \"failed\": 2", true},
        {", \"attempts\": 3, \"failed\": 0, \"classes\": 2", true}, /* transient is retried, an exit code is not */
        {"", true},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        struct bench bench;
        bench_open(&bench);
        const char *job = hooked(&bench, "on_failure", "metric('gave_up', 1)", cases[i].more, "\"script\": \"exit 3\"");
        const struct value *receipt = bench_run(&bench, job);
        CHECK_STR(status_of(receipt), "failed");
        CHECK_STR(error_of(receipt, "message"), "exit code 3");
        CHECK_INT(value_get(receipt, "metrics") != NULL, cases[i].runs);
        bench_close(&bench);
    }
}

static void
damaged_hooks_are_no_hooks(void)
{
    static const char *const jobs[] = {
        "{\"script\": \"true\", \"hooks\": {}}",
        "{\"script\": \"true\", \"hooks\": {\"list\": 5}}",
        "{\"script\": \"true\", \"hooks\": {\"list\": [5, {}, {\"on\": \"nothing\"}]}}",
        "{\"script\": \"true\", \"hooks\": {\"list\": [{\"on\": \"after_step\", \"with\": 3}]}}",
        "{\"script\": \"true\", \"hooks\": {\"last\": 3, \"outputs\": 3, \"list\": [{\"on\": \"on_retry\"}]}}",
    };
    for (size_t i = 0; i < CHECK_COUNT(jobs); i++) {
        struct bench bench;
        bench_open(&bench);
        CHECK_STR(status_of(bench_run(&bench, jobs[i])), "succeeded");
        bench_close(&bench);
    }
}

static void
decision_over_a_retry(void)
{
    struct retry retry = {.attempts = 3};
    CHECK(worth_retrying(&retry, false, 2, LEVADA_PERMANENT, false)); /* of a script any failure */
    CHECK(!worth_retrying(&retry, false, 3, LEVADA_PERMANENT, false));
    CHECK(!worth_retrying(&retry, false, 1, LEVADA_PERMANENT, true));
    CHECK(!worth_retrying(&retry, false, 1, LEVADA_CANCELLED, false));
    CHECK(worth_retrying(&retry, true, 1, LEVADA_TRANSIENT, false));
    CHECK(!worth_retrying(&retry, true, 1, LEVADA_CONTRACT, false));
    CHECK(!worth_retrying(&retry, true, 1, 99, false));
    retry.classes = 1u << LEVADA_CONTRACT;
    CHECK(worth_retrying(&retry, true, 1, LEVADA_CONTRACT, false));
    CHECK(!worth_retrying(&retry, false, 1, LEVADA_TRANSIENT, false));
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"while a hook runs before the effect, the record says whose it is and not started",
         record_says_whose_and_not_started},
        {"only hooks that come first delay the mark", only_hooks_that_come_first_delay_the_mark},
        {"what a hook refused is kept when the engine is gone", refusal_is_kept_without_an_engine},
        {"an interrupt before the effect says that nothing began", interrupt_before_the_effect_says_so},
        {"a cancel behind the effect changes nothing", cancel_behind_the_effect_changes_nothing},
        {"on_failure waits for the last attempt", on_failure_waits_for_the_last_attempt},
        {"damaged hooks in a job do no harm", damaged_hooks_are_no_hooks},
        {"the decision over a retry looks at tries and classes", decision_over_a_retry},
    };
    return check_main("hook", tests, CHECK_COUNT(tests), argc, argv);
}
