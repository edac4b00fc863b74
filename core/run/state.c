/* SPDX-License-Identifier: Apache-2.0
 *
 * The fold: one function per event type, in a table. Nothing here decides anything; deciding is sched.c.
 */
#include "run/state_tree.h"

#include <string.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/str.h"
#include "run/approval.h"

static const char *const step_names[] = {
#define X(id, word) word,
    STEP_STATUSES(X)
#undef X
};

static const char *const run_names[] = {
#define X(id, word) word,
    RUN_STATUSES(X)
#undef X
};

const char *
step_status_name(enum step_status status)
{
    return step_names[status];
}

const char *
run_status_name(enum run_status status)
{
    return run_names[status];
}

bool
step_status_ended(enum step_status status)
{
    return status == STEP_SUCCEEDED_STATUS || status == STEP_FAILED_STATUS || status == STEP_SKIPPED_STATUS ||
           status == STEP_CANCELLED_STATUS;
}

bool
run_status_ended(enum run_status status)
{
    return status == RUN_SUCCEEDED_STATUS || status == RUN_FAILED_STATUS || status == RUN_CANCELLED_STATUS;
}

static size_t
hash_more(size_t hash, const char *text)
{
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static size_t
hash_text(const char *text)
{
    size_t hash = hash_more(14695981039346656037u, text);
    return hash ^ hash >> 29;
}

static size_t
hash_id(const char *id, const char *item)
{
    size_t hash = hash_more(14695981039346656037u, id);
    if (item != NULL) hash = hash_more((hash ^ 0xff) * 1099511628211u, item);
    return hash ^ hash >> 29;
}

static bool
is_called(const struct step_state *step, const char *id, const char *item)
{
    if ((step->item == NULL) != (item == NULL) || !str_eq(step->step->id, id)) return false;
    return item == NULL || str_eq(step->item, item);
}

static uint32_t *
index_slot(const struct run_state *state, const char *id, const char *item)
{
    size_t mask = state->index_size - 1, at = hash_id(id, item) & mask;
    while (state->index[at] != 0 && !is_called(&state->steps[state->index[at] - 1], id, item)) at = (at + 1) & mask;
    return &state->index[at];
}

static void
grow_index(struct run_state *state)
{
    uint32_t *old = state->index;
    size_t size = state->index_size;
    state->index_size = size * 2;
    state->index = ARENA_ARRAY(state->arena, state->index_size, uint32_t);
    for (size_t i = 0; i < size; i++) {
        if (old[i] == 0) continue;
        const struct step_state *step = &state->steps[old[i] - 1];
        *index_slot(state, step->step->id, step->item) = old[i];
    }
}

void
state_index(struct run_state *state, uint32_t i)
{
    if (state->indexed * 2 >= state->index_size) grow_index(state);
    uint32_t *slot = index_slot(state, state->steps[i].step->id, state->steps[i].item);
    state->indexed += *slot == 0;
    *slot = i + 1;
}

void
state_init(struct run_state *state, struct arena *arena, const struct model *model, const char *id)
{
    *state = (struct run_state){.arena = arena, .model = model, .id = arena_strdup(arena, id)};
    state->nsteps = state->capacity = model->nsteps;
    state->steps = ARENA_ARRAY(arena, model->nsteps, struct step_state);
    state->index_size = 16;
    while (state->index_size < model->nsteps * 2) state->index_size *= 2;
    state->index = ARENA_ARRAY(arena, state->index_size, uint32_t);
    for (size_t i = 0; i < model->nsteps; i++) {
        state->steps[i].step = &model->steps[i];
        state->steps[i].parent = state->steps[i].undoes = state->steps[i].caller = NO_PARENT;
        state_index(state, (uint32_t)i);
    }
    state->next_record = 1; /* 0 is the engine's own */
    state->model_number = state->models = 1;
}

struct step_state *
state_step(const struct run_state *state, const char *id, const char *item)
{
    uint32_t at = *index_slot(state, id, item);
    return at == 0 ? NULL : &state->steps[at - 1];
}

const char *
state_nearest(const struct run_state *state, const char *id)
{
    struct arena arena ARENA_SCOPED = {0};
    const char **ids = ARENA_ARRAY(&arena, state->nsteps + 1, const char *);
    for (size_t i = 0; i < state->nsteps; i++) ids[i] = state->steps[i].step->id;
    return str_nearest(id, ids, state->nsteps);
}

const struct value *
state_keep(struct run_state *state, const struct value *data, const char *name)
{
    const struct value *value = value_get(data, name);
    return value == NULL || value->type == VALUE_NULL ? NULL : value_copy(state->arena, value);
}

const char *
state_keep_text(struct run_state *state, const struct value *data, const char *name, const char *old)
{
    const char *text = value_get_str(data, name, NULL);
    if (text == NULL || (old != NULL && str_eq(old, text))) return old;
    /* Most reasons and states are the same few words for all steps. */
    const char **shared = &state->shared[hash_text(text) % (sizeof state->shared / sizeof state->shared[0])];
    if (*shared == NULL || !str_eq(*shared, text)) *shared = arena_strdup(state->arena, text);
    return *shared;
}

void
state_keep_reason(struct run_state *state, struct step_state *step, const struct value *data)
{
    const struct value *reason = value_get(data, "reason");
    step->reason_code = state_keep_text(state, reason, "code", step->reason_code);
    step->reason_text = state_keep_text(state, reason, "text", step->reason_text);
}

static struct attempt_state *
attempt_of(struct step_state *step, uint32_t record)
{
    for (size_t i = step->nattempts; i-- > 0;)
        if (step->attempts[i].record == record) return &step->attempts[i];
    return NULL;
}

static uint64_t
number_of(const struct value *data, const char *name)
{
    int64_t number = value_get_int(data, name, 0);
    return number > 0 ? (uint64_t)number : 0;
}

static void
see_fence(struct run_state *state, const struct value *data)
{
    uint64_t fence = number_of(data, "fence");
    if (fence > state->fence) state->fence = fence;
}

static void
see_record(struct run_state *state, const struct value *data)
{
    uint32_t record = (uint32_t)number_of(data, "record");
    if (record >= state->next_record) state->next_record = record + 1;
}

static int
apply_run_created(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)step;
    (void)err;
    state->params = state_keep(state, event->data, "params");
    state->trigger = state_keep_text(state, event->data, "trigger", NULL);
    state->group = state_keep_text(state, event->data, "group", NULL);
    state->started_ms = state->begun_ms = event->time_ms;
    return 0;
}

