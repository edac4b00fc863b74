/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may decide, what counts, and what is refused with which words: the rules alone, without files and users.
 */
#include "check.h"

#include <string.h>

#include "run/approval.h"

static struct arena arena;
static struct param inputs[2];
static struct approve approve;
static struct step step;
static struct model model;
static struct run_state state;
static struct err err;

static void
apply(enum event_type type, const struct value *data, int64_t time_ms)
{
    const struct event event = {.type = type, .step = "s", .data = data, .time_ms = time_ms};
    CHECK_INT(state_apply(&state, &event, &err), 0);
}

/* A run whose only step has asked, at 1000 ms. */
static void
ask(uint32_t min, const struct value *by, int64_t expires_ms)
{
    arena_release(&arena);
    memset(&err, 0, sizeof err);
    inputs[0] = (struct param){.name = "limit", .type = PARAM_INTEGER};
    inputs[1] = (struct param){.name = "wait", .type = PARAM_DURATION};
    approve = (struct approve){.min = min, .by = by, .expires_ms = expires_ms, .inputs = inputs, .ninputs = 2};
    step = (struct step){.id = "s", .local = "s", .home = &model, .approve = &approve};
    model = (struct model){.name = "m", .steps = &step, .nsteps = 1};
    state_init(&state, &arena, &model, "run");
    struct value *defaults = value_map(&arena);
    value_set(&arena, defaults, "limit", value_int(&arena, 3));
    value_set(&arena, defaults, "wait", value_typed(&arena, VALUE_DURATION, 90000));
    apply(EVENT_STEP_PARKED,
          approval_question(&arena, &step, approval_declared(&arena, &approve, defaults), 1000), 1000);
}

static const struct value *
by(const char *one, const char *other)
{
    static struct arena texts;
    struct value *list = value_list(&texts);
    value_push(&texts, list, value_text(&texts, one));
    if (other != NULL) value_push(&texts, list, value_text(&texts, other));
    return list;
}

static struct approval_request
of(int64_t uid, const char *who)
{
    return (struct approval_request){.id = who, .step = "s", .number = state.steps[0].approval->number, .uid = uid,
                                     .who = who, .why = ""};
}

static const struct value *
input(const char *name, const char *text)
{
    struct value *map = value_map(&arena);
    value_set(&arena, map, name, value_text(&arena, text));
    return map;
}

static int
judge(const struct approval_request *request, const struct value **data)
{
    memset(&err, 0, sizeof err);
    *data = NULL;
    return approval_judge(&arena, &state, request, false, data, &err);
}

static void
one_user_is_enough_and_the_question_is_closed(void)
{
    const struct value *data;
    ask(1, NULL, 0);
    const struct approval_request ann = of(1, "ann"), bob = of(2, "bob");
    CHECK_INT(judge(&ann, &data), 0);
    apply(EVENT_STEP_DECIDED, data, 2000);
    CHECK(state.steps[0].approval->granted);
    CHECK_INT(state.steps[0].status, STEP_READY_STATUS);
    CHECK_INT(judge(&bob, &data), EXIT_USAGE);
    CHECK_STR(err.message, "step \"s\" was approved by ann at 1970-01-01T00:00:02Z; it is ready");
    CHECK_INT(judge(&ann, &data), 0);
    CHECK(data == NULL);
}

static void
two_approvals_are_of_two_users(void)
{
    const struct value *data;
    ask(2, NULL, 0);
    struct approval_request ann = of(1, "ann"), bob = of(2, "bob");
    CHECK_INT(judge(&ann, &data), 0);
    apply(EVENT_STEP_DECIDED, data, 2000);
    CHECK_INT(state.steps[0].status, STEP_PARKED_STATUS);
    CHECK_INT(judge(&ann, &data), 0);
    CHECK(data == NULL);
    CHECK_INT(judge(&bob, &data), 0);
    apply(EVENT_STEP_DECIDED, data, 3000);
    CHECK(state.steps[0].approval->granted);
    CHECK_INT(approval_count(state.steps[0].approval), 2);
}

static void
the_second_agrees_with_what_the_first_gave(void)
{
    const struct value *data;
    ask(2, NULL, 0);
    struct approval_request ann = of(1, "ann"), bob = of(2, "bob");
    ann.input = input("limit", "5");
    CHECK_INT(judge(&ann, &data), 0);
    apply(EVENT_STEP_DECIDED, data, 2000);
    bob.input = input("limit", "6");
    CHECK_INT(judge(&bob, &data), EXIT_REFUSED);
    CHECK_STR(err.message, "ann approved step \"s\" with limit = 5");
    bob.input = input("wait", "2m");
    CHECK_INT(judge(&bob, &data), EXIT_REFUSED);
    CHECK_STR(err.message, "ann approved step \"s\" with wait = 1m30s");
    bob.input = input("limit", "5");
    CHECK_INT(judge(&bob, &data), 0);
    apply(EVENT_STEP_DECIDED, data, 3000);
    const struct value *names = value_get(approval_names(&arena, &state.steps[0]), "input");
    CHECK_INT(value_get(names, "limit")->integer, 5);
    CHECK_INT(value_get(names, "wait")->type, VALUE_DURATION);
    CHECK_INT(value_get(names, "wait")->integer, 90000);
}

