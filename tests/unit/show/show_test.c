/* SPDX-License-Identifier: Apache-2.0
 *
 * What `levada show`, `ls` and `why` print for one failed run: the text is interface.
 */
#include "show/show.h"

#include "fixture.h"
#include "show/instance.h"
#include "show/why.h"

static const struct show_wanted all;

#define NOW (FIXTURE_START + 60000)

static void
show_for_people(void)
{
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    buf_init(&out, MIB);
    fixture_failed_run(&f);
    show_text(&out, &f.view, &all, NOW, false);
    CHECK_STR(buf_str(&out),
        "flights  " FIXTURE_ID "  failed\n"
        "  started   2026-01-02 03:04:05 UTC, by person\n"
        "  finished  2026-01-02 03:04:08 UTC\n"
        "  took      3.5 s\n"
        "  workflow  /data/flights.yaml\n"
        "  folder    /state/runs/" FIXTURE_ID "\n"
        "  params    month = 3\n"
        "\n"
        "  ✓ load        succeeded (1.3 s)\n"
        "      rows = 336776\n"
        "  ✗ check_rows  failed (attempt 2 of 2, 2.2 s): contract: 12 rows without \"carrier\"\n"
        "  – export      skipped: step \"check_rows\", which it needs, failed\n"
        "\n"
        "flights failed after 3.5 s: 1 succeeded, 1 failed, 1 skipped\n"
        "  check_rows failed (attempt 2 of 2, 2.2 s): contract: 12 rows without \"carrier\"\n"
        "    Look at the sample.\n"
        "run:  " FIXTURE_ID "\n"
        "next: levada logs 4r6s8t0v check_rows              what it wrote\n"
        "      levada why 4r6s8t0v                          how it came to this\n"
        "      levada report 4r6s8t0v                       all of it as a page\n");
    fixture_release(&f);
}

static void
show_for_scripts(void)
{
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    buf_init(&out, MIB);
    fixture_failed_run(&f);
    show_json(&out, &f.view, &all, NOW);
    CHECK_STR(buf_str(&out),
        "{\"run\":\"" FIXTURE_ID "\",\"workflow\":\"flights\",\"status\":\"failed\","
        "\"started\":\"2026-01-02T03:04:05Z\",\"finished\":\"2026-01-02T03:04:08.502Z\",\"params\":{\"month\":3}"
        ",\"steps\":["
        "{\"id\":\"load\",\"status\":\"succeeded\",\"attempts\":1,\"outputs\":{\"rows\":336776},"
        "\"reason\":{\"code\":\"done\",\"text\":\"it succeeded\"},\"started\":\"2026-01-02T03:04:05.002Z\","
        "\"finished\":\"2026-01-02T03:04:06.305Z\",\"duration_ms\":1303},"
        "{\"id\":\"check_rows\",\"status\":\"failed\",\"attempts\":2,\"outputs\":{},"
        "\"error\":{\"class\":\"contract\",\"message\":\"12 rows without \\\"carrier\\\"\",\"hint\":\"Look at "
        "the sample.\"},"
        "\"reason\":{\"code\":\"not_worth_retrying\",\"text\":\"errors of class contract are not retried here\"},"
        "\"started\":\"2026-01-02T03:04:06.306Z\",\"finished\":\"2026-01-02T03:04:08.500Z\",\"duration_ms\":2194},"
        "{\"id\":\"export\",\"status\":\"skipped\",\"attempts\":0,\"outputs\":{},"
        "\"reason\":{\"code\":\"need_not_met\",\"text\":\"step \\\"check_rows\\\", which it needs, failed\"},"
        "\"started\":null,\"finished\":\"2026-01-02T03:04:08.501Z\",\"duration_ms\":0}],\"outputs\":{},"
        "\"error\":{\"class\":\"contract\",\"message\":\"12 rows without \\\"carrier\\\"\",\"hint\":\"\"},"
        "\"failed_step\":\"check_rows\",\"exit\":1,\"duration_ms\":3502,\"file\":\"/data/flights.yaml\","
        "\"trigger\":\"person\",\"folder\":\"/state/runs/" FIXTURE_ID "\"}\n");
    fixture_release(&f);
}

