/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables. Every key of the language is here: those of later versions too, so that a file which asks for more than
 * this version does is refused instead of half obeyed.
 */
#include "workflow/keys.h"

#define KEY(id, kind, ...) {.name = id, .type = KEY_##kind, .doc = __VA_ARGS__}

static const char *const durabilities[] = {"power", "process", NULL};
static const char *const param_types[] = {"string", "integer", "number", "boolean", "duration",
                                          "size", "timestamp", "list", "map", NULL};
static const char *const param_formats[] = {"uri", "path", NULL};
static const char *const providers[] = {"env", "file", NULL};
static const char *const effects[] = {"pure", "read", "idempotent", "keyed", "checkpointed", "unsafe", NULL};
static const char *const on_unknowns[] = {"hold", "retry", "fail", NULL};
static const char *const output_sources[] = {"stdout", NULL};
static const char *const overlaps[] = {"queue", "skip", "replace", "allow", NULL};
static const char *const output_forms[] = {"text", "json", "lines", "integer", "number", NULL};
static const char *const classes[] = {"transient", "throttled", "conflict", "auth", "invalid", "contract",
                                      "missing", "timeout", "cancelled", "permanent", NULL};

static const struct key workflow_keys[] = {
    KEY("levada", ANY, "The version of the language: 1.", .required = true),
    KEY("name", TEXT, "What the workflow is called; the file's name without it."),
    KEY("description", TEXT, "A sentence for people."),
    KEY("labels", MAP, "Names and texts for people and reports; no effect on a run."),
    KEY("params", MAP, "What a run can be given; see params."),
    KEY("env", MAP, "Environment variables of every step that runs a command or Lua."),
    KEY("secrets", MAP, "Where secret values come from; see secrets."),
    KEY("plugins", MAP, "Versions and shared inputs of plugins; see plugins."),
    KEY("defaults", MAP, "What steps use that say nothing themselves; see defaults."),
    KEY("durability", WORD, "`power`, the default: what was decided survives a power cut. `process`: it survives any "
        "kill of a process, and "
        "costs less.",
        durabilities),
    KEY("concurrency", SHORT, "How many runs of a group may be open at once, or the group's name; see concurrency."),
    KEY("steps", LIST, "The work: a list of steps.", .required = true),
    KEY("outputs", MAP, "What the run yields: names and values."),
    KEY("on_success", LIST, "Steps that run when all steps have ended and none has failed."),
    KEY("on_failure", LIST, "Steps that run when a step has failed."),
    KEY("finally", LIST, "Steps that run at the end, whatever happened."),
    KEY("schedule", LATER, "Let cron or a timer call `levada run`."),
    KEY("deadline", LATER, "Give the steps a `timeout`."),
    KEY("objectives", LATER, "Compare the measured values in an `expect`."),
    KEY("hooks", MAP, "Lua beside the work of every step, and before the run; see hooks."),
    KEY("history", MAP, "How long `levada gc` keeps its runs; see history."),
    KEY("require", LATER, "Check it in a first step."),
};
static const struct key_alias workflow_aliases[] = {
    {"jobs", "steps", NULL}, {"tasks", "steps", NULL}, {"stages", "steps", NULL}, {"job", "steps", NULL},
    {"vars", "params", NULL}, {"variables", "params", NULL}, {"inputs", "params", NULL},
    {"parameters", "params", NULL}, {"environment", "env", NULL}, {"version", "levada", "Write `levada: 1`."},
    {"title", "name", NULL}, {"on", "schedule", NULL}, {"cron", "schedule", NULL}, {"triggers", "schedule", NULL},
    {"always", "finally", NULL}, {"on_exit", "finally", NULL}, {"on_error", "on_failure", NULL},
    {"max_active_runs", "concurrency", NULL}, {"dag_id", "name", NULL}, {"id", "name", NULL},
    {"run-name", "name", NULL},
    {"doc", "description", NULL}, {"tags", "labels", NULL}, {"results", "outputs", NULL},
    {"mutex", "concurrency", NULL}, {"lock", "concurrency", NULL}, {"group", "concurrency", NULL},
    {"retention", "history", NULL}, {"keep", "history", "Write `history: {keep: 30d}`."},
    {"callbacks", "hooks", NULL}, {"hook", "hooks", NULL},
    {"before_run", "hooks", "Write `hooks: {before_run: …}`."},
    {"on-run-start", "hooks", "Write `hooks: {before_run: …}`."},
    {"before_step", "hooks", "Write `hooks: {before_step: …}`."},
    {"before_script", "hooks", "Write `hooks: {before_step: …}`, in Lua; shell commands are a step of their own."},
    {"after_step", "hooks", "Write `hooks: {after_step: …}`."},
    {"after_script", "hooks", "Write `hooks: {after_step: …}`, in Lua; shell commands are a step of `finally`."},
    {"on_retry", "hooks", "Write `hooks: {on_retry: …}`."},
    {"on_retry_callback", "hooks", "Write `hooks: {on_retry: …}`."},
    {"on_failure_callback", "on_failure", "Steps go under `on_failure`, Lua under `hooks: {on_failure: …}`."},
    {"on_success_callback", "on_success", "Steps go under `on_success`, Lua under `hooks: {after_step: …}`."},
    {"sla_miss_callback", "hooks", "Write `hooks: {after_step: {use: levada:slow, with: {after: 10m}}}`."},
    {"on-run-end", "finally", NULL}, {"onExit", "finally", NULL},
    /* Airflow, Dagu, Argo, Kestra, GitHub, Ansible. */
    {"schedule_interval", "schedule", NULL}, {"timetable", "schedule", NULL}, {"start_date", "schedule", NULL},
    {"catchup", "schedule", "It belongs to `schedule`."}, {"default_args", "defaults", NULL},
    {"max_active_steps", "concurrency", "Use `levada run --max-parallel`, or give the steps a `pool`."},
    {"max_active_tasks", "concurrency", "Use `levada run --max-parallel`, or give the steps a `pool`."},
    {"parallelism", "concurrency", "Use `levada run --max-parallel`, or give the steps a `pool`."},
    {"hist_retention_days", "history", "Write `history: {keep: 30d}`."},
    {"handler_on", "on_failure", "Write `on_success`, `on_failure` and `finally` at the top."},
    {"timeout_sec", "defaults", "Write `defaults: {timeout: 10m}` for each step."},
    {"active_deadline_seconds", "defaults", "Write `defaults: {timeout: 10m}` for each step."},
    {"dotenv", "env", "Write the variables under `env`."}, {"env_file", "env", "Write the variables under `env`."},
    {"preconditions", "steps", "Check it in a first step."}, {"apiVersion", "levada", "Write `levada: 1`."},
    {"kind", "levada", "Write `levada: 1`; a file is one workflow."},
    {"metadata", "name", "Write `name` and `labels` at the top."}, {"spec", "steps", "Write its members at the top."},
    {"templates", "steps", "Write them as steps; those of another file are run with `workflow: FILE`."},
    {"entrypoint", "steps", "All of `steps` run, each when those that it needs have ended."},
    {"arguments", "params", NULL}, {"ttl_strategy", "history", "Write `history: {keep: 30d}`."},
    {"synchronization", "concurrency", NULL}, {"namespace", "name", "Leave it out; a `name` may hold dots."},
    {"errors", "on_failure", NULL}, {"listeners", "on_failure", "Write `on_success`, `on_failure` or `finally`."},
    {"after_execution", "finally", NULL}, {"plugin_defaults", "plugins", "Write `plugins: {NAME: {with: …}}`."},
    {"task_defaults", "plugins", "Write `plugins: {NAME: {with: …}}`."}, {"sla", "deadline", NULL},
    {"permissions", "secrets", "Leave it out: a step has what its secrets allow."},
    {"runs-on", "steps", "Leave it out: steps run where `levada run` does."},
    {"hosts", "steps", "Leave it out: steps run where `levada run` does."}, {"handlers", "on_success", NULL},
    {"post_tasks", "finally", NULL}, {"roles", "steps", NULL}, {"pre_tasks", "steps", NULL},
    {"vars_files", "params", "Give them to the run: `levada run --params FILE`."},
    {"import_playbook", "steps", "Write a step with `workflow: FILE`."},
};

