/* SPDX-License-Identifier: Apache-2.0
 *
 * A pattern becomes a tree, the tree a program of at most PROGRAM_MAX instructions, and the program
 * runs as a set of threads in step with the text: time is text times program, memory is the
 * program.
 */
#include "workflow/library_regex.h"

#include <string.h>

#include "base/assert.h"

#define PROGRAM_MAX 2000
#define REPEAT_MAX 500
#define NESTING_MAX 50

enum node_kind { R_EMPTY, R_CHAR, R_ANY, R_SET, R_ASSERT, R_JOIN, R_OR, R_REPEAT, R_GROUP };

struct range {
    uint32_t low, high;
};

struct set {
    struct range *ranges;
    size_t count;
    bool negated;
};

struct rnode {
    enum node_kind kind;
    uint32_t code;            /* R_CHAR: character; R_ASSERT: ^ $ b B; R_GROUP: number, 0 for none */
    const struct set *set;
    const struct rnode *left, *right;
    int min, max;             /* R_REPEAT; max -1: no end */
    bool lazy;
};

enum op { I_CHAR, I_ANY, I_SET, I_ASSERT, I_SPLIT, I_JUMP, I_SAVE, I_MATCH };

struct instruction {
    enum op op;
    uint32_t code, x, y;
    const struct set *set;
};

struct regex {
    struct instruction *program;
    size_t size, groups;
    bool fold;
};

struct compiler {
    struct arena *arena;
    const char *pattern;
    size_t size, at, groups, nesting;
    const char *problem;
    struct regex *regex;
};

static const struct rnode *parse_or(struct compiler *c);

static uint32_t
decode(const char *text, size_t size, size_t *length)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : p[0] >= 0xc0 ? 1 : 0;
    uint32_t point = more ? p[0] & (0x3fu >> more) : p[0];
    if (more >= size) more = 0;
    for (size_t i = 1; i <= more; i++) point = point << 6 | (p[i] & 0x3fu);
    *length = more + 1;
    return point;
}

static struct rnode *
rnode_new(struct compiler *c, enum node_kind kind, const struct rnode *left, const struct rnode *right)
{
    struct rnode *ret = ARENA_NEW(c->arena, struct rnode);
    ret->kind = kind;
    ret->left = left;
    ret->right = right;
    return ret;
}

static bool
fail(struct compiler *c, const char *problem)
{
    if (c->problem == NULL) c->problem = problem;
    return false;
}

static int
peek(const struct compiler *c)
{
    return c->at < c->size ? (unsigned char)c->pattern[c->at] : -1;
}

static bool
accept(struct compiler *c, const char *text)
{
    size_t size = strlen(text);
    if (c->size - c->at < size || memcmp(c->pattern + c->at, text, size) != 0) return false;
    c->at += size;
    return true;
}

static void
set_add(struct compiler *c, struct set *set, uint32_t low, uint32_t high)
{
    if (set->count % 8 == 0) {
        struct range *more = ARENA_ARRAY(c->arena, set->count + 8, struct range);
        if (set->count) memcpy(more, set->ranges, set->count * sizeof *more);
        set->ranges = more;
    }
    set->ranges[set->count++] = (struct range){low, high};
}

/* \d \w \s and their opposites. */
static bool
set_add_class(struct compiler *c, struct set *set, int name)
{
    static const struct { char name; struct range ranges[4]; size_t count;
    } classes[] = {{'d', {{'0', '9'}}, 1},
                   {'s', {{'\t', '\r'}, {' ', ' '}}, 2},
                   {'w', {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}, 4}};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        uint32_t next = 0;
        bool opposite = name == classes[i].name - 32;
        if (name != classes[i].name && !opposite) continue;
        for (size_t k = 0; k < classes[i].count; k++) {
            const struct range *r = &classes[i].ranges[k];
            if (!opposite) set_add(c, set, r->low, r->high);
            else if (r->low > next) set_add(c, set, next, r->low - 1);
            next = r->high + 1;
        }
        if (opposite) set_add(c, set, next, 0x10ffff);
        return true;
    }
    return false;
}

/* Behind a backslash: one character. */
static bool
take_escape(struct compiler *c, uint32_t *ret)
{
    static const char from[] = "ntrfv", to[] = "\n\t\r\f\v";
    int e = peek(c);
    if (e < 0) return fail(c, "a backslash at the end");
    const char *known = strchr(from, e);
    if (known != NULL) *ret = (uint32_t)to[known - from];
    else if ((e >= '0' && e <= '9') || (e >= 'a' && e <= 'z') || (e >= 'A' && e <= 'Z'))
        return fail(c, e >= '1' && e <= '9' ? "there are no back references" : "an unknown escape");
    else *ret = (uint32_t)e;
    c->at++;
    return e < 0x80 || fail(c, "an unknown escape");
}

