/* SPDX-License-Identifier: Apache-2.0
 *
 * The run as a tree: steps of the workflow at the top, under a loop its items, under a block its steps. All of them lie
 * in one array in the order they came to be; the children of one lie side by side, so that a step beside another is
 * found by the distance of the two in the workflow.
 */
#include "run/state_tree.h"

#include <string.h>

#include "base/assert.h"
#include "base/str.h"

bool
state_is_loop(const struct step_state *step)
{
    return step->step->loop != NULL && !step->is_item;
}

bool
state_is_parent(const struct step_state *step)
{
    return state_is_loop(step) || step_is_block(step->step);
}

bool
state_is_live(const struct run_state *state, const struct step_state *step)
{
    for (; !step->gone; step = &state->steps[step->parent]) {
        if (step->parent == NO_PARENT) return true;
        if (!state->steps[step->parent].expanded) return false;
    }
    return false;
}

const char *
state_address(struct arena *arena, const struct step_state *step)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, MIB);
    buf_text(&buf, step->step->id);
    if (step->item != NULL) {
        buf_text(&buf, " --item ");
        str_shell(&buf, step->item);
    }
    return arena_strdup(arena, buf_str(&buf));
}

/* The item of the step whose name is nearest to `item` (NULL: any); NULL: it has none. */
static const char *
nearest_item(const struct run_state *state, const char *id, const char *item)
{
    struct arena arena ARENA_SCOPED = {0};
    const char **names = ARENA_ARRAY(&arena, state->nsteps + 1, const char *);
    size_t count = 0;
    for (size_t i = 0; i < state->nsteps; i++) {
        const struct step_state *step = &state->steps[i];
        if (step->item != NULL && str_eq(step->step->id, id) && state_is_live(state, step)) names[count++] = step->item;
    }
    const char *near = item != NULL ? str_nearest(item, names, count) : NULL;
    return near != NULL ? near : count > 0 ? names[0] : NULL;
}

int
state_find(const struct run_state *state, const char *id, const char *item, struct step_state **ret, struct err *err)
{
    *ret = state_step(state, id, item);
    if (*ret != NULL && state_is_live(state, *ret)) return 0;
    const char *near_item = nearest_item(state, id, item);
    if (near_item != NULL) {
        if (item != NULL) err_set(err, EXIT_USAGE, "step \"%s\" has no item \"%s\"", id, item);
        else err_set(err, EXIT_USAGE, "there is a step \"%s\" for each item: which one?", id);
        err_hint(err, "Say --item KEY, as in: --item \"%s\"", near_item);
        return EXIT_USAGE;
    }
    const char *near = state_nearest(state, id);
    err_set(err, EXIT_USAGE, "run %s has no step \"%s\"%s", state->id, id, *ret != NULL ? " any more" : "");
    if (near != NULL && !str_eq(near, id)) err_hint(err, "Did you mean \"%s\"?", near);
    return EXIT_USAGE;
}

const struct step_state *
state_block(const struct run_state *state, const struct step_state *step)
{
    if (step->is_item) step = &state->steps[step->parent];
    return step->parent == NO_PARENT ? NULL : &state->steps[step->parent];
}

const struct step_state *
state_sibling(const struct run_state *state, const struct step_state *step, uint32_t k)
{
    const struct step_state *block = state_block(state, step);
    return &state->steps[(block != NULL ? block->first : 0) + k];
}

const struct step_state *
state_beside(const struct run_state *state, const struct step_state *block, const char *local)
{
    char id[2 * LIMIT_ID_SIZE + 2];
    if (block == NULL) return state_step(state, local, NULL);
    size_t size = strlen(block->step->id), more = strlen(local);
    if (size + more + 2 > sizeof id) return NULL;
    memcpy(id, block->step->id, size);
    id[size] = '.';
    memcpy(id + size + 1, local, more + 1);
    return state_step(state, id, block->item);
}

bool
state_after(const struct run_state *state, const struct step_state *step, enum step_part part)
{
    for (;;) {
        /* What a chunk calls belongs where the chunk stands. */
        uint32_t around = step->parent != NO_PARENT ? step->parent : step->caller;
        if (step->step->part == part) return true;
        if (around == NO_PARENT) return false;
        step = &state->steps[around];
    }
}

bool
state_failed(const struct step_state *step)
{
    /* That a loop may fail says nothing of its items: they fail the loop first. */
    return step->status == STEP_FAILED_STATUS && (step->is_item || !step->step->continue_on_error) && !step->gone;
}

