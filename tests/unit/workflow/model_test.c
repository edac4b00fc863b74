/* SPDX-License-Identifier: Apache-2.0
 *
 * The model as the engine gets it, and its way through JSON. The golden files look at what is wrong in a file; here is
 * what becomes of one that is right.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "check.h"
#include "load_help.h"

static struct arena arena;

static const char rich[] =
    "levada: 1\n"
    "description: All of it.\n"
    "labels: {team: data}\n"
    "params:\n"
    "  day: {type: timestamp, default: 2026-01-31, doc: The day.}\n"
    "  wait: {type: duration, default: 90s, minimum: 1s, maximum: 1h}\n"
    "  room: {type: size, default: 2KiB}\n"
    "  who: {enum: [ann, bob], pattern: \"[a-z]+\"}\n"
    "  where: {format: uri, default: \"s3://b/${{ params.who }}\"}\n"
    "  share: {type: number, default: 1}\n"
    "  tags: {type: list, required: true}\n"
    "env: {ZONE: \"${{ params.who }}\", A: top}\n"
    "secrets:\n"
    "  key: {from: file, name: keys/a.json, field: pem}\n"
    "  token: {from: env, name: TOKEN}\n"
    "defaults: {retry: {attempts: 4, delay: 2s, jitter: 0.5}, timeout: 10m, env: {A: shared, B: shared}, shell: bash}\n"
    "steps:\n"
    "  - id: first\n"
    "    name: The first\n"
    "    run: |\n"
    "      echo \"${{ params.wait }}\"\n"
    "    env: {B: own, N: 5}\n"
    "    stdin: ${{ secrets.token }}\n"
    "    outputs: {rows: {from: stdout, as: integer}, sum: {}, twice: \"${{ outputs.rows * 2 }}\"}\n"
    "    expect: [\"${{ outputs.rows > 0 }}\"]\n"
    "    retry: {attempts: 2, for: [timeout, transient]}\n"
    "    grace: 3s\n"
    "  - id: second\n"
    "    needs: [first, first]\n"
    "    if: ${{ steps.first.outputs.rows > 1 }}\n"
    "    lua: |\n"
    "      return {x = steps.first.outputs.sum}\n"
    "    effect: read\n"
    "    approve: {when: \"${{ params.who == 'ann' }}\", by: [user:ann, \"group:dba\"], min: 2, expires: 2d,\n"
    "              input: {wait: {type: duration, default: 5m, maximum: 1h}, n: {type: integer, required: true}}}\n"
    "    continue_on_error: true\n"
    "    shell_is_not_used: x\n"
    "  - id: third\n"
    "    needs: []\n"
    "    uses: probe.echo\n"
    "    with: {text: \"a ${{ params.day }}\", labels: {a: \"${{ params.tags[1] }}\"}, key: \"${{ secrets.key }}\"}\n"
    "outputs: {rows: \"${{ steps.first.outputs.rows }}\", all: [\"${{ params.room }}\", 1.0, null, true]}\n"
    "on_failure:\n"
    "  - id: tell\n"
    "    run: echo \"${{ steps.second.status }}\"\n"
    "finally:\n"
    "  - id: clean\n"
    "    run: 'true'\n"
    "  - id: last\n"
    "    needs: [clean]\n"
    "    run: echo \"${{ steps.tell.status }} ${{ params.where }} ${{ params.share }}\"\n"
    "    hooks: {on_failure: \"\\nlog(result.status)\"}\n"
    "hooks: {before_step: log(run.id), after_step: [log(params.who), log(step.id)]}\n";

/* The rich text without the line that makes it wrong. */
static const struct model *
load_rich(void)
{
    struct diags diags;
    char *text = arena_strdup(&arena, rich);
    char *line = strstr(text, "    shell_is_not_used");
    memmove(line, strchr(line, '\n') + 1, strlen(strchr(line, '\n')));
    load_use_plugins();
    const struct model *model = load_text(&arena, text, &diags);
    if (model == NULL) diags_print(&diags, stdout, false);
    return model;
}