static void
interrupted(void)
{
    /* The journal says running, the engine is gone: view_load decides, and nothing counts on after the last event. */
    static const struct fixture_step steps[] = {{"load", "", PART_STEPS, 0}};
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    buf_init(&out, MIB);
    fixture_init(&f, steps, 1);
    fixture_event(&f, 0, EVENT_RUN_CREATED, NULL, "{}");
    fixture_event(&f, 10, EVENT_STEP_INTENT, "load",
                  "{\"attempt\":1,\"record\":1,\"fence\":1,\"reason\":{\"code\":\"ready\",\"text\":\"it needs "
                  "nothing\"}}");
    f.view.status = RUN_INTERRUPTED_STATUS;
    list_row(&out, &f.view, NOW, 80, false);
    CHECK(strlen(buf_str(&out)) <= 81);
    CHECK(strstr(buf_str(&out), "01-02 03:04  ") != NULL);
    buf_clear(&out);
    list_row(&out, &f.view, NOW, 0, false);
    CHECK_STR(buf_str(&out), "4r6s8t0v  interrupted  2026-01-02 03:04:05  10 ms     flights               1 "
        "running\n");
    buf_clear(&out);
    list_row_json(&out, &f.view, NOW);
    CHECK_STR(buf_str(&out), "{\"run\":\"" FIXTURE_ID "\",\"workflow\":\"flights\",\"status\":\"interrupted\","
                             "\"started\":\"2026-01-02T03:04:05Z\",\"finished\":null,\"duration_ms\":10,"
                             "\"steps\":{\"running\":1}}");
    buf_clear(&out);
    why_text(&out, &f.view, NULL, NOW, false);
    CHECK_STR(buf_str(&out),
        "flights interrupted after 10 ms: 1 running\n"
        "decisions (UTC)\n"
        "  2026-01-02 03:04:05  load   ready  it needs nothing\n"
        "next: levada resume 4r6s8t0v                       go on where it stopped\n"
        "      levada show 4r6s8t0v                         what is done so far\n");
    fixture_release(&f);
}

static void
why_it_failed(void)
{
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    buf_init(&out, MIB);
    fixture_failed_run(&f);
    why_text(&out, &f.view, NULL, NOW, false);
    CHECK_STR(buf_str(&out),
        "flights failed after 3.5 s: 1 succeeded, 1 failed, 1 skipped\n"
        "cause\n"
        "  check_rows failed (attempt 2 of 2, 2.2 s): contract: 12 rows without \"carrier\"\n"
        "    Look at the sample.\n"
        "did not run because of it\n"
        "  export skipped: step \"check_rows\", which it needs, failed\n"
        "decisions (UTC)\n"
        "  2026-01-02 03:04:05  (run)       started             started by process 4711\n"
        "  2026-01-02 03:04:05  load        ready               it needs nothing\n"
        "  2026-01-02 03:04:06  load        done                it succeeded\n"
        "  2026-01-02 03:04:06  check_rows  ready               all it needs has ended\n"
        "  2026-01-02 03:04:06  check_rows  retry               attempt 1 of 2 failed (transient: connection "
        "reset); again in 2s\n"
        "  2026-01-02 03:04:08  check_rows  retry               attempt 1 of 2 failed (transient: connection "
        "reset) (attempt 2)\n"
        "  2026-01-02 03:04:08  check_rows  not_worth_retrying  errors of class contract are not retried here\n"
        "  2026-01-02 03:04:08  export      need_not_met        step \"check_rows\", which it needs, failed\n"
        "  2026-01-02 03:04:08  (run)       failed              the run failed at step check_rows\n"
        "next: levada logs 4r6s8t0v check_rows              what it wrote\n"
        "      levada report 4r6s8t0v                       all of it as a page\n");
    buf_clear(&out);
    why_text(&out, &f.view, state_step(&f.view.state, "check_rows", NULL), NOW, false);
    CHECK_STR(buf_str(&out),
        "check_rows failed (attempt 2 of 2, 2.2 s): errors of class contract are not retried here\n"
        "errors\n"
        "  attempt 1  transient: connection reset\n"
        "  attempt 2  contract: 12 rows without \"carrier\"\n"
        "    Look at the sample.\n"
        "decisions (UTC)\n"
        "  2026-01-02 03:04:06  ready               all it needs has ended\n"
        "  2026-01-02 03:04:06  retry               attempt 1 of 2 failed (transient: connection reset); again "
        "in 2s\n"
        "  2026-01-02 03:04:08  retry               attempt 1 of 2 failed (transient: connection reset) (attempt 2)\n"
        "  2026-01-02 03:04:08  not_worth_retrying  errors of class contract are not retried here\n"
        "next: levada logs 4r6s8t0v check_rows\n");
    fixture_release(&f);
}