static int
apply_run_started(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)step;
    (void)err;
    state->status = RUN_RUNNING_STATUS;
    state->pid = (int)value_get_int(event->data, "pid", 0);
    state->boot = (uint64_t)value_get_int(event->data, "boot", 0);
    state->max_parallel = (uint32_t)number_of(event->data, "max_parallel");
    state->sessions++;
    see_fence(state, event->data);
    /* Somebody resumed it: workers that vanished under another engine are no sign that they always will. An engine
     * that only executed itself again counts on. */
    if (!value_get_bool(event->data, "again", false))
        for (size_t i = 0; i < state->nsteps; i++) state->steps[i].vanished = 0;
    return 0;
}

static int
apply_intent(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)err;
    if ((step->nattempts & (step->nattempts - 1)) == 0) { /* 0 or a power of two: full */
        struct attempt_state *grown =
            ARENA_ARRAY(state->arena, step->nattempts ? step->nattempts * 2 : 1, struct attempt_state);
        if (step->nattempts) memcpy(grown, step->attempts, step->nattempts * sizeof *grown);
        step->attempts = grown;
    }
    struct attempt_state *attempt = &step->attempts[step->nattempts++];
    *attempt = (struct attempt_state){
        .attempt = (uint32_t)number_of(event->data, "attempt"), .record = (uint32_t)number_of(event->data, "record"),
        .fence = number_of(event->data, "fence"), .boot = state->boot, .intent_ms = event->time_ms,
        .resolve = value_get_bool(event->data, "resolve", false)};
    attempt->log = state_keep_text(state, event->data, "log", NULL);
    see_fence(state, event->data);
    see_record(state, event->data);
    if (step->started_ms == 0) step->started_ms = event->time_ms;
    step->token = state_keep_text(state, event->data, "token", step->token);
    if (step->inputs == NULL) step->inputs = state_keep(state, event->data, "inputs");
    step->status = STEP_RUNNING_STATUS;
    step->queued = false;
    state_keep_reason(state, step, event->data);
    return 0;
}