static void
test_top(void)
{
    const struct model *model = load_rich();
    CHECK_FATAL(model != NULL);
    CHECK_STR(model->name, "flow");
    CHECK_STR(model->description, "All of it.");
    CHECK_STR(strrchr(model->file, '/'), "/flow.yaml");
    CHECK_INT(strlen(model->file), strlen(model->folder) + strlen("/flow.yaml"));
    CHECK(model->power);
    CHECK_INT(model->nsecrets, 2);
    CHECK_STR(model->secrets[0].key, arena_printf(&arena, "%s/keys/a.json", model->folder));
    CHECK_STR(model->secrets[0].field, "pem");
    CHECK_STR(model->secrets[1].key, "TOKEN");
    CHECK_INT(model->nplugins, 1);
    CHECK_STR(model->plugins[0]->name, "probe");
    CHECK_INT(model_step_find(model, "last"), 5);
    CHECK_INT(model_step_find(model, "nobody"), -1);
}

static void
test_params_are_typed(void)
{
    const struct model *model = load_rich();
    CHECK_FATAL(model != NULL);
    CHECK_INT(model->nparams, 7);
    CHECK_INT(model->params[0].fallback->type, VALUE_TIMESTAMP);
    CHECK_INT(model->params[1].fallback->type, VALUE_DURATION);
    CHECK_INT(model->params[1].maximum->integer, 3600000);
    CHECK_INT(model->params[2].fallback->integer, 2048);
    CHECK_INT(model->params[3].choices->list.count, 2);
    CHECK_INT(model->params[4].fallback->type, VALUE_STRING);
    CHECK_INT(model->params[5].fallback->type, VALUE_INT);
    CHECK(model->params[6].required);
}

static void
test_steps(void)
{
    const struct model *model = load_rich();
    CHECK_FATAL(model != NULL);
    CHECK_INT(model->nsteps, 6);
    const struct step *first = &model->steps[0], *second = &model->steps[1], *third = &model->steps[2];
    CHECK_INT(first->kind, STEP_RUN);
    CHECK_STR(first->shell, "bash");
    CHECK_INT(first->text_line, 21);
    CHECK_INT(first->text_column, 7);
    CHECK_STR(json_text(&arena, first->env),
              "{\"ZONE\":\"${{ params.who }}\",\"A\":\"shared\",\"B\":\"own\",\"N\":5}");
    CHECK_INT(first->effect, LEVADA_EFFECT_UNSAFE);
    CHECK_INT(first->retry.attempts, 2);
    CHECK_INT(first->retry.delay_ms, 2000);
    CHECK_INT(first->retry.classes, 1 << LEVADA_TIMEOUT | 1 << LEVADA_TRANSIENT);
    CHECK(first->retry.jitter > 0.4);
    CHECK_INT(first->timeout_ms, 600000);
    CHECK_INT(first->grace_ms, 3000);
    CHECK_INT(first->noutputs, 3);
    CHECK_STR(first->outputs[0].as, "integer");
    CHECK(first->outputs[1].from == NULL && first->outputs[1].value == NULL);
    CHECK_STR(value_str(first->outputs[2].value, ""), "${{ outputs.rows * 2 }}");
    CHECK_INT(second->effect, LEVADA_EFFECT_READ);
    CHECK(second->continue_on_error);
    CHECK_STR(second->condition, "${{ steps.first.outputs.rows > 1 }}");
    CHECK_INT(second->condition_line, 30);
    CHECK_INT(second->grace_ms, 10000);
    CHECK_INT(third->kind, STEP_USES);
    CHECK_STR(third->schema_action->name, "echo");
    CHECK_INT(third->effect, LEVADA_EFFECT_PURE);
    CHECK(third->shell == NULL);
}

