/* SPDX-License-Identifier: Apache-2.0
 *
 * The promises, judged from the world's own knowledge and never from the scheduler's.
 */
#include <string.h>

#include "base/str.h"
#include "world.h"

static bool
ended(const struct node *node)
{
    return node->end != STEP_WAITING_STATUS;
}

/* The last event of this type of the node. */
static const struct event *
last_event(const struct world *world, int node, enum event_type type)
{
    for (size_t i = world->nevents; i-- > 0;) {
        const struct event *event = &world->journal[i];
        if (event->type == type && event->step != NULL && tree_find(world, event->step, event->item) == node)
            return event;
    }
    return NULL;
}

/* ---- what may begin ----------------------------------------------------------------------------------- */

/* One after the other, and none behind one that failed. */
static void
turn_has_come(struct world *world, int node)
{
    const struct node *self = &world->nodes[node];
    if (ended(self)) world_break(world, "%s runs again though it has ended", self->name);
    for (int i = tree_next(world, UNDO, -1); i >= 0; i = tree_next(world, UNDO, i)) {
        const struct node *other = &world->nodes[i];
        if (other->turn >= self->turn) continue;
        if (!ended(other)) world_break(world, "%s runs before %s", self->name, other->name);
        if (other->end == STEP_FAILED_STATUS && !self->begun)
            world_break(world, "%s begins, and %s has failed", self->name, other->name);
    }
}

/* Nothing begins before what it needs has ended, nor before its part has come, nor without what it is a part of. */
static void
place_has_come(struct world *world, int node)
{
    if (!tree_live(world, node)) world_break(world, "%s runs, and is no part of the run", world->nodes[node].name);
    if (world->rolling != (world->nodes[node].parent == UNDO))
        world_break(world, "%s runs in a %s", world->nodes[node].name, world->rolling ? "rollback" : "run");
    if (world->nodes[node].parent == UNDO) {
        turn_has_come(world, node);
        return;
    }
    for (int at = node; at >= 0; at = world->nodes[at].parent) {
        const struct node *self = &world->nodes[at];
        if (ended(self)) world_break(world, "%s runs again though it has ended", self->name);
        for (size_t k = 0; !self->is_item && k < self->step->nneeds; k++) {
            int need = tree_sibling(world, at, self->step->needs[k]);
            if (need < 0 || !ended(&world->nodes[need]))
                world_break(world, "%s runs before step %u of its own, which it needs, has ended", self->name,
                            self->step->needs[k]);
        }
        for (int i = tree_next(world, self->parent, -1); i >= 0; i = tree_next(world, self->parent, i)) {
            const struct node *other = &world->nodes[i];
            if (!self->is_item && other->step->part < self->step->part && !ended(other))
                world_break(world, "%s runs while %s of an earlier part has not ended", self->name, other->name);
        }
    }
}

/* `ask`: it only asks what has happened, which is no new effect. */
static void
part_may_run(struct world *world, int node, bool ask)
{
    const struct node *self = &world->nodes[node];
    bool failed = tree_sibling_failed(world, self->parent);
    if (world->cancelled && !ask && !tree_in_finally(world, node))
        world_break(world, "%s runs after a cancel", self->name);
    if (self->parent == UNDO) return;
    for (int i = tree_next(world, self->parent, -1); i >= 0; i = tree_next(world, self->parent, i)) {
        const struct node *other = &world->nodes[i];
        if (!self->is_item && self->step->part == PART_ON_SUCCESS && !self->person && tree_failed(other) &&
            other->step->part == PART_STEPS)
            world_break(world, "%s runs, and %s has failed", self->name, other->name);
    }
    if (!self->is_item && self->step->part == PART_ON_FAILURE && !failed)
        world_break(world, "%s runs, and nothing has failed", self->name);
}

