/* SPDX-License-Identifier: Apache-2.0
 *
 * libyaml's events become values in one pass. An alias is the same node once more, so it costs no memory; what it
 * would expand to is counted all the same, because whoever walks the tree walks it expanded.
 */
#include "workflow/parse.h"

#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "base/limits.h"
#include "base/str.h"
#include "workflow/names.h"
#include "workflow/parse_fault.h"
#include "workflow/yaml.h"

struct anchor {
    const struct value *node; /* NULL while it is being read */
    size_t size;              /* nodes it stands for, aliases in it expanded */
};

struct parser {
    yaml_parser_t yaml;
    yaml_event_t event;
    struct arena *arena, scratch;
    struct diags *diags;
    const char *text, *end;
    struct names anchor_names;
    struct anchor *anchors;
    size_t nodes, aliased;
    /* libyaml counts characters; this is the byte that character `seen` starts at. Events come in order. */
    const char *byte;
    size_t seen;
    /* What libyaml was given of the text: more than a value may have without a value from it is a bomb. */
    size_t given, given_at_event;
    bool overfull;
    yaml_mark_t last; /* where the last event ended */
};

static const struct value *read_node(struct parser *parser, unsigned depth);

static int
give(void *context, unsigned char *buffer, size_t room, size_t *size)
{
    struct parser *parser = context;
    size_t left = (size_t)(parser->end - parser->text) - parser->given;
    parser->overfull = parser->given - parser->given_at_event > LIMIT_VALUE_TEXT;
    if (parser->overfull) return 0;
    *size = left < room ? left : room;
    memcpy(buffer, parser->text + parser->given, *size);
    parser->given += *size;
    return 1;
}

static bool
next_event(struct parser *parser)
{
    if (diags_full(parser->diags)) return false;
    parser->last = parser->event.end_mark;
    yaml_event_delete(&parser->event);
    if (yaml_parser_parse(&parser->yaml, &parser->event)) {
        parser->given_at_event = parser->given;
        return true;
    }
    if (parser->overfull) {
        diag_add(parser->diags, DIAG_ERROR, (int)parser->last.line + 1, (int)parser->last.column + 1, "too-large",
                 "Keep large texts in a file of their own, and let the step read it.",
                 "the value behind this is larger than %u bytes", LIMIT_VALUE_TEXT);
        return false;
    }
    const yaml_parser_t *yaml = &parser->yaml;
    struct parse_fault fault = {.problem = yaml->problem != NULL ? yaml->problem : "out of memory",
                                .context = yaml->context,
                                .line = (int)yaml->problem_mark.line + 1,
                                .column = (int)yaml->problem_mark.column + 1,
                                .context_line = (int)yaml->context_mark.line + 1,
                                .context_column = (int)yaml->context_mark.column + 1};
    parse_fault_report(&fault, parser->text, (size_t)(parser->end - parser->text), parser->diags);
    return false;
}

__attribute__((format(printf, 5, 6))) static void
report(struct parser *parser, const yaml_mark_t *mark, const char *code, const char *hint, const char *fmt, ...)
{
    struct arena_mark scratch = arena_mark(&parser->scratch);
    va_list ap;
    va_start(ap, fmt);
    const char *message = arena_vprintf(&parser->scratch, fmt, ap);
    va_end(ap);
    diag_add(parser->diags, DIAG_ERROR, (int)mark->line + 1, (int)mark->column + 1, code, hint, "%s", message);
    arena_rewind(&parser->scratch, scratch);
}

static void
set_place(struct value *value, size_t line, size_t column)
{
    value->line = (uint32_t)line + 1;
    value->column = (uint32_t)column + 1;
}

/* Where the content of a block scalar (`|`, `>`) begins: its first line that is not blank gives the column, less the
 * blanks that belong to the text (`|2`). */
static void
place_block(struct parser *parser, struct value *value, const yaml_mark_t *mark)
{
    while (parser->seen < mark->index && parser->byte < parser->end) {
        do parser->byte++;
        while (parser->byte < parser->end && ((unsigned char)*parser->byte & 0xc0) == 0x80);
        parser->seen++;
    }
    const char *p = parser->byte;
    size_t column = 0;
    while (p < parser->end && *p != '\n' && *p != '\r') p++;
    while (p < parser->end && strchr("\r\n ", *p) != NULL) {
        column = *p == ' ' ? column + 1 : 0;
        p++;
    }
    const char *text = value->text.ptr + strspn(value->text.ptr, "\n");
    size_t own = strspn(text, " ");
    set_place(value, mark->line + 1, column > own ? column - own : 0);
}