static int
apply_step_queued(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)err;
    step->status = STEP_READY_STATUS;
    step->queued = true;
    state_keep_reason(state, step, event->data);
    return 0;
}

static int
apply_run_queued(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)step;
    (void)err;
    state->queued_text = state_keep_text(state, value_get(event->data, "reason"), "text", NULL);
    return 0;
}

static int
apply_run_seated(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)step;
    (void)event;
    (void)err;
    state->seated = true;
    state->queued_text = NULL;
    return 0;
}

/* A map of its own, to add to: one that the step has may be shared. */
static struct value *
own_checkpoints(struct run_state *state, struct step_state *step)
{
    struct value *map =
        step->checkpoints != NULL ? value_copy(state->arena, step->checkpoints) : value_map(state->arena);
    step->checkpoints = map;
    return map;
}

static int
apply_checkpoint(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    const char *key = value_get_str(event->data, "key", NULL);
    const struct value *value = value_get(event->data, "value");
    if (key == NULL || value == NULL) return err_set(err, EXIT_STORE, "a checkpoint has no key or value");
    value_set(state->arena, own_checkpoints(state, step), key, value_copy(state->arena, value));
    return 0;
}

static int
apply_receipt(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    struct attempt_state *attempt = attempt_of(step, (uint32_t)number_of(event->data, "record"));
    if (attempt == NULL) return err_set(err, EXIT_STORE, "a receipt without an intent");
    attempt->status = state_keep_text(state, event->data, "status", "failed");
    attempt->finished_ms = event->time_ms;
    attempt->duration_ms = value_get_int(event->data, "duration_ms", 0);
    attempt->pid = (int)value_get_int(event->data, "pid", attempt->pid);
    attempt->log_bytes = value_get_int(event->data, "log_bytes", 0);
    attempt->peak_kib = value_get_int(event->data, "peak_kib", 0);
    attempt->cpu_ms = value_get_int(event->data, "cpu_ms", 0);
    attempt->error = state_keep(state, event->data, "error");
    attempt->metrics = state_keep(state, event->data, "metrics");
    attempt->found = state_keep_text(state, event->data, "found", NULL);
    const struct value *outputs = state_keep(state, event->data, "outputs");
    if (outputs != NULL) step->outputs = outputs;
    const struct value *checkpoints = value_get(event->data, "checkpoints");
    if (value_is(checkpoints, VALUE_MAP) && checkpoints->map.count) {
        struct value *map = own_checkpoints(state, step);
        for (size_t i = 0; i < checkpoints->map.count; i++)
            value_set(state->arena, map, checkpoints->map.names[i],
                      value_copy(state->arena, checkpoints->map.values[i]));
    }
    return 0;
}

static int
apply_vanished(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)err;
    struct attempt_state *attempt = attempt_of(step, (uint32_t)number_of(event->data, "record"));
    if (attempt != NULL) {
        attempt->status = "vanished";
        attempt->crashed = value_get_bool(event->data, "crash", false);
        attempt->finished_ms = event->time_ms;
    }
    step->vanished++;
    step->ask_first = value_get_bool(event->data, "ask", false);
    step->status = STEP_READY_STATUS;
    state_keep_reason(state, step, event->data);
    return 0;
}

static int
apply_retry(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)err;
    step->status = STEP_BACKOFF_STATUS;
    step->due_ms = value_get_int(event->data, "due_ms", 0);
    step->delay_ms = value_get_int(event->data, "delay_ms", 0);
    step->ask_first = value_get_bool(event->data, "ask", false);
    state_keep_reason(state, step, event->data);
    if (step->reason_code != NULL && str_eq(step->reason_code, "until")) {
        step->polls++; /* after a success: the next is another effect, with a token of its own */
        step->round++;
        step->checkpoints = NULL;
    }
    return 0;
}