/* An item that begins: how many are at work with it, and has none failed that it should have minded? */
static void
item_may_begin(struct world *world, int node)
{
    const struct node *self = &world->nodes[node];
    if (!self->is_item) return;
    const struct loop *loop = self->step->loop;
    unsigned at_work = 1;
    for (int i = tree_next(world, self->parent, -1); i >= 0; i = tree_next(world, self->parent, i)) {
        const struct node *other = &world->nodes[i];
        at_work += i != node && other->begun && !ended(other);
        if (loop->fail_fast && other->end == STEP_FAILED_STATUS && other->failed_in == world->retries)
            world_break(world, "%s begins, and %s has failed", self->name, other->name);
    }
    if (loop->max_parallel && at_work > loop->max_parallel)
        world_break(world, "%s begins as one of %u at once, %u allowed", self->name, at_work, loop->max_parallel);
}

static void
begins(struct world *world, int node, bool ask)
{
    if (tree_asks(&world->nodes[node]) && !world->nodes[node].approved)
        world_break(world, "%s runs without its approval", world->nodes[node].name);
    place_has_come(world, node);
    part_may_run(world, node, ask);
    if (!world->nodes[node].begun) item_may_begin(world, node);
    if (!world->nodes[node].begun) world->nodes[node].begun_in = world->retries;
    world->nodes[node].begun = true;
}

/* ---- attempts ----------------------------------------------------------------------------------------- */

/* One attempt of a step at a time, and what an earlier one may have done is known first. */
static void
earlier_attempts_are_settled(struct world *world, const struct real *real)
{
    const struct node *self = &world->nodes[real->node];
    const struct step *model = self->step;
    for (size_t i = 0; i < world->nreal; i++) {
        const struct real *other = &world->real[i];
        if (other == real || other->node != real->node) continue;
        if (other->alive && !(other->claimed && other->phase == LAUNCHED))
            world_break(world, "%s runs twice at once: records %u and %u", self->name, other->record, real->record);
        bool may_have_happened = other->phase >= STARTED && other->receipt == NULL && !other->ask && !other->known;
        if (!may_have_happened || real->ask || !str_eq(other->token, real->token)) continue;
        if (model->effect == LEVADA_EFFECT_UNSAFE && model->on_unknown != ON_UNKNOWN_RETRY)
            world_break(world, "%s is unsafe and runs again though record %u may have done it", self->name,
                        other->record);
        bool asks = model->effect == LEVADA_EFFECT_TRANSACTIONAL || model->effect == LEVADA_EFFECT_PROBE;
        if (asks && model->on_unknown != ON_UNKNOWN_RETRY)
            world_break(world, "%s runs again without having asked about record %u", self->name, other->record);
    }
}

static void
slots_are_kept(struct world *world)
{
    size_t at_work = 0;
    for (size_t i = 0; i < world->nreal; i++) {
        const struct real *real = &world->real[i];
        at_work += !real->settled && !real->claimed;
    }
    if (at_work > world->max_parallel)
        world_break(world, "%zu attempts at once, %u allowed", at_work, world->max_parallel);
}

/* The same for all attempts at one effect, another for the next effect of the same step, and nobody else's. */
static void
token_is_right(struct world *world, const struct real *real)
{
    struct node *self = &world->nodes[real->node];
    if (self->token[0] == '\0') memcpy(self->token, real->token, sizeof real->token);
    if (!str_eq(self->token, real->token)) world_break(world, "%s changed its token", self->name);
    if (str_eq(self->past, real->token))
        world_break(world, "%s is to happen once more, and has the token of last time", self->name);
    for (size_t i = 0; i < world->nreal; i++)
        if (world->real[i].node != real->node && str_eq(world->real[i].token, real->token))
            world_break(world, "%s has the token of %s", self->name, world->nodes[world->real[i].node].name);
}