const struct step_state *
state_failure(const struct run_state *state, const struct step_state *parent)
{
    const struct step_state *first = NULL;
    size_t from = parent != NULL ? parent->first : 0, count = parent != NULL ? parent->nchildren : state->model->nsteps;
    for (size_t i = from; i < from + count; i++) {
        const struct step_state *step = &state->steps[i];
        if (state_failed(step) && (first == NULL || step->finished_ms < first->finished_ms)) first = step;
    }
    return first;
}

const struct step_state *
state_culprit(const struct run_state *state, const struct step_state *failed)
{
    while (failed != NULL && state_is_parent(failed) && failed->expanded) {
        const struct step_state *child = state_failure(state, failed);
        if (child == NULL) break;
        failed = child;
    }
    return failed;
}

const char *
state_name(struct arena *arena, const struct step_state *step)
{
    if (step->item == NULL) return step->step->id;
    return arena_printf(arena, "%s[%s]", step->step->id, step->item);
}

/* An engine stops at LIMIT_INSTANCES. Folded under an edited workflow the same events may make more than it made. */
#define FOLD_INSTANCES (4 * LIMIT_INSTANCES)

/* ---- growing ------------------------------------------------------------------------------------------ */

static uint32_t
add_room(struct run_state *state, size_t count)
{
    uint32_t first = (uint32_t)state->nsteps;
    size_t needed = state->nsteps + count;
    if (needed > state->capacity) {
        size_t capacity = state->capacity * 2 > needed ? state->capacity * 2 : needed;
        struct step_state *grown = ARENA_ARRAY(state->arena, capacity, struct step_state);
        memcpy(grown, state->steps, state->nsteps * sizeof *grown);
        state->steps = grown;
        state->capacity = capacity;
    }
    memset(&state->steps[first], 0, count * sizeof state->steps[first]);
    state->nsteps = needed;
    return first;
}

/* With loops within loops an item is named by the keys of all, each in a form that has no `/`. */
static void
add_key(struct buf *buf, const char *key)
{
    for (; *key; key++) {
        if (*key == '/') buf_text(buf, "%2F");
        else if (*key == '%') buf_text(buf, "%25");
        else buf_char(buf, *key);
    }
}

static bool
has_loops(const struct model *body)
{
    for (size_t i = 0; body != NULL && i < body->nsteps; i++)
        if (body->steps[i].loop != NULL || has_loops(body->steps[i].body)) return true;
    return false;
}

/* What an item of the loop with this key is called. */
static const char *
item_name(const struct run_state *state, const struct step_state *loop, const char *key)
{
    /* Else the loop in the item "a/b" would be called as the item "b" of the one in "a". */
    if (loop->item == NULL && !has_loops(loop->step->body)) return arena_strdup(state->arena, key);
    struct buf buf BUF_SCOPED;
    buf_init(&buf, LIMIT_VALUE_SIZE);
    if (loop->item != NULL) buf_printf(&buf, "%s/", loop->item);
    add_key(&buf, key);
    return arena_strdup(state->arena, buf_str(&buf));
}

static const struct value *
bind(struct run_state *state, const struct value *outer, const char *name, const struct value *value)
{
    struct value *ret = value_map(state->arena);
    value_set_all(state->arena, ret, outer);
    value_set(state->arena, ret, name, value);
    return ret;
}

bool
state_has_acted(const struct step_state *step)
{
    return !step->undone && step->nattempts > step->past &&
           (step->status == STEP_SUCCEEDED_STATUS || step->status == STEP_FAILED_STATUS ||
            step->status == STEP_CANCELLED_STATUS);
}

void
state_reset(struct step_state *step)
{
    /* After a success, doing it again is another effect: it gets a token of its own, and no old checkpoints. */
    if (step->status == STEP_SUCCEEDED_STATUS) {
        step->round++;
        step->checkpoints = NULL;
    }
    if (state_has_acted(step)) step->left = true;
    step->status = STEP_WAITING_STATUS;
    step->past = step->nattempts;
    step->vanished = step->polls = 0;
    step->queued = step->ask_first = step->expanded = step->undone = false;
    step->ended_seq = 0;
    step->started_ms = step->finished_ms = 0;
    step->inputs = step->outputs = step->error = NULL;
    if (step->approval != NULL) step->approval->granted = false; /* what is done anew is asked anew */
    step->given = step->params = step->env = step->items = NULL;
    step->reason_code = "retried";
    step->reason_text = "the run was retried";
}