/* What others know of it once it has ended. */
static void
note_end(struct run_state *state, struct step_state *step, const struct event *event)
{
    if (!step_status_ended(step->status)) return;
    step->ended_seq = event->seq;
    if (step->undoes != NO_PARENT && step->status == STEP_SUCCEEDED_STATUS) {
        state->steps[step->undoes].undone = true;
        state->steps[step->undoes].left = false;
    }
    if (step->caller != NO_PARENT && state->steps[step->caller].open_calls > 0)
        state->steps[step->caller].open_calls--;
}

static int
apply_finished(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    const char *word = value_get_str(event->data, "status", "");
    size_t i = 0;
    while (i < sizeof step_names / sizeof step_names[0] && !str_eq(step_names[i], word)) i++;
    if (i == sizeof step_names / sizeof step_names[0])
        return err_set(err, EXIT_STORE, "a step ended as \"%s\", which is no status", word);
    if (step->status == STEP_PARKED_STATUS) approval_closed(state);
    step->status = (enum step_status)i;
    step->model_number = state->model_number;
    step->finished_ms = event->time_ms;
    note_end(state, step, event);
    step->error = state_keep(state, event->data, "error");
    /* Mostly those of the receipt. */
    const struct value *outputs = value_get(event->data, "outputs");
    if (outputs != NULL && !value_equal(outputs, step->outputs)) {
        outputs = state_keep(state, event->data, "outputs");
        if (outputs != NULL) step->outputs = outputs;
    }
    state_keep_reason(state, step, event->data);
    return 0;
}

static int
apply_resolved(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    const char *decision = value_get_str(event->data, "decision", "");
    if (str_eq(decision, "done")) {
        step->status = STEP_SUCCEEDED_STATUS;
    } else if (str_eq(decision, "fail")) {
        step->status = STEP_FAILED_STATUS;
    } else if (str_eq(decision, "redo")) {
        step->status = STEP_READY_STATUS;
        step->ask_first = false;
    } else
        return err_set(err, EXIT_STORE, "a step was resolved as \"%s\"", decision);
    if (step_status_ended(step->status)) {
        step->finished_ms = event->time_ms;
        note_end(state, step, event);
    }
    step->model_number = state->model_number;
    const struct value *outputs = state_keep(state, event->data, "outputs");
    if (outputs != NULL) step->outputs = outputs;
    step->error = state_keep(state, event->data, "error");
    state_keep_reason(state, step, event->data);
    for (size_t i = 0; i < state->nsteps; i++)
        if (state->steps[i].status == STEP_UNKNOWN_STATUS) return 0;
    state->status = RUN_INTERRUPTED_STATUS; /* nothing is unknown any more, and `resume` goes on */
    return 0;
}

static int
apply_cancel(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)step;
    (void)event;
    (void)err;
    state->cancel_asked = true;
    return 0;
}

static int
apply_expanded(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    state_keep_reason(state, step, event->data);
    return state_expand(state, step, event, err);
}

static int
apply_retried(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    const struct value *again = value_get(event->data, "again");
    (void)step;
    for (size_t i = 0; value_is(again, VALUE_LIST) && i < again->list.count; i++) {
        struct step_state *one = state_entry(state, again->list.items[i]);
        /* Of a workflow that was replaced later. */
        if (one == NULL && state->model_number < state->models) continue;
        if (one == NULL) return err_set(err, EXIT_STORE, "it names no step of the workflow");
        state_reset(one);
        state_reopen(state, one);
    }
    /* What was undone for an earlier try is no part of this one. */
    for (uint32_t i = 0; i < state->undo_count; i++) state->steps[state->undo_first + i].gone = true;
    state->undo_count = 0;
    state->rolled_back = state->half_back = false;
    if (value_get(event->data, "model") != NULL) state->group = state_keep_text(state, event->data, "group", NULL);
    state->model_number = value_get_int(event->data, "model", state->model_number);
    const struct value *params = state_keep(state, event->data, "params");
    if (params != NULL) state->params = params;
    state->status = RUN_INTERRUPTED_STATUS;
    state->exit_code = 0;
    state->begun_ms = event->time_ms;
    state->finished_ms = 0;
    state->cancel_asked = false;
    state->outputs = state->error = NULL;
    state->failed_step = state->failed_item = NULL;
    return 0;
}

