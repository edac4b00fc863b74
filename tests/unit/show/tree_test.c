/* SPDX-License-Identifier: Apache-2.0
 *
 * The live picture at one moment: exact lines, and no line wider than the terminal.
 */
#include "show/tree.h"

#include "fixture.h"
#include "show/board.h"
#include "show/text.h"

static const struct fixture_step steps[] = {
    {"load_a", "", PART_STEPS, 0},       {"load_b", "", PART_STEPS, 0}, {"check", "load_a load_b", PART_STEPS, 3},
    {"left", "check", PART_STEPS, 0},    {"right", "check", PART_STEPS, 0}, {"join", "left right", PART_STEPS, 0},
    {"tell", "", PART_ON_FAILURE, 0},    {"clean", "", PART_FINALLY, 0},
};

static void
draw(struct fixture *f, struct meter *meters, const char **hints, int width, int height, bool final, struct buf *out)
{
    struct board board;
    board_init(&board, &f->arena, &f->view.state);
    for (size_t i = 0; meters != NULL && i < f->model.nsteps; i++) {
        struct board_part *part = board_part(&board, &f->view.state.steps[i]);
        if (meters[i].what[0]) part->meter = &meters[i];
        part->hint = hints[i];
    }
    struct tree_view view = {.board = &board, .width = width, .height = height, .now_ms = FIXTURE_START + 3000,
                             .final = final};
    buf_clear(out);
    size_t lines = tree_render(&view, out), seen = 0;
    for (const char *line = buf_str(out); *line; seen++) {
        size_t size = strcspn(line, "\n");
        CHECK(text_width(line, size) < (size_t)width);
        line += size + 1;
    }
    CHECK_INT(lines, seen);
}

static void
running(void)
{
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    struct meter meters[8] = {[1] = {.done = 500, .total = 2000, .what = "rows", .since_ms = FIXTURE_START + 1000}};
    const char *hints[8] = {0};
    buf_init(&out, MIB);
    fixture_init(&f, steps, 8);
    fixture_event(&f, 0, EVENT_RUN_CREATED, NULL, "{}");
    fixture_event(&f, 0, EVENT_STEP_INTENT, "load_a", "{\"attempt\":1,\"record\":1,\"fence\":1}");
    fixture_event(&f, 0, EVENT_STEP_INTENT, "load_b", "{\"attempt\":1,\"record\":2,\"fence\":2}");
    fixture_event(&f, 1200, EVENT_STEP_RECEIPT, "load_a",
                  "{\"record\":1,\"status\":\"succeeded\",\"metrics\":["
                  "{\"name\":\"bytes\",\"value\":9,\"unit\":\"bytes\"},"
                  "{\"name\":\"rows\",\"value\":1234.0,\"unit\":\"rows\"}]}");
    fixture_event(&f, 1200, EVENT_STEP_FINISHED, "load_a", "{\"status\":\"succeeded\",\"attempt\":1}");
    draw(&f, meters, hints, 80, 24, false, &out);
    CHECK_STR(buf_str(&out),
        "flights  4r6s8t0v  3.0 s\n"
        "  ✓ load_a      1.2 s, 1,234 rows\n"
        "  ⠋ load_b      ━━━━━───────────────  25%  500 of 2,000 rows, 250/s  3.0 s\n"
        "  └ · check     after load_b\n"
        "    ├ · left    after check\n"
        "    └ · right   after check\n"
        "      └ · join  after left, right\n"
        "  · clean       at the end\n");
    draw(&f, meters, hints, 30, 24, false, &out);
    draw(&f, meters, hints, 20, 24, false, &out);
    fixture_release(&f);
}

