/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions of the test plugins through a real worker: what they say, give, keep and break.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/json.h"
#include "check.h"
#include "run/digest.h"
#include "run/locks.h"
#include "worker_help.h"

static const char *
status_of(const struct value *receipt)
{
    return value_get_str(receipt, "status", "");
}

/* A `uses` job of the probe: {"action": ACTION, "with": WITH} and more members, each with a
 * comma before it. */
static const char *
probe(struct bench *bench, const char *action, const char *with, const char *more)
{
    const char *build = getenv("LEVADA_BUILD");
    CHECK_FATAL(build != NULL);
    return arena_printf(&bench->arena,
                        "{\"kind\": \"uses\", \"plugin\": \"%s/tests/plugins/probe.so\", "
                        "\"action\": \"%s\", \"with\": %s%s}",
                        build, action, with, more);
}

static const struct value *
run_probe(struct bench *bench, const char *action, const char *with)
{
    return bench_run(bench, probe(bench, action, with, ""));
}

static void
outputs_are_typed(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = run_probe(&bench, "echo", "{\"text\": \"hi\", \"count\": 7, "
        "\"wait\": \"1s\", \"file\": \"x/y\"}");
    CHECK_STR(error_of(receipt, "message"), "");
    const struct value *outputs = value_get(receipt, "outputs");
    CHECK_STR(value_get_str(outputs, "text", ""), "hi");
    CHECK_INT(value_get_int(outputs, "count", 0), 7);
    CHECK_INT(value_get_int(outputs, "wait_ms", 0), 1000);
    CHECK_STR(value_get_str(outputs, "wait", ""), "1s");
    CHECK_STR(value_get_str(outputs, "file", ""), arena_printf(&bench.arena, "%s/x/y", bench.folder));
    CHECK_STR(json_text(&bench.arena, value_get(outputs, "given")), "[\"text\",\"count\",\"wait\",\"file\"]");
    bench_close(&bench);
}

static void
bad_input_is_invalid(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = run_probe(&bench, "echo", "{\"count\": \"many\"}");
    CHECK_STR(error_of(receipt, "class"), "invalid");
    CHECK(strstr(error_of(receipt, "message"), "\"count\"") != NULL);
    bench_close(&bench);
}

static void
unknown_output_is_refused(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = run_probe(&bench, "answer", "{\"name\": \"nonsense\", \"document\": 1}");
    CHECK_STR(status_of(receipt), "succeeded");
    CHECK(value_get_bool(value_get(receipt, "outputs"), "refused", false));
    CHECK(value_get(value_get(receipt, "outputs"), "nonsense") == NULL);
    CHECK(strstr(bench_read(&bench, "logs/log"), "error output \"nonsense\" is not in the action's table") != NULL);
    bench_close(&bench);
}

static void
errors_carry_class_and_hint(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt =
        run_probe(&bench, "fail", "{\"fault\": \"throttled\", \"message\": \"slow down\", \"hint\": \"Wait.\"}");
    CHECK_STR(status_of(receipt), "failed");
    CHECK_STR(error_of(receipt, "class"), "throttled");
    CHECK_STR(error_of(receipt, "message"), "slow down");
    CHECK_STR(error_of(receipt, "hint"), "Wait.");
    bench_close(&bench);
    bench_open(&bench);
    receipt = run_probe(&bench, "fail", "{\"bare\": 3}");
    CHECK_STR(error_of(receipt, "class"), "conflict");
    CHECK_STR(error_of(receipt, "message"), "the action failed with 3 and did not say why");
    bench_close(&bench);
}

static void
crash_leaves_its_last_words(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, probe(&bench, "crash", "{\"signal\": 11}", "")));
    CHECK_FATAL(bench_started(&bench));
    int status = bench_wait(&bench);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    CHECK(strstr(bench_read(&bench, "logs/log"), "info about to die of signal 11\n") != NULL);
    CHECK(bench_read(&bench, "receipts/1.json") == NULL);
    bench_close(&bench);
}

static void
words_of_an_aborting_library_are_kept(void)
{
    struct bench bench;
    bench_open(&bench);
    const char *job = arena_printf(&bench.arena,
        "{\"kind\": \"uses\", \"plugin\": \"%s/tests/evil/last_words.so\", "
        "\"action\": \"speak\"}", getenv("LEVADA_BUILD"));
    bench_send(&bench, FRAME_JOB, bench_job(&bench, job));
    CHECK_FATAL(bench_started(&bench));
    int status = bench_wait(&bench);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK_STR(bench_read(&bench, "logs/log"), "heap: these are the last words\n");
    bench_close(&bench);
}

