/* SPDX-License-Identifier: Apache-2.0
 *
 * A run made by hand: steps with needs, then events as JSON, folded as the engine folds them. Times are
 * milliseconds after 2026-01-02T03:04:05Z.
 */
#ifndef TESTS_SHOW_FIXTURE_H
#define TESTS_SHOW_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "check.h"
#include "show/view.h"

#define FIXTURE_START 1767323045000
#define FIXTURE_ID "01kdvw3x8g7q2m5n9p4r6s8t0v"

struct fixture_step {
    const char *id, *needs; /* needs: names with a blank between, or "" */
    enum step_part part;
    uint32_t attempts;      /* retry.attempts; 0: 1 */
};

struct fixture {
    struct arena arena;
    struct model model;
    struct view view;
    int64_t seq;
    struct event last; /* the event applied last */
};

static inline void
fixture_init(struct fixture *f, const struct fixture_step *steps, size_t count)
{
    *f = (struct fixture){.model = {.name = "flights", .file = "/data/flights.yaml", .folder = "/data",
                                    .source = "levada: 1\n", .nsteps = count}};
    f->model.steps = ARENA_ARRAY(&f->arena, count + 1, struct step);
    for (size_t i = 0; i < count; i++) {
        struct step *step = &f->model.steps[i];
        step->id = step->local = steps[i].id;
        step->home = &f->model;
        step->part = steps[i].part;
        step->retry.attempts = steps[i].attempts ? steps[i].attempts : 1;
        step->needs = ARENA_ARRAY(&f->arena, count + 1, uint32_t);
        for (const char *name = steps[i].needs; *name; name += strspn(name, " ")) {
            size_t size = strcspn(name, " ");
            for (size_t k = 0; k < count; k++)
                if (strlen(steps[k].id) == size && memcmp(steps[k].id, name, size) == 0)
                    step->needs[step->nneeds++] = (uint32_t)k;
            name += size;
        }
    }
    f->view.folder = "/state/runs/" FIXTURE_ID;
    f->view.name = view_short_id(FIXTURE_ID);
    state_init(&f->view.state, &f->arena, &f->model, FIXTURE_ID);
    f->view.decisions = ARENA_ARRAY(&f->arena, 1000, struct decision);
}

static inline void
fixture_item_event(struct fixture *f, int64_t at_ms, enum event_type type, const char *step, const char *item,
                   const char *json)
{
    struct err err = {0};
    f->last = (struct event){
        .seq = ++f->seq, .time_ms = FIXTURE_START + at_ms, .type = type, .step = step, .item = item};
    int code = json_parse(&f->arena, json, strlen(json), &f->last.data, &err);
    if (!code) code = state_apply(&f->view.state, &f->last, &err);
    if (code) {
        printf("fixture: %s\n", err.message);
        abort();
    }
    if (decision_of(&f->arena, &f->last, &f->view.decisions[f->view.ndecisions])) f->view.ndecisions++;
    f->view.status = f->view.state.status;
}

static inline void
fixture_event(struct fixture *f, int64_t at_ms, enum event_type type, const char *step, const char *json)
{
    fixture_item_event(f, at_ms, type, step, NULL, json);
}

/* Step `index` is done for each item, called `item`. */
static inline void
fixture_loop(struct fixture *f, size_t index)
{
    struct loop *loop = ARENA_NEW(&f->arena, struct loop);
    loop->as = "item";
    f->model.steps[index].loop = loop;
}

/* A loop `load` over a, b and c, of which b has failed and c runs, and a step behind it. */
static inline void
fixture_loop_run(struct fixture *f)
{
    static const struct fixture_step steps[] = {{"load", "", PART_STEPS, 0}, {"after", "load", PART_STEPS, 0}};
    fixture_init(f, steps, 2);
    fixture_loop(f, 0);
    fixture_event(f, 0, EVENT_RUN_CREATED, NULL, "{}");
    fixture_event(f, 1, EVENT_RUN_STARTED, NULL, "{\"pid\":4711,\"fence\":1,\"max_parallel\":4}");
    fixture_event(f, 2, EVENT_STEP_EXPANDED, "load",
                  "{\"items\":[{\"key\":\"a\",\"value\":1},{\"key\":\"b\",\"value\":2},{\"key\":\"c d\",\"value\":3}],"
                  "\"reason\":{\"code\":\"items\",\"text\":\"3 items\"}}");
    fixture_item_event(f, 3, EVENT_STEP_INTENT, "load", "a", "{\"attempt\":1,\"record\":1,\"fence\":2}");
    fixture_item_event(f, 3, EVENT_STEP_INTENT, "load", "b", "{\"attempt\":1,\"record\":2,\"fence\":3}");
    fixture_item_event(f, 503, EVENT_STEP_FINISHED, "load", "a", "{\"status\":\"succeeded\",\"attempt\":1}");
    fixture_item_event(f, 603, EVENT_STEP_FINISHED, "load", "b",
                       "{\"status\":\"failed\",\"attempt\":1,\"error\":{\"class\":\"permanent\",\"message\":\"no\"},"
                       "\"reason\":{\"code\":\"failed\",\"text\":\"no\"}}");
    fixture_item_event(f, 603, EVENT_STEP_INTENT, "load", "c d", "{\"attempt\":1,\"record\":3,\"fence\":4}");
}