static void
why_for_scripts(void)
{
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    buf_init(&out, MIB);
    fixture_failed_run(&f);
    why_json(&out, &f.view, state_step(&f.view.state, "export", NULL));
    CHECK_STR(buf_str(&out),
        "{\"run\":\"" FIXTURE_ID "\",\"step\":\"export\",\"status\":\"skipped\",\"decisions\":[{\"seq\":12,"
        "\"time\":\"2026-01-02T03:04:08.501Z\",\"event\":\"step_finished\",\"step\":\"export\",\"status\":\"skip"
        "ped\","
        "\"code\":\"need_not_met\",\"text\":\"step \\\"check_rows\\\", which it needs, failed\"}]}\n");
    buf_clear(&out);
    why_json(&out, &f.view, NULL);
    CHECK(strstr(buf_str(&out),
        ",\"cause\":{\"step\":\"check_rows\",\"status\":\"failed\",\"code\":\"not_worth_retrying\","
        "\"text\":\"errors of class contract are not retried here\",\"error\":{\"class\":\"contract\","
        "\"message\":\"12 rows without \\\"carrier\\\"\",\"hint\":\"Look at the sample.\"}}"
        ",\"affected\":[{\"step\":\"export\","
        "\"status\":\"skipped\",\"code\":\"need_not_met\","
        "\"text\":\"step \\\"check_rows\\\", which it needs, failed\"}]}\n") != NULL);
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    const struct value *parsed;
    CHECK_INT(json_parse(&arena, buf_str(&out), out.size, &parsed, &err), 0);
    fixture_release(&f);
}

static void
unknown_outcome(void)
{
    static const struct fixture_step steps[] = {{"pay", "", PART_STEPS, 0}};
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    buf_init(&out, MIB);
    fixture_init(&f, steps, 1);
    fixture_event(&f, 0, EVENT_RUN_CREATED, NULL, "{}");
    fixture_event(&f, 5, EVENT_STEP_INTENT, "pay", "{\"attempt\":1,\"record\":1,\"fence\":1}");
    fixture_event(&f, 9, EVENT_STEP_FINISHED, "pay",
                  "{\"status\":\"unknown\",\"attempt\":1,\"error\":{\"class\":\"permanent\",\"message\":\"nobody"
                  " knows\"}}");
    fixture_event(&f, 10, EVENT_RUN_STOPPED, NULL, "{\"status\":\"unknown\",\"exit\":9}");
    why_text(&out, &f.view, NULL, NOW, false);
    CHECK(strstr(buf_str(&out),
        "next: levada logs 4r6s8t0v pay                     what it last wrote\n"
        "      levada resolve 4r6s8t0v pay --done|--redo|--fail  say how it ended\n"
        "      levada resume 4r6s8t0v                       then go on\n") != NULL);
    fixture_release(&f);
}

