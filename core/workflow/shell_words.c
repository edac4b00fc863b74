/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever is not understood makes the whole script not plain: who asks wants to be certain, and is content with
 * silence.
 */
#include "workflow/shell_words.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"
#include "workflow/expr_lex.h"

#define WORDS_MAX 200000u

struct reader {
    struct arena *arena;
    const char *text;
    size_t size, at;
    struct buf word;
    bool in_word, quoted;
    size_t word_at;
    enum { TO_WORD, TO_FILE_READ, TO_FILE_WRITE } to;
    struct shell_words now;
    size_t now_max, depth; /* of conditions and loops */
    bool chained;          /* the command stands behind && or || */
    struct shell_words *list;
    size_t count, max, total;
};

static int
peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->size ? (unsigned char)r->text[r->at + ahead] : -1;
}

static bool
is_assignment(const char *word)
{
    size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return n > 0 && word[n] == '=' && (word[0] < '0' || word[0] > '9');
}

/* A reserved word in a command's place: it changes the depth and is no command. */
static bool
is_keyword(struct reader *r, const char *word)
{
    static const char *const opens[] = {"if", "while", "until", "for", NULL}, *const closes[] = {"fi", "done", NULL},
                      *const others[] = {"then", "else", "elif", "do", "!", NULL};
    for (size_t i = 0; opens[i] != NULL; i++)
        if (str_eq(word, opens[i])) return (void)r->depth++, true;
    for (size_t i = 0; closes[i] != NULL; i++)
        if (str_eq(word, closes[i])) return (void)(r->depth -= r->depth > 0), true;
    for (size_t i = 0; others[i] != NULL; i++)
        if (str_eq(word, others[i])) return true;
    return false;
}

static bool
end_word(struct reader *r)
{
    if (!r->in_word) return true;
    const char *word = arena_strndup(r->arena, buf_str(&r->word), r->word.size);
    bool plain = !r->quoted, first = r->now.count == 0;
    buf_clear(&r->word);
    r->in_word = r->quoted = false;
    if (++r->total > WORDS_MAX) return false;
    if (r->to != TO_WORD) {
        bool nowhere = str_eq(word, "/dev/null") || str_eq(word, "$LEVADA_OUTPUT");
        if (r->to == TO_FILE_WRITE && !nowhere) r->now.writes = true;
        *(r->to == TO_FILE_WRITE ? &r->now.to : &r->now.from) = word;
        r->to = TO_WORD;
        return true;
    }
    /* `for x in a b` is a list of words, `case` and `function` are not plain. */
    if (first && plain && (str_eq(word, "case") || str_eq(word, "function") || str_eq(word, "select") ||
                           str_eq(word, "{") || str_eq(word, "[[") || str_eq(word, "time")))
        return false;
    if (first && plain && is_keyword(r, word)) {
        if (!str_eq(word, "for")) return true;
        word = ":"; /* its words do nothing */
    }
    /* With another path or loader a name may be any program. */
    if (first && is_assignment(word))
        return !str_starts(word, "PATH=") && !str_starts(word, "LD_") && !str_starts(word, "ENV=");
    if (first) r->now.at = r->word_at;
    r->now.words = arena_grow(r->arena, r->now.words, r->now.count, &r->now_max, sizeof *r->now.words);
    r->now.words[r->now.count++] = word;
    return true;
}

static bool
end_command(struct reader *r)
{
    if (!end_word(r) || r->to != TO_WORD) return false;
    if (r->now.count > 0 || r->now.writes) {
        r->now.guarded = r->depth > 0 || r->chained;
        r->list = arena_grow(r->arena, r->list, r->count, &r->max, sizeof *r->list);
        if (r->now.count == 0)
            r->now.words = ARENA_ARRAY(r->arena, 1, const char *), r->now.words[0] = ":", r->now.count = 1;
        r->list[r->count++] = r->now;
    }
    r->now = (struct shell_words){0};
    r->now_max = 0;
    return true;
}

static void
begin_word(struct reader *r)
{
    if (!r->in_word) r->word_at = r->at;
    r->in_word = true;
}

