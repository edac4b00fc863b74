/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets in a worker: where they come from, where they may go, and that they are seen nowhere else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "check.h"
#include "worker_help.h"

#define CANARY "correct-horse-battery"

static const char *
status_of(const struct value *receipt)
{
    return value_get_str(receipt, "status", "");
}

/* The key action of the probe with the secret `key` as its input `key`, from `source`. */
static const struct value *
use_key(struct bench *bench, const char *source, const char *more_with)
{
    return bench_run(bench, arena_printf(&bench->arena,
        "{\"kind\": \"uses\", \"plugin\": \"%s/tests/plugins/probe.so\", \"action\": \"key\", "
        "\"with\": {\"key\": null%s}, "
        "\"deferred\": [{\"path\": [\"key\"], \"template\": \"${{ secrets.key }}\", \"line\": 1, "
        "\"column\": 1, \"sql\": false}], "
        "\"secrets\": [{\"name\": \"key\", %s}]}", getenv("LEVADA_BUILD"), more_with, source));
}

static int64_t
key_size(const struct value *receipt)
{
    return value_get_int(value_get(receipt, "outputs"), "amount", -1);
}

static void
from_the_environment(void)
{
    struct bench bench;
    setenv("LEVADA_TEST_KEY", CANARY, 1);
    bench_open(&bench);
    const struct value *receipt = use_key(&bench, "\"from\": \"env\", \"key\": \"LEVADA_TEST_KEY\"", "");
    CHECK_STR(error_of(receipt, "message"), "");
    CHECK_INT(key_size(receipt), (int64_t)strlen(CANARY));
    bench_close(&bench);
    bench_open(&bench);
    receipt = use_key(&bench, "\"from\": \"env\", \"key\": \"LEVADA_TEST_NO_SUCH\"", "");
    CHECK_STR(status_of(receipt), "failed");
    CHECK_STR(error_of(receipt, "class"), "auth");
    CHECK_STR(error_of(receipt, "message"), "secret \"key\": the variable \"LEVADA_TEST_NO_SUCH\" is not set");
    bench_close(&bench);
}

static void
from_a_file(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_write(&bench, "key.txt", CANARY "\n");
    CHECK_INT(key_size(use_key(&bench, "\"from\": \"file\", \"key\": \"key.txt\"", "")), (int64_t)strlen(CANARY));
    CHECK(bench_read(&bench, "logs/log") == NULL);
    bench_close(&bench);
    bench_open(&bench);
    bench_write(&bench, "key.json", "{\"password\": \"" CANARY "\", \"user\": \"u\"}");
    CHECK_INT(key_size(use_key(&bench, "\"from\": \"file\", \"key\": \"key.json\", \"field\": \"password\"", "")),
              (int64_t)strlen(CANARY));
    bench_close(&bench);
}

static void
bad_files(void)
{
    static const struct {
        const char *text;
        mode_t mode;
        const char *source, *message;
    } cases[] = {
        {CANARY, 0600, "\"key\": \"none.txt\"", "secret \"key\": cannot read \"none.txt\": No such file or directory"},
        {CANARY, 0600, "\"key\": \".\"", "secret \"key\": \".\" is a directory"},
        {CANARY, 0620, "\"key\": \"key.txt\"",
         "secret \"key\": the file \"key.txt\" may be written by others (mode 0620)"},
        {CANARY, 0600, "\"key\": \"key.txt\", \"field\": \"a\"",
         "secret \"key\": \"key.txt\" holds no JSON object to take the field \"a\" from"},
        {"{\"b\": \"" CANARY "\"}", 0600, "\"key\": \"key.txt\", \"field\": \"a\"",
         "secret \"key\": \"key.txt\" has no field \"a\""},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        struct bench bench;
        bench_open(&bench);
        bench_write(&bench, "key.txt", cases[i].text);
        CHECK_INT(chmod(arena_printf(&bench.arena, "%s/key.txt", bench.folder), cases[i].mode), 0);
        const char *source = arena_printf(&bench.arena, "\"from\": \"file\", %s", cases[i].source);
        CHECK_STR(error_of(use_key(&bench, source, ""), "message"), cases[i].message);
        bench_close(&bench);
    }
}

