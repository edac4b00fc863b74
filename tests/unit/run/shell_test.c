/* SPDX-License-Identifier: Apache-2.0
 *
 * `run:` jobs through a real worker.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "check.h"
#include "worker_help.h"

static const char *
status_of(const struct value *receipt)
{
    return value_get_str(receipt, "status", "");
}

static const char *
output_of(const struct value *receipt, const char *name)
{
    return value_get_str(value_get(receipt, "outputs"), name, "(none)");
}

static void
ends_well(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench, "{\"script\": \"true\"}");
    CHECK_STR(status_of(receipt), "succeeded");
    CHECK_INT(value_get_int(receipt, "record", -1), 1);
    CHECK_INT(value_get_int(receipt, "fence", -1), 1);
    CHECK(value_get_int(receipt, "peak_kib", 0) > 0);
    CHECK(value_get(receipt, "error") == NULL);
    CHECK_INT(bench_close(&bench), 0);
}

static void
no_log_without_a_byte(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_run(&bench, "{\"script\": \"true\"}");
    CHECK(bench_read(&bench, "logs/log") == NULL);
    bench_close(&bench);
    bench_open(&bench);
    bench_run(&bench, "{\"script\": \"echo out; echo err >&2\"}");
    CHECK_STR(bench_read(&bench, "logs/log"), "out\nerr\n");
    bench_close(&bench);
}

static void
exit_code_is_named_with_the_last_line(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench, "{\"script\": \"echo one; echo no such table >&2; exit 3\"}");
    CHECK_STR(status_of(receipt), "failed");
    CHECK_STR(error_of(receipt, "class"), "permanent");
    CHECK_STR(error_of(receipt, "message"), "exit code 3: no such table");
    CHECK_INT(value_get_int(value_get(receipt, "error"), "exit", -1), 3);
    bench_close(&bench);
}

static void
tempfail_is_transient(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench, "{\"script\": \"exit 75\"}");
    CHECK_STR(error_of(receipt, "class"), "transient");
    CHECK_STR(error_of(receipt, "message"), "exit code 75");
    bench_close(&bench);
}

static void
signal_is_named(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench, "{\"script\": \"kill -SEGV $$\"}");
    CHECK_STR(error_of(receipt, "message"), "ended by signal 11 (SEGV)");
    CHECK_INT(value_get_int(value_get(receipt, "error"), "signal", -1), 11);
    bench_close(&bench);
}

static void
unknown_command_has_a_hint(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench, "{\"script\": \"levada-no-such-command\"}");
    CHECK(strstr(error_of(receipt, "message"), "exit code 127: ") != NULL);
    CHECK_STR(error_of(receipt, "hint"), "A command was not found: check its name and the step's PATH.");
    bench_close(&bench);
}

static void
unknown_shell_and_folder(void)
{
    struct bench bench;
    setenv("PATH", "/usr/bin:/bin", 1); /* a folder on it that we may not enter would say something else */
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench, "{\"script\": \"true\", \"shell\": \"no-such-shell\"}");
    CHECK_STR(error_of(receipt, "class"), "invalid");
    CHECK_STR(error_of(receipt, "message"), "cannot start the shell \"no-such-shell\": No such file or directory");
    bench_close(&bench);
    bench_open(&bench);
    receipt = bench_run(&bench, "{\"script\": \"true\", \"cwd\": \"/no/such/folder\"}");
    CHECK_STR(error_of(receipt, "message"),
              "cannot use \"/no/such/folder\" as working directory: No such file or directory");
    bench_close(&bench);
}

static void
outputs_as_lines(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"echo rows=12 >> $LEVADA_OUTPUT; echo '{\\\"n\\\": 3, \\\"list\\\": [1]}' >> "
        "$LEVADA_OUTPUT\"}");
    CHECK_STR(output_of(receipt, "rows"), "12");
    CHECK_STR(json_text(&bench.arena, value_get(receipt, "outputs")), "{\"rows\":\"12\",\"n\":3,\"list\":[1]}");
    CHECK(bench_read(&bench, "receipts/1.output") == NULL);
    bench_close(&bench);
}

static void
bad_output_line_is_named(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt =
        bench_run(&bench, "{\"script\": \"printf 'a=1\\\\nnothing\\\\n' > $LEVADA_OUTPUT\"}");
    CHECK_STR(status_of(receipt), "failed");
    CHECK_STR(error_of(receipt, "message"), "line 2 of $LEVADA_OUTPUT is neither key=value nor JSON");
    CHECK_STR(error_of(receipt, "class"), "invalid");
    bench_close(&bench);
}

