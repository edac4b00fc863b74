/* SPDX-License-Identifier: Apache-2.0
 *
 * A map against the table of its place. What is unknown gets the nearest name that is known; what has the wrong type
 * gets an example of the right one.
 */
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "workflow/keys.h"
#include "workflow/parse.h"
#include "workflow/template.h"

#define SEARCHED_MAX 10000 /* names looked through for the nearest */

const char *
keys_type_phrase(const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL: return "nothing";
    case VALUE_BOOL: return "a boolean";
    case VALUE_INT: return "an integer";
    case VALUE_REAL: return "a number";
    case VALUE_STRING: return "a text";
    case VALUE_LIST: return "a list";
    case VALUE_MAP: return "a map";
    default: return value_type_name(value->type);
    }
}

const char *
keys_suggest(struct diags *diags, const char *name, const char *const *names, size_t count)
{
    if (diags->errors >= LIMIT_DIAGNOSTICS) return NULL;
    const char *near = str_nearest(name, names, count < SEARCHED_MAX ? count : SEARCHED_MAX);
    return near != NULL ? arena_printf(diags->arena, "Did you mean `%s`?", near) : NULL;
}

static const struct key *
find_key(enum key_place place, const char *name)
{
    const struct key_table *table = keys_table(place);
    for (size_t i = 0; i < table->count; i++)
        if (str_eq(table->keys[i].name, name)) return &table->keys[i];
    return NULL;
}

/* ---- types -------------------------------------------------------------------------------------------- */

/* How a right value looks: first the noun for the message, then the hint. */
static const char *const forms[][2] = {
    [KEY_TEXT] = {"a text", NULL},
    [KEY_TEMPLATE] = {"a text", NULL},
    [KEY_CONDITION] = {"an expression", "Write `if: ${{ … }}`."},
    [KEY_BOOL] = {"true or false", "Only `true` and `false` are booleans."},
    [KEY_COUNT] = {"a whole number from 1 to 1000", NULL},
    [KEY_NUMBER] = {"a number, not negative", NULL},
    [KEY_DURATION] = {"a duration longer than nothing",
                      "Write a number with its unit: `500ms`, `30s`, `5m`, `1h30m`, `2d`."},
    [KEY_SIZE] = {"a size of at least one byte", "Write a number with its unit: `512KiB`, `256MiB`, `2GiB`."},
    [KEY_KEEP] = {"a duration longer than nothing, or a whole number from 1",
                  "Write how long, as in `30d`, or how many, as in `10`."},
    [KEY_WORD] = {"one word", NULL},
    [KEY_WORDS] = {"a list of words", NULL},
    [KEY_NAMES] = {"a list of step ids", "Write `[a, b]`."},
    [KEY_LIST] = {"a list", NULL},
    [KEY_ITEMS] = {"a list, a map or an expression", "Write `[a, b]`, or `${{ steps.ID.outputs.NAME }}`."},
    [KEY_MAP] = {"a map", "Write `name: value` lines below it."},
    [KEY_NAMED] = {"a list of names or a map", "Write `[a, b]`, or `{a: {from: stdout}}`."},
    [KEY_SHORT] = {"a name or a map", NULL},
    [KEY_SHORTS] = {"a text, a map or a list of them", NULL},
    [KEY_SWITCH] = {"a map, or true", "Write `true`, or `{expires: 2d}`, or `{when: \"${{ … }}\"}`."},
    [KEY_ANY] = {"a value", NULL},
    [KEY_LATER] = {"a value", NULL},
};

static bool
is_word(const struct key *key, const struct value *value)
{
    if (value->type != VALUE_STRING) return false;
    for (const char *const *choice = key->choices; *choice != NULL; choice++)
        if (str_eq(*choice, value->text.ptr)) return true;
    return false;
}

static bool
is_duration(const struct value *value)
{
    int64_t ms;
    return value->type == VALUE_STRING && str_to_duration(value->text.ptr, &ms) && ms > 0;
}