static const struct key param_keys[] = {
    KEY("type", WORD, "What its values are; `string` without it.", param_types),
    KEY("default", ANY, "The value when none is given; may use params before it, and `run`."),
    KEY("required", BOOL, "A run must be given it."),
    KEY("enum", LIST, "The only values allowed."),
    KEY("minimum", ANY, "The least value allowed; integer, number, duration, size, timestamp."),
    KEY("maximum", ANY, "The greatest value allowed."),
    KEY("pattern", TEXT, "A regular expression for the whole of a string, matched in linear time: no back "
        "references, no look-around."),
    KEY("format", WORD, "`uri` or `path`: what the text must look like; string.", param_formats),
    KEY("doc", TEXT, "A sentence for people."),
};
static const struct key_alias param_aliases[] = {
    {"description", "doc", NULL}, {"help", "doc", NULL}, {"choices", "enum", NULL}, {"options", "enum", NULL},
    {"values", "enum", NULL}, {"allowed", "enum", NULL}, {"min", "minimum", NULL}, {"max", "maximum", NULL},
    {"regex", "pattern", NULL}, {"value", "default", NULL},
    {"optional", "required", "A param is optional unless `required: true`."},
};

static const struct key secret_keys[] = {
    KEY("from", WORD, "Where it is kept: `env` or `file`.", providers, .required = true),
    KEY("name", TEXT, "The variable, or the path of the file, relative to the workflow's folder.", .required = true),
    KEY("field", TEXT, "The member to take, when the variable or file holds a JSON object."),
    KEY("version", LATER, "A variable and a file have only one version."),
};
static const struct key_alias secret_aliases[] = {
    {"provider", "from", NULL}, {"source", "from", NULL}, {"key", "name", NULL}, {"var", "name", NULL},
    {"variable", "name", NULL}, {"path", "name", NULL},
    {"env", "from", "Write `{from: env, name: VARIABLE}`."}, {"file", "from", "Write `{from: file, name: PATH}`."},
    {"value", "from", "A secret's value does not belong into the file: `{from: env, name: VARIABLE}`."},
};