static int
apply_run_end(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)step;
    const char *word = value_get_str(event->data, "status", "");
    size_t i = 0;
    while (i < sizeof run_names / sizeof run_names[0] && !str_eq(run_names[i], word)) i++;
    if (i == sizeof run_names / sizeof run_names[0])
        return err_set(err, EXIT_STORE, "the run ended as \"%s\", which is no status", word);
    state->status = (enum run_status)i;
    state->queued_text = NULL;
    if (run_status_ended(state->status)) state->seated = false;
    state->exit_code = (int)value_get_int(event->data, "exit", 0);
    state->finished_ms = run_status_ended(state->status) ? event->time_ms : 0;
    if (run_status_ended(state->status)) {
        state->rolled_back = value_get_bool(event->data, "rolled_back", false);
        state->half_back = state->rolling && !state->rolled_back;
        state->rolling = false;
    }
    const struct run_end *before = state->rolled_back ? &state->before : NULL;
    state->outputs = before != NULL ? before->outputs : state_keep(state, event->data, "outputs");
    state->error = before != NULL ? before->error : state_keep(state, event->data, "error");
    state->failed_step = before != NULL ? before->failed_step
                                        : state_keep_text(state, event->data, "failed_step", NULL);
    state->failed_item = before != NULL ? before->failed_item
                                        : state_keep_text(state, event->data, "failed_item", NULL);
    return 0;
}

static int
apply_called(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    return state_call(state, step, event, err);
}

static int
apply_rollback(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)step;
    return state_roll_back(state, event, err);
}

typedef int apply_function(struct run_state *, struct step_state *, const struct event *, struct err *);

static const struct {
    apply_function *apply;
    bool of_step;
} table[] = {
    [EVENT_RUN_CREATED] = {apply_run_created, false},   [EVENT_RUN_STARTED] = {apply_run_started, false},
    [EVENT_STEP_CHECKPOINT] = {apply_checkpoint, true}, [EVENT_STEP_RECEIPT] = {apply_receipt, true},
    [EVENT_STEP_VANISHED] = {apply_vanished, true},     [EVENT_STEP_RETRY] = {apply_retry, true},
    [EVENT_STEP_FINISHED] = {apply_finished, true},     [EVENT_STEP_RESOLVED] = {apply_resolved, true},
    [EVENT_CANCEL_ASKED] = {apply_cancel, false},       [EVENT_RUN_STOPPED] = {apply_run_end, false},
    [EVENT_RUN_FINISHED] = {apply_run_end, false},      [EVENT_RUN_RETRIED] = {apply_retried, false},
    [EVENT_RUN_QUEUED] = {apply_run_queued, false},     [EVENT_RUN_SEATED] = {apply_run_seated, false},
    [EVENT_STEP_INTENT] = {apply_intent, true},         [EVENT_STEP_CALLED] = {apply_called, true},
    [EVENT_RUN_ROLLBACK] = {apply_rollback, false},     [EVENT_STEP_PARKED] = {approval_parked, true},
    [EVENT_STEP_QUEUED] = {apply_step_queued, true},    [EVENT_STEP_DECIDED] = {approval_decided, true},
    [EVENT_STEP_EXPANDED] = {apply_expanded, true},
};

/* A step that an edited workflow no longer has: its numbers stay taken. */
static int
pass_over(struct run_state *state, const struct event *event)
{
    see_fence(state, event->data);
    if (event->type == EVENT_STEP_INTENT) see_record(state, event->data);
    if (event->seq) state->last_seq = event->seq;
    return 0;
}

int
state_apply(struct run_state *state, const struct event *event, struct err *err)
{
    struct step_state *step = NULL;
    if (table[event->type].of_step) {
        if (event->step != NULL) step = state_step(state, event->step, event->item);
        if (step == NULL && state->model_number < state->models) return pass_over(state, event);
        if (step == NULL)
            return err_set(err, EXIT_STORE, "run journal: event %lld (%s) names no step of the workflow",
                           (long long)event->seq, event_name(event->type));
    }
    int code = table[event->type].apply(state, step, event, err);
    if (code) err_context(err, "run journal: event %lld (%s)", (long long)event->seq, event_name(event->type));
    else if (event->seq) state->last_seq = event->seq;
    return code;
}
