/* SPDX-License-Identifier: Apache-2.0
 *
 * levada/plugin.h: everything a plugin may know about its host.
 *
 * A plugin is a shared object that exports one constant, `levada_plugin`: tables of actions, and per
 * action tables of inputs and outputs. There is no constructor and no registration call. The host reads
 * the tables in a process of its own, checks a workflow against them, and later, in a worker process,
 * fills the action's input struct and calls `run`. A plugin needs libc and this header only.
 *
 * Changelog (append; a removed or changed thing raises LEVADA_ABI_MAJOR, an appended one the MINOR):
 *   0.9  first: types with presence, objects, actions with effect classes, reuse, the sized host table.
 *        (log fail alloc cancelled sleep progress output metric checkpoint secret lock; appended: output_secret)
 *        Not frozen until aurora, trino and backup have used it; then 1.0.
 */
#ifndef LEVADA_PLUGIN_H
#define LEVADA_PLUGIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LEVADA_ABI_MAJOR 0u
#define LEVADA_ABI_MINOR 9u
#define LEVADA_ABI (LEVADA_ABI_MAJOR << 16 | LEVADA_ABI_MINOR)

/* Error classes: name, number, word, is another attempt worthwhile by default?, meaning.
 * `run` returns 0 or one of these, as levada_fail() does for it. Numbers are never reused. */
#define LEVADA_CLASSES(X)                                                                                    \
    X(TRANSIENT, 1, "transient", true, "a passing fault of a network or server; try again")                   \
    X(THROTTLED, 2, "throttled", true, "the other side asks for fewer calls; try again later")                \
    X(CONFLICT, 3, "conflict", true, "somebody else changed the same thing at the same time")                 \
    X(AUTH, 4, "auth", false, "credentials are missing, wrong, or not allowed to do this")                    \
    X(INVALID, 5, "invalid", false, "an input is wrong; trying again cannot help")                            \
    X(CONTRACT, 6, "contract", false, "the data are not what was promised")                                   \
    X(MISSING, 7, "missing", false, "a thing that must exist does not")                                       \
    X(TIMEOUT, 8, "timeout", true, "the time allowed ran out")                                                \
    X(CANCELLED, 9, "cancelled", false, "somebody asked for the end")                                         \
    X(PERMANENT, 10, "permanent", false, "it failed and will fail again")

enum levada_class {
    LEVADA_OK = 0,
#define X(id, number, word, retry, meaning) LEVADA_##id = number,
    LEVADA_CLASSES(X)
#undef X
};

/* Effect classes: what may be done after an attempt vanished (its worker was killed, say).
 * Name, number, word, what the engine then does. */
#define LEVADA_EFFECTS(X)                                                                                    \
    X(PURE, 1, "pure", "no effect: run again")                                                                \
    X(READ, 2, "read", "reads only: run again")                                                               \
    X(IDEMPOTENT, 3, "idempotent", "repeating converges: run again")                                          \
    X(KEYED, 4, "keyed", "the remote de-duplicates by our token: run again with the same token")              \
    X(TRANSACTIONAL, 5, "transactional", "the token is in the same commit as the effect: look, then decide")  \
    X(CHECKPOINTED, 6, "checkpointed", "continues from its durable checkpoint: run again from there")         \
    X(PROBE, 7, "probe", "the remote can be asked whether it happened: ask, then decide")                     \
    X(UNSAFE, 8, "unsafe", "none of these: a person decides")

enum levada_effect {
#define X(id, number, word, meaning) LEVADA_EFFECT_##id = number,
    LEVADA_EFFECTS(X)
#undef X
};

/* ---- types ------------------------------------------------------------------------------------------ */

/* Each input type is a struct of its own, so that in C a field's type follows from its member and a
 * secret cannot be taken for a string. All are 8-aligned: presence bits count in steps of 8 bytes.
 * Texts are UTF-8, end in NUL, live as long as the attempt, and are "" when not given. */
typedef struct { const char *text; } levada_string;
typedef struct { int64_t value; } levada_bool; /* 0 or 1 */
typedef struct { int64_t value; } levada_int;
typedef struct { double value; } levada_real;
typedef struct { int64_t ms; } levada_duration;
typedef struct { uint64_t bytes; } levada_size;
typedef struct { int64_t ms; } levada_timestamp; /* since 1970-01-01T00:00:00Z */
typedef struct { const char *text; } levada_uri;
typedef struct { const char *text; } levada_path; /* absolute: the host resolved it against the workflow's folder */
typedef struct { const char *text; } levada_json; /* any value, as JSON */
/* A secret's value; `name` is what it is called in the workflow. Never put `value` in a message. */
typedef struct { const char *value; const char *name; size_t size; } levada_secret;
/* A list of texts. */
typedef struct { const char *const *items; size_t count; } levada_list;
/* Names and texts, in the order of the file. */
typedef struct { const char *const *names; const char *const *values; size_t count; } levada_map;