static const struct key plugin_keys[] = {
    KEY("version", TEXT, "The version asked for, as far as it matters: `\"0.9\"` asks for any 0.9.x."),
    KEY("with", MAP, "Inputs given to every action of the plugin that has them."),
};
static const struct key_alias plugin_aliases[] = {
    {"inputs", "with", NULL}, {"config", "with", NULL}, {"defaults", "with", NULL}, {"params", "with", NULL},
};

static const struct key defaults_keys[] = {
    KEY("retry", MAP, "As in a step; a step's own `retry` replaces single members."),
    KEY("timeout", DURATION, "As in a step."),
    KEY("env", MAP, "As at the top."),
    KEY("shell", TEXT, "As in a step."),
    KEY("grace", DURATION, "As in a step."),
    KEY("limits", MAP, "As in a step; a step's own `limits` replace single members."),
};

static const struct key step_keys[] = {
    KEY("id", TEXT, "What other steps call it: lower-case letters, digits and `_`.", .required = true),
    KEY("name", TEXT, "What people see; the id without it."),
    KEY("uses", TEXT, "The action to run: `plugin.action`."),
    KEY("with", MAP, "The action's inputs."),
    KEY("run", TEMPLATE, "A shell script, given to `sh -c`."),
    KEY("lua", TEXT, "A Lua chunk. It sees the same names as expressions, without `secrets`; its step has edges from "
        "the "
        "`steps.ID` that it mentions."),
    KEY("needs", NAMES, "Steps that must have succeeded first; `[]` says that it starts at once on purpose."),
    KEY("if", CONDITION, "Run it only when this is true; else it is skipped."),
    KEY("env", MAP, "Environment variables; `run` and `lua`."),
    KEY("shell", TEXT, "The program that runs the script: `sh` without it. Expressions in the text need `sh`, `bash` "
        "or `dash`; `run`."),
    KEY("cwd", TEMPLATE, "Folder to run in, relative to the workflow's; `run`."),
    KEY("stdin", TEMPLATE, "Text for standard input, byte for byte; a secret may go here; `run`."),
    KEY("outputs", NAMED, "What later steps may read; see outputs."),
    KEY("expect", LIST, "Expressions over `outputs` that must be true, or the step fails with class `contract`."),
    KEY("retry", MAP, "How often and when to try again; see retry."),
    KEY("timeout", DURATION, "End an attempt after this time."),
    KEY("grace", DURATION, "From the polite end of an attempt to the hard one; 10s without it."),
    KEY("effect", WORD, "What may be done when an attempt vanishes; `unsafe` without it for `run`, `pure` for `lua`. "
        "The "
        "first three, and `checkpointed`: run it again. `keyed`: run it again, because the script hands "
        "`$LEVADA_TOKEN` to "
        "something that knows it. `unsafe`: a person decides. An action says it itself.", effects),
    KEY("pool", SHORT, "What it shares with steps of all runs, by name, and how many may use it at once; see pool."),
    KEY("on_unknown", WORD, "When nobody knows whether its effect happened: `hold` and ask a person, the default; "
        "`retry`: run it again all the same; `fail`.", on_unknowns),
    KEY("continue_on_error", BOOL, "Its failure fails neither the run nor the steps behind it."),
    KEY("foreach", ITEMS, "Do it for each: a list, a map, or an expression that gives one."),
    KEY("matrix", MAP, "Do it for each combination: names with lists; the item is the map of one combination."),
    KEY("as", TEXT, "What an item is called in expressions; `item` without it, `matrix` for a matrix."),
    KEY("key", TEMPLATE, "What tells one item from all others, in every run: `${{ item.etag }}`."),
    KEY("max_parallel", COUNT, "How many items may run at once; as many as the run allows without it."),
    KEY("fail_fast", BOOL, "No further item begins once one has failed; without it all are tried."),
    KEY("until", CONDITION, "Do it again after a success until this is true; may use `outputs`."),
    KEY("every", DURATION, "The time between two attempts of `until`; 10s without it."),
    KEY("attempts", COUNT, "How often `until` is tried in all; 60 without it."),
    KEY("steps", LIST, "A group: steps that begin and end together, and see what is around them."),
    KEY("workflow", TEXT, "The workflow of another file, relative to this one; `with` gives it its params."),
    KEY("approve", SWITCH, "A person decides before it starts; see approve."),
    KEY("undo", MAP, "What takes its effect back, when `levada rollback` is asked for; see undo."),
    KEY("lifecycle", LATER, "Leave it out."),
    KEY("limits", MAP, "What an attempt may use at most; see limits."),
    KEY("sandbox", LATER, "Leave it out."),
    KEY("hooks", MAP, "Lua beside the work of this step, behind the hooks at the top; see hooks."),
};
static const struct key_alias step_aliases[] = {
    {"depends_on", "needs", NULL}, {"dependsOn", "needs", NULL}, {"depends", "needs", NULL},
    {"dependencies", "needs", NULL}, {"requires", "needs", NULL}, {"after", "needs", NULL},
    {"upstream", "needs", NULL}, {"command", "run", NULL}, {"commands", "run", NULL}, {"cmd", "run", NULL},
    {"script", "run", NULL}, {"bash", "run", NULL}, {"sh", "run", NULL}, {"exec", "run", NULL},
    {"when", "if", NULL}, {"only_if", "if", NULL}, {"condition", "if", NULL},
    {"unless", "if", "Write `if: ${{ not (…) }}`."},
    {"with_items", "foreach", NULL}, {"with_param", "foreach", NULL}, {"loop", "foreach", NULL},
    {"for_each", "foreach", NULL}, {"for", "foreach", NULL}, {"items", "foreach", NULL},
    {"args", "with", NULL}, {"inputs", "with", NULL}, {"input", "with", NULL}, {"arguments", "with", NULL},
    {"params", "with", NULL}, {"parameters", "with", NULL}, {"config", "with", NULL},
    {"action", "uses", NULL}, {"task", "uses", NULL}, {"module", "uses", NULL}, {"plugin", "uses", NULL},
    {"use", "uses", NULL}, {"type", "uses", NULL},
    {"environment", "env", NULL}, {"working_directory", "cwd", NULL}, {"working-directory", "cwd", NULL},
    {"workdir", "cwd", NULL}, {"dir", "cwd", NULL}, {"chdir", "cwd", NULL}, {"folder", "cwd", NULL},
    {"interpreter", "shell", NULL}, {"executor", "shell", NULL},
    {"retries", "retry", "Write `retry: {attempts: 3}`."}, {"max_retries", "retry", "Write `retry: {attempts: 3}`."},
    {"bash_command", "run", NULL}, {"working_dir", "cwd", NULL}, {"trigger_rule", "if", NULL},
    {"preconditions", "if", NULL}, {"rules", "if", NULL}, {"allowFailure", "continue_on_error", NULL},
    {"continueOn", "continue_on_error", NULL}, {"retry_delay", "retry", "Write `retry: {delay: 10s}`."},
    {"retryStrategy", "retry", "Write `retry: {attempts: 3}`."},
    {"retryPolicy", "retry", "Write `retry: {attempts: 3}`."},
    {"ignore_errors", "continue_on_error", NULL}, {"allow_failure", "continue_on_error", NULL},
    {"register", "outputs", NULL}, {"output", "outputs", NULL}, {"result", "outputs", NULL},
    {"timeout_minutes", "timeout", "Write `timeout: 5m`."}, {"timeout-minutes", "timeout", "Write `timeout: 5m`."},
    {"timeout_seconds", "timeout", "Write `timeout: 30s`."},
    {"assert", "expect", NULL}, {"checks", "expect", NULL}, {"title", "name", NULL}, {"input_text", "stdin", NULL},
    {"resources", "limits", NULL}, {"limit", "limits", NULL}, {"ulimit", "limits", NULL},
    {"memory", "limits", "Write `limits: {memory: 256MiB}`."}, {"cpu", "limits", "Write `limits: {cpu_time: 10m}`."},
    {"semaphore", "pool", NULL}, {"mutex", "pool", NULL}, {"lock", "pool", NULL}, {"resource", "pool", NULL},
    {"pool_slots", "pool", "Write `pool: {name: NAME, slots: 3}`."},
    {"concurrency", "pool", "`concurrency` is of the whole workflow; steps share a `pool`."},
    {"callbacks", "hooks", NULL}, {"hook", "hooks", NULL},
    {"pre", "hooks", "Write `hooks: {before_step: …}`."}, {"before", "hooks", "Write `hooks: {before_step: …}`."},
    {"before_step", "hooks", "Write `hooks: {before_step: …}`."},
    {"pre_hook", "hooks", "Write `hooks: {before_step: …}`."},
    {"pre_execute", "hooks", "Write `hooks: {before_step: …}`."},
    {"on_execute_callback", "hooks", "Write `hooks: {before_step: …}`."},
    {"before_script", "hooks", "Put shell commands into `run`; Lua goes into `hooks: {before_step: …}`."},
    {"post", "hooks", "Write `hooks: {after_step: …}`."}, {"after_step", "hooks", "Write `hooks: {after_step: …}`."},
    {"post_hook", "hooks", "Write `hooks: {after_step: …}`."},
    {"post_execute", "hooks", "Write `hooks: {after_step: …}`."},
    {"on_success", "hooks", "Write `hooks: {after_step: …}`, or steps under `on_success` at the top."},
    {"on_success_callback", "hooks", "Write `hooks: {after_step: …}`."},
    {"after_script", "hooks", "Put shell commands into `run`; Lua goes into `hooks: {after_step: …}`."},
    {"on_retry", "hooks", "Write `hooks: {on_retry: …}`."},
    {"on_retry_callback", "hooks", "Write `hooks: {on_retry: …}`."},
    {"on_failure", "hooks", "Write `hooks: {on_failure: …}`, or steps under `on_failure` at the top."},
    {"on_error", "hooks", "Write `hooks: {on_failure: …}`, or steps under `on_failure` at the top."},
    {"on_failure_callback", "hooks", "Write `hooks: {on_failure: …}`."},
    {"sla", "hooks", "Write `hooks: {after_step: {use: levada:slow, with: {after: 10m}}}`."},
    {"sla_miss_callback", "hooks", "Write `hooks: {after_step: {use: levada:slow, with: {after: 10m}}}`."},
    {"manual", "approve", "Write `approve: true`."}, {"approval", "approve", NULL},
    {"approvals", "approve", "Write `approve: {min: 2}`."}, {"manual_approval", "approve", "Write `approve: true`."},
    {"wait_for_approval", "approve", "Write `approve: true`."}, {"gate", "approve", "Write `approve: true`."},
    {"requires_approval", "approve", "Write `approve: true`."}, {"suspend", "approve", "Write `approve: true`."},
    {"pause", "approve", "Write `approve: true`."}, {"confirm", "approve", "Write `approve: true`."},
    {"hold", "approve", "Write `approve: true`."}, {"approvers", "approve", "Write `approve: {by: [user:ann]}`."},
    {"reviewers", "approve", "Write `approve: {by: [user:ann]}`."},
    /* Airflow, Dagu, Argo, Kestra, GitHub, Ansible. */
    {"task_id", "id", NULL}, {"python_callable", "run", "Write `run: python3 FILE`."}, {"op_kwargs", "with", NULL},
    {"op_args", "with", NULL}, {"execution_timeout", "timeout", NULL}, {"upstream_task_ids", "needs", NULL},
    {"conn_id", "with", "Give the action its connection in `with`."},
    {"timeout_sec", "timeout", "Write `timeout: 30s`."},
    {"active_deadline_seconds", "timeout", "Write `timeout: 30s`."},
    {"max_retry_delay", "retry", "Write `retry: {max_delay: 5m}`."},
    {"retry_exponential_backoff", "retry", "Write `retry: {backoff: 2}`."},
    {"repeat_policy", "until", "Write `until: ${{ … }}` and `every: 10s`."},
    {"delay", "retry", "Write `retry: {delay: 10s}`."},
    {"stdout", "outputs", "Write `outputs: {NAME: {from: stdout}}`; all that is printed is in its log."},
    {"stderr", "outputs", "All that is printed is in the step's log: `levada logs`."},
    {"call", "workflow", "Write `workflow: FILE`."}, {"sub_dag", "workflow", "Write `workflow: FILE`."},
    {"parallel", "foreach", NULL}, {"precondition", "if", NULL},
    {"signal_on_stop", "grace", "It is TERM, and KILL when `grace` is over."},
    {"template", "workflow", "Write the step itself, or `workflow: FILE`."},
    {"template_ref", "workflow", "Write `workflow: FILE`."},
    {"with_sequence", "foreach", "Write `foreach: ${{ range(1, 10) }}`."}, {"with_dict", "foreach", NULL},
    {"with_fileglob", "foreach", NULL}, {"loop_control", "as", "Write `as: NAME` beside `foreach`."},
    {"on_exit", "hooks", "Put what follows into a step that needs it, or into `finally`."},
    {"image", "run", "Write `run: docker run IMAGE …`."}, {"container", "run", "Write `run: docker run IMAGE …`."},
    {"run_if", "if", NULL}, {"disabled", "if", "Write `if: false`."}, {"tasks", "steps", NULL},
    {"task_runner", "run", "Leave it out: a step runs where `levada run` does."},
    {"input_files", "stdin", "Paths are relative to the workflow's folder; a text may go to `stdin`."},
    {"output_files", "outputs", "Write files into $LEVADA_ARTIFACTS."}, {"log_level", "name", "Leave it out."},
    {"runs-on", "cwd", "Leave it out: a step runs where `levada run` does."},
    {"delegate_to", "run", "Write `run: ssh HOST …`."}, {"become", "run", "Write `run: sudo …`."},
    {"become_user", "run", "Write `run: sudo -u USER …`."},
    {"strategy", "matrix", "Write `matrix` in the step itself."}, {"block", "steps", NULL},
    {"rescue", "if", "Put it into `on_failure` at the top, or into a step with `if: ${{ failure() }}`."},
    {"always", "if", "Put it into `finally`, or into a step with `if: ${{ always() }}`."},
    {"failed_when", "expect", "Write what must be true: `expect: [\"${{ … }}\"]`."},
    {"changed_when", "effect", "Leave it out; `effect` says what may be repeated."},
    {"include_tasks", "workflow", "Write `workflow: FILE`."}, {"import_tasks", "workflow", "Write `workflow: FILE`."},
    {"set_fact", "outputs", "Write `lua: return {NAME = …}` and `outputs: [NAME]`."},
    {"debug", "run", "Write `run: echo …`."}, {"vars", "env", NULL},
    {"notify", "needs", "The step to be told names this one in its `needs`."},
    {"no_log", "stdin", "Secrets are masked wherever they are printed: declare them under `secrets`."},
    {"tags", "name", "Leave it out: `levada run` runs all steps."},
    {"run_once", "id", "Leave it out: a step runs once."},
    {"depends_on_past", "needs", "Runs that must not overlap share a `concurrency` group."},
};

