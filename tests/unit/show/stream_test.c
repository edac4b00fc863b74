/* SPDX-License-Identifier: Apache-2.0
 *
 * What scripts and log files read while a run goes on, byte for byte.
 */
#include "show/stream.h"

#include "fixture.h"

#define TIME(rest) "\"run\":\"" FIXTURE_ID "\",\"time\":\"2026-01-02T03:04:" rest "\""

/* Everything that the failed run says, streamed event by event. */
static void
stream_run(void (*say)(struct stream *, const struct event *, struct buf *), struct buf *out)
{
    static const struct fixture_step steps[] = {
        {"load", "", PART_STEPS, 0}, {"check_rows", "load", PART_STEPS, 3}, {"export", "check_rows", PART_STEPS, 0}};
    static const struct { int64_t at; enum event_type type; const char *step, *json; } events[] = {
        {0, EVENT_RUN_CREATED, NULL, "{}"},
        {1, EVENT_RUN_STARTED, NULL, "{\"pid\":4711,\"fence\":1}"},
        {2, EVENT_STEP_INTENT, "load", "{\"attempt\":1,\"record\":1,\"fence\":2,\"reason\":{\"code\":\"ready\""
            ",\"text\":\"x\"}}"},
        {1305, EVENT_STEP_RECEIPT, "load", "{\"record\":1,\"status\":\"succeeded\",\"duration_ms\":1300,\"output"
            "s\":{\"rows\":3}}"},
        {1305, EVENT_STEP_FINISHED, "load", "{\"status\":\"succeeded\",\"attempt\":1,\"duration_ms\":1303,\"outp"
            "uts\":{\"rows\":3}}"},
        {1306, EVENT_STEP_INTENT, "check_rows", "{\"attempt\":1,\"record\":2,\"fence\":3}"},
        {1400, EVENT_STEP_RECEIPT, "check_rows", "{\"record\":2,\"status\":\"failed\",\"duration_ms\":90,\"erro"
            "r\":{\"class\":\"transient\",\"message\":\"reset\"}}"},
        {1400, EVENT_STEP_RETRY, "check_rows", "{\"attempt\":2,\"delay_ms\":2000,\"due_ms\":1,\"reason\":{\"cod"
            "e\":\"retry\",\"text\":\"attempt 1 of 3 failed\"}}"},
        {3400, EVENT_STEP_INTENT, "check_rows", "{\"attempt\":2,\"record\":3,\"fence\":4}"},
        {3450, EVENT_STEP_VANISHED, "check_rows", "{\"record\":3,\"attempt\":2,\"reason\":{\"code\":\"vanished\""
            ",\"text\":\"its worker vanished; its effect is unsafe\"}}"},
        {3500, EVENT_STEP_FINISHED, "check_rows", "{\"status\":\"unknown\",\"attempt\":2,\"duration_ms\":2194,\""
            "error\":{\"class\":\"permanent\",\"message\":\"nobody knows\\nwhether\",\"hint\":\"Look.\",\"file\""
            ":\"/data/flights.yaml\",\"line\":7,\"column\":3}}"},
        {3501, EVENT_STEP_FINISHED, "export", "{\"status\":\"skipped\",\"attempt\":0,\"duration_ms\":0,\"reaso"
            "n\":{\"code\":\"c\",\"text\":\"its need is not met\"}}"},
        {3502, EVENT_RUN_STOPPED, NULL, "{\"status\":\"unknown\",\"exit\":9}"},
        {9000, EVENT_RUN_STARTED, NULL, "{\"pid\":4800,\"fence\":5,\"resumed\":true}"},
        {9001, EVENT_STEP_RESOLVED, "check_rows", "{\"decision\":\"done\",\"who\":\"ana\",\"reason\":{\"code\""
            ":\"resolved\",\"text\":\"ana looked\"}}"},
        {9002, EVENT_CANCEL_ASKED, NULL, "{\"who\":\"ana\",\"why\":\"enough\"}"},
        {9003, EVENT_RUN_FINISHED, NULL, "{\"status\":\"cancelled\",\"exit\":10}"},
    };
    struct fixture f;
    struct stream stream;
    fixture_init(&f, steps, 3);
    stream_init(&stream, &f.arena, &f.view.state);
    for (size_t i = 0; i < CHECK_COUNT(events); i++) {
        fixture_event(&f, events[i].at, events[i].type, events[i].step, events[i].json);
        say(&stream, &f.last, out);
    }
    fixture_release(&f);
}