static void
stdout_as_output(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"echo 42; echo noise >&2\", \"outputs\": [{\"name\": \"n\", \"from\": \"stdout\", "
        "\"as\": \"integer\"}]}");
    CHECK_STR(json_text(&bench.arena, value_get(receipt, "outputs")), "{\"n\":42}");
    CHECK(strstr(bench_read(&bench, "logs/log"), "noise\n") != NULL);
    bench_close(&bench);
    bench_open(&bench);
    receipt = bench_run(&bench, "{\"script\": \"echo forty\", \"outputs\": [{\"name\": \"n\", "
                                "\"from\": \"stdout\", \"as\": \"integer\"}]}");
    CHECK_STR(error_of(receipt, "class"), "contract");
    CHECK_STR(error_of(receipt, "message"), "output \"n\" of the step: is not an integer");
    bench_close(&bench);
}

static void
outputs_beyond_the_limit_are_refused(void)
{
    struct bench bench;
    bench_open(&bench);
    /* 3 MiB of a byte that takes six in JSON. */
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"head -c 3145728 /dev/zero | tr '\\\\000' '\\\\001'\", "
        "\"outputs\": [{\"name\": \"o\", \"from\": \"stdout\"}]}");
    CHECK_STR(error_of(receipt, "message"), "its outputs are larger than the limit of 16777216 bytes");
    CHECK_STR(error_of(receipt, "class"), "invalid");
    bench_close(&bench);
    bench_open(&bench);
    receipt = bench_run(&bench, "{\"script\": \"head -c 17000000 /dev/zero > $LEVADA_OUTPUT\"}");
    CHECK_STR(error_of(receipt, "message"), "$LEVADA_OUTPUT: larger than the limit of 16777216 bytes");
    bench_close(&bench);
    bench_open(&bench);
    receipt = bench_run(&bench, "{\"script\": \"head -c 2000000 /dev/zero | tr '\\\\000' x\", "
                        "\"outputs\": [{\"name\": \"o\", \"from\": \"stdout\"}]}");
    CHECK_INT(value_get(value_get(receipt, "outputs"), "o")->text.size, 2000000);
    bench_close(&bench);
}

static void
stdin_byte_for_byte(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"od -An -c\", \"stdin\": \"a\\u0000b\\n\\nc\", "
        "\"outputs\": [{\"name\": \"o\", \"from\": \"stdout\"}]}");
    CHECK_STR(output_of(receipt, "o"), "   a  \\0   b  \\n  \\n   c");
    bench_close(&bench);
    bench_open(&bench);
    receipt = bench_run(&bench, "{\"script\": \"wc -c\", \"outputs\": [{\"name\": \"o\", "
                                "\"from\": \"stdout\", \"as\": \"integer\"}]}");
    CHECK_STR(json_text(&bench.arena, value_get(receipt, "outputs")), "{\"o\":0}");
    bench_close(&bench);
}

static void
environment(void)
{
    setenv("LEVADA_TEST_SECRET_SOURCE", "hidden", 1);
    setenv("LEVADA_TEST_KEPT", "kept", 1);
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"echo \\\"$LEVADA_STEP $LEVADA_RUN $LEVADA_ATTEMPT $LEVADA_TOKEN $A $LEVADA_1 "
        "[$LEVADA_TEST_SECRET_SOURCE] $LEVADA_TEST_KEPT\\\"; test -d $LEVADA_ARTIFACTS\", "
        "\"env\": {\"A\": \"x y\"}, \"vars\": {\"LEVADA_1\": \"$(no)\"}, \"unset\": [\"LEVADA_TEST_SECRET_SOURCE\"], "
        "\"outputs\": [{\"name\": \"o\", \"from\": \"stdout\"}]}");
    CHECK_STR(output_of(receipt, "o"), "a testrun testrun/1 token-of-a x y $(no) [] kept");
    bench_close(&bench);
}

