/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of the language as data: which may stand where, what their values look like, and what people write who
 * come from other tools. Checks, suggestions and docs/workflow.md follow these tables.
 */
#ifndef WORKFLOW_KEYS_H
#define WORKFLOW_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/value.h"
#include "workflow/diag.h"

enum key_type {
    KEY_TEXT,      /* plain text, no expressions */
    KEY_TEMPLATE,  /* text that may hold expressions */
    KEY_CONDITION, /* a lone expression, or a boolean */
    KEY_BOOL,
    KEY_COUNT,     /* integer from 1 */
    KEY_NUMBER,    /* not negative */
    KEY_DURATION,  /* longer than nothing */
    KEY_SIZE,      /* bytes, more than none */
    KEY_KEEP,      /* a duration longer than nothing, or a whole number from 1 */
    KEY_WORD,      /* one of key.choices */
    KEY_WORDS,     /* a list of them */
    KEY_NAMES,     /* a list of names, or one name */
    KEY_LIST,
    KEY_ITEMS,     /* a list, a map, or a text with an expression */
    KEY_MAP,
    KEY_NAMED,     /* a map or a list of names */
    KEY_SHORT,     /* a map, or the text that its first member would be */
    KEY_SHORTS,    /* a list of them, or one */
    KEY_SWITCH,    /* a map, or true or false */
    KEY_ANY,
    KEY_LATER,     /* of the language, not of this version; doc says what to do instead */
};

struct key {
    const char *name;
    enum key_type type;
    const char *doc;             /* a sentence */
    const char *const *choices;  /* KEY_WORD, KEY_WORDS: ended by NULL */
    bool required;
};

/* What other tools call it; `to` is ours, `hint` (may be NULL) replaces "Write `to`." */
struct key_alias {
    const char *from, *to, *hint;
};

enum key_place {
    PLACE_WORKFLOW, PLACE_PARAM, PLACE_SECRET, PLACE_PLUGIN, PLACE_DEFAULTS, PLACE_STEP, PLACE_RETRY, PLACE_OUTPUT,
    PLACE_CONCURRENCY, PLACE_POOL, PLACE_HISTORY, PLACE_LIMITS, PLACE_APPROVE, PLACE_UNDO, PLACE_HOOKS, PLACE_HOOK,
    PLACES,
};

struct key_table {
    const char *title; /* as docs/workflow.md heads it */
    const struct key *keys;
    size_t count;
    const struct key_alias *aliases;
    size_t naliases;
};

const struct key_table *keys_table(enum key_place place);

/* Reports unknown, unsupported and missing keys and values of the wrong type. `what` is the phrase for messages
 * ("step \"load\""). True when `map` is a map; a member with a fault reads as absent through the functions below. */
bool keys_check(struct diags *diags, enum key_place place, const struct value *map, const char *what);

/* The member when it is there and of the type of its key, else NULL. */
const struct value *keys_get(enum key_place place, const struct value *map, const char *name);
const char *keys_text(enum key_place place, const struct value *map, const char *name);
/* Milliseconds; `fallback` when absent. */
int64_t keys_duration(enum key_place place, const struct value *map, const char *name, int64_t fallback);

/* "a list", "an integer", "nothing". */
const char *keys_type_phrase(const struct value *value);
/* "Did you mean `x`?" for the nearest, else NULL; NULL too when there are so many errors already that nobody sees it:
 * a search through 100,000 names for each of 100,000 mistakes would take hours. */
const char *keys_suggest(struct diags *diags, const char *name, const char *const *names, size_t count);

#endif
