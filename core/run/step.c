/* SPDX-License-Identifier: Apache-2.0
 *
 * Decisions about one step: start it, skip it, retry it, end it, or say that nobody knows. Every decision is journalled
 * with its reason, which is what `levada why` prints.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/assert.h"
#include "base/str.h"
#include "run/engine_internal.h"
#include "run/failure.h"
#include "run/worth.h"

bool
step_safe_to_stop(const struct step_state *step)
{
    return step->step->effect != LEVADA_EFFECT_UNSAFE;
}

/* Can the other side say whether the effect happened? */
static bool
step_can_be_asked(const struct step_state *step)
{
    return step->step->effect == LEVADA_EFFECT_TRANSACTIONAL || step->step->effect == LEVADA_EFFECT_PROBE;
}

void
step_end(struct engine *e, size_t i, enum step_status status, const struct value *outputs, const struct value *error,
         const struct value *reason)
{
    struct step_state *step = &e->state.steps[i];
    struct value *data = value_map(&e->turn);
    if (step->status == STEP_BACKOFF_STATUS) turn_wait_no_more(e, i);
    if (step->status == STEP_PARKED_STATUS) asking_forget(e, i);
    value_set(&e->turn, data, "status", value_text(&e->turn, step_status_name(status)));
    if (outputs != NULL) value_set(&e->turn, data, "outputs", outputs);
    if (error != NULL) value_set(&e->turn, data, "error", error);
    value_set(&e->turn, data, "reason", reason);
    value_set(&e->turn, data, "attempt", value_int(&e->turn, (int64_t)step->nattempts));
    value_set(&e->turn, data, "duration_ms",
              value_int(&e->turn, step->started_ms ? turn_since(e, step->started_ms) : 0));
    engine_emit(e, EVENT_STEP_FINISHED, step, data);
    calls_ended(e, i);
    if (step_status_ended(status)) calls_abandon(e, i);
    if (!e->scheduled || !step_status_ended(status)) return;
    sched_ended(&e->sched, i);
    parent_fail_fast(e, i);
}

void
step_cancel(struct engine *e, size_t i, const char *why)
{
    step_end(e, i, STEP_CANCELLED_STATUS, NULL, NULL, engine_reason(e, "cancelled", "%s", why));
}

static void
fail_before_start(struct engine *e, size_t i, struct err *err, const char *what)
{
    failure_place(err, e->state.steps[i].step);
    step_end(e, i, STEP_FAILED_STATUS, NULL, failure_value(&e->turn, LEVADA_INVALID, err),
             engine_reason(e, "invalid", "%s could not be evaluated: %s", what, err->message));
}

static const struct value *
why_skipped(struct engine *e, const struct step *step, struct sched_view view)
{
    if (view.success || view.first_bad == NULL)
        return engine_reason(e, "condition", "its `if` is false: %s", step->condition);
    enum step_status status = view.first_bad->status;
    return engine_reason(e, "need_not_met", "step \"%s\", which it needs, %s", view.first_bad->step->local,
                         status == STEP_FAILED_STATUS    ? "failed"
                         : status == STEP_SKIPPED_STATUS ? "was skipped"
                                                         : "was cancelled");
}

/* Its inputs were evaluated once and journalled: never again. */
static void
start_again(struct engine *e, size_t i)
{
    const struct step_state *step = &e->state.steps[i];
    const char *code = step->reason_code ? step->reason_code : "again";
    const char *text = step->reason_text ? step->reason_text : "";
    bool ask = step->ask_first;
    attempt_start(e, i, step->inputs, ask,
                  engine_reason(e, ask ? "resolve" : code, "%s", ask ? "asking whether the effect happened" : text));
}

static void
start_first(struct engine *e, size_t i)
{
    const struct step_state *step = &e->state.steps[i];
    const struct value *inputs;
    struct err err = {0};
    if (inputs_evaluate(&e->inputs, step, &e->turn, &inputs, &err) != 0) {
        fail_before_start(e, i, &err, "its inputs");
        return;
    }
    const char *reuse = attempt_reuse(e, step->step, inputs);
    if (reuse != NULL && pool_busy(e, reuse)) {
        pool_hold(e, i, reuse);
        return;
    }
    bool asked = step->approval != NULL && step->approval->napprovers > 0;
    attempt_start(e, i, inputs, false,
                  asked                  ? engine_reason(e, "ready", "%s", step->reason_text)
                  : step->is_item        ? engine_reason(e, "ready", "it is an item of the loop")
                  : step->step->nneeds   ? engine_reason(e, "ready", "all it needs has ended")
                                         : engine_reason(e, "ready", "it needs nothing"));
}