static void
test_needs(void)
{
    const struct model *model = load_rich();
    CHECK_FATAL(model != NULL);
    CHECK_INT(model->steps[1].nneeds, 1);
    CHECK_INT(model->steps[1].needs[0], 0);
    CHECK_INT(model->steps[2].nneeds, 0);
    CHECK(model->steps[2].starts_alone);
    CHECK_INT(model->steps[3].part, PART_ON_FAILURE);
    CHECK_INT(model->steps[3].nneeds, 0); /* a step of another part is no edge … */
    CHECK_INT(model->steps[3].nreads, 1); /* … but is read */
    CHECK_INT(model->steps[3].reads[0], 1);
    CHECK_INT(model->steps[0].nreads, 0);
    CHECK_INT(model->steps[5].part, PART_FINALLY);
    CHECK_INT(model->steps[5].nneeds, 1);
    CHECK_INT(model->steps[5].needs[0], 4);
}

static void
test_edges_from_everywhere(void)
{
    static const char *const places[] = {"run: echo \"${{ steps.a.status }}\"",
                                         "run: x\n    if: ${{ steps.a.status == 'succeeded' }}",
                                         "run: x\n    env: {A: \"${{ steps.a.status }}\"}",
                                         "run: x\n    cwd: ${{ steps.a.status }}",
                                         "run: x\n    stdin: ${{ steps.a.status }}",
                                         "run: x\n    expect: [\"${{ steps.a.status == 'succeeded' }}\"]",
                                         "run: x\n    outputs: {o: \"${{ steps.a.status }}\"}",
                                         "lua: return {x = steps.a.status}",
                                         "lua: return {x = steps['a'].status}",
                                         "run: x\n    needs: a",
                                         "run: x\n    needs: [a]"};
    for (size_t i = 0; i < CHECK_COUNT(places); i++) {
        struct diags diags;
        const struct model *model = load_text(
            &arena,
            arena_printf(&arena, "levada: 1\nsteps:\n  - id: b\n    %s\n  - {id: a, run: x}\n", places[i]),
            &diags);
        CHECK_FATAL(model != NULL);
        CHECK_INT(model->steps[0].nneeds, 1);
        if (model->steps[0].nneeds) CHECK_INT(model->steps[0].needs[0], 1);
    }
}

static const struct model *
through_json(const struct model *model, const char **text)
{
    struct err err = {0};
    const struct model *ret = NULL;
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 1 << 20);
    model_write(&buf, model);
    *text = arena_strndup(&arena, buf_str(&buf), buf.size);
    CHECK_INT(model_read(&arena, *text, buf.size, &ret, &err), 0);
    CHECK_STR(err.message, "");
    return ret;
}

static void
test_json_loses_nothing(void)
{
    const struct model *model = load_rich();
    const char *once, *twice;
    CHECK_FATAL(model != NULL);
    const struct model *back = through_json(model, &once);
    CHECK_FATAL(back != NULL);
    through_json(back, &twice);
    CHECK_STR(twice, once);
    CHECK_INT(back->params[1].fallback->type, VALUE_DURATION);
    CHECK_INT(back->params[2].fallback->type, VALUE_SIZE);
    CHECK_INT(back->params[0].fallback->type, VALUE_TIMESTAMP);
    CHECK_STR(back->steps[2].schema_action->name, "echo");
    CHECK_STR(back->steps[2].schema->digest, model->steps[2].schema->digest);
    CHECK_STR(back->steps[2].schema->path, model->steps[2].schema->path);
    const struct approve *approve = back->steps[1].approve;
    CHECK_FATAL(approve != NULL);
    CHECK_STR(approve->condition, "${{ params.who == 'ann' }}");
    CHECK_INT(approve->condition_line, model->steps[1].approve->condition_line);
    CHECK_INT(approve->expires_ms, 2 * 24 * 3600 * 1000);
    CHECK_INT(approve->min, 2);
    CHECK_STR(json_text(&arena, approve->by), "[\"user:ann\",\"group:dba\"]");
    CHECK_INT(approve->inputs[0].fallback->type, VALUE_DURATION);
    CHECK(approve->inputs[1].required);
    CHECK(back->steps[0].approve == NULL);
    const struct value *text = value_get(back->steps[2].with, "text");
    CHECK_INT(text->line, value_get(model->steps[2].with, "text")->line);
    CHECK_INT(text->column, value_get(model->steps[2].with, "text")->column);
    CHECK_STR(back->source, model->source);
    CHECK_INT(back->nhooks, 3);
    CHECK_STR(back->hooks[1].text, "log(params.who)");
    CHECK_INT(back->hooks[1].on, HOOK_AFTER_STEP);
    CHECK(back->hooks[1].names && !back->hooks[2].names);
    CHECK_STR(back->hooks[1].file, model->file);
    CHECK_INT(back->hooks[1].line, model->hooks[1].line);
    CHECK_INT(back->steps[model->nsteps - 1].nhooks, 1);
    CHECK_STR(json_text(&arena, back->outputs), "{\"rows\":\"${{ steps.first.outputs.rows }}\","
                                                "\"all\":[\"${{ params.room }}\",1.0,null,true]}");
}

