/* SPDX-License-Identifier: Apache-2.0
 *
 * The protocol of a worker: claims, refusals, receipts with and without an engine, reuse, its
 * surroundings.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "check.h"
#include "run/attempts.h"
#include "run/job.h"
#include "worker_help.h"

static const char *
status_of(const struct value *receipt)
{
    return value_get_str(receipt, "status", "");
}

static const struct value *
receipt_file(struct bench *bench, const char *name)
{
    const struct value *receipt = NULL;
    struct err err = {0};
    const char *text = bench_read(bench, name);
    CHECK_FATAL(text != NULL);
    CHECK_INT(json_parse(&bench->arena, text, strlen(text), &receipt, &err), 0);
    return receipt;
}

static void
record_says_started(void)
{
    struct bench bench;
    struct err err = {0};
    bench_open(&bench);
    int fd FD_SCOPED = attempts_open(bench.folder, &err);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, "{\"script\": \"while ! test -f go; do sleep 0.01; "
        "done\", \"fence\": 5}"));
    CHECK_FATAL(bench_started(&bench));
    struct attempt_record record = {0};
    CHECK_INT(attempts_read(fd, 1, &record, &err), 0);
    CHECK_INT(record.mark, ATTEMPT_STARTED);
    CHECK_INT(record.pid, bench.pid);
    CHECK_INT(record.fence, 5);
    CHECK(attempts_alive(&record));
    CHECK_INT(attempts_lock(fd, 1, &err), 1); /* it holds its byte while it works */
    bench_write(&bench, "go", "");
    CHECK(bench_expect(&bench, FRAME_RECEIPT) != NULL);
    CHECK_INT(attempts_lock(fd, 1, &err), 1); /* and until the receipt is committed */
    bench_close(&bench);
    CHECK_INT(attempts_lock(fd, 1, &err), 0);
}

static void
newer_claim_is_obeyed(void)
{
    struct bench bench;
    struct err err = {0};
    bench_open(&bench);
    int fd FD_SCOPED = attempts_open(bench.folder, &err);
    struct attempt_record record = {.claim = 9};
    CHECK_INT(attempts_write(fd, 1, &record, &err), 0);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, "{\"script\": \"touch effect\", \"fence\": 8}"));
    const struct value *refused = bench_expect(&bench, FRAME_REFUSED);
    CHECK_STR(value_get_str(refused, "why", ""), "a newer engine claimed this attempt");
    CHECK_INT(value_get_int(refused, "record", -1), 1);
    CHECK_INT(bench_wait(&bench), 0);
    CHECK(bench_read(&bench, "effect") == NULL);
    CHECK_INT(attempts_read(fd, 1, &record, &err), 0);
    CHECK_INT(record.mark, ATTEMPT_NEW);
    CHECK_INT(attempts_lock(fd, 1, &err), 0);
    bench_close(&bench);
}

static void
held_attempt_is_left_alone(void)
{
    struct bench bench;
    struct err err = {0};
    bench_open(&bench);
    int fd FD_SCOPED = attempts_open(bench.folder, &err);
    CHECK_INT(attempts_lock(fd, 1, &err), 0);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, "{\"script\": \"touch effect\"}"));
    const struct value *refused = bench_expect(&bench, FRAME_REFUSED);
    CHECK_STR(value_get_str(refused, "why", ""), "somebody else holds this attempt");
    CHECK_INT(bench_wait(&bench), 0);
    CHECK(bench_read(&bench, "effect") == NULL);
    bench_close(&bench);
}

static void
started_attempt_is_not_started_again(void)
{
    struct bench bench;
    bench_open(&bench);
    CHECK_STR(status_of(bench_run(&bench, "{\"script\": \"echo x >> effect\"}")), "succeeded");
    bench_wait(&bench);
    bench_hang_up(&bench);
    bench_worker(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, "{\"script\": \"echo x >> effect\"}"));
    const struct value *refused = bench_expect(&bench, FRAME_REFUSED);
    CHECK_STR(value_get_str(refused, "why", ""), "this attempt was started before");
    CHECK_STR(bench_read(&bench, "effect"), "x\n");
    bench_close(&bench);
}