static bool
is_size(const struct value *value)
{
    int64_t bytes;
    return value->type == VALUE_STRING && str_to_size(value->text.ptr, &bytes) && bytes > 0;
}

static bool
is_names(const struct value *value)
{
    if (value->type == VALUE_STRING) return true;
    if (value->type != VALUE_LIST) return false;
    for (size_t i = 0; i < value->list.count; i++)
        if (value->list.items[i]->type != VALUE_STRING) return false;
    return true;
}

static bool
is_words(const struct key *key, const struct value *value)
{
    if (value->type != VALUE_LIST) return false;
    for (size_t i = 0; i < value->list.count; i++)
        if (!is_word(key, value->list.items[i])) return false;
    return true;
}

static bool
is_right(const struct key *key, const struct value *value)
{
    switch (key->type) {
    case KEY_TEXT: return value->type == VALUE_STRING && !template_is(value->text.ptr);
    case KEY_TEMPLATE: return value->type == VALUE_STRING;
    case KEY_CONDITION:
        return value->type == VALUE_BOOL || (value->type == VALUE_STRING && template_is(value->text.ptr));
    case KEY_BOOL: return value->type == VALUE_BOOL;
    case KEY_COUNT: return value->type == VALUE_INT && value->integer >= 1 && value->integer <= LIMIT_ATTEMPTS;
    case KEY_NUMBER:
        return (value->type == VALUE_INT && value->integer >= 0) ||
               (value->type == VALUE_REAL && value->real >= 0);
    case KEY_DURATION: return is_duration(value);
    case KEY_SIZE: return is_size(value);
    case KEY_KEEP: return value->type == VALUE_INT ? value->integer >= 1 : is_duration(value);
    case KEY_WORD: return is_word(key, value);
    case KEY_WORDS: return is_words(key, value);
    case KEY_NAMES: return is_names(value);
    case KEY_LIST: return value->type == VALUE_LIST;
    case KEY_ITEMS:
        return value->type == VALUE_LIST || value->type == VALUE_MAP ||
               (value->type == VALUE_STRING && template_is(value->text.ptr));
    case KEY_MAP: return value->type == VALUE_MAP;
    case KEY_NAMED: return value->type == VALUE_LIST || value->type == VALUE_MAP;
    case KEY_SHORT: return value->type == VALUE_STRING || value->type == VALUE_MAP;
    case KEY_SHORTS: return value->type == VALUE_STRING || value->type == VALUE_MAP || value->type == VALUE_LIST;
    case KEY_SWITCH: return value->type == VALUE_BOOL || value->type == VALUE_MAP;
    case KEY_ANY: return true;
    case KEY_LATER: return false;
    }
    return false;
}

static const char *
list_words(struct arena *arena, const char *const *words)
{
    const char *ret = "";
    for (const char *const *word = words; *word != NULL; word++)
        ret = arena_printf(arena, "%s%s`%s`", ret, word == words ? "" : word[1] == NULL ? " or " : ", ", *word);
    return ret;
}