/* What an item of the same key did before belongs to it: its attempts and tokens go on. */
static void
take_over(struct run_state *state, struct step_state *item)
{
    struct step_state *old = state_step(state, item->step->id, item->item);
    if (old == NULL) return;
    struct step_state fresh = *item;
    *item = *old;
    state_reset(item);
    item->parent = fresh.parent;
    item->bindings = fresh.bindings;
    item->key = fresh.key;
    item->step = fresh.step;
    old->gone = true;
    for (uint32_t i = 0; i < item->nchildren; i++)
        state->steps[item->first + i].parent = (uint32_t)(item - state->steps);
    for (size_t i = 0; item->step->calls != NULL && i < state->nsteps; i++)
        if (state->steps[i].caller == (uint32_t)(old - state->steps))
            state->steps[i].caller = (uint32_t)(item - state->steps);
}

static int
expand_loop(struct run_state *state, uint32_t loop, const struct value *items, struct err *err)
{
    size_t count = items->list.count;
    if (count > LIMIT_ITEMS || state->nsteps + count > FOLD_INSTANCES)
        return err_set(err, EXIT_STORE, "a loop has %zu items", count);
    for (uint32_t i = 0; i < state->steps[loop].nchildren; i++)
        state->steps[state->steps[loop].first + i].gone = true;
    uint32_t first = add_room(state, count);
    struct step_state *parent = &state->steps[loop];
    parent->first = first;
    parent->nchildren = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct value *value = value_get(items->list.items[i], "value");
        const char *key = value_get_str(items->list.items[i], "key", NULL);
        /* `items` is the state's own copy, so its texts stay. */
        struct step_state *item = &state->steps[first + i];
        if (key == NULL || value == NULL) return err_set(err, EXIT_STORE, "an item has no key or value");
        *item = (struct step_state){.step = parent->step, .parent = loop, .is_item = true, .key = key,
                                    .undoes = NO_PARENT, .caller = NO_PARENT,
                                    .item = item_name(state, parent, key),
                                    .bindings = bind(state, parent->bindings, parent->step->loop->as, value)};
        take_over(state, item);
        item->gone = false;
        state_index(state, first + (uint32_t)i);
    }
    return 0;
}

static int
expand_block(struct run_state *state, uint32_t block, struct err *err)
{
    struct step_state *parent = &state->steps[block];
    const struct model *body = parent->step->body;
    bool again = parent->nchildren == body->nsteps;
    if (state->nsteps + body->nsteps > FOLD_INSTANCES) return err_set(err, EXIT_STORE, "the run has too many steps");
    uint32_t first = again ? parent->first : add_room(state, body->nsteps);
    parent = &state->steps[block];
    parent->first = first;
    parent->nchildren = (uint32_t)body->nsteps;
    for (uint32_t i = 0; i < parent->nchildren; i++) {
        struct step_state *child = &state->steps[first + i];
        if (again) state_reset(child);
        child->step = &body->steps[i];
        child->parent = block;
        child->undoes = child->caller = NO_PARENT;
        child->item = parent->item;
        child->gone = false;
        child->bindings = parent->step->kind == STEP_GROUP ? parent->bindings : NULL;
        if (!again) state_index(state, first + i);
    }
    return 0;
}

int
state_expand(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    const struct value *items = value_get(event->data, "items"), *params = value_get(event->data, "params");
    uint32_t at = (uint32_t)(step - state->steps);
    /* Of a workflow that was replaced later, in which it was something else. */
    if (state_is_loop(step) != value_is(items, VALUE_LIST) || !state_is_parent(step))
        return state->model_number < state->models ? 0 : err_set(err, EXIT_STORE, "it is not of this shape");
    step->status = STEP_RUNNING_STATUS;
    step->expanded = true;
    step->started_ms = event->time_ms;
    step->given = params != NULL ? value_copy(state->arena, params) : NULL;
    return items != NULL ? expand_loop(state, at, value_copy(state->arena, items), err) : expand_block(state, at, err);
}

const char *
state_call_name(struct arena *arena, const struct step_state *caller, int64_t number)
{
    const char *name = caller->round == 0 ? arena_printf(arena, "%lld", (long long)number)
                                          : arena_printf(arena, "%lld.%u", (long long)number, caller->round);
    return caller->item != NULL ? arena_printf(arena, "%s/%s", caller->item, name) : name;
}