void
promise_launch(struct world *world, const struct real *real)
{
    const struct node *self = &world->nodes[real->node];
    const struct event *intent = last_event(world, real->node, EVENT_STEP_INTENT);
    if (intent == NULL || value_get_int(intent->data, "record", 0) != (int64_t)real->record)
        world_break(world, "record %u of %s starts without its intent in the journal", real->record, self->name);
    if (real->fence <= world->fence) world_break(world, "fence %llu is not new", (unsigned long long)real->fence);
    world->fence = real->fence;
    place_has_come(world, real->node);
    earlier_attempts_are_settled(world, real);
    slots_are_kept(world);
    token_is_right(world, real);
    part_may_run(world, real->node, real->ask);
}

/* ---- what ends ---------------------------------------------------------------------------------------- */

static void
now_known(struct world *world, int node)
{
    for (size_t i = 0; i < world->nreal; i++) world->real[i].known |= world->real[i].node == node;
}

static void
succeeded(struct node *node)
{
    memcpy(node->past, node->token, sizeof node->past);
    node->token[0] = '\0';
    node->failures = 0;
}

/* A loop or block ends when all its parts have, and as they did. */
static void
parent_ends_as_its_parts(struct world *world, int node, enum step_status status)
{
    const struct node *self = &world->nodes[node];
    enum step_status want = STEP_SUCCEEDED_STATUS;
    for (int i = tree_next(world, node, -1); i >= 0; i = tree_next(world, node, i)) {
        const struct node *part = &world->nodes[i];
        if (!ended(part)) world_break(world, "%s has ended, and its part %s has not", self->name, part->name);
        if (part->end == STEP_CANCELLED_STATUS && want == STEP_SUCCEEDED_STATUS) want = STEP_CANCELLED_STATUS;
        if (tree_failed(part)) want = STEP_FAILED_STATUS;
    }
    if (status != want)
        world_break(world, "%s is %s, and its parts say %s", self->name, step_status_name(status),
                    step_status_name(want));
}

static void
leaf_ends(struct world *world, int node, enum step_status status, const struct event *event)
{
    const struct node *self = &world->nodes[node];
    const char *code = value_get_str(value_get(event->data, "reason"), "code", "");
    const char *done = value_get_str(value_get(event->data, "outputs"), "done", "");
    if (self->step->until != NULL && status == STEP_SUCCEEDED_STATUS && !str_eq(done, "yes"))
        world_break(world, "%s succeeded, and its `until` does not hold", self->name);
    if (str_eq(code, "retries_used_up") && self->failures < self->step->retry.attempts)
        world_break(world, "%s failed %u times, and its retries are used up", self->name, self->failures);
    if (str_eq(code, "fail_fast") && self->begun) world_break(world, "%s had begun, and is skipped", self->name);
}

/* A part is passed over for what its own block came to, or for a cancel, but that not where things are cleaned up. */
static void
may_be_passed_over(struct world *world, int node, const char *code)
{
    const struct node *self = &world->nodes[node];
    bool failed = tree_sibling_failed(world, self->parent);
    if (!str_eq(code, "no_failure") && !str_eq(code, "no_success")) return;
    if (self->step->part != PART_ON_SUCCESS && self->step->part != PART_ON_FAILURE)
        world_break(world, "%s is passed over", self->name);
    if (world->cancelled && !tree_in_finally(world, node)) return;
    for (int i = tree_next(world, self->parent, -1); i >= 0; i = tree_next(world, self->parent, i)) {
        const struct node *other = &world->nodes[i];
        if (other->step->part == self->step->part && other->begun && other->begun_in == world->retries)
            world_break(world, "%s is passed over, and %s beside it has run", self->name, other->name);
    }
    if (failed == (self->step->part == PART_ON_FAILURE))
        world_break(world, "%s is passed over, and something has %s", self->name, failed ? "failed" : "not failed");
}

static enum step_status
status_of(const char *word)
{
    for (int i = STEP_WAITING_STATUS; i <= STEP_UNKNOWN_STATUS; i++)
        if (str_eq(step_status_name((enum step_status)i), word)) return (enum step_status)i;
    return STEP_WAITING_STATUS;
}