static void
failed(void)
{
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    struct meter meters[8] = {0};
    const char *hints[8] = {[2] = "  ERROR: 12 rows\033[2J"};
    buf_init(&out, MIB);
    fixture_init(&f, steps, 8);
    fixture_event(&f, 0, EVENT_RUN_CREATED, NULL, "{}");
    fixture_event(&f, 1, EVENT_STEP_FINISHED, "load_a", "{\"status\":\"cancelled\",\"reason\":{\"code\":\"c\",\""
        "text\":\"ana\"}}");
    fixture_event(&f, 10, EVENT_STEP_INTENT, "check", "{\"attempt\":1,\"record\":1,\"fence\":1}");
    fixture_event(&f, 2010, EVENT_STEP_FINISHED, "check",
                  "{\"status\":\"failed\",\"attempt\":1,\"error\":{\"class\":\"contract\",\"message\":\"no "
                  "carrier\"}}");
    fixture_event(&f, 2011, EVENT_STEP_RETRY, "load_b",
                  "{\"attempt\":1,\"delay_ms\":5000,\"due_ms\":1767323050000,\"reason\":{\"code\":\"r\",\"text\""
                  ":\"busy\"}}");
    draw(&f, meters, hints, 60, 24, true, &out);
    CHECK_STR(buf_str(&out),
        "flights  4r6s8t0v  3.0 s\n"
        "  ⊘ load_a      cancelled: ana\n"
        "  ↻ load_b      attempt 1 of 1 in 2.0 s: busy\n"
        "  └ ✗ check     failed (attempt 1 of 3, 2.0 s)\n"
        "      contract: no carrier\n"
        "      log: ERROR: 12 rows\\x1b[2J\n"
        "    ├ · left    \n"
        "    └ · right   \n"
        "      └ · join  after left, right\n");
    fixture_release(&f);
}

static void
collapsed(void)
{
    static struct fixture_step many[300];
    static char names[300][8];
    static struct meter meters[300];
    static const char *hints[300];
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    buf_init(&out, MIB);
    for (size_t i = 0; i < 300; i++) {
        snprintf(names[i], sizeof names[i], "s%zu", i);
        many[i] = (struct fixture_step){.id = names[i], .needs = i ? names[i - 1] : ""};
    }
    fixture_init(&f, many, 300);
    fixture_event(&f, 0, EVENT_RUN_CREATED, NULL, "{}");
    for (size_t i = 0; i < 100; i++)
        fixture_event(&f, 5, EVENT_STEP_FINISHED, names[i], "{\"status\":\"succeeded\",\"attempt\":1}");
    fixture_event(&f, 1000, EVENT_STEP_INTENT, "s100", "{\"attempt\":1,\"record\":1,\"fence\":1}");
    draw(&f, meters, hints, 60, 10, false, &out);
    CHECK_STR(buf_str(&out),
        "flights  4r6s8t0v  3.0 s\n"
        "  ⠋ s100      2.0 s\n"
        "  300 steps: 100 succeeded, 1 running, 199 waiting\n");
    fixture_release(&f);
}

static void
short_loop(void)
{
    struct fixture f;
    struct buf out BUF_SCOPED = {0};
    buf_init(&out, MIB);
    fixture_loop_run(&f);
    draw(&f, NULL, NULL, 60, 24, false, &out);
    CHECK_STR(buf_str(&out),
        "flights  4r6s8t0v  3.0 s\n"
        "  ⠋ load      1 of 3 done, 1 running, 1 failed  3.0 s\n"
        "    ✓ [a]     500 ms\n"
        "    ✗ [b]     failed (600 ms)\n"
        "        permanent: no\n"
        "    ⠋ [c d]   2.4 s\n"
        "  └ · after   after load\n");
    fixture_release(&f);
}

static const char *
item_list(struct arena *arena, size_t count)
{
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, MIB);
    buf_text(&text, "{\"items\":[");
    for (size_t i = 0; i < count; i++) buf_printf(&text, "%s{\"key\":\"k%zu\",\"value\":1}", i ? "," : "", i);
    buf_text(&text, "]}");
    return arena_strdup(arena, buf_str(&text));
}