static void
readable_file_is_warned_of(void)
{
    struct bench bench;
    bench_open(&bench);
    bench_write(&bench, "key.txt", CANARY);
    CHECK_INT(chmod(arena_printf(&bench.arena, "%s/key.txt", bench.folder), 0644), 0);
    CHECK_STR(status_of(use_key(&bench, "\"from\": \"file\", \"key\": \"key.txt\"", "")), "succeeded");
    CHECK(strstr(bench_read(&bench, "logs/log"), "may be read by everybody (mode 0644)") != NULL);
    bench_close(&bench);
}

static void
short_secret_is_refused(void)
{
    struct bench bench;
    setenv("LEVADA_TEST_KEY", "pw1", 1);
    bench_open(&bench);
    const struct value *receipt = use_key(&bench, "\"from\": \"env\", \"key\": \"LEVADA_TEST_KEY\"", "");
    CHECK_STR(status_of(receipt), "failed");
    CHECK_STR(error_of(receipt, "class"), "invalid");
    CHECK(strstr(error_of(receipt, "message"), "pw1") == NULL);
    bench_close(&bench);
}

static void
careless_plugin_is_masked_everywhere(void)
{
    struct bench bench;
    setenv("LEVADA_TEST_KEY", CANARY, 1);
    bench_open(&bench);
    const struct value *receipt =
        use_key(&bench, "\"from\": \"env\", \"key\": \"LEVADA_TEST_KEY\"", ", \"reveal\": true");
    CHECK_STR(status_of(receipt), "failed");
    CHECK_STR(error_of(receipt, "message"), "cannot use \"***\"");
    CHECK_STR(error_of(receipt, "hint"), "***");
    CHECK(strstr(json_text(&bench.arena, receipt), CANARY) == NULL);
    const char *log = bench_read(&bench, "logs/log");
    CHECK_FATAL(log != NULL);
    CHECK(strstr(log, CANARY) == NULL);
    CHECK(strstr(log, "the secret is ***.") != NULL);
    CHECK(strstr(log, "stdout says ***.") != NULL);
    CHECK(strstr(log, "stderr says ***.") != NULL);
    bench_close(&bench);
}

static void
our_own_words_stay(void)
{
    struct bench bench;
    setenv("LEVADA_TEST_KEY", "succeeded", 1);
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"echo n=succeeded > $LEVADA_OUTPUT\", "
        "\"secrets\": [{\"name\": \"key\", \"from\": \"env\", \"key\": \"LEVADA_TEST_KEY\"}]}");
    CHECK_STR(status_of(receipt), "succeeded");
    CHECK_STR(json_text(&bench.arena, value_get(receipt, "outputs")), "{\"n\":\"***\"}");
    bench_close(&bench);
}

static void
sensitive_output_is_no_value(void)
{
    struct bench bench;
    setenv("LEVADA_TEST_KEY", CANARY, 1);
    bench_open(&bench);
    const struct value *receipt =
        use_key(&bench, "\"from\": \"env\", \"key\": \"LEVADA_TEST_KEY\"", ", \"give_back\": true");
    CHECK_STR(error_of(receipt, "class"), "contract");
    CHECK_STR(error_of(receipt, "message"), "the output \"copy\" is a secret, and the action set it to a value");
    CHECK(value_get(receipt, "outputs") == NULL);
    bench_close(&bench);
}

static void
standard_input_takes_a_secret(void)
{
    struct bench bench;
    setenv("LEVADA_TEST_KEY", CANARY, 1);
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"read -r x; echo \\\"[$x]\\\"; echo ${#x} >&2; echo \\\"last $x\\\"; exit 1\", "
        "\"unset\": [\"LEVADA_TEST_KEY\"], "
        "\"deferred\": [{\"path\": [\"stdin\"], \"template\": \"${{ secrets.key }}\\n\", \"line\": 1, "
        "\"column\": 1, \"sql\": false}], "
        "\"secrets\": [{\"name\": \"key\", \"from\": \"env\", \"key\": \"LEVADA_TEST_KEY\"}]}");
    CHECK_STR(bench_read(&bench, "logs/log"), "[***]\n21\nlast ***\n");
    CHECK_STR(error_of(receipt, "message"), "exit code 1: last ***");
    bench_close(&bench);
}