/* SQL. Each `${{ }}` of the workflow stands for a bound parameter: params[i] goes where text[offset]
 * is, offsets rise, and `text` itself has nothing there. Render it in your server's dialect. */
struct levada_sql_param { size_t offset; const char *json; };
typedef struct { const char *text; const struct levada_sql_param *params; size_t count; } levada_sql;

/* A nested struct with a table of its own (first member `levada_present present`), or NULL;
 * and a list of such structs, contiguous, each `object_size` bytes. */
typedef struct { const void *value; } levada_object;
typedef struct { const void *items; size_t count; } levada_objects;

/* The first member of every input struct: which members were given in the workflow (a default is not
 * "given"). Ask with LEVADA_HAS(in, member). */
typedef struct { uint64_t bits[4]; } levada_present;
#define LEVADA_INPUT_SIZE_MAX 2048

static inline bool
levada_has_(const levada_present *present, size_t offset)
{
    return (present->bits[offset / 8 / 64] >> (offset / 8 % 64) & 1) != 0;
}

#define LEVADA_HAS(in, member) \
    levada_has_(&(in)->present, (size_t)((const char *)&(in)->member - (const char *)(in)))

/* Number, word in documents and schemas. */
#define LEVADA_TYPES(X)                                                                                      \
    X(STRING, 1, "string") X(BOOL, 2, "boolean") X(INT, 3, "integer") X(REAL, 4, "number")                    \
    X(DURATION, 5, "duration") X(SIZE, 6, "size") X(TIMESTAMP, 7, "timestamp") X(URI, 8, "uri")               \
    X(PATH, 9, "path") X(SQL, 10, "sql") X(SECRET, 11, "secret") X(JSON, 12, "json") X(LIST, 13, "list")      \
    X(MAP, 14, "map") X(OBJECT, 15, "object") X(OBJECTS, 16, "objects")

enum levada_type {
#define X(id, number, word) LEVADA_TYPE_##id = number,
    LEVADA_TYPES(X)
#undef X
};

/* ---- tables ----------------------------------------------------------------------------------------- */

/* Field flags. */
#define LEVADA_REQUIRED 1u /* an input that must be given */
#define LEVADA_SENSITIVE 2u /* an output that is a secret: set by reference, with output_secret */

/* One input or output; also its documentation. */
struct levada_field {
    const char *name;
    const char *doc; /* a sentence; required */
    uint32_t type;   /* enum levada_type */
    uint32_t flags;
    size_t offset;        /* inputs: where the host writes it in the action's struct */
    const char *fallback; /* default, spelled as in a workflow file; NULL: none */
    const char *const *choices; /* allowed texts, ended by NULL; NULL: any */
    const char *minimum, *maximum; /* bounds, spelled as in a workflow file; NULL: none */
    const struct levada_field *fields; /* OBJECT and OBJECTS: the nested table */
    uint32_t nfields;
    uint32_t reserved;
    size_t object_size; /* sizeof the nested struct */
};

/* What `resolve` found. */
enum { LEVADA_UNDECIDED = 0, LEVADA_DONE = 1, LEVADA_NOT_DONE = 2 };

struct levada_step;

struct levada_action {
    const char *name; /* without the plugin's name */
    const char *doc;
    uint32_t effect; /* enum levada_effect; there is no default */
    uint32_t flags;  /* 0 */
    const struct levada_field *inputs;
    const struct levada_field *outputs;
    uint32_t ninputs, noutputs;
    size_t input_size; /* at most LEVADA_INPUT_SIZE_MAX */
    /* Do it. 0, or an error class as returned by levada_fail(). */
    int (*run)(struct levada_step *step, const void *input);
    /* Optional: say what run would do; must not write. (The engine calls it from 0.10 on.) */
    int (*plan)(struct levada_step *step, const void *input);
    /* PROBE and TRANSACTIONAL must have it: did the effect with step->token happen? Looks for the token,
     * never only for a name. Sets *found; with LEVADA_DONE it also sets the outputs as run would. */
    int (*resolve)(struct levada_step *step, const void *input, int32_t *found);
};

/* Plugin flags. */
/* A worker runs further attempts whose `reuse_by` inputs and secrets are equal. Within a run there is one such worker
 * at a time: attempts queue for it rather than start another (for what is dear to open, or open only once). */
#define LEVADA_REUSE 1u