/* Words that mean one of ours in other tools. */
static const char *
known_word(const char *word)
{
    static const char *const words[][2] = {
        {"int", "integer"}, {"bool", "boolean"}, {"str", "string"}, {"text", "string"}, {"float", "number"},
        {"double", "number"}, {"real", "number"}, {"array", "list"}, {"object", "map"}, {"dict", "map"},
        {"date", "timestamp"}, {"datetime", "timestamp"}, {"time", "timestamp"}, {"url", "uri"},
        {"environment", "env"}, {"network", "transient"}, {"none", "pure"},
        {"wait", "queue"}, {"forbid", "skip"}, {"drop", "skip"}, {"cancel", "replace"}, {"parallel", "allow"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq(words[i][0], word)) return words[i][1];
    return NULL;
}

static void
report_word(struct diags *diags, const struct key *key, const struct value *value, const char *what)
{
    size_t count = 0;
    while (key->choices[count] != NULL) count++;
    const char *mapped = known_word(value->text.ptr), *hint = NULL;
    for (size_t i = 0; mapped != NULL && i < count; i++)
        if (str_eq(key->choices[i], mapped)) hint = arena_printf(diags->arena, "Did you mean `%s`?", mapped);
    if (hint == NULL) hint = keys_suggest(diags, value->text.ptr, key->choices, count);
    /* Who wrote `safe` did not mean the opposite. */
    if (hint != NULL && str_eq(value->text.ptr, "safe")) hint = NULL;
    if (hint == NULL) hint = arena_printf(diags->arena, "Write %s.", list_words(diags->arena, key->choices));
    diag_add(diags, DIAG_ERROR, (int)value->line, (int)value->column, "wrong-value", hint,
             "\"%s\" of %s cannot be \"%s\"", key->name, what, value->text.ptr);
}

/* What to write for these keys, whatever was written. */
static const char *const right_forms[][2] = {
    {"limits", "Write `limits: {memory: 256MiB}`."},
    {"id", "An id begins with a letter: `id: load`."},
    {"uses", "Write `uses: plugin.action`; `levada actions` lists them."},
    {"concurrency", "Write `concurrency: {group: NAME, overlap: queue}`."},
    {"pool", "Write `pool: {name: NAME, slots: 3}`, or only its name."},
    {"retry", "Write `retry: {attempts: 3}`."},
    {"history", "Write `history: {keep: 30d}`."},
    {"expect", "Write a list: `- ${{ outputs.rows > 0 }}`."},
};

static const char *
type_hint(struct diags *diags, const struct key *key, const struct value *value)
{
    const char *hint = forms[key->type][1];
    if (key->type == KEY_WORD) hint = arena_printf(diags->arena, "Write %s.", list_words(diags->arena, key->choices));
    bool scalar = value->type == VALUE_INT || value->type == VALUE_REAL || value->type == VALUE_BOOL;
    if (scalar && (key->type == KEY_TEXT || key->type == KEY_TEMPLATE)) hint = "Put it in quotes if it is text.";
    if (key->type == KEY_TEMPLATE && value->type == VALUE_LIST)
        hint = "Write one text; `|` begins a text of several lines.";
    if (key->type == KEY_CONDITION && value->type == VALUE_STRING)
        hint = arena_printf(diags->arena,
                            str_starts(value->text.ptr, "{{") ? "Write `$%.200s`." : "Write `${{ %.200s }}`.",
                            value->text.ptr);
    if (str_eq(key->name, "when") && value->type != VALUE_STRING) hint = "Write `when: ${{ … }}`.";
    if (key->type == KEY_SWITCH && value->type == VALUE_STRING && template_is(value->text.ptr))
        hint = arena_printf(diags->arena, "Write `approve: {when: \"%.200s\"}`.", value->text.ptr);
    if (key->type == KEY_DURATION && value->type == VALUE_INT && value->integer > 0)
        hint = arena_printf(diags->arena, "Write the unit too: `%llds`, `%lldm`.", (long long)value->integer,
                            (long long)value->integer);
    if (key->type == KEY_COUNT && value->type == VALUE_INT && value->integer == 0 && strstr("limit slots", key->name))
        hint = "With 0 nothing could ever begin.";
    if (key->type == KEY_SIZE && value->type == VALUE_INT && value->integer > 0)
        hint = arena_printf(diags->arena, "Write the unit too: `%lldMiB`, `%lldGiB`.", (long long)value->integer,
                            (long long)value->integer);
    for (size_t i = 0; i < sizeof right_forms / sizeof right_forms[0]; i++)
        if (str_eq(right_forms[i][0], key->name)) hint = right_forms[i][1];
    bool steps = key->type == KEY_LIST && value->type == VALUE_MAP && strchr("sof", key->name[0]) != NULL;
    if (steps) hint = "Write a list; each step begins with `- id: NAME`.";
    if (steps && value->map.count > 0 && value->map.names[0][0] == '-')
        hint = arena_printf(diags->arena, "A list item begins with `-` and a space: `- %.60s: …`.",
                            value->map.names[0] + 1);
    return hint;
}

static void
report_type(struct diags *diags, const struct key *key, const struct value *value, const char *what)
{
    int line = (int)value->line, column = (int)value->column;
    if (key->type == KEY_WORD && value->type == VALUE_STRING) {
        report_word(diags, key, value, what);
        return;
    }
    if (key->type == KEY_WORDS && value->type == VALUE_LIST) {
        for (size_t i = 0; i < value->list.count; i++)
            if (!is_word(key, value->list.items[i]))
                report_type(diags, &(struct key){key->name, KEY_WORD, "", key->choices, false},
                            value->list.items[i], what);
        return;
    }
    bool scalar_key =
        key->type != KEY_LIST && key->type != KEY_MAP && key->type != KEY_NAMED && key->type != KEY_WORDS &&
        key->type != KEY_SWITCH;
    if (scalar_key && value->type == VALUE_STRING && template_is(value->text.ptr)) {
        diag_add(diags, DIAG_ERROR, line, column, "no-expression", "Write the value itself.",
                 "\"%s\" of %s takes no expression", key->name, what);
        return;
    }
    const char *hint = type_hint(diags, key, value);
    bool number = (key->type == KEY_COUNT || key->type == KEY_KEEP || key->type == KEY_NUMBER) &&
                  value->type == VALUE_INT;
    if (value->type == VALUE_NULL)
        diag_add(diags, DIAG_ERROR, line, column, "wrong-type", hint, "\"%s\" of %s has no value", key->name, what);
    else
        diag_add(diags, DIAG_ERROR, line, column,
                 number ? "wrong-value" : "wrong-type", hint,
                 "\"%s\" of %s must be %s, not %s", key->name, what, forms[key->type][0],
                 (key->type == KEY_DURATION || key->type == KEY_SIZE || key->type == KEY_KEEP) &&
                         value->type == VALUE_STRING
                     ? arena_printf(diags->arena, "\"%.60s\"", value->text.ptr)
                 : number
                     ? arena_printf(diags->arena, "%lld", (long long)value->integer)
                     : keys_type_phrase(value));
}

/* ---- names -------------------------------------------------------------------------------------------- */

/* Are there letters of another alphabet in it, or what nobody sees? */
static bool
is_foreign(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name >= 0x80) return true;
    return false;
}