static void
masked_across_writes(void)
{
    struct bench bench;
    setenv("LEVADA_TEST_KEY", CANARY, 1);
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"script\": \"printf 'a correct-ho'; sleep 0.05; printf 'rse-bat'; sleep 0.05; printf 'tery b'; "
        "echo n=" CANARY " >> $LEVADA_OUTPUT\", "
        "\"secrets\": [{\"name\": \"key\", \"from\": \"env\", \"key\": \"LEVADA_TEST_KEY\"}]}");
    CHECK_STR(bench_read(&bench, "logs/log"), "a *** b");
    CHECK_STR(json_text(&bench.arena, value_get(receipt, "outputs")), "{\"n\":\"***\"}");
    bench_close(&bench);
}

static void
no_secret_in_a_checkpoint_or_receipt_file(void)
{
    struct bench bench;
    setenv("LEVADA_TEST_KEY", CANARY, 1);
    bench_open(&bench);
    bench_send(&bench, FRAME_JOB, bench_job(&bench,
        "{\"script\": \"while ! test -f go; do sleep 0.01; done; echo " CANARY "; exit 1\", "
        "\"secrets\": [{\"name\": \"key\", \"from\": \"env\", \"key\": \"LEVADA_TEST_KEY\"}]}"));
    CHECK_FATAL(bench_started(&bench));
    bench_hang_up(&bench);
    bench_write(&bench, "go", "");
    bench_wait(&bench);
    const char *receipt = bench_read(&bench, "receipts/1.json");
    CHECK_FATAL(receipt != NULL);
    CHECK(strstr(receipt, CANARY) == NULL);
    CHECK(strstr(receipt, "exit code 1: ***") != NULL);
    bench_close(&bench);
}

static void
lua_gets_taint(void)
{
    struct bench bench;
    setenv("LEVADA_TEST_KEY", CANARY, 1);
    bench_open(&bench);
    const struct value *receipt = bench_run(&bench,
        "{\"kind\": \"lua\", \"text\": \"log('key ' .. secrets.key)\\nset_output('n', "
        "1 + params.a)\\nmetric('rows', 3, 'rows')\", "
        "\"line\": 1, \"names\": {\"params\": {\"a\": 2}}, "
        "\"secrets\": [{\"name\": \"key\", \"from\": \"env\", \"key\": \"LEVADA_TEST_KEY\"}]}");
    CHECK_STR(error_of(receipt, "message"), "");
    CHECK_STR(json_text(&bench.arena, value_get(receipt, "outputs")), "{\"n\":3}");
    const char *log = bench_read(&bench, "logs/log");
    CHECK(log != NULL && strstr(log, "info ***\n") != NULL);
    bench_close(&bench);
    bench_open(&bench);
    receipt = bench_run(&bench, "{\"kind\": \"lua\", \"text\": \"\\nfail('no rows', 'contract')\", \"line\": 5}");
    CHECK_STR(error_of(receipt, "class"), "contract");
    CHECK_STR(error_of(receipt, "message"), "no rows");
    bench_close(&bench);
    bench_open(&bench);
    receipt = bench_run(&bench, "{\"kind\": \"lua\", \"text\": \"skip('nothing to do')\", \"line\": 1}");
    CHECK_STR(status_of(receipt), "skipped");
    CHECK_STR(value_get_str(receipt, "skipped", ""), "nothing to do");
    bench_close(&bench);
    bench_open(&bench);
    receipt = bench_run(&bench, "{\"kind\": \"lua\", \"text\": \"while true do end\", \"line\": 1, "
                                "\"timeout_ms\": 100}");
    CHECK_STR(error_of(receipt, "class"), "timeout");
    bench_close(&bench);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a secret comes from a variable, and a missing one is named", from_the_environment},
        {"a secret comes from a file or a field of it", from_a_file},
        {"a file that cannot be trusted or read is an error without its content", bad_files},
        {"a file that everybody may read is warned of", readable_file_is_warned_of},
        {"a secret too short to be masked is refused", short_secret_is_refused},
        {"what a careless plugin says is masked everywhere", careless_plugin_is_masked_everywhere},
        {"a secret that is one of our own words hides nothing of the protocol", our_own_words_stay},
        {"a sensitive output that is set to a value fails the attempt", sensitive_output_is_no_value},
        {"standard input takes a secret, and its echo is masked", standard_input_takes_a_secret},
        {"a secret split over writes is masked", masked_across_writes},
        {"a receipt kept as a file is masked", no_secret_in_a_checkpoint_or_receipt_file},
        {"a script in lua sees secrets as tainted values", lua_gets_taint},
    };
    return check_main("secret", tests, CHECK_COUNT(tests), argc, argv);
}