static void
long_loop(void)
{
    static const struct fixture_step one[] = {{"load", "", PART_STEPS, 0}};
    struct fixture f;
    struct board board;
    struct buf out BUF_SCOPED = {0};
    buf_init(&out, MIB);
    fixture_init(&f, one, 1);
    fixture_loop(&f, 0);
    fixture_event(&f, 0, EVENT_RUN_CREATED, NULL, "{}");
    board_init(&board, &f.arena, &f.view.state);
    fixture_event(&f, 0, EVENT_STEP_EXPANDED, "load", item_list(&f.arena, 1000));
    board_event(&board, &f.last);
    for (size_t i = 0; i < 40; i++) {
        const char *key = arena_printf(&f.arena, "k%zu", i);
        fixture_item_event(&f, 0, EVENT_STEP_INTENT, "load", key,
                           arena_printf(&f.arena, "{\"attempt\":1,\"record\":%zu,\"fence\":%zu}", i + 1, i + 1));
        board_event(&board, &f.last);
        if (i >= 32) continue;
        fixture_item_event(&f, 1000, EVENT_STEP_FINISHED, "load", key,
                           i % 8 == 7 ? "{\"status\":\"failed\",\"attempt\":1}"
                                      : "{\"status\":\"succeeded\",\"attempt\":1}");
        board_event(&board, &f.last);
    }
    struct tree_view view = {.board = &board, .width = 70, .height = 24, .now_ms = FIXTURE_START + 3000};
    tree_render(&view, &out);
    CHECK_STR(buf_str(&out),
        "flights  4r6s8t0v  3.0 s\n"
        "  ⠋ load      28 of 1,000 done, 8 running, 4 failed  3.0 s\n"
        "    ✗ [k7]    failed (1.0 s)\n"
        "    ✗ [k15]   failed (1.0 s)\n"
        "    ✗ [k23]   failed (1.0 s)\n"
        "    ⠋ [k32]   3.0 s\n"
        "    ⠋ [k33]   3.0 s\n"
        "    ⠋ [k34]   3.0 s\n"
        "    ⠋ [k35]   3.0 s\n"
        "    ⠋ [k36]   3.0 s\n"
        "    ⠋ [k37]   3.0 s\n"
        "    … and 3 more\n");
    view.height = 9;
    buf_clear(&out);
    tree_render(&view, &out);
    CHECK(strstr(buf_str(&out), "\n  ⠋ load") != NULL);
    CHECK(strstr(buf_str(&out), "  1,000 steps: 28 succeeded, 4 failed, 8 running, 960 waiting\n") != NULL);
    fixture_release(&f);
}

/* What events kept up to date is what a look at the whole state finds. */
static void
counted(void)
{
    struct fixture f;
    struct board now;
    struct tally tally;
    fixture_loop_run(&f);
    board_init(&now, &f.arena, &f.view.state);
    fixture_item_event(&f, 700, EVENT_STEP_RETRY, "load", "c d", "{\"attempt\":2,\"delay_ms\":1,\"due_ms\":1}");
    board_event(&now, &f.last);
    fixture_item_event(&f, 800, EVENT_STEP_INTENT, "load", "c d", "{\"attempt\":2,\"record\":4,\"fence\":5}");
    board_event(&now, &f.last);
    fixture_item_event(&f, 900, EVENT_STEP_FINISHED, "load", "c d", "{\"status\":\"succeeded\",\"attempt\":2}");
    board_event(&now, &f.last);
    fixture_event(&f, 900, EVENT_STEP_FINISHED, "load",
                  "{\"status\":\"failed\",\"reason\":"
                  "{\"code\":\"parts_failed\",\"text\":\"1 of its 3 parts failed\"}}");
    board_event(&now, &f.last);
    tally_run(&tally, &f.view.state);
    CHECK_INT(tally.all, 4);
    CHECK_INT(now.all.all, tally.all);
    for (size_t i = 0; i <= STEP_UNKNOWN_STATUS; i++) CHECK_INT(now.all.by[i], tally.by[i]);
    const struct board_sum *sum = board_sum(&now, &f.view.state.steps[0]);
    tally_parts(&tally, &f.view.state, &f.view.state.steps[0]);
    for (size_t i = 0; i <= STEP_UNKNOWN_STATUS; i++) CHECK_INT(sum->tally.by[i], tally.by[i]);
    CHECK_INT(sum->first, 0);
    CHECK_INT(sum->nfailed, 1);
    fixture_release(&f);
}

static void
order(void)
{
    struct fixture f;
    fixture_init(&f, steps, 8);
    const struct tree_row *rows = tree_rows(&f.arena, &f.model);
    static const uint32_t want[] = {0, 1, 2, 3, 4, 5, 6, 7}, depth[] = {0, 0, 1, 2, 2, 3, 0, 0};
    for (size_t i = 0; i < 8; i++) {
        CHECK_INT(rows[i].step, want[i]);
        CHECK_INT(rows[i].depth, depth[i]);
    }
    fixture_release(&f);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a running step has a bar, its rows and its rate; the others wait for their needs", running},
        {"a failed step says its error and the last line of its log", failed},
        {"more steps than rows collapse to those at work and a count", collapsed},
        {"the items of a short loop stand below it", short_loop},
        {"of a long loop the first that failed and what runs have lines, the others are counted", long_loop},
        {"what events keep up to date is what a look at all of it finds", counted},
        {"a step stands below the last of its needs", order},
    };
    return check_main("tree", tests, CHECK_COUNT(tests), argc, argv);
}