static const struct key retry_keys[] = {
    KEY("attempts", COUNT, "How many in all; 3 without it."),
    KEY("delay", DURATION, "Before the second attempt; 1s without it."),
    KEY("backoff", NUMBER, "Factor from one delay to the next; 2 without it."),
    KEY("max_delay", DURATION, "The longest delay; 5m without it."),
    KEY("jitter", NUMBER, "The part of a delay that is chance, from 0 to 1; 0 without it."),
    KEY("for", WORDS, "The error classes worth it. Without it: of an action `transient`, `throttled`, `conflict` and "
        "`timeout`, of `run` and `lua` all but `cancelled`.", classes),
};
static const struct key_alias retry_aliases[] = {
    {"max_attempts", "attempts", NULL}, {"retries", "attempts", NULL}, {"limit", "attempts", NULL},
    {"count", "attempts", NULL}, {"times", "attempts", NULL}, {"max", "attempts", NULL},
    {"wait", "delay", NULL}, {"interval", "delay", NULL}, {"factor", "backoff", NULL},
    {"multiplier", "backoff", NULL}, {"max_interval", "max_delay", NULL}, {"on", "for", NULL},
    {"when", "for", NULL}, {"classes", "for", NULL}, {"errors", "for", NULL},
};

static const struct key output_keys[] = {
    KEY("from", WORD, "`stdout`: all that the script prints. Without it the step sets the output itself; `run`.",
        output_sources),
    KEY("as", WORD, "What the script wrote is: `text` without it, where a last newline is dropped; `run`.",
        output_forms),
};
static const struct key_alias output_aliases[] = {
    {"type", "as", NULL}, {"format", "as", NULL}, {"source", "from", NULL},
};

