/* SPDX-License-Identifier: Apache-2.0
 *
 * The moments that people name, and what is told of a run as a whole.
 */
#include "fixture.h"
#include "show/stream.h"

#define DAY ((int64_t)24 * 3600 * 1000)

static struct fixture fixture;

static int64_t
moment(const char *text, int64_t now_ms)
{
    struct err err = {0};
    int64_t ret = -1;
    int code = view_moment(text, &fixture.view, now_ms, &ret, &err);
    CHECK(code == 0 || (code == EXIT_USAGE && err.hint[0] != '\0'));
    return code ? -1 : ret;
}

static void
setup(void)
{
    static const struct fixture_step steps[] = {{"load", "", PART_STEPS, 0}};
    fixture_init(&fixture, steps, 1);
    fixture.view.state.started_ms = FIXTURE_START; /* 2026-01-02T03:04:05Z */
}

static void
a_moment_is_a_time_in_rfc_3339(void)
{
    setup();
    CHECK_INT(moment("2026-01-02T03:04:05.250Z", 0), FIXTURE_START + 250);
    /* Without a fraction all of that second is meant: what happened in it is shown. */
    CHECK_INT(moment("2026-01-02T03:04:05Z", 0), FIXTURE_START + 999);
    CHECK_INT(moment("2026-01-02T04:04:05+01:00", 0), FIXTURE_START + 999);
    arena_release(&fixture.arena);
}

static void
or_a_duration_before_now(void)
{
    setup();
    CHECK_INT(moment("-5m", FIXTURE_START), FIXTURE_START - 300000);
    CHECK_INT(moment("-0s", FIXTURE_START), FIXTURE_START);
    CHECK_INT(moment("-1h30m", FIXTURE_START), FIXTURE_START - 5400000);
    arena_release(&fixture.arena);
}

static void
or_a_time_of_the_day_on_which_the_run_began_and_never_before_it(void)
{
    setup();
    CHECK_INT(moment("03:04:05", 0), FIXTURE_START + 999);
    CHECK_INT(moment("03:05", 0), FIXTURE_START + 55000 + 999);
    CHECK_INT(moment("03:04:04", 0), FIXTURE_START - 1000 + 999 + DAY);
    CHECK_INT(moment("00:00:00", 0), FIXTURE_START - (3 * 3600 + 4 * 60 + 5) * 1000 + DAY + 999);
    arena_release(&fixture.arena);
}

static void
all_else_is_refused_with_examples(void)
{
    static const char *const bad[] = {"", "-", "now", "5m", "-5", "24:00", "3:04", "03:60", "03:04:60", "03:04:05Z",
                                      "03:04:",
                                      "03:04:05:06", "--5m", "2026-13-01"};
    setup();
    for (size_t i = 0; i < CHECK_COUNT(bad); i++) {
        if (moment(bad[i], FIXTURE_START) != -1) printf("\n\"%s\" was taken\n", bad[i]);
        CHECK_INT(moment(bad[i], FIXTURE_START), -1);
    }
    arena_release(&fixture.arena);
}

static void
a_retried_run_took_what_its_last_try_took(void)
{
    struct fixture f;
    struct stream stream;
    struct buf out BUF_SCOPED;
    buf_init(&out, MIB);
    fixture_failed_run(&f);
    CHECK_INT(view_elapsed_ms(&f.view, FIXTURE_START + DAY), 3502);
    fixture_event(&f, DAY, EVENT_RUN_RETRIED, NULL, "{\"who\":\"ana\",\"again\":[\"check_rows\",\"export\"]}");
    fixture_event(&f, DAY + 1, EVENT_RUN_STARTED, NULL, "{\"pid\":4712,\"fence\":5,\"resumed\":true}");
    CHECK_INT(view_elapsed_ms(&f.view, FIXTURE_START + DAY + 200), 200);
    fixture_event(&f, DAY + 1000, EVENT_RUN_FINISHED, NULL, "{\"status\":\"failed\",\"exit\":1}");
    CHECK_INT(view_elapsed_ms(&f.view, FIXTURE_START + 2 * DAY), 1000);
    stream_init(&stream, &f.arena, &f.view.state);
    stream_plain(&stream, &f.last, &out);
    CHECK(strstr(buf_str(&out), "flights failed (1.0 s)") != NULL);
    fixture_release(&f);
}

static void
an_empty_reason_leaves_no_colon_behind(void)
{
    struct fixture f;
    fixture_init(&f, (const struct fixture_step[]){{"load", "", PART_STEPS, 0}}, 1);
    fixture_event(&f, 0, EVENT_CANCEL_ASKED, NULL, "{\"who\":\"ana\",\"why\":\"\"}");
    CHECK_STR(f.view.decisions[0].text, "ana asked for the end");
    fixture_event(&f, 0, EVENT_CANCEL_ASKED, NULL, "{\"who\":\"ana\",\"why\":\"enough\"}");
    CHECK_STR(f.view.decisions[1].text, "ana asked for the end: enough");
    fixture_event(&f, 0, EVENT_STEP_RESOLVED, "load", "{\"decision\":\"done\",\"who\":\"ana\",\"why\":\"\"}");
    CHECK_STR(f.view.decisions[2].text, "ana said \"done\"");
    fixture_release(&f);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a moment is a time in RFC 3339", a_moment_is_a_time_in_rfc_3339},
        {"or a duration before now", or_a_duration_before_now},
        {"or a time of the day on which the run began, and never before it",
         or_a_time_of_the_day_on_which_the_run_began_and_never_before_it},
        {"all else is refused with examples", all_else_is_refused_with_examples},
        {"a retried run took what its last try took", a_retried_run_took_what_its_last_try_took},
        {"an empty reason leaves no colon behind", an_empty_reason_leaves_no_colon_behind},
    };
    return check_main("view", tests, CHECK_COUNT(tests), argc, argv);
}