static bool
take_set_char(struct compiler *c, uint32_t *ret)
{
    size_t length;
    if (accept(c, "\\")) return take_escape(c, ret);
    if (c->at >= c->size) return fail(c, "[ is never closed");
    *ret = decode(c->pattern + c->at, c->size - c->at, &length);
    c->at += length;
    return true;
}

static const struct rnode *
parse_set(struct compiler *c)
{
    struct set *set = ARENA_NEW(c->arena, struct set);
    set->negated = accept(c, "^");
    for (bool first = true; first || peek(c) != ']'; first = false) {
        uint32_t low, high;
        if (accept(c, "[:")) return fail(c, "[:name:] is not known; use \\d, \\w or \\s"), NULL;
        if (peek(c) == '\\' && c->at + 1 < c->size &&
            set_add_class(c, set, (unsigned char)c->pattern[c->at + 1])) {
            c->at += 2;
            continue;
        }
        if (!take_set_char(c, &low)) return NULL;
        high = low;
        if (peek(c) == '-' && c->at + 1 < c->size && c->pattern[c->at + 1] != ']') {
            c->at++;
            if (!take_set_char(c, &high)) return NULL;
            if (high < low) return fail(c, "a range that runs backwards"), NULL;
        }
        set_add(c, set, low, high);
    }
    c->at++;
    struct rnode *ret = rnode_new(c, R_SET, NULL, NULL);
    ret->set = set;
    return ret;
}

static const struct rnode *
parse_group(struct compiler *c)
{
    uint32_t number = 0;
    if (accept(c, "?:")) number = 0;
    else if (peek(c) == '?') return fail(c, "only (?: ) is known, and (?i) in front"), NULL;
    else if (c->groups >= REGEX_GROUPS_MAX) return fail(c, "too many groups; use (?: )"), NULL;
    else number = (uint32_t)c->groups++;
    if (++c->nesting > NESTING_MAX) return fail(c, "groups nested too deeply"), NULL;
    const struct rnode *inner = parse_or(c);
    c->nesting--;
    if (inner == NULL || !accept(c, ")")) return fail(c, "( is never closed"), NULL;
    struct rnode *ret = rnode_new(c, R_GROUP, inner, NULL);
    ret->code = number;
    return ret;
}

static const struct rnode *
parse_atom(struct compiler *c)
{
    struct rnode *ret;
    size_t length;
    if (accept(c, "(")) return parse_group(c);
    if (accept(c, "[")) return parse_set(c);
    if (accept(c, ".")) return rnode_new(c, R_ANY, NULL, NULL);
    if (peek(c) == '^' || peek(c) == '$') {
        ret = rnode_new(c, R_ASSERT, NULL, NULL);
        ret->code = (uint32_t)c->pattern[c->at++];
        return ret;
    }
    if (peek(c) == '*' || peek(c) == '+' || peek(c) == '?') return fail(c, "nothing to repeat"), NULL;
    if (accept(c, "\\")) {
        struct set *set = ARENA_NEW(c->arena, struct set);
        int e = peek(c);
        ret = rnode_new(c, R_CHAR, NULL, NULL);
        if (e == 'b' || e == 'B') {
            ret->kind = R_ASSERT;
            ret->code = (uint32_t)e;
            c->at++;
        } else if (set_add_class(c, set, e)) {
            ret->kind = R_SET;
            ret->set = set;
            c->at++;
        } else if (!take_escape(c, &ret->code)) {
            return NULL;
        }
        return ret;
    }
    ret = rnode_new(c, R_CHAR, NULL, NULL);
    ret->code = decode(c->pattern + c->at, c->size - c->at, &length);
    c->at += length;
    return ret;
}

static bool
take_count(struct compiler *c, int *ret)
{
    int value = 0, digits = 0;
    for (; peek(c) >= '0' && peek(c) <= '9'; c->at++, digits++) {
        value = value * 10 + peek(c) - '0';
        if (value > REPEAT_MAX) return fail(c, "a repetition of more than 500");
    }
    if (digits > 0) *ret = value;
    return digits > 0;
}

/* {m}, {m,}, {m,n}; anything else is a plain brace. */
static bool
take_braces(struct compiler *c, int *min, int *max)
{
    size_t start = c->at;
    if (!accept(c, "{")) return false;
    if (take_count(c, min)) {
        *max = *min;
        if (accept(c, ",") && !take_count(c, max)) *max = -1;
        if (accept(c, "}")) {
            if (*max >= 0 && *max < *min) return fail(c, "a repetition that runs backwards");
            return true;
        }
    }
    c->at = start;
    return false;
}

