/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. What people wrote (names, reasons) goes through text_line().
 */
#include "show/asked.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "run/approval.h"
#include "show/instance.h"
#include "show/next.h"
#include "show/show.h"
#include "show/text.h"
#include "show/view.h"

#define SHOWN_MAX 10

void
asked_text(struct buf *buf, const struct step_state *step)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct approval_state *approval = step->approval;
    const struct value *by = approval->by;
    buf_text(buf, "waits for an approval");
    for (size_t i = 0; value_is(by, VALUE_LIST) && i < by->list.count; i++) {
        buf_text(buf, i == 0 ? " by " : i + 1 < by->list.count ? ", " : " or ");
        text_line(buf, value_str(by->list.items[i], ""));
    }
    if (approval->min > 1) {
        buf_printf(buf, " (%" PRIu32 " of %" PRIu32, approval_count(approval), approval->min);
        for (size_t i = 0; i < approval->napprovers; i++) {
            buf_text(buf, i ? ", " : ": ");
            text_line(buf, approver_name(&arena, &approval->approvers[i]));
        }
        buf_char(buf, ')');
    }
    buf_text(buf, " since ");
    text_clock(buf, approval->parked_ms);
    if (approval->expires_ms) {
        buf_text(buf, " until ");
        text_clock(buf, approval->expires_ms);
    }
    buf_text(buf, " UTC");
}

void
asked_words(struct buf *buf, const struct step_state *step, bool inputs)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct approve *approve = step->step->approve;
    const struct approval_state *approval = step->approval;
    buf_text(buf, state_address(&arena, step));
    if (!inputs || approve == NULL || (approval != NULL && approval->input != NULL)) return;
    for (size_t i = 0; i < approve->ninputs; i++)
        if (approve->inputs[i].required) buf_printf(buf, " --input %s=…", approve->inputs[i].name);
}

static void
command_json(struct buf *buf, const char *verb, const struct run_state *state, const struct step_state *step)
{
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, 1 << 16);
    buf_printf(&text, "levada %s %s ", verb, state->id);
    asked_words(&text, step, str_eq(verb, "approve"));
    json_member(buf, verb, buf_str(&text));
}

static void
approvers_json(struct buf *buf, const struct approval_state *approval)
{
    buf_text(buf, ",\"decisions\":[");
    for (size_t i = 0; i < approval->napprovers; i++) {
        const struct approver *one = &approval->approvers[i];
        bool rejects = approval->rejected && i + 1 == approval->napprovers;
        buf_printf(buf, "%s{\"decision\":\"%s\"", i ? "," : "", rejects ? "reject" : "approve");
        json_member(buf, "who", one->who);
        json_member(buf, "claim", one->claim);
        json_member(buf, "reason", one->why);
        json_time(buf, "time", one->time_ms);
        buf_char(buf, '}');
    }
    buf_char(buf, ']');
}

void
asked_json(struct buf *buf, const struct run_state *state, const struct step_state *step)
{
    const struct approval_state *approval = step->approval;
    if (approval == NULL || approval->parked_ms == 0) return;
    bool parked = step->status == STEP_PARKED_STATUS;
    buf_printf(buf, ",\"approval\":{\"status\":\"%s\"",
               parked ? "asked" : approval->granted ? "approved" : approval->rejected ? "rejected" : "closed");
    json_time(buf, "since", approval->parked_ms);
    json_time(buf, "expires", approval->expires_ms);
    buf_printf(buf, ",\"min\":%" PRIu32 ",\"approvals\":%" PRIu32, approval->min, approval_count(approval));
    if (approval->by != NULL) {
        buf_text(buf, ",\"by\":");
        json_write(buf, approval->by);
    }
    if (approval->declared != NULL) {
        buf_text(buf, ",\"asks\":");
        json_write(buf, approval->declared);
    }
    if (approval->input != NULL) {
        buf_text(buf, ",\"input\":");
        json_write(buf, approval->input);
    }
    approvers_json(buf, approval);
    if (parked) {
        command_json(buf, "approve", state, step);
        command_json(buf, "reject", state, step);
    }
    buf_char(buf, '}');
}

void
asked_summary(struct buf *buf, const struct run_state *state)
{
    size_t shown = 0, parked = 0;
    for (const struct step_state *step = instance_next(state, NULL); step != NULL; step = instance_next(state, step)) {
        if (step->status != STEP_PARKED_STATUS || step->approval == NULL) continue;
        if (++parked > SHOWN_MAX) continue;
        shown++;
        buf_text(buf, "  ");
        instance_name(buf, step);
        buf_char(buf, ' ');
        asked_text(buf, step);
        buf_char(buf, '\n');
    }
    if (parked > shown) buf_printf(buf, "  and %zu more\n", parked - shown);
}