int
state_call(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    const char *action = value_get_str(event->data, "action", ""), *dot = strchr(action, '.');
    const char *item = value_get_str(event->data, "key", NULL);
    const struct step *callee = NULL;
    uint32_t caller = (uint32_t)(step - state->steps);
    for (size_t i = 0; step->step->calls != NULL && dot != NULL && i < step->step->calls->nsteps; i++) {
        const struct step *one = &step->step->calls->steps[i];
        if (strncmp(one->plugin, action, (size_t)(dot - action)) == 0 && one->plugin[dot - action] == '\0' &&
            str_eq(one->action, dot + 1))
            callee = one;
    }
    if (callee == NULL || item == NULL)
        return state->model_number < state->models ? 0 : err_set(err, EXIT_STORE, "it calls what it cannot call");
    struct step_state *call = state_step(state, callee->id, item);
    if (call == NULL) {
        uint32_t i = add_room(state, 1);
        call = &state->steps[i];
        *call = (struct step_state){.step = callee, .parent = NO_PARENT, .undoes = NO_PARENT,
                                    .item = arena_strdup(state->arena, item)};
        state_index(state, i);
    } else {
        state_reset(call);
    }
    for (size_t i = 0; i < state->steps[caller].step->calls->nsteps; i++) {
        struct step_state *other = state_step(state, state->steps[caller].step->calls->steps[i].id, item);
        if (other != NULL) other->gone = true; /* under this number there was another action before */
    }
    call->gone = false;
    call->caller = caller;
    call->given = value_copy(state->arena, value_get(event->data, "given"));
    call->inputs = value_copy(state->arena, value_get(event->data, "inputs"));
    call->bindings = state->steps[caller].bindings;
    state->steps[caller].open_calls++;
    return 0;
}

struct step_state *
state_entry(const struct run_state *state, const struct value *entry)
{
    bool map = value_is(entry, VALUE_MAP);
    return state_step(state, map ? value_get_str(entry, "step", "") : value_str(entry, ""),
                      map ? value_get_str(entry, "item", NULL) : NULL);
}

int
state_roll_back(struct run_state *state, const struct event *event, struct err *err)
{
    const struct value *list = value_get(event->data, "undo");
    uint32_t count = 0;
    if (!value_is(list, VALUE_LIST)) return err_set(err, EXIT_STORE, "it does not say what to undo");
    for (uint32_t i = 0; i < state->undo_count; i++) state->steps[state->undo_first + i].gone = true;
    state->undo_first = add_room(state, list->list.count);
    for (size_t i = 0; i < list->list.count; i++) {
        const struct step_state *target = state_entry(state, list->list.items[i]);
        struct step_state *undo = &state->steps[state->undo_first + count];
        bool can = target != NULL && target->step->undo != NULL;
        if (!can && state->model_number < state->models) continue;
        if (!can) return err_set(err, EXIT_STORE, "it names a step that cannot be undone");
        *undo = (struct step_state){.step = target->step->undo->steps, .parent = NO_PARENT, .item = target->item,
                                    .undoes = (uint32_t)(target - state->steps), .caller = NO_PARENT,
                                    .bindings = target->bindings};
        take_over(state, undo);
        undo->undoes = (uint32_t)(target - state->steps);
        undo->gone = false;
        state_index(state, state->undo_first + count++);
    }
    state->nsteps = state->undo_first + count;
    state->undo_count = count;
    state->rolling = true;
    state->rolled_back = false;
    if (!state->half_back)
        state->before = (struct run_end){.status = state->status, .exit_code = state->exit_code,
                                         .outputs = state->outputs, .error = state->error,
                                         .failed_step = state->failed_step, .failed_item = state->failed_item};
    state->status = RUN_INTERRUPTED_STATUS;
    state->begun_ms = event->time_ms;
    state->finished_ms = 0;
    state->cancel_asked = false;
    return 0;
}

void
state_reopen(struct run_state *state, const struct step_state *child)
{
    while (child->parent != NO_PARENT) {
        struct step_state *parent = &state->steps[child->parent];
        if (step_status_ended(parent->status) && parent->expanded) {
            parent->status = STEP_RUNNING_STATUS;
            parent->finished_ms = 0;
            parent->outputs = parent->error = parent->items = NULL;
            parent->reason_code = "retried";
            parent->reason_text = "a part of it runs again";
        }
        child = parent;
    }
}
