/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits of a step: what is measured, when it is looked at again, what is said.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "check.h"
#include "levada/plugin.h"
#include "run/limits.h"

static void
line_of_proc(void)
{
    struct usage_line line;
    const char *text =
        "12 (a) S (b)) R 1 2 3 0 -1 4194304 100 0 0 0 7 8 9 10 20 0 3 0 12345 1000000 321 18446744073709551615";
    CHECK(usage_line_read(text, &line));
    CHECK_INT(line.state, 'R');
    CHECK_INT(line.cpu_ticks, 34);
    CHECK_INT(line.threads, 3);
    CHECK_INT(line.pages, 321);
    CHECK(!usage_line_read("", &line));
    CHECK(!usage_line_read("12 (a) R 1 2 3", &line));
    CHECK(!usage_line_read("12 (a)", &line));
}

static void
children_are_found_and_ended(void)
{
    struct usage before, with;
    usage_measure(false, INT64_MAX, &before);
    CHECK_INT(before.processes, 0);
    CHECK_INT(before.memory, 0);
    int ready[2];
    CHECK_FATAL(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) (void)!write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    char byte;
    CHECK_FATAL(read(ready[0], &byte, 1) == 1);
    usage_measure(false, INT64_MAX, &with);
    CHECK_INT(with.processes, 2);
    CHECK(with.memory > 0);
    usage_measure(false, 0, &before); /* exactly: what they share counts once */
    CHECK(before.memory > 0);
    CHECK(before.memory <= with.memory);
    usage_measure(true, INT64_MAX, &with);
    CHECK_INT(with.processes, 3);
    CHECK_INT(usage_signal(SIGKILL), 2);
    CHECK(waitpid(child, NULL, 0) == child);
    usage_measure(false, INT64_MAX, &with);
    CHECK_INT(with.processes, 0);
    close(ready[0]);
    close(ready[1]);
}

static void
first_limit_that_is_passed(void)
{
    const struct limits limits = {.memory = 100, .cpu_ms = 100, .processes = 5};
    CHECK_INT(limits_over(&limits, &(struct usage){100, 100, 5}), LIMITED_NOT);
    CHECK_INT(limits_over(&limits, &(struct usage){101, 101, 6}), LIMITED_MEMORY);
    CHECK_INT(limits_over(&limits, &(struct usage){100, 101, 6}), LIMITED_PROCESSES);
    CHECK_INT(limits_over(&limits, &(struct usage){100, 101, 5}), LIMITED_CPU);
    CHECK_INT(limits_over(&(struct limits){0}, &(struct usage){INT64_MAX, INT64_MAX, INT64_MAX}), LIMITED_NOT);
}

static void
patience(void)
{
    const struct limits memory = {.memory = (int64_t)1024 * MIB}, time = {.cpu_ms = 10000}, some = {.processes = 1000};
    CHECK_INT(limits_patience(&memory, &(struct usage){.memory = 0}, 1), 250);
    CHECK_INT(limits_patience(&memory, &(struct usage){.memory = (int64_t)624 * MIB}, 1), 100);
    CHECK_INT(limits_patience(&memory, &(struct usage){.memory = (int64_t)1023 * MIB}, 1), 5);
    CHECK_INT(limits_patience(&time, &(struct usage){.cpu_ms = 9800}, 1), 200);
    CHECK_INT(limits_patience(&time, &(struct usage){.cpu_ms = 9800}, 4), 50);
    CHECK_INT(limits_patience(&some, &(struct usage){.processes = 600}, 4), 200);
    CHECK_INT(limits_patience(&some, &(struct usage){.processes = 900}, 4), 230);
}

static void
check_said(const struct limits *limits, enum limit limit, struct usage usage, const char *message, const char *hint)
{
    struct err err = {0};
    limits_describe(limits, limit, &usage, &err);
    CHECK_STR(err.message, message);
    CHECK_STR(err.hint, hint);
    CHECK_INT(err.error_class, LEVADA_PERMANENT);
}

static void
what_is_said(void)
{
    const struct limits limits = {
        .memory = 256 * MIB, .cpu_ms = 90000, .processes = 20, .file_size = (int64_t)1536 * MIB};
    check_said(&limits, LIMITED_MEMORY, (struct usage){.memory = 283115520, .processes = 3},
               "it went over its memory limit of 256MiB: 270MiB in 3 processes",
               "Write `limits: {memory: 512MiB}`, or let it do less at a time.");
    check_said(&limits, LIMITED_MEMORY, (struct usage){.memory = (int64_t)2000 * MIB, .processes = 1},
               "it went over its memory limit of 256MiB: 2GiB in 1 process",
               "Write `limits: {memory: 4GiB}`, or let it do less at a time.");
    check_said(&limits, LIMITED_CPU, (struct usage){.cpu_ms = 90010},
               "it went over its cpu_time limit of 1m30s: it used 1m30.01s",
               "Write `limits: {cpu_time: 3m}`, or let it do less at a time.");
    check_said(&limits, LIMITED_PROCESSES, (struct usage){.processes = 25},
               "it went over its limit of 20 processes: there were 25",
               "Write `limits: {processes: 40}`, or let it start fewer at a time.");
    check_said(&limits, LIMITED_FILE, (struct usage){0},
               "it went over its file_size limit of 1.5GiB: a file would have become larger",
               "Write `limits: {file_size: 3GiB}`, or let it write smaller files.");
}

static void
json_and_back(void)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct limits limits = {.memory = 1, .cpu_ms = 2, .file_size = 4};
    struct limits read = {0};
    CHECK(limits_write(&arena, &(struct limits){0}) == NULL);
    CHECK(limits_read(NULL, &read));
    CHECK(limits_read(limits_write(&arena, &limits), &read));
    CHECK(memcmp(&limits, &read, sizeof read) == 0);
    struct value *bad = value_map(&arena);
    value_set(&arena, bad, "memory", value_int(&arena, 0));
    CHECK(!limits_read(bad, &read));
    value_set(&arena, bad, "memory", value_text(&arena, "1"));
    CHECK(!limits_read(bad, &read));
    CHECK(!limits_read(value_int(&arena, 1), &read));
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a line of /proc is read whatever the process calls itself", line_of_proc},
        {"descendants are found, measured and ended", children_are_found_and_ended},
        {"a limit is passed when more is used than it allows", first_limit_that_is_passed},
        {"the nearer a limit, the sooner it is looked at again", patience},
        {"which limit, how much was used, and what to write instead", what_is_said},
        {"limits go through JSON and back, and what is none is refused", json_and_back},
    };
    return check_main("limits", tests, CHECK_COUNT(tests), argc, argv);
}