struct levada_plugin {
    uint32_t abi; /* this and the three sizes are filled in by LEVADA_PLUGIN */
    uint32_t size, action_size, field_size;
    const char *name;    /* lower_snake */
    const char *version; /* MAJOR.MINOR.PATCH */
    const char *doc;
    const struct levada_action *actions;
    uint32_t nactions;
    uint32_t flags;
    const char *const *reuse_by; /* LEVADA_REUSE: names of inputs, ended by NULL */
};

/* ---- the host --------------------------------------------------------------------------------------- */

enum levada_level { LEVADA_DEBUG = 0, LEVADA_INFO = 1, LEVADA_WARN = 2, LEVADA_ERROR = 3 };

struct levada_host;

/* Where a secret is kept. What is not used is NULL. `provider` and `name` as in `secrets` of a workflow: "env" and a
 * variable, "file" and a path. `field`: the member to take, when a JSON object is kept there. `version`: this one and
 * no other, as the provider counts them; for a file the time of its last change, in nanoseconds since 1970 (NULL:
 * whatever is there when it is used). */
struct levada_secret_ref {
    const char *provider, *name, *version, *field;
};

/* The step handle is the capability: pass it along, never keep it beyond the call. */
struct levada_step {
    const struct levada_host *host;
    const char *run_id, *step_id;
    const char *item;      /* key of the loop item, or "" */
    const char *token;     /* the same on every attempt: the idempotency key */
    const char *folder;    /* of the workflow file, absolute */
    const char *artifacts; /* folder for files that people will want to see, absolute, exists */
    const char *scratch;   /* private folder, absolute, exists, emptied when the attempt ends */
    uint64_t fence;        /* rises with each attempt */
    uint32_t attempt;      /* from 1 */
    uint32_t reserved;
};

/* Append only; a member is there when host->size covers it. "Any thread" marks what a helper thread of
 * the plugin may call; all else is for the thread that runs the action. */
struct levada_host {
    uint32_t abi, size;
    /* One line for the attempt's log; masked. Any thread. */
    void (*log)(struct levada_step *, int level, const char *fmt, va_list);
    /* Record the error of this attempt and return `error_class`. The first call counts. Message: lower case,
     * says what and where; `hint` (or NULL): a full sentence, what to do next. */
    int (*fail)(struct levada_step *, int error_class, const char *hint, const char *fmt, va_list);
    /* Zeroed, 16-aligned, never NULL, freed with the attempt. */
    void *(*alloc)(struct levada_step *, size_t size);
    /* Has anybody asked for the end (cancel, timeout)? Any thread; cheap. */
    bool (*cancelled)(struct levada_step *);
    /* 0, or LEVADA_CANCELLED as soon as somebody asks for the end. */
    int (*sleep)(struct levada_step *, int64_t ms);
    /* `total` 0: unknown. `what`: a noun in the plural ("rows"). Rate limited by the host. Any thread. */
    void (*progress)(struct levada_step *, uint64_t done, uint64_t total, const char *what);
    /* Set an output that the table names, as JSON. 0 or LEVADA_INVALID. */
    int (*output)(struct levada_step *, const char *name, const char *json);
    int (*output_text)(struct levada_step *, const char *name, const char *text);
    int (*output_int)(struct levada_step *, const char *name, int64_t value);
    /* A number for the run's report: rows, bytes, files. `unit`: "rows", "bytes", "s". */
    void (*metric)(struct levada_step *, const char *name, double value, const char *unit);
    /* A text kept over attempts, or NULL; lives as long as the attempt. */
    const char *(*checkpoint_get)(struct levada_step *, const char *key);
    /* Durable on return. 0 or an error class. */
    int (*checkpoint_set)(struct levada_step *, const char *key, const char *value);
    /* The value of a secret that the workflow names; masked from then on. 0 or an error class. */
    int (*secret)(struct levada_step *, const char *name, levada_secret *ret);
    /* Take the exclusive lock named by a local file (made if absent), waiting for it; held until the
     * worker ends. A reused worker that is idle ends when somebody else waits. 0 or LEVADA_CANCELLED. */
    int (*lock)(struct levada_step *, const char *path);
    /* Set an output that the table names and marks LEVADA_SENSITIVE: say where the secret is kept. The host looks, so
     * that its value is masked from then on; the journal keeps the reference, and the step that uses the output reads
     * the value again. 0 or an error class. (A sensitive output set to anything else but null fails the attempt.) */
    int (*output_secret)(struct levada_step *, const char *name, const struct levada_secret_ref *ref);
};

