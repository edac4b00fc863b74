/* SPDX-License-Identifier: Apache-2.0
 *
 * The masker: no form of a secret comes out, however it is cut, and nothing else is lost.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "check.h"
#include "run/mask.h"

static struct mask *
mask_of(struct arena *arena, const char *const *secrets, size_t count)
{
    struct mask *mask = mask_new(arena);
    for (size_t i = 0; i < count; i++) {
        struct err err;
        CHECK_INT(mask_add(mask, secrets[i], strlen(secrets[i]), &err), 0);
    }
    return mask;
}

#define MASK_OF(arena, ...) \
    mask_of((arena), (const char *const[]){__VA_ARGS__}, \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void
every_occurrence_becomes_three_stars(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct mask *mask = MASK_OF(&arena, "hunter22", "s3cr3t!value");
    static const struct { const char *from, *to; } cases[] = {
        {"", ""},
        {"nothing here", "nothing here"},
        {"hunter22", "***"},
        {"a hunter22 b hunter22 c", "a *** b *** c"},
        {"hunter2", "hunter2"},
        {"hunter2hunter22", "hunter2***"},
        {"hunter22s3cr3t!value", "***"},
        {"hunter22hunter22", "***"},
        {"xhunter22-s3cr3t!valuey", "x***-***y"},
        {"\nhunter22\n", "\n***\n"},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++)
        CHECK_STR(mask_text(mask, &arena, cases[i].from), cases[i].to);
}

static void
overlapping_secrets_are_masked_as_one(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct mask *mask = MASK_OF(&arena, "abcdef", "defghi", "cdefgh", "abcdefghijkl");
    CHECK_STR(mask_text(mask, &arena, "xabcdefghix"), "x***x");
    CHECK_STR(mask_text(mask, &arena, "xabcdefghijklx"), "x***x");
    CHECK_STR(mask_text(mask, &arena, "abcdefabcdefghi"), "***");
    CHECK_STR(mask_text(mask, &arena, "abcde abcdefg defghi"), "abcde ***g ***");
    struct mask *same = MASK_OF(&arena, "aaaaaa");
    CHECK_STR(mask_text(same, &arena, "aaaaaaaaab"), "***b");
    CHECK_STR(mask_text(same, &arena, "aaaaab"), "aaaaab");
}

static void
forms_that_programs_print_are_masked(void)
{
    struct arena arena ARENA_SCOPED = {0};
    /* Each form was made by the program named, from the value below. */
    struct mask *mask = MASK_OF(&arena, "p@ss w'o\"rd/\\$1&<é>\n2");
    /* A digit of base64 that depends on the neighbour too stays: it holds two or four bits of the value. */
    static const struct { const char *program, *text, *want; } cases[] = {
        {"printf | base64", "cEBzcyB3J28icmQvXCQxJjzDqT4KMg==", "***"},
        {"printf user: | base64", "dXNlcjpwQHNzIHcnbyJyZC9cJDEmPMOpPgoy", "dXNlcjp***"},
        {"printf ab: | base64", "YWI6cEBzcyB3J28icmQvXCQxJjzDqT4KMg==", "YWI6***"},
        {"printf abcd: | base64", "YWJjZDpwQHNzIHcnbyJyZC9cJDEmPMOpPgoy", "YWJjZDp***"},
        {"xxd -p", "704073732077276f2272642f5c2431263cc3a93e0a32", "***"},
        {"xxd -p -u", "704073732077276F2272642F5C2431263CC3A93E0A32", "***"},
        {"urllib.parse.quote safe=''", "p%40ss%20w%27o%22rd%2F%5C%241%26%3C%C3%A9%3E%0A2", "***"},
        {"urllib.parse.quote_plus", "x=p%40ss+w%27o%22rd%2F%5C%241%26%3C%C3%A9%3E%0A2&", "x=***&"},
        {"encodeURIComponent", "p%40ss%20w'o%22rd%2F%5C%241%26%3C%C3%A9%3E%0A2", "***"},
        {"JSON.stringify", "{\"a\":\"p@ss w'o\\\"rd/\\\\$1&<é>\\n2\"}", "{\"a\":\"***\"}"},
        {"json.dumps", "\"p@ss w'o\\\"rd/\\\\$1&<\\u00e9>\\n2\"", "\"***\""},
        {"json_encode", "p@ss w'o\\\"rd\\/\\\\$1&<é>\\n2", "***"},
        {"shlex.quote", "'p@ss w'\"'\"'o\"rd/\\$1&<é>\n2'", "'***'"},
        {"bash set -x", "+ echo 'p@ss w'\\''o\"rd/\\$1&<é>\n2'", "+ echo '***'"},
        {"in double quotes", "\"p@ss w'o\\\"rd/\\\\\\$1&<é>\n2\"", "\"***\""},
        {"html.escape", "<p>p@ss w&#x27;o&quot;rd/\\$1&amp;&lt;é&gt;\n2</p>", "<p>***</p>"},
        {"htmlspecialchars", "<p>p@ss w&#39;o&quot;rd/\\$1&amp;&lt;é&gt;\n2</p>", "<p>***</p>"},
        {"quote_literal", "'p@ss w''o\"rd/\\$1&<é>\n2'", "'***'"},
        {"the first line alone", "p@ss w'o\"rd/\\$1&<é>", "***"},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        const char *got = mask_text(mask, &arena, cases[i].text);
        if (strcmp(got, cases[i].want) != 0) printf("\n%s:", cases[i].program);
        CHECK_STR(got, cases[i].want);
    }
    struct mask *url = MASK_OF(&arena, "\xff\xfe\xfd?" "?>>~~");
    CHECK_STR(mask_text(url, &arena, "//79Pz8+Pn5+"), "***");
    CHECK_STR(mask_text(url, &arena, "__79Pz8-Pn5-"), "***");
}

