/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids must be usable as they are in Lua, C and C++: expressions and generated code name them.
 */
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "workflow/check.h"

/* Latin letters with marks, U+00C0 to U+017F, without them; '.': no letter. The other alphabets have no short way
 * here. */
static const char *
plain_latin(const char *text, size_t *size)
{
    static const char *const first[64] = {"a", "a", "a",  "a", "ae", "a",  "ae", "c", "e",  "e",  "e",  "e", "i",
                                          "i", "i", "i",  "d", "n",  "o",  "o",  "o", "o",  "oe", ".",  "o", "u",
                                          "u", "u", "ue", "y", "th", "ss", "a",  "a", "a",  "a",  "ae", "a", "ae",
                                          "c", "e", "e",  "e", "e",  "i",  "i",  "i", "i",  "d",  "n",  "o", "o",
                                          "o", "o", "oe", ".", "o",  "u",  "u",  "u", "ue", "y",  "th", "y"};
    static const char further[] =
        "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrr"
        "ssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
    static char one[2];
    const unsigned char *p = (const unsigned char *)text;
    *size = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 1;
    if (p[0] == 0xc3) return first[p[1] & 0x3f];
    if (p[0] != 0xc4 && p[0] != 0xc5) return NULL;
    one[0] = further[(size_t)(p[0] - 0xc4) << 6 | (p[1] & 0x3f)];
    return one;
}

/* The text in letters that an id may have; NULL when it has some that they cannot stand for. */
static const char *
latin(struct arena *arena, const char *text)
{
    const char *ret = "";
    for (const char *p = text; *p;) {
        size_t size = strspn(
            p, " !#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~'\"`\\");
        const char *letters = arena_strndup(arena, p, size);
        if (size == 0) {
            letters = plain_latin(p, &size);
            /* Quotes of a word processor are no letters either way. */
            if (letters == NULL && (unsigned char)*p == 0xe2) letters = " ";
            if (letters == NULL) return NULL;
        }
        ret = arena_printf(arena, "%s%s", ret, letters);
        p += size;
    }
    return ret;
}

const char *
check_id_like(struct arena *arena, const char *text)
{
    if (strlen(text) > LIMIT_ID_SIZE || (text = latin(arena, text)) == NULL) return "";
    size_t size = strlen(text) > 60 ? 60 : strlen(text), used = 0;
    char *ret = arena_alloc(arena, size + 8);
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool upper = c >= 'A' && c <= 'Z', letter = (c >= 'a' && c <= 'z') || upper, digit = c >= '0' && c <= '9';
        bool border = upper && used > 0 && text[i - 1] >= 'a' && text[i - 1] <= 'z';
        if (border || (!letter && !digit && used > 0 && ret[used - 1] != '_')) ret[used++] = '_';
        if (digit && used == 0) continue;
        if (letter || digit) ret[used++] = upper ? (char)(c + 32) : c;
        if (used + 2 >= size + 8) break;
    }
    while (used > 0 && ret[used - 1] == '_') used--;
    ret[used] = '\0';
    if (str_is_keyword(ret)) return arena_printf(arena, "%s_step", ret);
    return ret;
}

bool
check_id(struct check *check, const char *id, const char *noun, int line, int column)
{
    const char *rule = "An id has lower-case letters, digits and `_`, and begins with a letter.";
    if (strlen(id) > LIMIT_ID_SIZE) {
        diag_add(check->diags, DIAG_ERROR, line, column, "bad-id", NULL, "an id is longer than %u characters",
                 LIMIT_ID_SIZE);
        return false;
    }
    if (str_is_id(id) && !str_is_keyword(id)) return true;
    const char *better = check_id_like(check->arena, id);
    const char *hint = *better != '\0' ? arena_printf(check->arena, "%s Try `%s`.", rule, better) : rule;
    if (str_starts(id, "\xe2\x80\x9c") || str_starts(id, "\xe2\x80\x98"))
        hint = "These quotes are letters to YAML: write none, or straight ones.";
    if (str_is_keyword(id)) {
        hint = "Choose another name: expressions and programs could not use this one.";
        diag_add(check->diags, DIAG_ERROR, line, column, "bad-id", hint,
                 "\"%s\" cannot be %s: it is a keyword of Lua, C or C++", id, noun);
    } else {
        diag_add(check->diags, DIAG_ERROR, line, column, "bad-id", hint, "\"%.200s\" cannot be %s", id, noun);
    }
    return false;
}

static ptrdiff_t
find_member(const struct value *map, const char *name)
{
    for (size_t i = 0; i < map->map.count; i++)
        if (str_eq(map->map.names[i], name)) return (ptrdiff_t)i;
    return -1;
}

const struct value *
check_merge(struct arena *arena, const struct value *base, const struct value *over)
{
    if (base == NULL) return over;
    if (over == NULL) return base;
    size_t capacity = 4;
    while (capacity < base->map.count + over->map.count) capacity *= 2;
    struct value *ret = value_map(arena);
    ret->line = over->line;
    ret->column = over->column;
    ret->map.names = ARENA_ARRAY(arena, capacity, const char *);
    ret->map.values = ARENA_ARRAY(arena, capacity, const struct value *);
    ret->map.places = ARENA_ARRAY(arena, capacity, uint32_t);
    const struct value *const layers[] = {base, over};
    for (size_t layer = 0; layer < 2; layer++)
        for (size_t i = 0; i < layers[layer]->map.count; i++) {
            ptrdiff_t at = find_member(ret, layers[layer]->map.names[i]);
            size_t to = at < 0 ? ret->map.count++ : (size_t)at;
            ret->map.names[to] = layers[layer]->map.names[i];
            ret->map.values[to] = layers[layer]->map.values[i];
            ret->map.places[to] = layers[layer]->map.places != NULL ? layers[layer]->map.places[i] : 0;
        }
    return ret;
}