static void
receipt_becomes_a_file(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench,
        "{\"script\": \"while ! test -f go; do sleep 0.01; done; echo said; echo n=1 > $LEVADA_OUTPUT; "
        "echo '{\\\"key\\\":\\\"k\\\",\\\"value\\\":\\\"v\\\"}' >> $LEVADA_CHECKPOINTS\"}"));
    CHECK_FATAL(bench_started(&bench));
    bench_hang_up(&bench);
    bench_write(&bench, "go", "");
    CHECK_INT(bench_wait(&bench), 0);
    const struct value *receipt = receipt_file(&bench, "receipts/1.json");
    CHECK_STR(status_of(receipt), "succeeded");
    CHECK_STR(json_text(&bench.arena, value_get(receipt, "outputs")), "{\"n\":\"1\"}");
    CHECK_STR(json_text(&bench.arena, value_get(receipt, "checkpoints")), "{\"k\":\"v\"}");
    CHECK_STR(bench_read(&bench, "logs/log"), "said\n");
    bench_close(&bench);
}

static void
unacknowledged_receipt_becomes_a_file(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, "{\"script\": \"exit 4\"}"));
    CHECK_FATAL(bench_started(&bench));
    CHECK_FATAL(bench_expect(&bench, FRAME_RECEIPT) != NULL);
    CHECK(bench_read(&bench, "receipts/1.json") == NULL);
    bench_hang_up(&bench);
    bench_wait(&bench);
    CHECK_STR(status_of(receipt_file(&bench, "receipts/1.json")), "failed");
    bench_close(&bench);
}

static void
timeout_is_kept_without_an_engine(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, "{\"script\": \"sleep 100\", \"timeout_ms\": 100}"));
    CHECK_FATAL(bench_started(&bench));
    bench_hang_up(&bench);
    bench_wait(&bench);
    CHECK_STR(error_of(receipt_file(&bench, "receipts/1.json"), "class"), "timeout");
    bench_close(&bench);
}

static void
signals_of_an_adopting_engine(void)
{
    static const struct {
        int signal;
        const char *status;
    } cases[] = {{SIGUSR1, "cancelled"}, {SIGINT, "interrupted"}, {SIGTERM, "interrupted"}};
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        struct bench bench;
        bench_open(&bench);
        bench_send(&bench, FRAME_JOB, bench_job(&bench, "{\"script\": \"sleep 100\"}"));
        CHECK_FATAL(bench_started(&bench));
        bench_hang_up(&bench);
        CHECK_INT(kill(bench.pid, cases[i].signal), 0);
        bench_wait(&bench);
        CHECK_STR(status_of(receipt_file(&bench, "receipts/1.json")), cases[i].status);
        bench_close(&bench);
    }
}

static void
two_jobs_two_records(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *first = bench_run(&bench, "{\"script\": \"echo 1\", \"reuse\": \"r\"}");
    const struct value *second =
        bench_run(&bench, "{\"script\": \"echo 2\", \"reuse\": \"r\", \"record\": 2, \"log\": \"log2\"}");
    CHECK_INT(value_get_int(second, "pid", 0), value_get_int(first, "pid", -1));
    CHECK_STR(bench_read(&bench, "logs/log"), "1\n");
    CHECK_STR(bench_read(&bench, "logs/log2"), "2\n");
    bench_send(&bench, FRAME_BYE, NULL);
    CHECK_INT(bench_wait(&bench), 0);
    bench_close(&bench);
}

static void
bad_job_is_a_receipt(void)
{
    static const struct {
        const char *job, *message;
    } cases[] = {
        {"{\"kind\": \"dance\"}", "the job's \"kind\" must be \"run\", \"uses\", \"lua\" or \"resolve\""},
        {"{\"script\": 3}", "the job's \"script\" must be string"},
        {"{}", "the job's \"script\" must be given"},
        {"{\"script\": \"true\", \"log\": \"../x\"}", "the job's \"log\" must be a file name"},
        {"{\"script\": \"true\", \"timeout_ms\": -1}", "the job's \"timeout_ms\" must be a number in its range"},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        struct bench bench;
        bench_open(&bench);
        bench_send(&bench, FRAME_JOB, bench_job(&bench, cases[i].job));
        const struct value *receipt = bench_expect(&bench, FRAME_RECEIPT);
        CHECK_STR(error_of(receipt, "message"), cases[i].message);
        CHECK_STR(error_of(receipt, "class"), "invalid");
        bench_hang_up(&bench);
        bench_wait(&bench);
        CHECK(bench_read(&bench, "receipts/1.json") == NULL);
        bench_close(&bench);
    }
}