static void
show_loops(void)
{
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    const struct show_wanted failed = {.failed = true}, one = {.step = "load", .item = "a"};
    buf_init(&out, MIB);
    fixture_loop_run(&f);
    show_text(&out, &f.view, &all, FIXTURE_START + 3000, false);
    CHECK(strstr(buf_str(&out),
        "  ● load      running (3.0 s): 1 of 3 done, 1 running, 1 failed\n"
        "    ✓ [a]     succeeded (500 ms)\n"
        "    ✗ [b]     failed (600 ms): permanent: no\n"
        "    ● [c d]   running (2.4 s)\n"
        "  · after     waiting\n") != NULL);
    buf_clear(&out);
    show_json(&out, &f.view, &failed, NOW);
    CHECK(strstr(buf_str(&out), "\"steps\":[{\"id\":\"load\",\"item\":\"b\",\"status\":\"failed\"") != NULL);
    CHECK(strstr(buf_str(&out), "\"item\":\"a\"") == NULL);
    buf_clear(&out);
    show_json(&out, &f.view, &one, NOW);
    CHECK(strstr(buf_str(&out), "\"steps\":[{\"id\":\"load\",\"item\":\"a\"") != NULL);
    CHECK(strstr(buf_str(&out), "\"item\":\"b\"") == NULL);
    fixture_release(&f);
}

static void
why_items(void)
{
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    buf_init(&out, MIB);
    fixture_loop_run(&f);
    why_text(&out, &f.view, state_step(&f.view.state, "load", "b"), NOW, false);
    CHECK(strncmp(buf_str(&out), "load[b] failed (600 ms): no\n", 28) == 0);
    CHECK(strstr(buf_str(&out), "3 items") == NULL);
    buf_clear(&out);
    why_text(&out, &f.view, state_step(&f.view.state, "load", NULL), NOW, false);
    CHECK(strstr(buf_str(&out), "did not succeed\n  load[b] failed (600 ms): permanent: no\n") != NULL);
    CHECK(strstr(buf_str(&out), "items  3 items\n") != NULL);
    fixture_release(&f);
}

static void
named(void)
{
    struct fixture f;
    struct err err = {0};
    struct buf out BUF_SCOPED = {0};
    const struct step_state *step;
    buf_init(&out, MIB);
    fixture_loop_run(&f);
    CHECK_INT(instance_find(&f.view.state, "last", "load[c d]", NULL, &step, &err), 0);
    CHECK_STR(step->item, "c d");
    CHECK_STR(state_address(&f.arena, step), "load --item 'c d'");
    instance_name(&out, step);
    CHECK_STR(buf_str(&out), "load[c d]");
    CHECK_INT(instance_find(&f.view.state, "last", "load", "c_d", &step, &err), EXIT_USAGE);
    CHECK_STR(err.message, "step \"load\" of run last has no item \"c_d\"");
    CHECK_STR(err.hint, "Did you mean \"c d\"?");
    CHECK_INT(instance_find(&f.view.state, "last", "after", "x", &step, &err), EXIT_USAGE);
    CHECK_STR(err.message, "step \"after\" of run last has no items");
    CHECK_INT(instance_find(&f.view.state, "last", "aftr", NULL, &step, &err), EXIT_USAGE);
    CHECK_STR(err.hint, "Did you mean \"after\"?");
    fixture_release(&f);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"show prints the run, its steps, and what to type next", show_for_people},
        {"show --json has the members that scripts rely on", show_for_scripts},
        {"a run whose engine is gone is interrupted and stands still", interrupted},
        {"why names the cause, what it took with it, and every decision", why_it_failed},
        {"why --json has the decisions, the cause and the affected steps", why_for_scripts},
        {"an unknown outcome ends with how to settle it", unknown_outcome},
        {"show has the items below their loop, and only those that are asked for", show_loops},
        {"why tells the decisions of one item from those of its loop", why_items},
        {"an item is found by its key, and what is misspelt by what is near", named},
    };
    return check_main("show", tests, CHECK_COUNT(tests), argc, argv);
}