static const struct rnode *
parse_repeat(struct compiler *c)
{
    const struct rnode *atom = parse_atom(c);
    while (atom != NULL && c->problem == NULL) {
        int min = 0, max = -1;
        if (accept(c, "*")) min = 0;
        else if (accept(c, "+")) min = 1;
        else if (accept(c, "?")) max = 1;
        else if (!take_braces(c, &min, &max)) break;
        struct rnode *ret = rnode_new(c, R_REPEAT, atom, NULL);
        ret->min = min;
        ret->max = max;
        ret->lazy = accept(c, "?");
        if (atom->kind == R_REPEAT)
            return fail(c, "a repetition of a repetition; put ( ) around the inner one"), NULL;
        atom = ret;
    }
    return c->problem ? NULL : atom;
}

static const struct rnode *
parse_or(struct compiler *c)
{
    const struct rnode *ret = NULL;
    do {
        const struct rnode *sequence = rnode_new(c, R_EMPTY, NULL, NULL);
        while (c->at < c->size && peek(c) != '|' && peek(c) != ')') {
            const struct rnode *item = parse_repeat(c);
            if (item == NULL) return NULL;
            sequence = rnode_new(c, R_JOIN, sequence, item);
        }
        ret = ret == NULL ? sequence : rnode_new(c, R_OR, ret, sequence);
    } while (accept(c, "|"));
    return ret;
}

static size_t
put(struct compiler *c, enum op op, uint32_t x, uint32_t y)
{
    struct regex *re = c->regex;
    if (re->size >= PROGRAM_MAX) {
        fail(c, "the pattern is too large; repeat less");
        return re->size - 1;
    }
    re->program[re->size] = (struct instruction){.op = op, .x = x, .y = y};
    return re->size++;
}

static void generate(struct compiler *c, const struct rnode *node);

static void
generate_split(struct compiler *c, size_t at, bool lazy)
{
    struct instruction *split = &c->regex->program[at];
    uint32_t inside = (uint32_t)at + 1, behind = (uint32_t)c->regex->size;
    split->x = lazy ? behind : inside;
    split->y = lazy ? inside : behind;
}

static void
generate_repeat(struct compiler *c, const struct rnode *node)
{
    size_t splits[REPEAT_MAX];
    int optional = node->max < 0 ? 0 : node->max - node->min;
    for (int i = 0; i < node->min && c->problem == NULL; i++) generate(c, node->left);
    if (node->max < 0) {
        size_t split = put(c, I_SPLIT, 0, 0);
        generate(c, node->left);
        put(c, I_JUMP, (uint32_t)split, 0);
        generate_split(c, split, node->lazy);
    }
    for (int i = 0; i < optional && c->problem == NULL; i++) {
        splits[i] = put(c, I_SPLIT, 0, 0);
        generate(c, node->left);
    }
    for (int i = 0; i < optional && c->problem == NULL; i++) generate_split(c, splits[i], node->lazy);
}

static void
generate(struct compiler *c, const struct rnode *node)
{
    size_t at, jump;
    if (c->problem != NULL) return;
    switch (node->kind) {
    case R_EMPTY: break;
    case R_CHAR: at = put(c, I_CHAR, 0, 0); c->regex->program[at].code = node->code; break;
    case R_ANY: put(c, I_ANY, 0, 0); break;
    case R_SET: at = put(c, I_SET, 0, 0); c->regex->program[at].set = node->set; break;
    case R_ASSERT: at = put(c, I_ASSERT, 0, 0); c->regex->program[at].code = node->code; break;
    case R_JOIN:
        generate(c, node->left);
        generate(c, node->right);
        break;
    case R_OR:
        at = put(c, I_SPLIT, 0, 0);
        generate(c, node->left);
        jump = put(c, I_JUMP, 0, 0);
        generate_split(c, at, false);
        generate(c, node->right);
        c->regex->program[jump].x = (uint32_t)c->regex->size;
        break;
    case R_REPEAT: generate_repeat(c, node); break;
    case R_GROUP:
        if (node->code) put(c, I_SAVE, node->code * 2, 0);
        generate(c, node->left);
        if (node->code) put(c, I_SAVE, node->code * 2 + 1, 0);
        break;
    }
}

const struct regex *
regex_compile(struct arena *arena, const char *pattern, size_t size, const char **problem, size_t *at)
{
    struct compiler c = {.arena = arena, .pattern = pattern, .size = size, .groups = 1};
    c.regex = ARENA_NEW(arena, struct regex);
    c.regex->program = ARENA_ARRAY(arena, PROGRAM_MAX, struct instruction);
    c.regex->fold = accept(&c, "(?i)");
    *problem = NULL;
    if (size > PROGRAM_MAX) fail(&c, "the pattern is too large");
    const struct rnode *root = c.problem ? NULL : parse_or(&c);
    if (root != NULL && c.at < size) fail(&c, ") without (");
    if (c.problem == NULL) {
        put(&c, I_SAVE, 0, 0);
        generate(&c, root);
        put(&c, I_SAVE, 1, 0);
        put(&c, I_MATCH, 0, 0);
    }
    *problem = c.problem;
    *at = c.at;
    c.regex->groups = c.groups;
    return c.problem ? NULL : c.regex;
}