static const struct value *
read_scalar(struct parser *parser)
{
    const yaml_event_t *event = &parser->event;
    const char *text = (const char *)event->data.scalar.value, *why = NULL;
    size_t size = event->data.scalar.length;
    const yaml_mark_t *mark = &event->start_mark;
    yaml_scalar_style_t style = event->data.scalar.style;
    const struct value *plain = NULL;
    if (style == YAML_PLAIN_SCALAR_STYLE) {
        plain = yaml_scalar(parser->arena, text, size, &why);
        if (plain == NULL)
            report(parser, mark, "wrong-value", "Put it in quotes if it is text.", "`%s` is %s", text, why);
        if (plain == NULL) plain = value_null(parser->arena);
    }
    struct value *ret = value_new(parser->arena, VALUE_STRING);
    if (plain != NULL) {
        *ret = *plain;
    } else {
        ret->text.ptr = arena_strndup(parser->arena, text, size);
        ret->text.size = size;
    }
    if (memchr(text, '\0', size) != NULL)
        report(parser, mark, "encoding", "Texts end at NUL for most programs; leave it out.", "the text holds a NUL");
    bool quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) place_block(parser, ret, mark);
    else set_place(ret, mark->line, mark->column + quoted);
    return ret;
}

/* Arrays grow to powers of two from 4, as value_push() expects. */
static void *
grown(struct arena *arena, const void *old, size_t count, size_t size)
{
    if (count != 0 && (count < 4 || (count & (count - 1)) != 0)) return NULL;
    void *ret = arena_array(arena, count == 0 ? 4 : count * 2, size);
    if (count) memcpy(ret, old, count * size);
    return ret;
}

static const struct value *
read_list(struct parser *parser, unsigned depth)
{
    struct value *ret = value_list(parser->arena);
    set_place(ret, parser->event.start_mark.line, parser->event.start_mark.column);
    for (;;) {
        if (!next_event(parser)) return NULL;
        if (parser->event.type == YAML_SEQUENCE_END_EVENT) return ret;
        if (ret->list.count >= LIMIT_ITEMS) {
            report(parser, &parser->event.start_mark, "too-large", NULL, "a list of more than %u items", LIMIT_ITEMS);
            return NULL;
        }
        const struct value *item = read_node(parser, depth + 1);
        if (item == NULL) return NULL;
        value_push(parser->arena, ret, item);
    }
}

/* The name of the next member, or NULL: end of the map, or an error when *failed. */
static const char *
read_name(struct parser *parser, unsigned depth, bool *failed)
{
    const yaml_event_t *event = &parser->event;
    *failed = !next_event(parser);
    if (*failed || event->type == YAML_MAPPING_END_EVENT) return NULL;
    yaml_mark_t mark = event->start_mark;
    if (event->type != YAML_SCALAR_EVENT) {
        bool map = event->type == YAML_MAPPING_START_EVENT;
        report(parser, &mark, "key-type",
               map ? "Expressions are written `${{ … }}`, and inside `{}` and `[]` they need quotes."
                   : "Write the name as plain text.",
               "a name in a map must be text, not %s",
               map ? "a map" : event->type == YAML_ALIAS_EVENT ? "an alias" : "a list");
        *failed = read_node(parser, depth + 1) == NULL;
        return *failed ? NULL : "";
    }
    const char *text = (const char *)event->data.scalar.value;
    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL)
        report(parser, &mark, "key-type", NULL, "a name in a map takes no anchor and no tag");
    if (memchr(text, '\0', event->data.scalar.length) != NULL)
        report(parser, &mark, "encoding", NULL, "a name holds a NUL");
    return arena_strndup(parser->arena, text, event->data.scalar.length);
}

static uint32_t
pack_place(const yaml_mark_t *mark)
{
    uint32_t line = mark->line >= 0xfffff ? 0 : (uint32_t)mark->line + 1;
    uint32_t column = mark->column >= 0xfff ? 0xfff : (uint32_t)mark->column + 1;
    return line << 12 | column;
}

static void
map_append(struct arena *arena, struct value *map, const char *name, const struct value *value, uint32_t place)
{
    size_t count = map->map.count;
    void *names = grown(arena, map->map.names, count, sizeof *map->map.names);
    if (names != NULL) {
        map->map.names = names;
        map->map.values = grown(arena, map->map.values, count, sizeof *map->map.values);
        map->map.places = grown(arena, map->map.places, count, sizeof *map->map.places);
    }
    map->map.names[count] = name;
    map->map.values[count] = value;
    map->map.places[count] = place;
    map->map.count++;
}

/* What a map merges has only the names that it does not have itself; of several maps the first wins. Aliases are
 * counted where they stand, so this is bounded by them. */