static void
json_lines(void)
{
    struct buf out BUF_SCOPED;
    buf_init(&out, MIB);
    stream_run(stream_json, &out);
    CHECK_STR(buf_str(&out),
        "{\"event\":\"run_started\"," TIME("05.001Z") ",\"workflow\":\"flights\",\"pid\":4711}\n"
        "{\"event\":\"step_started\"," TIME("05.002Z") ",\"step\":\"load\",\"attempt\":1}\n"
        "{\"event\":\"step_finished\"," TIME("06.305Z") ",\"step\":\"load\",\"status\":\"succeeded\",\"attempt\":1,"
        "\"duration_ms\":1303,\"outputs\":{\"rows\":3}}\n"
        "{\"event\":\"step_started\"," TIME("06.306Z") ",\"step\":\"check_rows\",\"attempt\":1}\n"
        "{\"event\":\"step_retry\"," TIME("06.400Z") ",\"step\":\"check_rows\",\"attempt\":2,\"delay_ms\":2000,"
        "\"reason\":\"attempt 1 of 3 failed\"}\n"
        "{\"event\":\"step_started\"," TIME("08.400Z") ",\"step\":\"check_rows\",\"attempt\":2}\n"
        "{\"event\":\"step_finished\"," TIME("08.500Z") ",\"step\":\"check_rows\",\"status\":\"unknown\",\"attem"
        "pt\":2,"
        "\"duration_ms\":2194,\"outputs\":{},\"error\":{\"class\":\"permanent\",\"message\":\"nobody "
        "knows\\nwhether\","
        "\"hint\":\"Look.\",\"file\":\"/data/flights.yaml\",\"line\":7,\"column\":3}}\n"
        "{\"event\":\"step_finished\"," TIME("08.501Z") ",\"step\":\"export\",\"status\":\"skipped\",\"attempt\":0,"
        "\"duration_ms\":0,\"outputs\":{}}\n"
        "{\"event\":\"run_finished\"," TIME("08.502Z") ",\"status\":\"unknown\",\"exit\":9}\n"
        "{\"event\":\"run_started\"," TIME("14Z") ",\"workflow\":\"flights\",\"pid\":4800,\"resumed\":true}\n"
        "{\"event\":\"run_finished\"," TIME("14.003Z") ",\"status\":\"cancelled\",\"exit\":10}\n");
}

static void
plain_lines(void)
{
    struct buf out BUF_SCOPED;
    buf_init(&out, MIB);
    stream_run(stream_plain, &out);
    CHECK_STR(buf_str(&out),
        "2026-01-02T03:04:05Z flights started: run " FIXTURE_ID ", process 4711\n"
        "2026-01-02T03:04:05Z load started\n"
        "2026-01-02T03:04:06Z load succeeded (1.3 s)\n"
        "2026-01-02T03:04:06Z check_rows started\n"
        "2026-01-02T03:04:06Z check_rows waits 2.0 s before attempt 2: attempt 1 of 3 failed\n"
        "2026-01-02T03:04:08Z check_rows started (attempt 2)\n"
        "2026-01-02T03:04:08Z check_rows vanished: its worker vanished; its effect is unsafe\n"
        "2026-01-02T03:04:08Z check_rows unknown (attempt 2 of 3, 2.2 s): permanent: nobody knows whether"
        " (/data/flights.yaml:7)\n"
        "2026-01-02T03:04:08Z export skipped: its need is not met\n"
        "2026-01-02T03:04:08Z flights unknown (3.5 s): 1 succeeded, 1 unknown, 1 skipped\n"
        "2026-01-02T03:04:14Z flights resumed: run " FIXTURE_ID ", process 4800\n"
        "2026-01-02T03:04:14Z check_rows resolved as done: ana looked\n"
        "2026-01-02T03:04:14Z ana asked for the end: enough\n"
        "2026-01-02T03:04:14Z flights cancelled (9.0 s): 2 succeeded, 1 skipped\n");
}