/* At `$`. */
static bool
read_dollar(struct reader *r)
{
    ptrdiff_t close = -1;
    buf_char(&r->word, '$');
    if (peek(r, 1) == '(' || peek(r, 1) == '\'') return false;
    if (peek(r, 1) == '{' && peek(r, 2) == '{') {
        close = lex_template_end(r->text, r->size, r->at + 3);
        if (close < 0) return false;
        r->at = (size_t)close + 2;
    } else if (peek(r, 1) == '{') {
        const char *end = memchr(r->text + r->at, '}', r->size - r->at);
        if (end == NULL) return false;
        for (const char *p = r->text + r->at; p < end; p++)
            if (*p == '`' || (*p == '$' && p[1] == '(')) return false;
        r->at = (size_t)(end + 1 - r->text);
    } else {
        r->at++;
    }
    return true;
}

static bool
read_double(struct reader *r)
{
    for (r->at++; peek(r, 0) != '"';) {
        int c = peek(r, 0);
        if (c < 0 || c == '`') return false;
        if (c == '$') {
            if (!read_dollar(r)) return false;
            continue;
        }
        if (c == '\\' && peek(r, 1) >= 0) r->at++;
        buf_char(&r->word, r->text[r->at++]);
    }
    r->at++;
    return true;
}

static bool
read_redirect(struct reader *r)
{
    /* 2> is a number and no word. */
    if (r->in_word && !r->quoted && strspn(buf_str(&r->word), "0123456789") == r->word.size) {
        buf_clear(&r->word);
        r->in_word = false;
    }
    if (!end_word(r) || r->to != TO_WORD) return false;
    bool out = peek(r, 0) == '>';
    if (peek(r, 1) == '(' || (!out && peek(r, 1) == '<')) return false;
    r->at++;
    if (peek(r, 0) == '&' && ((peek(r, 1) >= '0' && peek(r, 1) <= '9') || peek(r, 1) == '-')) {
        r->at += 2;
        return true;
    }
    if (out && (peek(r, 0) == '>' || peek(r, 0) == '|' || peek(r, 0) == '&')) r->at++;
    if (!out && peek(r, 0) == '>') return false;
    r->to = out ? TO_FILE_WRITE : TO_FILE_READ;
    return true;
}

static bool
read_one(struct reader *r)
{
    int c = peek(r, 0);
    switch (c) {
    case ' ':
    case '\t': r->at++; return end_word(r);
    case '#':
        if (r->in_word) break;
        while (peek(r, 0) >= 0 && peek(r, 0) != '\n') r->at++;
        return true;
    case '\n':
    case ';':
        if (c == ';' && peek(r, 1) == ';') return false;
        r->at++;
        if (!end_command(r)) return false;
        r->chained = false;
        return true;
    case '&':
    case '|':
        if (c == '&' && peek(r, 1) == '>') return false;
        if (!end_command(r)) return false;
        if (peek(r, 1) == c) r->chained = true;
        r->at += peek(r, 1) == c ? 2 : 1;
        return true;
    case '<':
    case '>': return read_redirect(r);
    case '(':
    case ')':
    case '`': return false;
    case '\\':
        if (peek(r, 1) == '\n') {
            r->at += 2;
            return true;
        }
        begin_word(r);
        r->quoted = true;
        if (peek(r, 1) < 0) return false;
        buf_char(&r->word, r->text[r->at + 1]);
        r->at += 2;
        return true;
    case '\'': {
        begin_word(r);
        r->quoted = true;
        const char *start = r->text + r->at + 1, *end = memchr(start, '\'', r->size - r->at - 1);
        if (end == NULL) return false;
        buf_add(&r->word, start, (size_t)(end - start));
        r->at = (size_t)(end + 1 - r->text);
        return true;
    }
    case '"':
        begin_word(r);
        r->quoted = true;
        return read_double(r);
    case '$': begin_word(r); return read_dollar(r);
    default: break;
    }
    begin_word(r);
    buf_char(&r->word, (char)c);
    r->at++;
    return true;
}

bool
shell_words_read(struct arena *arena, const char *text, struct shell_words **ret, size_t *count)
{
    struct reader r = {.arena = arena, .text = text, .size = strlen(text)};
    bool plain = true;
    buf_init(&r.word, LIMIT_WORKFLOW_SIZE);
    while (plain && r.at < r.size) plain = read_one(&r);
    plain = plain && end_command(&r);
    buf_release(&r.word);
    *ret = r.list;
    *count = r.count;
    return plain;
}