static void
standard_output_is_the_log(void)
{
    struct bench bench;
    bench_open(&bench);
    run_probe(&bench, "flood", "{\"lines\": 3, \"text\": \"to stdout\", \"stream\": \"stdout\"}");
    CHECK(strstr(bench_read(&bench, "logs/log"), "to stdout") != NULL);
    bench_close(&bench);
    bench_open(&bench);
    run_probe(&bench, "flood", "{\"lines\": 20000, \"line_size\": 100, \"text\": \"to stderr\", "
                               "\"stream\": \"stderr\"}");
    const char *log = bench_read(&bench, "logs/log");
    CHECK(strstr(log, "to stderr") != NULL && strlen(log) > 20000 * 90);
    bench_close(&bench);
}

static void
cancel_reaches_a_sleeping_action(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, probe(&bench, "pause", "{\"wait\": \"1h\"}", "")));
    CHECK_FATAL(bench_started(&bench));
    struct value *data = value_map(&bench.arena);
    value_set(&bench.arena, data, "record", value_int(&bench.arena, 1));
    value_set(&bench.arena, data, "why", value_text(&bench.arena, "interrupted"));
    bench_send(&bench, FRAME_CANCEL, data);
    const struct value *receipt = bench_expect(&bench, FRAME_RECEIPT);
    CHECK_STR(status_of(receipt), "interrupted");
    bench_close(&bench);
}

static void
deaf_action_is_left_behind(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt =
        bench_run(&bench, probe(&bench, "pause", "{\"wait\": \"1h\", \"deaf\": true}", ", "
            "\"timeout_ms\": 50, \"grace_ms\": 50"));
    CHECK_STR(status_of(receipt), "failed");
    CHECK_STR(error_of(receipt, "class"), "timeout");
    CHECK_STR(error_of(receipt, "message"), "timed out after 50ms");
    int status = bench_wait(&bench);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    CHECK(strstr(bench_read(&bench, "logs/log"), "the action does not end") != NULL);
    bench_close(&bench);
}

static void
children_of_an_action_are_ended(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt =
        run_probe(&bench, "children", "{\"count\": 2, \"wait\": \"5m\", \"own_session\": true}");
    const struct value *pids = value_get(value_get(receipt, "outputs"), "pids");
    CHECK_FATAL(value_is(pids, VALUE_LIST) && pids->list.count == 2);
    for (size_t i = 0; i < 2; i++) CHECK(kill((pid_t)pids->list.items[i]->integer, 0) != 0);
    bench_close(&bench);
}

static void
checkpoints_go_to_the_engine(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB,
               bench_job(&bench, probe(&bench, "checkpointed", "{\"ledger\": \"ledger\", \"parts\": 4}",
                                       ", \"checkpoints\": {\"part\": \"2\"}")));
    CHECK_FATAL(bench_started(&bench));
    const struct value *checkpoint = bench_expect(&bench, FRAME_CHECKPOINT);
    CHECK_STR(value_get_str(checkpoint, "key", ""), "part");
    CHECK_STR(value_get_str(checkpoint, "value", ""), "3");
    struct pollfd quiet = {.fd = bench.sock, .events = POLLIN};
    CHECK_INT(poll(&quiet, 1, 30), 0); /* it waits until the checkpoint is committed */
    struct value *ack = value_map(&bench.arena);
    value_set(&bench.arena, ack, "record", value_int(&bench.arena, 1));
    bench_send(&bench, FRAME_CHECKPOINT_ACK, ack);
    const struct value *receipt = bench_expect(&bench, FRAME_RECEIPT);
    CHECK_STR(status_of(receipt), "succeeded");
    CHECK_INT(value_get_int(value_get(receipt, "outputs"), "started_from", 0), 3);
    CHECK(value_get(receipt, "checkpoints") == NULL);
    bench_close(&bench);
}

static void
checkpoints_without_an_engine_are_kept(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB,
               bench_job(&bench, probe(&bench, "checkpointed", "{\"ledger\": \"ledger\", \"parts\": 3}", "")));
    CHECK_FATAL(bench_started(&bench));
    CHECK_FATAL(bench_expect(&bench, FRAME_CHECKPOINT) != NULL);
    bench_hang_up(&bench); /* the first one was sent, and nobody says that it was committed */
    CHECK_INT(bench_wait(&bench), 0);
    CHECK_STR(bench_read(&bench, "receipts/1.checkpoints"),
              "{\"key\":\"part\",\"value\":\"1\"}\n{\"key\":\"part\",\"value\":\"2\"}\n"
              "{\"key\":\"part\",\"value\":\"3\"}\n");
    CHECK(strstr(bench_read(&bench, "receipts/1.json"), "\"status\":\"succeeded\"") != NULL);
    bench_close(&bench);
}