/* maxParallel and max-parallel as we write them. */
static const char *
snake(struct arena *arena, const char *name)
{
    size_t size = strlen(name), used = 0;
    char *ret = arena_alloc(arena, 2 * size + 1);
    for (size_t i = 0; i < size; i++) {
        bool upper = name[i] >= 'A' && name[i] <= 'Z';
        if (upper && i > 0 && name[i - 1] >= 'a' && name[i - 1] <= 'z') ret[used++] = '_';
        ret[used++] = upper ? (char)(name[i] + 32) : name[i] == '-' ? '_' : name[i];
    }
    return ret;
}

static const struct key_alias *
find_alias(const struct key_table *table, const char *name)
{
    for (size_t k = 0; k < table->naliases; k++)
        if (str_eq(table->aliases[k].from, name)) return &table->aliases[k];
    return NULL;
}

static void
report_unknown(struct diags *diags, enum key_place place, const struct value *map, size_t i, const char *what)
{
    const struct key_table *table = keys_table(place);
    const char *name = map->map.names[i], *hint = NULL, *near = NULL, *names[64];
    size_t count = 0;
    const char *ours_like = snake(diags->arena, name);
    const struct key_alias *alias = find_alias(table, name);
    /* dependsOn is depends_on, and both are `needs`. */
    if (alias == NULL && find_key(place, ours_like) == NULL) alias = find_alias(table, ours_like);
    if (alias != NULL) {
        near = alias->to;
        const struct key *ours = find_key(place, near);
        hint = alias->hint;
        if (hint == NULL && ours->type == KEY_LATER)
            hint = arena_printf(diags->arena, "Here it is called `%s`, which this version does not support. %s", near,
                                ours->doc);
        if (hint == NULL) hint = arena_printf(diags->arena, "Here it is called `%s`.", near);
    }
    for (size_t k = 0; k < table->count && count < 64; k++) names[count++] = table->keys[k].name;
    if (hint == NULL && name[0] == '-' && place == PLACE_STEP)
        hint = arena_printf(diags->arena, "A list item begins with `-` and a space: `- %.60s: …`.", name + 1);
    if (hint == NULL && find_key(place, ours_like) != NULL)
        hint = arena_printf(diags->arena, "Did you mean `%s`?", ours_like);
    if (hint == NULL) hint = keys_suggest(diags, name, names, count);
    if (hint != NULL && near == NULL && is_foreign(name))
        hint = arena_printf(diags->arena, "%s It has letters that only look like ours.", hint);
    int line, column;
    parse_name_place(map, i, &line, &column);
    diag_add(diags, DIAG_ERROR, line, column, near != NULL ? "foreign-key" : "unknown-key", hint,
             "unknown key \"%s\" in %s", name, what);
}