static void
merge_map(struct parser *parser, struct value *to, struct names *names, const struct value *from)
{
    for (size_t i = 0; i < from->map.count; i++)
        if (names_add(names, from->map.names[i]) < 0)
            map_append(parser->arena, to, from->map.names[i], from->map.values[i],
                       from->map.places != NULL ? from->map.places[i] : 0);
}

static void
merge_all(struct parser *parser, struct value *to, struct names *names, const struct value *from)
{
    if (from == NULL) return;
    if (from->type == VALUE_MAP) merge_map(parser, to, names, from);
    for (size_t i = 0; from->type == VALUE_LIST && i < from->list.count; i++)
        merge_map(parser, to, names, from->list.items[i]);
}

static bool
can_merge(const struct value *value)
{
    if (value->type != VALUE_LIST) return value->type == VALUE_MAP;
    for (size_t i = 0; i < value->list.count; i++)
        if (value->list.items[i]->type != VALUE_MAP) return false;
    return true;
}

static const struct value *
read_map(struct parser *parser, unsigned depth)
{
    const struct value *merged = NULL;
    struct value *ret = value_map(parser->arena);
    set_place(ret, parser->event.start_mark.line, parser->event.start_mark.column);
    struct names names; /* needed until the map ends, and maps end in the order of their nesting */
    struct arena_mark before = arena_mark(&parser->scratch);
    names_init(&names, &parser->scratch);
    for (;;) {
        bool failed;
        const char *name = read_name(parser, depth, &failed);
        if (failed) return NULL;
        if (name == NULL) {
            merge_all(parser, ret, &names, merged);
            arena_rewind(&parser->scratch, before);
            return ret;
        }
        yaml_mark_t mark = parser->event.start_mark;
        bool plain = parser->event.type == YAML_SCALAR_EVENT &&
                     parser->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        bool named = parser->event.type == YAML_SCALAR_EVENT;
        if (!next_event(parser)) return NULL;
        const struct value *value = read_node(parser, depth + 1);
        if (value == NULL) return NULL;
        if (!named) continue;
        if (plain && str_eq(name, "<<")) {
            if (merged != NULL)
                report(parser, &mark, "duplicate-key", "Merge several with one list: `<<: [*a, *b]`.",
                       "\"<<\" is given twice");
            else if (!can_merge(value))
                report(parser, &mark, "merge-key", "Write `<<: *name`, where `&name` stands before a map.",
                       "\"<<\" takes a map or a list of maps, and this is %s%s",
                       value->type == VALUE_LIST ? "no list of maps" : "of type ",
                       value->type == VALUE_LIST ? "" : value_type_name(value->type));
            else merged = value;
            continue;
        }
        ptrdiff_t first = names_add(&names, name);
        if (names.count > LIMIT_MEMBERS) {
            report(parser, &mark, "too-large", NULL, "a map of more than %u names", LIMIT_MEMBERS);
            return NULL;
        }
        if (first < 0) {
            map_append(parser->arena, ret, name, value, pack_place(&mark));
            continue;
        }
        int line, column;
        parse_name_place(ret, (size_t)first, &line, &column);
        report(parser, &mark, "duplicate-key", "Keep one of the two.",
               "\"%s\" is given twice, first in line %d", name, line);
    }
}

static const struct value *
read_alias(struct parser *parser)
{
    const yaml_mark_t *mark = &parser->event.start_mark;
    const char *name = (const char *)parser->event.data.alias.anchor;
    ptrdiff_t i = names_find(&parser->anchor_names, name);
    if (i < 0) {
        const char *near = str_nearest(name, parser->anchor_names.list, parser->anchor_names.count);
        const char *hint = near != NULL ? arena_printf(parser->arena, "Did you mean `*%s`?", near)
                                        : "A text that begins with `*` needs quotes.";
        report(parser, mark, "alias", hint, "there is no anchor \"&%s\" before this alias", name);
        return NULL;
    }
    if (parser->anchors[i].node == NULL) {
        report(parser, mark, "alias", NULL, "the alias \"*%s\" stands inside its own anchor", name);
        return NULL;
    }
    parser->nodes += parser->anchors[i].size;
    parser->aliased += parser->anchors[i].size;
    if (parser->aliased > LIMIT_ALIASES) {
        report(parser, mark, "alias", NULL, "aliases expand to more than %u values", LIMIT_ALIASES);
        return NULL;
    }
    return parser->anchors[i].node;
}

/* The number of the anchor that begins here, -1 without one. */
static ptrdiff_t
open_anchor(struct parser *parser, const char *name)
{
    if (name == NULL) return -1;
    size_t count = parser->anchor_names.count;
    ptrdiff_t i = names_add(&parser->anchor_names, arena_strdup(parser->arena, name));
    if (i < 0) {
        struct anchor *anchors = grown(parser->arena, parser->anchors, count, sizeof *anchors);
        if (anchors != NULL) parser->anchors = anchors;
        i = (ptrdiff_t)count;
    }
    parser->anchors[i] = (struct anchor){0};
    return i;
}