static const char *
found(struct bench *bench, const char *ledger)
{
    bench_write(bench, "ledger", ledger);
    const struct value *receipt =
        bench_run(bench, arena_printf(&bench->arena, "{\"kind\": \"resolve\", "
            "\"plugin\": \"%s/tests/plugins/probe.so\", "
                                      "\"action\": \"transactional\", \"with\": {\"ledger\": \"ledger\"}}",
                                      getenv("LEVADA_BUILD")));
    return arena_printf(&bench->arena, "%s %s", status_of(receipt), value_get_str(receipt, "found", ""));
}

static void
resolve_asks_the_action(void)
{
    struct bench bench;
    bench_open(&bench);
    CHECK_STR(found(&bench, "token-of-a 1\n"), "succeeded done");
    bench_close(&bench);
    bench_open(&bench);
    CHECK_STR(found(&bench, "token-of-b 1\n"), "succeeded not_done");
    bench_close(&bench);
}

static void
changed_plugin_is_refused(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench, probe(&bench, "nothing", "{}", ", \"digest\": \"0123\""));
    CHECK_STR(error_of(receipt, "class"), "invalid");
    CHECK(strstr(error_of(receipt, "message"), "changed on disk while the run was going") != NULL);
    bench_close(&bench);
}

/* Copies the probe to `to` in the run folder; returns its path. */
static const char *
copy_probe(struct bench *bench, const char *to, char digest[HASH_HEX_SIZE])
{
    char *data;
    size_t size;
    struct err err = {0};
    const char *from = arena_printf(&bench->arena, "%s/tests/plugins/probe.so", getenv("LEVADA_BUILD"));
    const char *path = arena_printf(&bench->arena, "%s/%s", bench->folder, to);
    CHECK_FATAL(fd_read_file(&bench->arena, from, 64 * MIB, &data, &size, &err) == 0);
    int fd FD_SCOPED = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    CHECK_FATAL(fd >= 0 && fd_write_all(fd, data, size) == 0);
    CHECK_INT(hash_sha256_file(path, digest), 0);
    return path;
}

static void
digest_is_remembered_until_the_file_changes(void)
{
    struct bench bench;
    struct err err = {0};
    char digest[HASH_HEX_SIZE];
    bench_folder(&bench);
    const char *path = copy_probe(&bench, "copy.so", digest);
    const char *memory = arena_printf(&bench.arena, "%s/plugin.%s", bench.folder, digest);
    CHECK_INT(digest_check(bench.folder, path, digest, &err), 0);
    CHECK(access(memory, F_OK) != 0); /* it may still be being written */
    (void)poll(NULL, 0, 130);
    CHECK_INT(digest_check(bench.folder, path, digest, &err), 0);
    CHECK(access(memory, F_OK) == 0);
    CHECK_INT(digest_check(bench.folder, path, digest, &err), 0);
    int fd FD_SCOPED = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    CHECK_INT(write(fd, "x", 1), 1);
    CHECK_INT(digest_check(bench.folder, path, digest, &err), EXIT_INVALID);
    CHECK_STR(err.message, arena_printf(&bench.arena, "plugin \"%s\" changed on disk while the run was going", path));
    bench_close(&bench);
}

static void
step_handle_and_scratch(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = run_probe(&bench, "surroundings", "{}");
    const struct value *outputs = value_get(receipt, "outputs");
    CHECK_STR(value_get_str(outputs, "run", ""), "testrun");
    CHECK_STR(value_get_str(outputs, "step", ""), "a");
    CHECK_STR(value_get_str(outputs, "token", ""), "token-of-a");
    CHECK_INT(value_get_int(outputs, "fence", 0), 1);
    CHECK_INT(value_get_int(outputs, "session", 0), value_get_int(outputs, "pid", -1));
    const char *scratch = value_get_str(outputs, "scratch", "");
    CHECK_STR(scratch, arena_printf(&bench.arena, "%s/scratch/1", bench.folder));
    CHECK(access(scratch, F_OK) != 0);
    bench_close(&bench);
}

static void
progress_and_metrics(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, probe(&bench, "progress", "{\"total\": 1000, "
        "\"what\": \"sheep\"}", "")));
    CHECK_FATAL(bench_started(&bench));
    const struct value *progress = bench_expect(&bench, FRAME_PROGRESS);
    CHECK_STR(value_get_str(progress, "what", ""), "sheep");
    CHECK_INT(value_get_int(progress, "total", 0), 1000);
    const struct value *receipt = bench_expect(&bench, FRAME_RECEIPT);
    const struct value *metrics = value_get(receipt, "metrics");
    CHECK(value_is(metrics, VALUE_LIST) && metrics->list.count == 1);
    bench_close(&bench);
}