static const struct key concurrency_keys[] = {
    KEY("group", TEMPLATE, "The name that runs share; may use `params` and `run`.", .required = true),
    KEY("limit", COUNT, "How many runs of the group may be open at once; 1 without it."),
    KEY("overlap", WORD, "What a run does that finds the group full: wait its turn (without it); not start, exit "
        "code 6; ask the others for "
        "their end and wait for it; or start all the same.",
        overlaps),
};
static const struct key_alias concurrency_aliases[] = {
    {"name", "group", NULL}, {"key", "group", NULL}, {"id", "group", NULL}, {"mutex", "group", NULL},
    {"max", "limit", NULL}, {"slots", "limit", NULL}, {"size", "limit", NULL}, {"max_runs", "limit", NULL},
    {"max_parallel", "limit", NULL}, {"max_active_runs", "limit", NULL},
    {"policy", "overlap", NULL}, {"mode", "overlap", NULL}, {"strategy", "overlap", NULL},
    {"on_conflict", "overlap", NULL}, {"cancel-in-progress", "overlap", "Write `overlap: replace`."},
    {"cancel_in_progress", "overlap", "Write `overlap: replace`."},
};

static const struct key pool_keys[] = {
    KEY("name", TEXT, "What the pool is called, in all workflows.", .required = true),
    KEY("slots", COUNT, "How many steps may use it at once; 1 without it."),
};
static const struct key_alias pool_aliases[] = {
    {"id", "name", NULL}, {"pool", "name", NULL}, {"limit", "slots", NULL}, {"size", "slots", NULL},
    {"count", "slots", NULL}, {"max", "slots", NULL}, {"max_parallel", "slots", NULL},
};