static void
garbage_ends_it(void)
{
    struct bench bench;
    bench_open(&bench);
    CHECK_INT(send(bench.sock, "garbage", 7, 0), 7);
    CHECK_INT(bench_wait(&bench), 0);
    bench_close(&bench);
}

static void
log_is_never_through_a_link(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_write(&bench, "victim", "");
    CHECK_INT(symlink("../victim", arena_printf(&bench.arena, "%s/logs/log", bench.folder)), 0);
    CHECK_STR(status_of(bench_run(&bench, "{\"script\": \"echo hello\"}")), "succeeded");
    CHECK_STR(bench_read(&bench, "victim"), "");
    bench_close(&bench);
}

static void
its_own_session_and_reaper(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"ps -o sid= -p $PPID; (sh -c 'sleep 0.01; ps -o ppid= -p $$' &) ; echo $PPID\", "
        "\"outputs\": [{\"name\": \"o\", \"from\": \"stdout\", \"as\": \"lines\"}]}");
    const struct value *lines = value_get(value_get(receipt, "outputs"), "o");
    CHECK_FATAL(value_is(lines, VALUE_LIST) && lines->list.count == 3);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(strtol(value_str(lines->list.items[i], "0"), NULL, 10), value_get_int(receipt, "pid", -1));
    bench_close(&bench);
}

/* What worker_by_hand prints, and its exit code. */
static int
by_hand(const char *job, char *said, size_t size)
{
    int fds[2];
    CHECK_FATAL(pipe(fds) == 0);
    fflush(NULL);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(fds[1], 1);
        dup2(null, 2);
        close(fds[0]);
        int code = worker_by_hand(job, strlen(job));
        fflush(stdout);
        _exit(code);
    }
    close(fds[1]);
    size_t at = 0;
    for (ssize_t n; at < size - 1 && (n = read(fds[0], said + at, size - 1 - at)) > 0;) at += (size_t)n;
    said[at] = '\0';
    close(fds[0]);
    int status = 0;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
by_hand_prints_a_receipt(void)
{
    char said[4096];
    CHECK_INT(by_hand("{\"kind\": \"run\", \"script\": \"echo n=2 > $LEVADA_OUTPUT\"}", said, sizeof said), 0);
    CHECK(strstr(said, "\"status\":\"succeeded\",\"outputs\":{\"n\":\"2\"}") != NULL);
    CHECK_INT(by_hand("{\"kind\": \"run\", \"script\": \"exit 2\"}", said, sizeof said), EXIT_FAILED);
    CHECK(strstr(said, "\"exit\":2") != NULL);
    char job[512];
    snprintf(job, sizeof job, "{\"kind\": \"uses\", \"plugin\": \"%s/tests/plugins/probe.so\", "
                              "\"action\": \"flood\", "
             "\"with\": {\"lines\": 2, \"stream\": \"stdout\"}}", getenv("LEVADA_BUILD"));
    CHECK_INT(by_hand(job, said, sizeof said), 0);
    CHECK(strstr(said, "{\"record\":0,") == said); /* what a plugin prints is no data of ours */
    CHECK_INT(by_hand("not a job", said, sizeof said), EXIT_INVALID);
    CHECK_STR(said, "");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"the record says started before the first effect", record_says_started},
        {"a newer claim is obeyed and nothing is done", newer_claim_is_obeyed},
        {"an attempt that somebody holds is left alone", held_attempt_is_left_alone},
        {"an attempt that was started is not started again", started_attempt_is_not_started_again},
        {"the receipt becomes a file when the engine is gone", receipt_becomes_a_file},
        {"a receipt that nobody acknowledged becomes a file", unacknowledged_receipt_becomes_a_file},
        {"a worker keeps the time without its engine", timeout_is_kept_without_an_engine},
        {"an engine that adopted it may stop it by signals", signals_of_an_adopting_engine},
        {"a worker that may be reused takes a second job", two_jobs_two_records},
        {"a job that is wrong is answered, not run", bad_job_is_a_receipt},
        {"garbage from the engine ends the worker", garbage_ends_it},
        {"a log is never written through a link", log_is_never_through_a_link},
        {"a worker leads its session and adopts its orphans", its_own_session_and_reaper},
        {"a job by hand prints its receipt", by_hand_prints_a_receipt},
    };
    return check_main("worker", tests, CHECK_COUNT(tests), argc, argv);
}