static void
parked_run(void)
{
    struct fixture f;
    struct stream stream;
    struct buf out BUF_SCOPED;
    buf_init(&out, MIB);
    fixture_init(&f, NULL, 0);
    stream_init(&stream, &f.arena, &f.view.state);
    fixture_event(&f, 1, EVENT_RUN_STOPPED, NULL, "{\"status\":\"parked\",\"exit\":5}");
    stream_json(&stream, &f.last, &out);
    CHECK_STR(buf_str(&out),
              "{\"event\":\"run_parked\"," TIME("05.001Z") ",\"status\":\"parked\",\"exit\":5,\"steps\":[]}\n");
    fixture_release(&f);
}

static void
hostile_text(void)
{
    static const struct fixture_step steps[] = {{"a", "", PART_STEPS, 0}};
    struct fixture f;
    struct stream stream;
    struct buf out BUF_SCOPED;
    buf_init(&out, MIB);
    fixture_init(&f, steps, 1);
    stream_init(&stream, &f.arena, &f.view.state);
    fixture_event(&f, 1, EVENT_STEP_FINISHED, "a",
                  "{\"status\":\"failed\",\"attempt\":0,\"error\":{\"class\":\"permanent\",\"message\":\"\\u001b"
                  "[2Jgone\\u202e!\"}}");
    stream_plain(&stream, &f.last, &out);
    CHECK_STR(buf_str(&out), "2026-01-02T03:04:05Z a failed: permanent: \\x1b[2Jgone\\xe2\\x80\\xae!\n");
    fixture_release(&f);
}

/* The state grows between two events, by more than the stream had room for. */
static void
loop_lines(void)
{
    static const struct fixture_step steps[] = {{"load", "", PART_STEPS, 0}};
    struct fixture f;
    struct stream stream;
    struct buf out BUF_SCOPED = {0}, items BUF_SCOPED = {0};
    buf_init(&out, MIB);
    buf_init(&items, MIB);
    fixture_init(&f, steps, 1);
    fixture_loop(&f, 0);
    stream_init(&stream, &f.arena, &f.view.state);
    buf_text(&items, "{\"items\":[");
    for (size_t i = 0; i < 500; i++) buf_printf(&items, "%s{\"key\":\"k%zu\",\"value\":1}", i ? "," : "", i);
    buf_text(&items, "]}");
    fixture_event(&f, 1, EVENT_STEP_EXPANDED, "load", buf_str(&items));
    stream_json(&stream, &f.last, &out);
    CHECK_STR(buf_str(&out), "{\"event\":\"step_expanded\"," TIME("05.001Z") ",\"step\":\"load\",\"items\":500}\n");
    buf_clear(&out);
    fixture_item_event(&f, 2, EVENT_STEP_INTENT, "load", "k499", "{\"attempt\":1,\"record\":1,\"fence\":1}");
    stream_json(&stream, &f.last, &out);
    stream_plain(&stream, &f.last, &out); /* it was announced */
    CHECK_STR(buf_str(&out), "{\"event\":\"step_started\"," TIME("05.002Z")
                             ",\"step\":\"load\",\"item\":\"k499\",\"attempt\":1}\n");
    buf_clear(&out);
    fixture_event(&f, 1, EVENT_STEP_EXPANDED, "load", "{\"items\":[{\"key\":\"k\",\"value\":1}]}");
    stream_plain(&stream, &f.last, &out);
    CHECK_STR(buf_str(&out), "2026-01-02T03:04:05Z load begins: 1 item\n");
    fixture_release(&f);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"events are JSON lines with the members that scripts rely on", json_lines},
        {"events are plain lines with their time", plain_lines},
        {"a parked run is said to be parked", parked_run},
        {"items of a loop are told with their keys, however many there are", loop_lines},
        {"an error cannot move the cursor or turn text around", hostile_text},
    };
    return check_main("stream", tests, CHECK_COUNT(tests), argc, argv);
}