static void
ends(struct world *world, int at, enum step_status status)
{
    struct node *node = &world->nodes[at];
    if (status == STEP_UNKNOWN_STATUS) return;
    node->end = status;
    node->ended_at = world->nevents;
    if (status == STEP_SUCCEEDED_STATUS && node->parent == UNDO) world->nodes[node->undoes].undone = true;
    if (status == STEP_FAILED_STATUS) node->failed_in = world->retries;
    if (status == STEP_SUCCEEDED_STATUS) succeeded(node);
}

static void
finished(struct world *world, int at, const struct event *event)
{
    struct node *node = &world->nodes[at];
    enum step_status status = status_of(value_get_str(event->data, "status", ""));
    if (ended(node)) world_break(world, "%s ends twice", node->name);
    may_be_passed_over(world, at, value_get_str(value_get(event->data, "reason"), "code", ""));
    if (!tree_live(world, at)) world_break(world, "%s ends, and is no part of the run", node->name);
    if (!tree_is_parent(node)) leaf_ends(world, at, status, event);
    else if (node->expanded) parent_ends_as_its_parts(world, at, status);
    else if (status == STEP_SUCCEEDED_STATUS) world_break(world, "%s succeeded without its parts", node->name);
    ends(world, at, status);
}

static void
resolved(struct world *world, int at, const struct event *event)
{
    struct node *node = &world->nodes[at];
    const char *decision = value_get_str(event->data, "decision", "");
    if (!str_eq(decision, "redo"))
        ends(world, at, str_eq(decision, "done") ? STEP_SUCCEEDED_STATUS : STEP_FAILED_STATUS);
    node->person = true;
    now_known(world, at);
}

static void
retried(struct world *world, const struct event *event)
{
    const struct value *again = value_get(event->data, "again");
    world->cancelled = false;
    world->retries++;
    for (int i = 0; i < world->nnodes; i++) world->nodes[i].gone |= world->nodes[i].parent == UNDO;
    for (size_t i = 0; i < again->list.count; i++) {
        const struct value *entry = again->list.items[i];
        bool item = value_is(entry, VALUE_MAP);
        int at = tree_find(world, item ? value_get_str(entry, "step", "") : value_str(entry, ""),
                           item ? value_get_str(entry, "item", NULL) : NULL);
        if (at < 0) {
            world_break(world, "a retry names what is not there");
            return;
        }
        tree_retry(world, at);
    }
    for (int i = 0; i < world->nnodes; i++)
        if (world->nodes[i].person) now_known(world, i);
}

/* What is done and can be undone, the last that ended first. */
static void
rolled_back(struct world *world, const struct event *event)
{
    uint64_t last = UINT64_MAX;
    tree_undo(world, event);
    world->rolling = true;
    world->cancelled = false;
    for (int i = tree_next(world, UNDO, -1), turn = 0; i >= 0; i = tree_next(world, UNDO, -1), turn++) {
        while (i >= 0 && world->nodes[i].turn != (unsigned)turn) i = tree_next(world, UNDO, i);
        if (i < 0) return;
        const struct node *target = &world->nodes[world->nodes[i].undoes];
        if (target->end != STEP_SUCCEEDED_STATUS || target->undone || !tree_live(world, world->nodes[i].undoes))
            world_break(world, "%s is to be undone, and is not done", target->name);
        if (target->ended_at >= last) world_break(world, "%s is undone in the wrong order", target->name);
        last = target->ended_at;
    }
}

static void
settled(struct world *world, int at, const struct event *event)
{
    uint32_t record = (uint32_t)value_get_int(event->data, "record", 0);
    const char *status = value_get_str(event->data, "status", "");
    for (size_t i = 0; i < world->nreal; i++)
        if (world->real[i].record == record) world->real[i].settled = true;
    if (str_eq(value_get_str(event->data, "found", ""), "not_done")) now_known(world, at);
    if (str_eq(status, "failed") || value_get_bool(event->data, "crash", false)) world->nodes[at].failures++;
}