static void
base64_in_lines_is_masked(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct mask *mask = MASK_OF(
        &arena, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdef");
    const char *text = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6QUJDREVGR0hJSktMTU5PUFFSU1R"
                       "V\nVldYWVowMTIzNDU2Nzg5YWJjZGVm\n";
    CHECK_STR(mask_text(mask, &arena, text), "***\n***\n");
}

static void
lines_of_a_key_are_masked_one_by_one(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct mask *mask = MASK_OF(&arena, "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\r\n  "
                                        "hkiG9w0BAQEFAASC\nshort\n-----END PRIVATE KEY-----\n");
    CHECK_STR(mask_text(mask, &arena, "read MIIEvQIBADANBgkq, then hkiG9w0BAQEFAASC, short"),
              "read ***, then ***, short");
    CHECK_STR(mask_text(mask, &arena, "-----BEGIN PRIVATE KEY-----"), "-----BEGIN PRIVATE KEY-----");
}

static uint64_t
next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The plain way: every byte of every occurrence marked, runs replaced. Forms of these values are
 * the values. */
static void
mask_slowly(const char *text, size_t size, const char *const *secrets, size_t count, struct buf *out)
{
    static bool marked[4096];
    memset(marked, 0, sizeof marked);
    for (size_t i = 0; i < size; i++)
        for (size_t s = 0; s < count; s++) {
            size_t length = strlen(secrets[s]);
            if (size - i >= length && memcmp(text + i, secrets[s], length) == 0)
                memset(marked + i, 1, length);
        }
    for (size_t i = 0; i < size; i++) {
        if (!marked[i]) buf_char(out, text[i]);
        else if (i == 0 || !marked[i - 1]) buf_text(out, "***");
    }
}

static void
any_cut_into_writes_gives_the_same(void)
{
    static const char *const secrets[] = {"ababab", "abcabcabc", "bbbbbb",
                                          "cababa", "aaabbbccc", "abacabacabac"};
    uint64_t state = 88172645463325252u;
    struct arena arena ARENA_SCOPED = {0};
    struct mask *mask = mask_of(&arena, secrets, CHECK_COUNT(secrets));
    size_t masked = 0;
    for (int round = 0; round < 3000; round++) {
        char text[400];
        size_t size = next_number(&state) % sizeof text;
        for (size_t i = 0; i < size;) {
            const char *piece = secrets[next_number(&state) % CHECK_COUNT(secrets)];
            size_t part = next_number(&state) % 3 ? 1 + next_number(&state) % 3 : strlen(piece);
            for (size_t k = 0; k < part && i < size; k++)
                text[i++] = part < 4 ? "abc"[next_number(&state) % 3] : piece[k];
        }
        struct buf want BUF_SCOPED, got BUF_SCOPED;
        buf_init(&want, 1 << 16);
        buf_init(&got, 1 << 16);
        mask_slowly(text, size, secrets, CHECK_COUNT(secrets), &want);
        struct mask_stream stream = {0};
        for (size_t at = 0; at < size;) {
            size_t piece = 1 + next_number(&state) % (round % 2 ? 3 : 50);
            if (piece > size - at) piece = size - at;
            mask_write(mask, &stream, text + at, piece, &got);
            at += piece;
        }
        mask_flush(mask, &stream, &got);
        mask_stream_release(&stream);
        if (want.size != size) masked++;
        if (want.size != got.size || memcmp(buf_str(&want), buf_str(&got), want.size) != 0) {
            CHECK_STR(buf_str(&got), buf_str(&want));
            break;
        }
    }
    CHECK(masked > 1000);
}

static void
no_more_is_held_back_than_may_begin_a_secret(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct mask *mask = MASK_OF(&arena, "hunter22");
    struct mask_stream stream = {0};
    struct buf out BUF_SCOPED;
    buf_init(&out, 4096);
    mask_write(mask, &stream, "a line\n", 7, &out);
    CHECK_STR(buf_str(&out), "a line\n");
    mask_write(mask, &stream, "say hunt", 8, &out);
    CHECK_STR(buf_str(&out), "a line\nsay ");
    mask_write(mask, &stream, "er21", 4, &out);
    CHECK_STR(buf_str(&out), "a line\nsay hunter21");
    mask_write(mask, &stream, "hunter2", 7, &out);
    mask_flush(mask, &stream, &out);
    CHECK_STR(buf_str(&out), "a line\nsay hunter21hunter2");
    mask_stream_release(&stream);
}

static void
a_secret_learned_late_is_found_in_what_is_held_back(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct mask *mask = MASK_OF(&arena, "hunter22hunter33");
    struct mask_stream stream = {0};
    struct buf out BUF_SCOPED;
    struct err err;
    buf_init(&out, 4096);
    mask_write(mask, &stream, "x hunter22", 10, &out);
    CHECK_STR(buf_str(&out), "x ");
    CHECK_INT(mask_add(mask, "hunter22", 8, &err), 0);
    mask_write(mask, &stream, "!", 1, &out);
    CHECK_STR(buf_str(&out), "x ***!");
    CHECK_INT(mask_add(mask, "other-value", 11, &err), 0);
    mask_write(mask, &stream, "hunter22other-value.", 20, &out);
    mask_flush(mask, &stream, &out);
    CHECK_STR(buf_str(&out), "x ***!***.");
    mask_stream_release(&stream);
}

static void
without_secrets_it_is_a_copy(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct mask *mask = mask_new(&arena);
    struct mask_stream stream = {0};
    struct buf out BUF_SCOPED;
    buf_init(&out, 4096);
    CHECK(mask_empty(mask));
    mask_write(mask, &stream, "any\0thing", 9, &out);
    mask_flush(mask, &stream, &out);
    CHECK_INT(out.size, 9);
    CHECK(memcmp(out.data, "any\0thing", 9) == 0);
    const char *text = "text";
    CHECK(mask_text(mask, &arena, text) == text);
    mask_stream_release(&stream);
}

static void
values_too_short_or_too_long_are_refused(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct mask *mask = mask_new(&arena);
    struct err err;
    CHECK_INT(mask_add(mask, "12345", 5, &err), EXIT_INVALID);
    CHECK_STR(err.message, "a secret of less than 6 bytes cannot be masked");
    CHECK(strstr(err.hint, "12345") == NULL);
    char *large = arena_alloc(&arena, LIMIT_SECRET_SIZE + 2);
    memset(large, 'k', LIMIT_SECRET_SIZE + 1);
    CHECK_INT(mask_add(mask, large, LIMIT_SECRET_SIZE + 1, &err), EXIT_INVALID);
    CHECK_STR(err.message, "a secret of more than 64 KiB");
    CHECK(mask_empty(mask));
}

static void
the_largest_secret_is_masked_in_pieces(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct mask *mask = mask_new(&arena);
    struct err err;
    uint64_t state = 42;
    char *large = arena_alloc(&arena, LIMIT_SECRET_SIZE + 1);
    for (size_t i = 0; i < LIMIT_SECRET_SIZE; i++) large[i] = (char)('!' + next_number(&state) % 90);
    CHECK_INT(mask_add(mask, large, LIMIT_SECRET_SIZE, &err), 0);
    struct mask_stream stream = {0};
    struct buf out BUF_SCOPED;
    buf_init(&out, 1 << 20);
    mask_write(mask, &stream, "<", 1, &out);
    for (size_t at = 0; at < LIMIT_SECRET_SIZE; at += 4096) mask_write(mask, &stream, large + at, 4096, &out);
    mask_write(mask, &stream, ">", 1, &out);
    mask_flush(mask, &stream, &out);
    CHECK_STR(buf_str(&out), "<***>");
    mask_stream_release(&stream);
}

static void
a_tree_is_masked_in_texts_and_names(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct mask *mask = MASK_OF(&arena, "hunter22");
    static const char json[] = "{\"a\":[1,\"hunter22\",{\"hunter22\":null}],\"b\":\"xhunter22y\",\"c\":2.5}";
    const struct value *tree, *plain;
    struct err err;
    CHECK_INT(json_parse(&arena, json, strlen(json), &tree, &err), 0);
    CHECK_STR(json_text(&arena, mask_value(mask, &arena, tree)),
              "{\"a\":[1,\"***\",{\"***\":null}],\"b\":\"x***y\",\"c\":2.5}");
    CHECK_INT(json_parse(&arena, "{\"a\":[1,\"b\"]}", 13, &plain, &err), 0);
    CHECK(mask_value(mask, &arena, plain) == plain);
    const struct value *secret = mask_value(mask, &arena, value_textn(&arena, VALUE_SECRET, "another", 7));
    CHECK_INT(secret->type, VALUE_STRING);
    CHECK_STR(secret->text.ptr, "***");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"every occurrence becomes three stars", every_occurrence_becomes_three_stars},
        {"overlapping secrets are masked as one", overlapping_secrets_are_masked_as_one},
        {"forms that programs print are masked", forms_that_programs_print_are_masked},
        {"base64 in lines is masked", base64_in_lines_is_masked},
        {"lines of a key are masked one by one", lines_of_a_key_are_masked_one_by_one},
        {"any cut into writes gives the same", any_cut_into_writes_gives_the_same},
        {"no more is held back than may begin a secret",
         no_more_is_held_back_than_may_begin_a_secret},
        {"a secret learned late is found in what is held back",
         a_secret_learned_late_is_found_in_what_is_held_back},
        {"without secrets it is a copy", without_secrets_it_is_a_copy},
        {"values too short or too long are refused", values_too_short_or_too_long_are_refused},
        {"the largest secret is masked in pieces", the_largest_secret_is_masked_in_pieces},
        {"a tree is masked in texts and names", a_tree_is_masked_in_texts_and_names},
    };
    return check_main("mask", tests, CHECK_COUNT(tests), argc, argv);
}