static const struct key undo_keys[] = {
    KEY("uses", TEXT, "As in a step."),
    KEY("with", MAP, "As in a step; `outputs` are those of the step that is undone."),
    KEY("run", TEMPLATE, "As in a step."),
    KEY("lua", TEXT, "As in a step."),
    KEY("env", MAP, "As in a step."),
    KEY("shell", TEXT, "As in a step."),
    KEY("cwd", TEMPLATE, "As in a step."),
    KEY("stdin", TEMPLATE, "As in a step."),
    KEY("retry", MAP, "As in a step."),
    KEY("timeout", DURATION, "As in a step."),
    KEY("grace", DURATION, "As in a step."),
    KEY("effect", WORD, "As in a step.", effects),
    KEY("on_unknown", WORD, "As in a step.", on_unknowns),
    KEY("limits", MAP, "As in a step."),
};

static const struct key history_keys[] = {
    KEY("keep", KEEP, "How long an ended run is kept, or how many of them; all without it."),
    KEY("keep_failed", KEEP, "The same for runs that failed or were cancelled; `keep` without it."),
    KEY("logs", DURATION, "How long the logs of an ended run are kept; as long as the run without it."),
    KEY("proofs", LATER, "It comes with proved backups."),
};
static const struct key_alias history_aliases[] = {
    {"max_age", "keep", NULL}, {"age", "keep", NULL}, {"days", "keep", "Write `keep: 30d`."},
    {"count", "keep", NULL}, {"limit", "keep", NULL}, {"runs", "keep", NULL}, {"keep_success", "keep", NULL},
    {"failed", "keep_failed", NULL}, {"keep_logs", "logs", NULL},
};