bool
keys_check(struct diags *diags, enum key_place place, const struct value *map, const char *what)
{
    if (map->type != VALUE_MAP) {
        diag_add(diags, DIAG_ERROR, (int)map->line, (int)map->column, "wrong-type",
                 place == PLACE_STEP ? "Write `- id: NAME`, and `run: …` below it." : NULL,
                 "%s must be a map, not %s", what, keys_type_phrase(map));
        return false;
    }
    for (size_t i = 0; i < map->map.count; i++) {
        const struct key *key = find_key(place, map->map.names[i]);
        int line, column;
        parse_name_place(map, i, &line, &column);
        if (diags->errors >= LIMIT_DIAGNOSTICS && (key == NULL || key->type == KEY_LATER))
            diag_add(diags, DIAG_ERROR, line, column, "unknown-key", NULL, "and more"); /* only counted */
        else if (key == NULL)
            report_unknown(diags, place, map, i, what);
        else if (key->type == KEY_LATER)
            diag_add(diags, DIAG_ERROR, line, column, "not-yet", key->doc, "\"%s\" is not supported by this version",
                     key->name);
        else if (!is_right(key, map->map.values[i]))
            report_type(diags, key, map->map.values[i], what);
    }
    const struct key_table *table = keys_table(place);
    for (size_t i = 0; i < table->count; i++)
        if (table->keys[i].required && value_get(map, table->keys[i].name) == NULL && place != PLACE_STEP)
            diag_add(diags, DIAG_ERROR, (int)map->line, (int)map->column, "missing-key",
                     place == PLACE_WORKFLOW && i == 0 ? "Write `levada: 1` in the first line."
                                                       : table->keys[i].doc,
                     "%s needs \"%s\"", what, table->keys[i].name);
    return true;
}

const struct value *
keys_get(enum key_place place, const struct value *map, const char *name)
{
    const struct value *value = value_get(map, name);
    const struct key *key = value != NULL ? find_key(place, name) : NULL;
    return key != NULL && is_right(key, value) ? value : NULL;
}

const char *
keys_text(enum key_place place, const struct value *map, const char *name)
{
    return value_str(keys_get(place, map, name), NULL);
}

int64_t
keys_duration(enum key_place place, const struct value *map, const char *name, int64_t fallback)
{
    int64_t ms = fallback;
    const char *text = keys_text(place, map, name);
    return text != NULL && str_to_duration(text, &ms) ? ms : fallback;
}