void
step_look(struct engine *e, size_t i)
{
    struct step_state *step = &e->state.steps[i];
    struct err err = {0};
    bool wanted;
    /* Whether an effect has happened may still be asked: that makes none. */
    if (e->state.cancel_asked && !state_after(&e->state, step, PART_FINALLY) && !step->ask_first) {
        step_cancel(e, i, "the run was cancelled");
        return;
    }
    if (calls_unknown(e, i)) return; /* a person settles that first, and `resume` comes here again */
    const char *reuse = step->inputs != NULL ? attempt_reuse(e, step->step, step->inputs) : NULL;
    if (reuse != NULL && pool_busy(e, reuse)) {
        pool_hold(e, i, reuse);
        return;
    }
    if (step->inputs != NULL) {
        start_again(e, i);
        return;
    }
    struct sched_view view = sched_view(&e->sched, i);
    bool granted = step->approval != NULL && step->approval->granted; /* then `if` was true when it was asked about */
    if (!granted && inputs_condition(&e->inputs, step, view, &e->turn, &wanted, &err) != 0) {
        fail_before_start(e, i, &err, "`if`");
        return;
    }
    if (!granted && !wanted) {
        step_end(e, i, STEP_SKIPPED_STATUS, NULL, NULL, why_skipped(e, step->step, view));
        return;
    }
    if (!asking_pass(e, i, &err)) {
        if (err.code) fail_before_start(e, i, &err, "its `approve`");
        return;
    }
    if (!state_is_parent(step)) start_first(e, i);
    else if (parent_begin(e, i, &err) != 0)
        fail_before_start(e, i, &err, state_is_loop(step) ? "its items" : "its params");
}

/* What uses up `retry`: a machine that has a bad day does not, and has a bound of its own. A success that `until` was
 * not content with begins anew. */
uint32_t
step_failed_attempts(const struct step_state *step)
{
    uint32_t count = 0;
    for (size_t k = step->past; k < step->nattempts; k++) {
        const struct attempt_state *attempt = &step->attempts[k];
        if (attempt->found != NULL && str_eq(attempt->found, "done")) count = 0;
        if (attempt->resolve || attempt->status == NULL || str_eq(attempt->status, "interrupted")) continue;
        if (str_eq(attempt->status, "succeeded")) count = 0;
        else count += !str_eq(attempt->status, "vanished") || attempt->crashed;
    }
    return count;
}

/* Attempts that asked whether the effect happened, and could not. */
static uint32_t
failed_asks(const struct step_state *step)
{
    uint32_t count = 0;
    for (size_t k = step->past; k < step->nattempts; k++)
        count += step->attempts[k].resolve && step->attempts[k].status != NULL &&
                 str_eq(step->attempts[k].status, "failed");
    return count;
}

static bool
is_worth(const struct step_state *step, uint32_t tries, int error_class, bool limited)
{
    return worth_retrying(&step->step->retry, step->step->kind == STEP_USES, tries, error_class, limited);
}

static int64_t
retry_delay(const struct step_state *step)
{
    const struct retry *retry = &step->step->retry;
    double delay = (double)retry->delay_ms;
    for (uint32_t k = 1; k < step_failed_attempts(step) && delay < 1e12; k++) delay *= retry->backoff;
    if (retry->max_delay_ms && delay > (double)retry->max_delay_ms) delay = (double)retry->max_delay_ms;
    unsigned char chance;
    arc4random_buf(&chance, 1);
    return (int64_t)(delay * (1 - retry->jitter * (double)chance / 255));
}