/* ---- reuse ---- */

static const struct value *
count(struct bench *bench, int record, const char *more)
{
    return bench_run(bench,
        arena_printf(&bench->arena, "{\"kind\": \"uses\", \"plugin\": \"%s/tests/plugins/keeper.so\", "
                                    "\"action\": \"count\", "
                     "\"with\": {\"catalog\": \"catalog\"}, \"reuse\": \"catalog\", \"record\": %d, "
                     "\"log\": \"log%d\"%s}",
                     getenv("LEVADA_BUILD"), record, record, more));
}

static void
reused_worker_takes_another_job(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *first = count(&bench, 1, ""), *second = count(&bench, 2, "");
    CHECK_INT(value_get_int(value_get(second, "outputs"), "attempts", 0), 2);
    CHECK_INT(value_get_int(second, "pid", 0), value_get_int(first, "pid", -1));
    CHECK_INT(value_get_int(second, "record", 0), 2);
    CHECK_INT(bench_close(&bench), 0);
}

static void
idle_worker_gives_its_lock_up(void)
{
    struct bench bench;
    bench_open(&bench);
    CHECK_STR(status_of(count(&bench, 1, "")), "succeeded");
    struct locks locks = {0};
    struct err err = {0};
    const char *path = arena_printf(&bench.arena, "%s/catalog", bench.folder);
    int code = 1;
    for (int i = 0; i < 400 && code == 1; i++) {
        code = locks_take(&locks, &bench.arena, path, &err);
        if (code == 1) (void)poll(NULL, 0, 10);
    }
    CHECK_INT(code, 0);
    CHECK_INT(bench_wait(&bench), 0);
    bench_close(&bench);
}

static void
waiting_for_a_lock_can_be_cancelled(void)
{
    struct bench bench;
    bench_folder(&bench);
    struct locks locks = {0};
    struct err err = {0};
    CHECK_INT(locks_take(&locks, &bench.arena, arena_printf(&bench.arena, "%s/catalog", bench.folder), &err), 0);
    bench_worker(&bench);
    const struct value *receipt = count(&bench, 1, ", \"timeout_ms\": 100");
    CHECK_STR(error_of(receipt, "class"), "timeout");
    CHECK(strstr(bench_read(&bench, "logs/log1"), "waiting for the lock") != NULL);
    bench_close(&bench);
}

static void
no_second_action_after_a_fault(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench, probe(&bench, "leave", "{\"code\": 0}", ", \"reuse\": \"x\"")));
    CHECK_FATAL(bench_started(&bench));
    int status = bench_wait(&bench);
    CHECK(WIFEXITED(status));
    CHECK(bench_read(&bench, "receipts/1.json") == NULL);
    bench_close(&bench);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"inputs and outputs keep their types", outputs_are_typed},
        {"a bad input is the user's error", bad_input_is_invalid},
        {"an output that is not in the table is refused", unknown_output_is_refused},
        {"an error carries its class and hint", errors_carry_class_and_hint},
        {"a crash is the worker's death, and its last words are in the log", crash_leaves_its_last_words},
        {"what a library says as it aborts is in the log", words_of_an_aborting_library_are_kept},
        {"what a library prints is in the log", standard_output_is_the_log},
        {"a cancel reaches an action that sleeps", cancel_reaches_a_sleeping_action},
        {"an action that does not end is left behind after the grace", deaf_action_is_left_behind},
        {"children of an action are ended before its receipt", children_of_an_action_are_ended},
        {"a checkpoint returns when the engine has committed it", checkpoints_go_to_the_engine},
        {"without an engine checkpoints and the receipt are files", checkpoints_without_an_engine_are_kept},
        {"resolve asks whether the token's effect is there", resolve_asks_the_action},
        {"a plugin that changed on disk is refused", changed_plugin_is_refused},
        {"a plugin is hashed again only when its file has changed", digest_is_remembered_until_the_file_changes},
        {"the step handle says who and where, and scratch goes", step_handle_and_scratch},
        {"progress and metrics reach the engine", progress_and_metrics},
        {"a reused worker takes another job", reused_worker_takes_another_job},
        {"an idle worker gives its lock up when somebody waits", idle_worker_gives_its_lock_up},
        {"waiting for a lock ends with the step's time", waiting_for_a_lock_can_be_cancelled},
        {"a plugin that calls exit leaves no receipt", no_second_action_after_a_fault},
    };
    return check_main("action", tests, CHECK_COUNT(tests), argc, argv);
}