/* A run of three steps whose second fails at its second attempt; the third is skipped. */
static inline void
fixture_failed_run(struct fixture *f)
{
    static const struct fixture_step steps[] = {
        {"load", "", PART_STEPS, 0}, {"check_rows", "load", PART_STEPS, 2}, {"export", "check_rows", PART_STEPS, 0}};
    fixture_init(f, steps, 3);
    fixture_event(f, 0, EVENT_RUN_CREATED, NULL,
                  "{\"run\":\"" FIXTURE_ID "\",\"workflow\":\"flights\",\"params\":{\"month\":3}"
                  ",\"trigger\":\"person\"}");
    fixture_event(f, 1, EVENT_RUN_STARTED, NULL, "{\"pid\":4711,\"fence\":1,\"max_parallel\":4}");
    fixture_event(f, 2, EVENT_STEP_INTENT, "load",
                  "{\"attempt\":1,\"record\":1,\"fence\":2,\"token\":\"t\",\"log\":\"load.1.log\",\"inputs\":{\""
                  "with\":"
                  "{\"table\":\"flights\",\"password\":{\"$secret\":\"lake\"}}},"
                  "\"reason\":{\"code\":\"ready\",\"text\":\"it needs nothing\"}}");
    fixture_event(f, 1305, EVENT_STEP_RECEIPT, "load",
                  "{\"record\":1,\"status\":\"succeeded\",\"duration_ms\":1300,\"outputs\":{\"rows\":336776},"
                  "\"metrics\":[{\"name\":\"rows\",\"value\":336776,\"unit\":\"rows\"}]}");
    fixture_event(f, 1305, EVENT_STEP_FINISHED, "load",
                  "{\"status\":\"succeeded\",\"attempt\":1,\"duration_ms\":1303,\"outputs\":{\"rows\":336776},"
                  "\"reason\":{\"code\":\"done\",\"text\":\"it succeeded\"}}");
    fixture_event(f, 1306, EVENT_STEP_INTENT, "check_rows",
                  "{\"attempt\":1,\"record\":2,\"fence\":3,\"token\":\"u\",\"log\":\"check_rows.1.log\",\"input"
                  "s\":{},"
                  "\"reason\":{\"code\":\"ready\",\"text\":\"all it needs has ended\"}}");
    fixture_event(f, 1400, EVENT_STEP_RECEIPT, "check_rows",
                  "{\"record\":2,\"status\":\"failed\",\"duration_ms\":90,"
                  "\"error\":{\"class\":\"transient\",\"message\":\"connection reset\"}}");
    fixture_event(f, 1400, EVENT_STEP_RETRY, "check_rows",
                  "{\"attempt\":2,\"delay_ms\":2000,\"due_ms\":1767323048400,\"reason\":{\"code\":\"retry\","
                  "\"text\":\"attempt 1 of 2 failed (transient: connection reset); again in 2s\"}}");
    fixture_event(f, 3400, EVENT_STEP_INTENT, "check_rows",
                  "{\"attempt\":2,\"record\":3,\"fence\":4,\"token\":\"u\",\"log\":\"check_rows.2.log\","
                  "\"reason\":{\"code\":\"retry\",\"text\":\"attempt 1 of 2 failed (transient: connection "
                  "reset)\"}}");
    fixture_event(f, 3500, EVENT_STEP_RECEIPT, "check_rows",
                  "{\"record\":3,\"status\":\"failed\",\"duration_ms\":90,\"error\":{\"class\":\"contract\","
                  "\"message\":\"12 rows without \\\"carrier\\\"\",\"hint\":\"Look at the sample.\"}}");
    fixture_event(f, 3500, EVENT_STEP_FINISHED, "check_rows",
                  "{\"status\":\"failed\",\"attempt\":2,\"duration_ms\":2194,\"error\":{\"class\":\"contract\","
                  "\"message\":\"12 rows without \\\"carrier\\\"\",\"hint\":\"Look at the sample.\"},"
                  "\"reason\":{\"code\":\"not_worth_retrying\",\"text\":\"errors of class contract are not "
                  "retried here\"}}");
    fixture_event(f, 3501, EVENT_STEP_FINISHED, "export",
                  "{\"status\":\"skipped\",\"attempt\":0,\"duration_ms\":0,\"reason\":{\"code\":\"need_not_met\","
                  "\"text\":\"step \\\"check_rows\\\", which it needs, failed\"}}");
    fixture_event(f, 3502, EVENT_RUN_FINISHED, NULL,
                  "{\"status\":\"failed\",\"exit\":1,\"failed_step\":\"check_rows\",\"error\":{\"class\":\"contr"
                  "act\","
                  "\"message\":\"12 rows without \\\"carrier\\\"\"},\"duration_ms\":3502}");
}

static inline void
fixture_release(struct fixture *f)
{
    arena_release(&f->arena);
}

#endif