static void
again(struct world *world, int at, const struct event *event)
{
    struct node *node = &world->nodes[at];
    if (!str_eq(value_get_str(value_get(event->data, "reason"), "code", ""), "until")) return;
    if (++node->polls >= node->step->until->attempts) world_break(world, "%s polls too often", node->name);
    succeeded(node);
}

/* ---- people ------------------------------------------------------------------------------------------- */

static void
decided(struct world *world, struct node *node, const struct event *event)
{
    const struct approve *approve = node->step->approve;
    const char *decision = value_get_str(event->data, "decision", "");
    unsigned bit = 1u << value_get_int(event->data, "uid", 0);
    bool approves = str_eq(decision, "approve");
    if (str_eq(decision, "pass")) {
        node->approved = true;
        if (approve->condition == NULL) world_break(world, "%s asks nobody", node->name);
        return;
    }
    if (node->approved || ended(node)) world_break(world, "%s is decided about twice", node->name);
    if (approves && (node->said & bit)) world_break(world, "one person counts twice for %s", node->name);
    if (approve->expires_ms && event->time_ms >= node->asked_ms + approve->expires_ms)
        world_break(world, "%s is decided about when its question had expired", node->name);
    if (approves) node->said |= bit;
    node->approved = value_get_bool(event->data, "granted", false);
    bool enough = node->said == 3 || (node->said && approve->min == 1);
    if (approves && enough != node->approved) world_break(world, "%s starts by the wrong number", node->name);
}

static void
asked(struct world *world, int at, const struct event *event)
{
    struct node *node = &world->nodes[at];
    const char *code = value_get_str(value_get(event->data, "reason"), "code", "");
    if (event->type == EVENT_STEP_PARKED) {
        node->approved = false;
        node->said = 0;
        node->asked_ms = event->time_ms;
        place_has_come(world, at);
        if (world->cancelled) world_break(world, "%s asks, and it is too late", node->name);
        if (!tree_asks(node)) world_break(world, "%s asks, and another is to be asked about", node->name);
    } else if (event->type == EVENT_STEP_DECIDED) {
        decided(world, node, event);
    } else if (event->type == EVENT_STEP_FINISHED && str_eq(code, "expired")) {
        if (event->time_ms < node->asked_ms + node->step->approve->expires_ms)
            world_break(world, "%s expires too early", node->name);
    }
}

void
promise_event(struct world *world, const struct event *event)
{
    int at = event->step != NULL ? tree_find(world, event->step, event->item) : -1;
    if (event->step != NULL && at < 0) {
        world_break(world, "an event of %s, item %s, which nobody knows", event->step, event->item ? event->item : "-");
        return;
    }
    if (at >= 0 && world->nodes[at].step->approve != NULL) asked(world, at, event);
    switch (event->type) {
    case EVENT_STEP_INTENT: begins(world, at, value_get_bool(event->data, "resolve", false)); return;
    case EVENT_STEP_EXPANDED:
        if (world->nodes[at].expanded) world_break(world, "%s begins twice", event->step);
        begins(world, at, false);
        tree_expand(world, at, event);
        return;
    case EVENT_STEP_RETRY: again(world, at, event); return;
    case EVENT_STEP_FINISHED: finished(world, at, event); return;
    case EVENT_STEP_RESOLVED: resolved(world, at, event); return;
    case EVENT_RUN_RETRIED: retried(world, event); return;
    case EVENT_RUN_ROLLBACK: rolled_back(world, event); return;
    case EVENT_CANCEL_ASKED: world->cancelled = true; return;
    case EVENT_STEP_RECEIPT: case EVENT_STEP_VANISHED: settled(world, at, event); return;
    default: return;
    }
}