static void
schedule_again(struct engine *e, size_t i, int64_t delay_ms, bool ask, const struct value *reason)
{
    struct step_state *step = &e->state.steps[i];
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "attempt", value_int(&e->turn, (int64_t)step->nattempts + 1));
    value_set(&e->turn, data, "delay_ms", value_int(&e->turn, delay_ms));
    value_set(&e->turn, data, "due_ms", value_int(&e->turn, e->now_ms + delay_ms));
    if (ask) value_set(&e->turn, data, "ask", value_bool(&e->turn, true));
    value_set(&e->turn, data, "reason", reason);
    engine_emit(e, EVENT_STEP_RETRY, step, data);
    turn_wait(e, i, delay_ms);
}

/* 0: what `until` waits for is there. -1: it is not yet, and the next attempt has its time. Else an exit code. */
static int
poll_again(struct engine *e, size_t i, const struct value *outputs, struct err *err)
{
    struct step_state *step = &e->state.steps[i];
    const struct until *until = step->step->until;
    bool there;
    int code = inputs_until(&e->inputs, step, outputs, &e->turn, &there, err);
    if (code || there) return code;
    uint32_t polls = step->polls + 1;
    if (polls >= until->attempts) {
        err_set(err, EXIT_FAILED, "%u attempts, and `until` does not hold: %s", polls, until->text);
        err_place(err, step->step->home->file, until->line, until->column);
        err->error_class = LEVADA_TIMEOUT;
        return EXIT_FAILED;
    }
    struct buf shown BUF_SCOPED;
    buf_init(&shown, 64);
    str_duration(&shown, until->every_ms);
    schedule_again(e, i, until->every_ms, false,
                   engine_reason(e, "until", "`until` does not hold yet (attempt %u of %u); again in %s", polls,
                                 until->attempts, buf_str(&shown)));
    return -1;
}

static void
step_succeeded(struct engine *e, size_t i, const struct value *outputs, const struct value *reason)
{
    struct step_state *step = &e->state.steps[i];
    struct err err = {0};
    int code = step->step->until != NULL ? poll_again(e, i, outputs, &err) : 0;
    if (code < 0) return;
    if (code == 0) code = inputs_finish(&e->inputs, step, &e->turn, &outputs, &err);
    if (code == 0) {
        step_end(e, i, STEP_SUCCEEDED_STATUS, outputs, NULL, reason);
        return;
    }
    failure_place(&err, step->step);
    step_end(e, i, STEP_FAILED_STATUS, outputs, failure_value(&e->turn, LEVADA_INVALID, &err),
             engine_reason(e, "expect", "it ran, and what came out is not what was expected"));
}

static void
step_failed(struct engine *e, size_t i, const struct value *outputs, const struct value *error)
{
    struct step_state *step = &e->state.steps[i];
    const char *word = value_get_str(error, "class", "permanent");
    const char *message = value_get_str(error, "message", "it failed");
    int error_class = schema_class_from_name(word);
    bool cancelled = e->state.cancel_asked && turn_cancels(e, step), limited = value_get(error, "limit") != NULL;
    if (!cancelled &&
        is_worth(step, step_failed_attempts(step), error_class ? error_class : LEVADA_PERMANENT, limited)) {
        int64_t delay = retry_delay(step);
        struct buf shown BUF_SCOPED;
        buf_init(&shown, 64);
        str_duration(&shown, delay);
        /* Out of time or over a limit means that it was stopped by us, and not that its effect did not happen. */
        schedule_again(e, i, delay, (error_class == LEVADA_TIMEOUT || limited) && step_can_be_asked(step),
                       engine_reason(e, "retry", "attempt %u of %u failed (%s: %s); again in %s",
                                     step_failed_attempts(step), step->step->retry.attempts, word, message,
                                     buf_str(&shown)));
        return;
    }
    const struct value *reason =
        step->step->retry.attempts > 1 && step_failed_attempts(step) >= step->step->retry.attempts
            ? engine_reason(e, "retries_used_up", "all %u attempts failed", step->step->retry.attempts)
        : step->step->retry.attempts > 1 && limited
            ? engine_reason(e, "not_worth_retrying",
                            "what went over a limit would only do so again; `for: [%s]` repeats it all the same", word)
        : step->step->retry.attempts > 1
            ? engine_reason(e, "not_worth_retrying", "errors of class %s are not retried here", word)
            : engine_reason(e, "failed", "%s", message);
    step_end(e, i, STEP_FAILED_STATUS, outputs, error, reason);
}