static const struct key hooks_keys[] = {
    KEY("before_run", SHORTS, "Before the first step of a run; only at the top."),
    KEY("before_step", SHORTS, "Before an attempt has its effect; may skip the step or fail it."),
    KEY("after_step", SHORTS, "When an attempt has ended; sees its result, may add outputs or fail it."),
    KEY("on_retry", SHORTS, "Before an attempt that follows a failed one; sees how that one failed."),
    KEY("on_failure", SHORTS, "When an attempt has failed and no other follows."),
};
static const struct key_alias hooks_aliases[] = {
    {"before", "before_step", NULL}, {"pre", "before_step", NULL}, {"pre_step", "before_step", NULL},
    {"setup", "before_step", NULL}, {"before_script", "before_step", NULL}, {"before_attempt", "before_step", NULL},
    {"before_all", "before_run", NULL}, {"on_start", "before_run", NULL}, {"pre_run", "before_run", NULL},
    {"after", "after_step", NULL}, {"post", "after_step", NULL}, {"post_step", "after_step", NULL},
    {"teardown", "after_step", NULL}, {"after_script", "after_step", NULL}, {"on_finish", "after_step", NULL},
    {"on_success", "after_step", "`after_step` runs after a success and a failure: look at result.status."},
    {"on_success_callback", "after_step", "`after_step` runs after a success and a failure: look at result.status."},
    {"after_run", "after_step", "What runs once at the end are steps under `finally`."},
    {"finally", "after_step", "What runs once at the end are steps under `finally`."},
    {"retry", "on_retry", NULL}, {"on_retry_callback", "on_retry", NULL},
    {"on_error", "on_failure", NULL}, {"failure", "on_failure", NULL}, {"on_failure_callback", "on_failure", NULL},
};

static const struct key hook_keys[] = {
    KEY("use", TEXT, "The file, relative to the workflow; `levada:NAME` is one that comes with Levada.",
        .required = true),
    KEY("with", MAP, "What the chunk sees as `with`: plain values."),
};
static const struct key_alias hook_aliases[] = {
    {"lua", "use", "Write the Lua text itself, without a map around it."},
    {"run", "use", "A hook is Lua; shell commands are a step."}, {"file", "use", NULL}, {"path", "use", NULL},
    {"uses", "use", NULL}, {"script", "use", NULL}, {"name", "use", NULL},
    {"params", "with", NULL}, {"args", "with", NULL}, {"inputs", "with", NULL}, {"options", "with", NULL},
};