static void
large_variable_is_refused(void)
{
    struct bench bench;
    bench_open(&bench);
    char *json = arena_alloc(&bench.arena, 200 * 1024);
    int n = snprintf(json, 100, "{\"script\": \"true\", \"env\": {\"BIG\": \"");
    memset(json + n, 'x', 140 * 1024);
    memcpy(json + n + 140 * 1024, "\"}}", 4);
    const struct value *receipt = bench_run(&bench, json);
    CHECK_STR(error_of(receipt, "class"), "invalid");
    CHECK_STR(error_of(receipt, "message"), "variable \"BIG\" is larger than the limit of 131072 bytes");
    bench_close(&bench);
}

static void
timeout_ends_it(void)
{
    struct bench bench;
    bench_open(&bench);
    int64_t before = clock_monotonic_ms();
    const struct value *receipt = bench_run(&bench, "{\"script\": \"sleep 30 | cat\", \"timeout_ms\": 100}");
    CHECK_STR(status_of(receipt), "failed");
    CHECK_STR(error_of(receipt, "class"), "timeout");
    CHECK_STR(error_of(receipt, "message"), "timed out after 100ms");
    CHECK(clock_monotonic_ms() - before < 5000);
    bench_close(&bench);
}

static void
term_is_followed_by_kill(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"trap '' TERM; while :; do sleep 0.05; done\", \"timeout_ms\": 100, \"grace_ms\": 150}");
    CHECK_STR(error_of(receipt, "class"), "timeout");
    int64_t duration = value_get_int(receipt, "duration_ms", 0);
    CHECK(duration >= 240 && duration < 5000);
    bench_close(&bench);
}

static const struct value *
cancel(struct bench *bench, const char *script, const char *why)
{
    bench_send(bench, FRAME_JOB, bench_job(bench, script));
    CHECK_FATAL(bench_started(bench));
    CHECK(bench_await(bench, "ready"));
    struct value *data = value_map(&bench->arena);
    value_set(&bench->arena, data, "record", value_int(&bench->arena, 1));
    value_set(&bench->arena, data, "why", value_text(&bench->arena, why));
    value_set(&bench->arena, data, "grace_ms", value_int(&bench->arena, 5000));
    bench_send(bench, FRAME_CANCEL, data);
    return bench_expect(bench, FRAME_RECEIPT);
}

static void
cancel_and_interrupt(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = cancel(&bench, "{\"script\": \"touch ready; sleep 30\"}", "cancelled");
    CHECK_STR(status_of(receipt), "cancelled");
    CHECK_STR(error_of(receipt, "class"), "cancelled");
    bench_close(&bench);
    bench_open(&bench);
    receipt = cancel(&bench, "{\"script\": \"touch ready; sleep 30\"}", "interrupted");
    CHECK_STR(status_of(receipt), "interrupted");
    bench_close(&bench);
}

static void
well_ended_counts_though_asked_to_stop(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = cancel(&bench,
        "{\"script\": \"trap 'touch done; exit 0' TERM; touch ready; while :; do sleep 0.02; done\"}", "interrupted");
    CHECK_STR(status_of(receipt), "succeeded");
    CHECK(bench_read(&bench, "done") != NULL);
    bench_close(&bench);
}

static void
leftovers_are_ended(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt =
        bench_run(&bench, "{\"script\": \"setsid sh -c 'echo $$ > pid; exec sleep 300' & "
                          "while ! test -s pid; do sleep 0.01; done; echo hi\"}");
    CHECK_STR(status_of(receipt), "succeeded");
    const char *pid = bench_read(&bench, "pid");
    CHECK_FATAL(pid != NULL);
    CHECK(kill((pid_t)strtol(pid, NULL, 10), 0) != 0);
    CHECK(strstr(bench_read(&bench, "logs/log"), "warn ended 1 process that the step left behind: sleep") != NULL);
    bench_close(&bench);
}

static void
late_output_of_a_pipeline_is_kept(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_run(&bench, "{\"script\": \"(sleep 0.03; echo late) & echo early\"}");
    CHECK_STR(bench_read(&bench, "logs/log"), "early\nlate\n");
    bench_close(&bench);
}

static void
umask_is_the_users(void)
{
    mode_t before = umask(027);
    struct bench bench;
    bench_open(&bench);
    umask(before);
    bench_run(&bench, "{\"script\": \"touch made\"}");
    struct stat st = {0};
    CHECK_INT(stat(arena_printf(&bench.arena, "%s/made", bench.folder), &st), 0);
    CHECK_INT(st.st_mode & 0777, 0640);
    bench_close(&bench);
}