/* Nobody can know by looking. What the workflow says of that decides: ask a person, do it again, or call it failed. */
static void
step_unknown(struct engine *e, size_t i, const char *how)
{
    struct step_state *step = &e->state.steps[i];
    struct err err = {0};
    if (step->step->on_unknown == ON_UNKNOWN_RETRY && step->vanished <= LIMIT_VANISHED) {
        schedule_again(e, i, 0, false,
                       engine_reason(e, "unknown_retry", "%s; `on_unknown: retry` runs it again all the same", how));
        return;
    }
    err_set(&err, EXIT_UNKNOWN, "nobody knows whether its effect happened: %s", how);
    if (step->step->on_unknown == ON_UNKNOWN_FAIL) {
        err_hint(&err, "Look at what it does outside before you run it again.");
        step_end(e, i, STEP_FAILED_STATUS, NULL, failure_value(&e->turn, LEVADA_PERMANENT, &err),
                 engine_reason(e, "unknown_fail", "%s; `on_unknown: fail` calls that a failure", how));
        return;
    }
    err_hint(&err, "Look at what it does outside, then: levada resolve %s %s --done | --redo | --fail",
             e->state.id, state_address(&e->turn, step));
    step_end(e, i, STEP_UNKNOWN_STATUS, NULL, failure_value(&e->turn, LEVADA_PERMANENT, &err),
             engine_reason(e, "unknown", "%s", how));
}

/* It may be able to say later: a server that is away for a moment is no reason to wake a person. */
static void
ask_failed(struct engine *e, size_t i, const struct value *error)
{
    struct step_state *step = &e->state.steps[i];
    const char *message = value_get_str(error, "message", "asking failed");
    int error_class = schema_class_from_name(value_get_str(error, "class", "permanent"));
    bool cancelled = e->state.cancel_asked && turn_cancels(e, step), limited = value_get(error, "limit") != NULL;
    if (cancelled || !is_worth(step, failed_asks(step), error_class, limited)) {
        step_unknown(e, i, message);
        return;
    }
    schedule_again(e, i, retry_delay(step), true,
                   engine_reason(e, "ask_again", "nobody could say whether the effect happened (%s); asking again",
                                 message));
}

void
step_receipt(struct engine *e, size_t i, uint32_t record, const struct value *receipt)
{
    struct step_state *step = &e->state.steps[i];
    const char *status = value_get_str(receipt, "status", "failed");
    bool ask = false;
    for (size_t k = 0; k < step->nattempts; k++)
        if (step->attempts[k].record == record) ask = step->attempts[k].resolve;
    engine_emit(e, EVENT_STEP_RECEIPT, step, receipt);
    const struct value *error = value_get(receipt, "error"), *outputs = value_get(receipt, "outputs");
    if (error == NULL || error->type != VALUE_MAP) {
        struct err none = {0};
        err_set(&none, EXIT_FAILED, "it failed and did not say why");
        error = failure_value(&e->turn, LEVADA_PERMANENT, &none);
    }
    bool begun = value_get_bool(receipt, "begun", true);
    if (str_eq(status, "interrupted") && step->step->effect == LEVADA_EFFECT_UNSAFE && !ask && begun) {
        step_unknown(e, i, "it was told to end half-way, and an unsafe effect is never repeated by itself");
    } else if (str_eq(status, "interrupted")) {
        schedule_again(e, i, 0, ask || step_can_be_asked(step),
                       engine_reason(e, "interrupted", "it was asked to stop; it runs again on resume"));
    } else if (ask && str_eq(status, "succeeded")) {
        const char *found = value_get_str(receipt, "found", "undecided");
        if (str_eq(found, "done"))
            step_succeeded(e, i, outputs,
                           engine_reason(e, "resolved_done", "its token was found: the effect had happened"));
        else if (str_eq(found, "not_done"))
            schedule_again(e, i, 0, false,
                           engine_reason(e, "resolved_not_done",
                                         "its token was not found: the effect had not happened"));
        else
            step_unknown(e, i, "asked, and the other side could not say");
    } else if (ask) {
        ask_failed(e, i, error);
    } else if (str_eq(status, "succeeded")) {
        step_succeeded(e, i, outputs, engine_reason(e, "done", "it succeeded"));
    } else if (str_eq(status, "skipped")) {
        step_end(e, i, STEP_SKIPPED_STATUS, NULL, NULL,
                 engine_reason(e, "skipped_itself", "%s", value_get_str(receipt, "skipped", "")));
    } else if (str_eq(status, "cancelled")) {
        step_end(e, i, STEP_CANCELLED_STATUS, NULL, error, engine_reason(e, "cancelled", "it was cancelled"));
    } else {
        step_failed(e, i, outputs, error);
    }
}

