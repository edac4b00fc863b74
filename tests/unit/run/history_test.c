/* SPDX-License-Identifier: Apache-2.0
 *
 * Which runs are past their history: a pure decision.
 */
#include "run/history.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "check.h"

#define DAY ((int64_t)24 * 3600 * 1000)
#define NOW (1000 * DAY)

static struct arena arena;

static struct history
written(const char *json)
{
    const struct value *map = NULL;
    struct history ret;
    struct err err;
    if (json != NULL) CHECK_FATAL(json_parse(&arena, json, strlen(json), &map, &err) == 0);
    history_read(map, &ret);
    return ret;
}

static struct history_run
a_run(const char *id, const char *workflow, enum run_status status, int64_t days_ago, const char *history)
{
    return (struct history_run){.id = id, .workflow = workflow, .file = "/f.yaml", .status = status,
                                .finished_ms = NOW - days_ago * DAY, .own = written(history)};
}

/* "ID:fate" of all runs, by id. */
static const char *
fates(struct history_run *runs, size_t count, const char *given, bool over)
{
    static const char *const words[] = {"kept", "logs", "gone"};
    struct history flags = written(given);
    const char *ret = "";
    history_decide(&arena, runs, count, &flags, over, NOW);
    for (char id = '1'; id <= '9'; id++)
        for (size_t i = 0; i < count; i++)
            if (runs[i].id[0] == id)
                ret = arena_printf(&arena, "%s%s%c:%s", ret, *ret ? " " : "", id, words[runs[i].fate]);
    return ret;
}

static void
test_nothing_goes_without_a_rule(void)
{
    struct history_run runs[] = {a_run("1", "a", RUN_SUCCEEDED_STATUS, 900, NULL),
                                 a_run("2", "a", RUN_FAILED_STATUS, 900, "{}"),
                                 a_run("3", "a", RUN_SUCCEEDED_STATUS, 900, "{\"keep_failed\": \"1d\"}")};
    CHECK_STR(fates(runs, 3, NULL, false), "1:kept 2:kept 3:kept");
    CHECK(runs[0].rule == NULL);
}

static void
test_an_age_is_counted_from_the_end(void)
{
    const char *two = "{\"keep\": \"30d\", \"keep_failed\": \"90d\"}";
    struct history_run runs[] = {a_run("1", "a", RUN_SUCCEEDED_STATUS, 30, "{\"keep\": \"30d\"}"),
                                 a_run("2", "a", RUN_SUCCEEDED_STATUS, 29, "{\"keep\": \"30d\"}"),
                                 a_run("3", "a", RUN_FAILED_STATUS, 31, "{\"keep\": \"30d\"}"),
                                 a_run("4", "a", RUN_CANCELLED_STATUS, 31, two)};
    CHECK_STR(fates(runs, 4, NULL, false), "1:gone 2:kept 3:gone 4:kept");
}

static void
test_a_number_keeps_the_newest_of_each_workflow(void)
{
    struct history_run runs[] = {a_run("1", "a", RUN_SUCCEEDED_STATUS, 9, "{\"keep\": 2}"),
                                 a_run("5", "a", RUN_FAILED_STATUS, 1, "{\"keep\": 2}"),
                                 a_run("2", "b", RUN_SUCCEEDED_STATUS, 9, "{\"keep\": 2}"),
                                 a_run("4", "a", RUN_SUCCEEDED_STATUS, 2, "{\"keep\": 2}")};
    CHECK_STR(fates(runs, 4, NULL, false), "1:gone 2:kept 4:kept 5:kept");
    CHECK_STR(runs[0].rule, "keep 2");
}

static void
test_failed_runs_with_a_rule_of_their_own_take_no_place_of_the_others(void)
{
    const char *rule = "{\"keep\": 1, \"keep_failed\": 2}";
    struct history_run runs[] = {
        a_run("1", "a", RUN_SUCCEEDED_STATUS, 9, rule), a_run("2", "a", RUN_SUCCEEDED_STATUS, 8, rule),
        a_run("3", "a", RUN_FAILED_STATUS, 7, rule),    a_run("4", "a", RUN_CANCELLED_STATUS, 6, rule),
        a_run("5", "a", RUN_FAILED_STATUS, 5, rule)};
    CHECK_STR(fates(runs, 5, NULL, false), "1:gone 2:kept 3:gone 4:kept 5:kept");
}