static void
only_whom_by_names_may_decide(void)
{
    const struct value *data;
    ask(1, by("user:ann", "group:dba"), 0);
    struct approval_request eve = of(3, "eve");
    CHECK_INT(judge(&eve, &data), EXIT_REFUSED);
    CHECK_STR(err.message, "step \"s\" is not eve's to decide: `by` names user:ann, group:dba");
    eve.reject = true;
    CHECK_INT(judge(&eve, &data), EXIT_REFUSED);
    eve.as = "group:nobody";
    CHECK_INT(judge(&eve, &data), EXIT_REFUSED);
    eve.as = "group:dba";
    CHECK_INT(judge(&eve, &data), 0);
}

static void
an_answer_to_an_old_question_decides_nothing(void)
{
    const struct value *data, *again;
    ask(1, NULL, 0);
    const struct approval_request ann = of(1, "ann");
    struct value *retried = value_map(&arena), *list = value_list(&arena);
    value_push(&arena, list, value_text(&arena, "s"));
    value_set(&arena, retried, "again", list);
    CHECK_INT(judge(&ann, &data), 0);
    apply(EVENT_STEP_DECIDED, data, 2000);
    apply(EVENT_RUN_RETRIED, retried, 3000);
    CHECK(!state.steps[0].approval->granted);
    apply(EVENT_STEP_PARKED, approval_question(&arena, &step, value_map(&arena), 4000), 4000);
    CHECK_INT(state.steps[0].approval->number, 2);
    CHECK_INT(judge(&ann, &again), EXIT_USAGE);
    CHECK_STR(err.message, "step \"s\" was asked again meanwhile");
}

static void
a_question_expires_when_its_time_is_over_and_not_before(void)
{
    const struct value *data;
    ask(2, NULL, 500);
    const struct approval_state *approval = state.steps[0].approval;
    CHECK_INT(approval->expires_ms, 1500);
    CHECK(!approval_expired(approval, 1499));
    CHECK(approval_expired(approval, 1500));
    const struct approval_request ann = of(1, "ann");
    CHECK_INT(approval_judge(&arena, &state, &ann, true, &data, &err), EXIT_REFUSED);
    CHECK_STR(err.message, "the approval of step \"s\" expired at 1970-01-01T00:00:01Z");
    apply(EVENT_STEP_FINISHED, approval_expiry(&arena, &state, &state.steps[0], 1600), 1600);
    CHECK_INT(state.steps[0].status, STEP_FAILED_STATUS);
    CHECK_STR(value_get_str(state.steps[0].error, "class", ""), "timeout");
    CHECK_STR(value_get_str(state.steps[0].error, "message", ""),
              "0 of 2 approvals came until 1970-01-01T00:00:01Z");
}

static void
a_rejection_fails_the_step_with_who_and_why(void)
{
    const struct value *data;
    ask(2, NULL, 0);
    struct approval_request ann = of(1, "ann"), root = of(0, "root");
    CHECK_INT(judge(&ann, &data), 0);
    apply(EVENT_STEP_DECIDED, data, 2000);
    root.reject = true;
    root.claim = "bob";
    root.why = "not today";
    CHECK_INT(judge(&root, &data), 0);
    apply(EVENT_STEP_DECIDED, data, 3000);
    apply(EVENT_STEP_FINISHED, approval_rejection(&arena, &state, &state.steps[0], 3000), 3000);
    CHECK_STR(value_get_str(state.steps[0].error, "class", ""), "permanent");
    CHECK_STR(value_get_str(state.steps[0].error, "message", ""),
              "root (through sudo by bob) rejected it: not today");
    CHECK_INT(approval_count(state.steps[0].approval), 1);
}

static void
a_default_is_never_evaluated_again(void)
{
    const struct value *data;
    inputs[0].name = NULL;
    ask(1, NULL, 0);
    inputs[0] = (struct param){.name = "limit", .type = PARAM_STRING};
    struct value *defaults = value_map(&arena);
    value_set(&arena, defaults, "limit", value_text(&arena, "${{ 1 + 1 }}"));
    apply(EVENT_STEP_PARKED,
          approval_question(&arena, &step, approval_declared(&arena, &approve, defaults), 1000), 1000);
    const struct approval_request ann = of(1, "ann");
    CHECK_INT(judge(&ann, &data), 0);
    CHECK_STR(value_get_str(value_get(data, "input"), "limit", ""), "${{ 1 + 1 }}");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"one user is enough and the question is closed", one_user_is_enough_and_the_question_is_closed},
        {"two approvals are of two users", two_approvals_are_of_two_users},
        {"the second agrees with what the first gave", the_second_agrees_with_what_the_first_gave},
        {"only whom `by` names may decide", only_whom_by_names_may_decide},
        {"an answer to an old question decides nothing", an_answer_to_an_old_question_decides_nothing},
        {"a question expires when its time is over and not before",
         a_question_expires_when_its_time_is_over_and_not_before},
        {"a rejection fails the step with who and why", a_rejection_fails_the_step_with_who_and_why},
        {"a default is never evaluated again", a_default_is_never_evaluated_again},
    };
    int code = check_main("approval", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return code;
}