size_t
regex_groups(const struct regex *regex)
{
    return regex->groups;
}

struct threads {
    uint32_t *pc;
    size_t *spans;   /* width of them for each thread */
    size_t count;
};

struct matcher {
    const struct regex *regex;
    const char *text;
    size_t size, width;
    uint32_t *seen;  /* generation in which an instruction was last added */
    uint32_t generation;
    uint64_t steps;
};

static bool
is_word(const struct matcher *m, size_t at)
{
    if (at >= m->size) return false;
    char c = m->text[at];
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
holds(const struct matcher *m, uint32_t code, size_t at)
{
    if (code == '^') return at == 0;
    if (code == '$') return at == m->size;
    bool border = (at > 0 && is_word(m, at - 1)) != is_word(m, at);
    return border == (code == 'b');
}

/* Follows what takes no character; spans is the caller's and left as it was. */
static void
add(struct matcher *m, struct threads *list, uint32_t pc, size_t at, size_t *spans)
{
    m->steps++;
    if (m->seen[pc] == m->generation) return;
    m->seen[pc] = m->generation;
    const struct instruction *i = &m->regex->program[pc];
    size_t before;
    switch (i->op) {
    case I_JUMP: add(m, list, i->x, at, spans); return;
    case I_SPLIT:
        add(m, list, i->x, at, spans);
        add(m, list, i->y, at, spans);
        return;
    case I_ASSERT:
        if (holds(m, i->code, at)) add(m, list, pc + 1, at, spans);
        return;
    case I_SAVE:
        before = spans[i->x];
        spans[i->x] = at;
        add(m, list, pc + 1, at, spans);
        spans[i->x] = before;
        return;
    case I_CHAR: case I_ANY: case I_SET: case I_MATCH: break;
    }
    memcpy(list->spans + list->count * m->width, spans, m->width * sizeof *spans);
    list->pc[list->count++] = pc;
}

static uint32_t
folded(uint32_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool
set_has(const struct set *set, uint32_t c)
{
    for (size_t i = 0; i < set->count; i++)
        if (c >= set->ranges[i].low && c <= set->ranges[i].high) return true;
    return false;
}

static bool
fits(const struct regex *regex, const struct instruction *i, uint32_t c)
{
    if (i->op == I_ANY) return c != '\n';
    if (i->op == I_CHAR) return regex->fold ? folded(c) == folded(i->code) : c == i->code;
    bool has = set_has(i->set, c);
    if (regex->fold && !has)
        has = set_has(i->set, folded(c)) || (c >= 'a' && c <= 'z' && set_has(i->set, c - 32));
    return has != i->set->negated;
}

bool
regex_search(const struct regex *regex, struct arena *arena, const char *text, size_t size, size_t from,
             size_t *spans, void (*count)(void *context, uint64_t steps), void *context)
{
    struct matcher m = {.regex = regex, .text = text, .size = size, .width = regex->groups * 2};
    struct threads lists[2] = {{0}}, *now = &lists[0], *next = &lists[1];
    bool found = false;
    size_t none[2 * REGEX_GROUPS_MAX];
    count(context, regex->size * m.width / 4);
    for (size_t i = 0; i < 2 * REGEX_GROUPS_MAX; i++) none[i] = SIZE_MAX;
    m.seen = ARENA_ARRAY(arena, regex->size, uint32_t);
    for (size_t i = 0; i < 2; i++) {
        lists[i].pc = ARENA_ARRAY(arena, regex->size, uint32_t);
        lists[i].spans = ARENA_ARRAY(arena, regex->size * m.width, size_t);
    }
    m.generation = 1;
    for (size_t at = from, length = 1;; at += length) {
        /* A match begins here unless an earlier one is under way: the leftmost wins. */
        if (!found) add(&m, now, 0, at, none);
        if (now->count == 0 && found) break;
        m.generation++;
        next->count = 0;
        uint32_t c = at < size ? decode(text + at, size - at, &length) : 0;
        for (size_t t = 0; t < now->count; t++) {
            const struct instruction *i = &regex->program[now->pc[t]];
            m.steps++;
            if (i->op == I_MATCH) {
                /* Threads behind this one are worth less. */
                memcpy(spans, now->spans + t * m.width, m.width * sizeof *spans);
                found = true;
                break;
            }
            if (at < size && fits(regex, i, c))
                add(&m, next, now->pc[t] + 1, at + length, now->spans + t * m.width);
        }
        count(context, m.steps / 4 + 1);
        m.steps = 0;
        if (at >= size) break;
        struct threads *swap = now;
        now = next;
        next = swap;
    }
    return found;
}