static const struct value *
read_node(struct parser *parser, unsigned depth)
{
    const yaml_event_t *event = &parser->event;
    if (event->type == YAML_ALIAS_EVENT) return read_alias(parser);
    const char *tag, *name;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        tag = (const char *)event->data.scalar.tag;
        name = (const char *)event->data.scalar.anchor;
        break;
    case YAML_SEQUENCE_START_EVENT:
        tag = (const char *)event->data.sequence_start.tag;
        name = (const char *)event->data.sequence_start.anchor;
        break;
    default:
        tag = (const char *)event->data.mapping_start.tag;
        name = (const char *)event->data.mapping_start.anchor;
        break;
    }
    if (depth > LIMIT_DEPTH) {
        report(parser, &event->start_mark, "too-deep", NULL, "values are nested more than %u deep", LIMIT_DEPTH);
        return NULL;
    }
    if (tag != NULL) {
        bool core = str_starts(tag, "tag:yaml.org,2002:");
        report(parser, &event->start_mark, "tag", "Leave it out; quotes make a text of anything.",
               "YAML tags are not used here (\"%s%s\")", core ? "!!" : "", core ? strchr(tag, '2') + 5 : tag);
    }
    if (parser->nodes - parser->aliased >= LIMIT_NODES) {
        report(parser, &event->start_mark, "too-large", NULL, "the file holds more than %u values", LIMIT_NODES);
        return NULL;
    }
    ptrdiff_t anchor = open_anchor(parser, name);
    size_t before = parser->nodes++;
    const struct value *ret = event->type == YAML_SCALAR_EVENT           ? read_scalar(parser)
                              : event->type == YAML_SEQUENCE_START_EVENT ? read_list(parser, depth)
                                                                         : read_map(parser, depth);
    if (anchor >= 0 && ret != NULL) parser->anchors[anchor] = (struct anchor){ret, parser->nodes - before};
    return ret;
}

static const struct value *
read_document(struct parser *parser)
{
    if (!next_event(parser) || !next_event(parser)) return NULL; /* start of stream and document */
    const yaml_version_directive_t *version = parser->event.data.document_start.version_directive;
    if (parser->event.type == YAML_DOCUMENT_START_EVENT && version != NULL && version->minor < 2)
        report(parser, &parser->event.start_mark, "syntax", "Leave the directive out.",
               "the file asks for YAML %d.%d; Levada reads YAML 1.2", version->major, version->minor);
    if (parser->event.type != YAML_DOCUMENT_START_EVENT) return value_null(parser->arena);
    if (!next_event(parser)) return NULL;
    const struct value *ret = read_node(parser, 0);
    if (ret == NULL || !next_event(parser)) return NULL; /* end of document */
    if (!next_event(parser)) return NULL;
    if (parser->event.type != YAML_STREAM_END_EVENT)
        report(parser, &parser->event.start_mark, "documents", "Put it into a file of its own.",
               "a second YAML document begins here");
    return ret;
}

const struct value *
parse_yaml(struct arena *arena, const char *text, size_t size, struct diags *diags)
{
    if (!yaml_source_check(text, size, diags)) return NULL;
    struct parser parser = {.arena = arena, .diags = diags, .text = text, .end = text + size, .byte = text};
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) parser.byte += 3;
    names_init(&parser.anchor_names, arena);
    if (!yaml_parser_initialize(&parser.yaml)) {
        diag_add(diags, DIAG_ERROR, 0, 0, "syntax", NULL, "no memory for the YAML parser");
        return NULL;
    }
    yaml_parser_set_input(&parser.yaml, give, &parser);
    const struct value *ret = read_document(&parser);
    yaml_event_delete(&parser.event);
    yaml_parser_delete(&parser.yaml);
    arena_release(&parser.scratch);
    return ret;
}

void
parse_name_place(const struct value *map, size_t i, int *line, int *column)
{
    uint32_t place = map->map.places != NULL ? map->map.places[i] : 0;
    *line = (int)(place >> 12 ? place >> 12 : map->line);
    *column = (int)(place >> 12 ? place & 0xfff : map->column);
}

void
parse_key_place(const struct value *map, const char *name, int *line, int *column)
{
    *line = (int)map->line;
    *column = (int)map->column;
    for (size_t i = 0; i < map->map.count; i++)
        if (str_eq(map->map.names[i], name)) parse_name_place(map, i, line, column);
}