static const struct key limits_keys[] = {
    KEY("memory", SIZE, "Of all its processes together; at least 8MiB."),
    KEY("cpu_time", DURATION, "Of all its processes together, those that have ended too."),
    KEY("processes", COUNT, "How many there may be at once."),
    KEY("file_size", SIZE, "Of each file it writes."),
};
static const struct key_alias limits_aliases[] = {
    {"mem", "memory", NULL}, {"ram", "memory", NULL}, {"rss", "memory", NULL}, {"max_memory", "memory", NULL},
    {"memory_limit", "memory", NULL}, {"cpu", "cpu_time", "Write how long: `cpu_time: 10m`."},
    {"cpus", "cpu_time", "Write how long: `cpu_time: 10m`."}, {"time", "cpu_time", "A step's `timeout` bounds how "
     "long it runs; `cpu_time` how long it computes."}, {"timeout", "cpu_time", "`timeout` stands in the step itself."},
    {"pids", "processes", NULL}, {"nproc", "processes", NULL}, {"max_processes", "processes", NULL},
    {"fsize", "file_size", NULL}, {"max_file_size", "file_size", NULL}, {"disk", "file_size", NULL},
};

static const struct key approve_keys[] = {
    KEY("when", CONDITION, "Ask only when this is true; always without it."),
    KEY("by", ANY, "Who may: `user:NAME`, `group:NAME`; whoever can reach the run without it."),
    KEY("min", COUNT, "How many different users must approve: 1 or 2; 1 without it. One of them can reject."),
    KEY("expires", DURATION, "How long the question stands; for ever without it."),
    KEY("input", MAP, "What they are asked for: names, declared as params are; a default may use `params`, `env`, "
        "`run` and `steps`."),
};
static const struct key_alias approve_aliases[] = {
    {"if", "when", NULL}, {"condition", "when", NULL}, {"only_if", "when", NULL},
    {"approvers", "by", NULL}, {"reviewers", "by", NULL}, {"who", "by", NULL}, {"from", "by", NULL},
    {"users", "by", "Write `by: [user:ann]`."}, {"user", "by", "Write `by: [user:ann]`."},
    {"groups", "by", "Write `by: [group:dba]`."}, {"group", "by", "Write `by: [group:dba]`."},
    {"teams", "by", "Write `by: [group:dba]`."}, {"roles", "by", "Write `by: [group:dba]`."},
    {"count", "min", NULL}, {"required", "min", NULL}, {"quorum", "min", NULL}, {"minimum", "min", NULL},
    {"required_approvals", "min", NULL}, {"required_approvers", "min", NULL}, {"approvals", "min", NULL},
    {"timeout", "expires", NULL}, {"expire", "expires", NULL}, {"ttl", "expires", NULL}, {"expiry", "expires", NULL},
    {"expires_in", "expires", NULL}, {"expires_after", "expires", NULL}, {"deadline", "expires", NULL},
    {"timeout_minutes", "expires", "Write `expires: 30m`."}, {"timeout-minutes", "expires", "Write `expires: 30m`."},
    {"timeoutInMinutes", "expires", "Write `expires: 30m`."}, {"delay", "expires", NULL},
    {"inputs", "input", NULL}, {"params", "input", NULL}, {"parameters", "input", NULL}, {"fields", "input", NULL},
    {"onResume", "input", NULL}, {"form", "input", NULL},
};

#define TABLE(place, title, noun) \
    [place] = {title, noun##_keys, sizeof noun##_keys / sizeof noun##_keys[0], noun##_aliases, \
               sizeof noun##_aliases / sizeof noun##_aliases[0]}

static const struct key_table tables[PLACES] = {
    TABLE(PLACE_WORKFLOW, "The workflow", workflow),
    TABLE(PLACE_PARAM, "params", param),
    TABLE(PLACE_SECRET, "secrets", secret),
    TABLE(PLACE_PLUGIN, "plugins", plugin),
    [PLACE_DEFAULTS] = {"defaults", defaults_keys, sizeof defaults_keys / sizeof defaults_keys[0], NULL, 0},
    TABLE(PLACE_STEP, "A step", step),
    TABLE(PLACE_RETRY, "retry", retry),
    TABLE(PLACE_OUTPUT, "outputs", output),
    TABLE(PLACE_CONCURRENCY, "concurrency", concurrency),
    TABLE(PLACE_POOL, "pool", pool),
    TABLE(PLACE_HISTORY, "history", history),
    TABLE(PLACE_LIMITS, "limits", limits),
    TABLE(PLACE_APPROVE, "approve", approve),
    [PLACE_UNDO] = {"undo", undo_keys, sizeof undo_keys / sizeof undo_keys[0], NULL, 0},
    TABLE(PLACE_HOOKS, "hooks", hooks),
    TABLE(PLACE_HOOK, "a hook", hook),
};

const struct key_table *
keys_table(enum key_place place)
{
    return &tables[place];
}