#if defined(__GNUC__)
#define LEVADA_PRINTF_(f, a) __attribute__((format(printf, f, a), unused))
#define LEVADA_EXPORT __attribute__((visibility("default")))
#else
#define LEVADA_PRINTF_(f, a)
#define LEVADA_EXPORT
#endif

LEVADA_PRINTF_(3, 4)
static inline void
levada_log(struct levada_step *step, int level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    step->host->log(step, level, fmt, ap);
    va_end(ap);
}

LEVADA_PRINTF_(3, 4)
static inline int
levada_fail(struct levada_step *step, int error_class, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int ret = step->host->fail(step, error_class, NULL, fmt, ap);
    va_end(ap);
    return ret;
}

/* The same with a hint: what to do next. */
LEVADA_PRINTF_(4, 5)
static inline int
levada_fail_hint(struct levada_step *step, int error_class, const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int ret = step->host->fail(step, error_class, hint, fmt, ap);
    va_end(ap);
    return ret;
}

/* ---- writing the tables ----------------------------------------------------------------------------- */

#define LEVADA_COUNT(table) ((uint32_t)(sizeof(table) / sizeof(table)[0]))

#ifndef __cplusplus
#define LEVADA_TYPE_OF_(e)                                                                                   \
    _Generic((e), levada_string: LEVADA_TYPE_STRING, levada_bool: LEVADA_TYPE_BOOL,                           \
        levada_int: LEVADA_TYPE_INT, levada_real: LEVADA_TYPE_REAL, levada_duration: LEVADA_TYPE_DURATION,    \
        levada_size: LEVADA_TYPE_SIZE, levada_timestamp: LEVADA_TYPE_TIMESTAMP, levada_uri: LEVADA_TYPE_URI,  \
        levada_path: LEVADA_TYPE_PATH, levada_sql: LEVADA_TYPE_SQL, levada_secret: LEVADA_TYPE_SECRET,        \
        levada_json: LEVADA_TYPE_JSON, levada_list: LEVADA_TYPE_LIST, levada_map: LEVADA_TYPE_MAP,            \
        levada_object: LEVADA_TYPE_OBJECT, levada_objects: LEVADA_TYPE_OBJECTS)

/* LEVADA_IN(struct load_in, table, "The table to fill.", .flags = LEVADA_REQUIRED) */
#define LEVADA_IN(T, member, ...)                                                                            \
    { .name = #member, .type = LEVADA_TYPE_OF_(((T *)0)->member), .offset = offsetof(T, member),              \
      .doc = __VA_ARGS__ }
/* LEVADA_NESTED(struct check_in, checks, check_fields, struct check_item, "The checks.") */
#define LEVADA_NESTED(T, member, table, N, ...)                                                              \
    { .name = #member, .type = LEVADA_TYPE_OF_(((T *)0)->member), .offset = offsetof(T, member),              \
      .fields = (table), .nfields = LEVADA_COUNT(table), .object_size = sizeof(N), .doc = __VA_ARGS__ }
/* LEVADA_OUT(rows, INT, "Rows written.") */
#define LEVADA_OUT(id, kind, ...) { .name = #id, .type = LEVADA_TYPE_##kind, .doc = __VA_ARGS__ }
/* LEVADA_ACTION(load, TRANSACTIONAL, struct load_in, load_inputs, load_outputs, "Load files.", .run = load_run) */
#define LEVADA_ACTION(id, kind, T, in, out, ...)                                                             \
    { .name = #id, .effect = LEVADA_EFFECT_##kind, .input_size = sizeof(T), .inputs = (in),                   \
      .ninputs = LEVADA_COUNT(in), .outputs = (out), .noutputs = LEVADA_COUNT(out), .doc = __VA_ARGS__ }
/* LEVADA_PLUGIN(.name = "ducklake", .version = "0.9.0", .doc = "…", LEVADA_ACTIONS(actions)); */
#define LEVADA_ACTIONS(table) .actions = (table), .nactions = LEVADA_COUNT(table)
#define LEVADA_PLUGIN(...)                                                                                   \
    extern const struct levada_plugin levada_plugin;                                                         \
    LEVADA_EXPORT const struct levada_plugin levada_plugin = { .abi = LEVADA_ABI,                            \
        .size = sizeof(struct levada_plugin), .action_size = sizeof(struct levada_action),                   \
        .field_size = sizeof(struct levada_field), __VA_ARGS__ }
#endif

/* For languages and compilers without _Generic and designated initialisers: every member in order. */
#define LEVADA_FIELD(type, name, offset, flags, fallback, doc)                                               \
    { name, doc, type, flags, offset, fallback, NULL, NULL, NULL, NULL, 0, 0, 0 }

#ifdef __cplusplus
}
#endif

#endif