static void
nothing_is_inherited(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"ls /proc/self/fd | tr '\\\\n' ' '\", \"outputs\": [{\"name\": \"o\", "
        "\"from\": \"stdout\"}]}");
    CHECK_STR(output_of(receipt, "o"), "0 1 2 3 "); /* 3 is ls's own, on the folder */
    bench_close(&bench);
}

static void
checkpoints_of_a_script(void)
{
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"cat $LEVADA_CHECKPOINTS; "
        "echo '{\\\"key\\\":\\\"page\\\",\\\"value\\\":\\\"9\\\"}' >> $LEVADA_CHECKPOINTS; "
        "printf torn >> $LEVADA_CHECKPOINTS\", \"checkpoints\": {\"page\": \"7\", \"x\": \"y\"}}");
    CHECK_STR(bench_read(&bench, "logs/log"),
              "{\"key\":\"page\",\"value\":\"7\"}\n{\"key\":\"x\",\"value\":\"y\"}\n");
    CHECK_STR(json_text(&bench.arena, value_get(receipt, "checkpoints")), "{\"page\":\"9\"}");
    bench_wait(&bench);
    CHECK(bench_read(&bench, "receipts/1.checkpoints") == NULL);
    bench_close(&bench);
}

static void
levada_checkpoint_in_a_script(void)
{
    const char *levada = getenv("LEVADA");
    CHECK_FATAL(levada != NULL);
    struct bench bench;
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench, arena_printf(&bench.arena,
        "{\"script\": \"set -e; \\\"$L\\\" checkpoint get page; ! \\\"$L\\\" checkpoint get other; "
        "\\\"$L\\\" checkpoint set page 'nine \\\"9\\\"'; \\\"$L\\\" checkpoint get page; "
        "LEVADA_CHECKPOINTS= \\\"$L\\\" checkpoint get page || echo $?\", "
        "\"env\": {\"L\": \"%s\"}, \"checkpoints\": {\"page\": \"7\"}}", levada));
    CHECK_STR(error_of(receipt, "message"), "");
    CHECK_FATAL(bench_read(&bench, "logs/log") != NULL);
    CHECK(strstr(bench_read(&bench, "logs/log"), "7\nnine \"9\"\nlevada: ") != NULL);
    CHECK(strstr(bench_read(&bench, "logs/log"), "\n2\n") != NULL);
    CHECK_STR(json_text(&bench.arena, value_get(receipt, "checkpoints")), "{\"page\":\"nine \\\"9\\\"\"}");
    bench_close(&bench);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a script that ends with 0 succeeds", ends_well},
        {"a log file is made at its first byte and holds both streams", no_log_without_a_byte},
        {"an exit code is an error with the last line said", exit_code_is_named_with_the_last_line},
        {"exit code 75 may be tried again", tempfail_is_transient},
        {"a signal is named", signal_is_named},
        {"a command that is not found has a hint", unknown_command_has_a_hint},
        {"a shell or folder that is missing is the user's error", unknown_shell_and_folder},
        {"outputs are key=value or JSON lines", outputs_as_lines},
        {"a bad line of outputs is named", bad_output_line_is_named},
        {"standard output becomes an output of its type", stdout_as_output},
        {"outputs that no receipt could carry are refused, large ones arrive", outputs_beyond_the_limit_are_refused},
        {"standard input arrives byte for byte, or is empty", stdin_byte_for_byte},
        {"a script sees its variables and no source of a secret", environment},
        {"a variable the kernel would not take is refused", large_variable_is_refused},
        {"a timeout ends a whole pipeline", timeout_ends_it},
        {"who ignores TERM is killed after the grace", term_is_followed_by_kill},
        {"cancelled and interrupted are told apart", cancel_and_interrupt},
        {"a script that ends well though asked to stop has succeeded", well_ended_counts_though_asked_to_stop},
        {"what a script leaves behind is ended before its receipt", leftovers_are_ended},
        {"what a script leaves for a moment may end by itself", late_output_of_a_pipeline_is_kept},
        {"files of a script have the user's umask", umask_is_the_users},
        {"a script inherits no descriptor", nothing_is_inherited},
        {"a script keeps checkpoints by the command", levada_checkpoint_in_a_script},
        {"checkpoints of a script come with the receipt", checkpoints_of_a_script},
    };
    return check_main("shell", tests, CHECK_COUNT(tests), argc, argv);
}