static void
test_two_files_of_one_name_are_two_workflows(void)
{
    struct history_run runs[] = {a_run("1", "a", RUN_SUCCEEDED_STATUS, 9, "{\"keep\": 1}"),
                                 a_run("2", "a", RUN_SUCCEEDED_STATUS, 8, "{\"keep\": 1}")};
    runs[1].file = "/other.yaml";
    CHECK_STR(fates(runs, 2, NULL, false), "1:kept 2:kept");
}

static void
test_the_logs_may_go_before_the_run(void)
{
    const char *rule = "{\"keep\": \"30d\", \"logs\": \"1w\"}";
    struct history_run runs[] = {a_run("1", "a", RUN_SUCCEEDED_STATUS, 31, rule),
                                 a_run("2", "a", RUN_SUCCEEDED_STATUS, 8, rule),
                                 a_run("3", "a", RUN_SUCCEEDED_STATUS, 6, rule)};
    CHECK_STR(fates(runs, 3, NULL, false), "1:gone 2:logs 3:kept");
    CHECK_STR(runs[1].rule, "logs 7d");
}

static void
test_options_hold_where_the_workflow_is_silent_or_for_all(void)
{
    struct history_run silent = a_run("1", "a", RUN_SUCCEEDED_STATUS, 5, NULL),
                       speaks = a_run("2", "b", RUN_SUCCEEDED_STATUS, 5, "{\"keep\": \"30d\"}");
    struct history_run runs[] = {silent, speaks};
    CHECK_STR(fates(runs, 2, "{\"keep\": \"1d\"}", false), "1:gone 2:kept");
    CHECK_STR(fates(runs, 2, "{\"keep\": \"1d\"}", true), "1:gone 2:gone");
    CHECK_STR(fates(runs, 2, "{\"keep\": \"9d\"}", true), "1:kept 2:kept");
}

static void
test_a_clock_that_was_set_back_removes_nothing(void)
{
    struct history_run runs[] = {a_run("1", "a", RUN_SUCCEEDED_STATUS, -5, "{\"keep\": \"1d\", \"logs\": \"1d\"}")};
    CHECK_STR(fates(runs, 1, NULL, false), "1:kept");
}

static void
test_what_is_no_rule_is_refused(void)
{
    struct keep keep;
    static const char *const bad[] = {"", "0", "-1", "soon", "1.5", "30 d", "99999999999999999999"};
    for (size_t i = 0; i < CHECK_COUNT(bad); i++) CHECK(!keep_parse(bad[i], &keep));
    CHECK(keep_parse("30d", &keep) && keep.count == 0 && keep.age_ms == 30 * DAY);
    CHECK(keep_parse("10", &keep) && keep.count == 10);
    CHECK(keep_parse("0s", &keep) && keep.count == 0 && keep.age_ms == 0);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"nothing goes without a rule", test_nothing_goes_without_a_rule},
        {"an age is counted from the end", test_an_age_is_counted_from_the_end},
        {"a number keeps the newest of each workflow", test_a_number_keeps_the_newest_of_each_workflow},
        {"failed runs with a rule of their own take no place of the others",
         test_failed_runs_with_a_rule_of_their_own_take_no_place_of_the_others},
        {"two files of one name are two workflows", test_two_files_of_one_name_are_two_workflows},
        {"the logs may go before the run", test_the_logs_may_go_before_the_run},
        {"options hold where the workflow is silent, or for all",
         test_options_hold_where_the_workflow_is_silent_or_for_all},
        {"a clock that was set back removes nothing", test_a_clock_that_was_set_back_removes_nothing},
        {"what is no rule is refused", test_what_is_no_rule_is_refused},
    };
    int code = check_main("history", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return code;
}