static void
test_damaged_json_is_refused(void)
{
    static const char *const edits[][2] = {
        {"\"needs\":[0]", "\"needs\":[7]"},       {"\"needs\":[0]", "\"needs\":[-1]"},
        {"\"min\":2", "\"min\":0"},             {"[\"user:ann\",", "[5,"},
        {"\"needs\":[0]", "\"needs\":{}"},        {"\"id\":\"second\"", "\"id\":\"first\""},
        {"\"id\":\"second\"", "\"id\":\"../x\""}, {"\"part\":\"steps\"", "\"part\":\"stepz\""},
        {"\"effect\":\"read\"", "\"effect\":5"},  {"\"action\":\"echo\"", "\"action\":\"ecko\""},
        {"\"model\":1", "\"model\":99"},          {"\"attempts\":2", "\"attempts\":0"},
        {"\"needs\":[4]", "\"needs\":[0]"},       {"\"type\":\"duration\"", "\"type\":\"x\""},
        {"\"on\":\"before_step\"", "\"on\":\"at_dawn\""}, {"\"on\":\"on_failure\"", "\"on\":7"},
        {"\"steps\":[", "\"stepz\":["},           {"\"timeout_ms\":600000", "\"timeout_ms\":-5"}};
    /* No JSON at all any more: refused too, and soon. */
    static const char *const cuts[] = {"\"steps\":[}", "\"steps\":[", "\"steps\":[{}",
                                       "\"steps\":[{},]}", "\"steps\":[,]}", "\"steps\":[{]}"};
    const struct model *model = load_rich();
    const char *text;
    CHECK_FATAL(model != NULL);
    through_json(model, &text);
    for (size_t i = 0; i < CHECK_COUNT(edits); i++) {
        const char *at = strstr(text, edits[i][0]);
        CHECK_FATAL(at != NULL);
        const char *edited =
            arena_printf(&arena, "%.*s%s%s", (int)(at - text), text, edits[i][1], at + strlen(edits[i][0]));
        struct err err = {0};
        const struct value *json;
        const struct model *ret = NULL;
        CHECK_FATAL(json_parse(&arena, edited, strlen(edited), &json, &err) == 0);
        if (model_read(&arena, edited, strlen(edited), &ret, &err) != EXIT_INVALID)
            printf("\naccepted: %s\n", edits[i][1]);
        CHECK(err.code == EXIT_INVALID && ret == NULL);
    }
    for (size_t i = 0; i < CHECK_COUNT(cuts); i++) {
        const char *at = strstr(text, "\"steps\":[");
        const char *edited = arena_printf(&arena, "%.*s%s", (int)(at - text), text, cuts[i]);
        struct err err = {0};
        const struct model *ret = NULL;
        CHECK_INT(model_read(&arena, edited, strlen(edited), &ret, &err), EXIT_INVALID);
        CHECK(ret == NULL);
    }
}

static const struct check_test tests[] = {
    {"the top of a file", test_top},
    {"params have values of their types", test_params_are_typed},
    {"steps have what their keys, defaults and the top say", test_steps},
    {"needs are indexes, sorted, once each, within the part", test_needs},
    {"every place where an expression may stand makes an edge", test_edges_from_everywhere},
    {"through JSON and back nothing is lost", test_json_loses_nothing},
    {"damaged JSON is refused", test_damaged_json_is_refused},
};

int
main(int argc, char **argv)
{
    int ret = check_main("model", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return ret;
}