/* Did the attempt itself end its worker (a crash, an exit), rather than somebody from outside? */
static bool
is_crash(int status)
{
    if (status == -1) return false;
    if (WIFEXITED(status)) return true;
    int signal = WTERMSIG(status);
    return signal == SIGSEGV || signal == SIGABRT || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
           signal == SIGSYS || signal == SIGTRAP;
}

static const char *
how_it_went(struct engine *e, int status)
{
    if (status == -1) return "its worker vanished";
    if (WIFEXITED(status))
        return arena_printf(&e->turn, "its worker exited with code %d and left no receipt", WEXITSTATUS(status));
    return arena_printf(&e->turn, "its worker was ended by signal %d (%s)", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
}

static const struct value *
crash_error(struct engine *e, size_t i, const char *how)
{
    struct err err = {0};
    err_set(&err, EXIT_FAILED, "%s", how);
    err_hint(&err, "`levada logs %s %s` has its last lines.", e->state.id,
             state_address(&e->turn, &e->state.steps[i]));
    return failure_value(&e->turn, LEVADA_PERMANENT, &err);
}

/* Its workers keep vanishing: whatever `retry` says, that is enough. */
static void
step_given_up(struct engine *e, size_t i, const char *how)
{
    step_end(e, i, STEP_FAILED_STATUS, NULL, crash_error(e, i, how),
             engine_reason(e, "vanished_too_often", "%u workers vanished: %s", e->state.steps[i].vanished, how));
}

static void
look_again(struct engine *e, size_t i)
{
    if (e->scheduled) sched_again(&e->sched, i); /* before that, sched_init finds it */
}

void
step_vanished(struct engine *e, size_t i, uint32_t record, int status, bool started)
{
    struct step_state *step = &e->state.steps[i];
    enum levada_effect effect = step->step->effect;
    const char *how = how_it_went(e, status);
    bool ask = false;
    for (size_t k = 0; k < step->nattempts; k++)
        if (step->attempts[k].record == record) ask = step->attempts[k].resolve;
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "record", value_int(&e->turn, record));
    if (status != -1 && WIFSIGNALED(status))
        value_set(&e->turn, data, "signal", value_int(&e->turn, WTERMSIG(status)));
    value_set(&e->turn, data, "reason",
              !started ? engine_reason(e, "not_started", "%s before it began: nothing happened", how)
                       : engine_reason(e, "vanished", "%s; its effect is %s", how, schema_effect_name(effect)));
    bool asks = step_can_be_asked(step);
    bool crash = started && is_crash(status) && !asks && effect != LEVADA_EFFECT_UNSAFE;
    if (crash) value_set(&e->turn, data, "crash", value_bool(&e->turn, true));
    if (ask || (started && asks)) value_set(&e->turn, data, "ask", value_bool(&e->turn, true));
    engine_emit(e, EVENT_STEP_VANISHED, step, data);
    bool again = step->vanished <= LIMIT_VANISHED;
    if (!started) {
        if (again) look_again(e, i);
        else step_given_up(e, i, how);
    } else if (!again) {
        if (effect == LEVADA_EFFECT_UNSAFE || asks) step_unknown(e, i, how);
        else step_given_up(e, i, how);
    } else if (effect == LEVADA_EFFECT_UNSAFE) {
        step_unknown(e, i, arena_printf(&e->turn, "%s, and an unsafe effect is never repeated by itself", how));
    } else if (crash) {
        step_failed(e, i, NULL, crash_error(e, i, how));
    } else {
        look_again(e, i);
    }
}
