/* SPDX-License-Identifier: Apache-2.0
 *
 * The only user of libyaml here. YAML 1.2 core rules: `yes` and `on` are texts; a duplicate key is an error.
 */
#include "document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 32

static json_t *
scalar(const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return json_string(text);
    if (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0) return json_null();
    if (strcmp(text, "true") == 0) return json_true();
    if (strcmp(text, "false") == 0) return json_false();
    char *end;
    if (strspn(text, "+-0123456789.eE") == strlen(text)) {
        errno = 0;
        long long integer = strtoll(text, &end, 10);
        if (*end == '\0' && errno == 0) return json_integer(integer);
        double real = strtod(text, &end);
        if (*end == '\0') return json_real(real);
    }
    return json_string(text);
}

static int
fail_at(struct work *work, const char *path, yaml_mark_t mark, const char *what)
{
    return fault_set(work, LEVADA_INVALID, NULL, "%s:%zu:%zu: %s", path, mark.line + 1, mark.column + 1, what);
}

static int
convert(struct work *work, const char *path, yaml_document_t *document, int index, int depth, json_t **ret)
{
    yaml_node_t *node = yaml_document_get_node(document, index);
    if (depth > DEPTH_MAX) return fail_at(work, path, node->start_mark, "nested too deep");
    int error = 0;
    if (node->type == YAML_SCALAR_NODE) {
        *ret = scalar(node);
        return *ret == NULL ? fail_at(work, path, node->start_mark, "text is not UTF-8") : 0;
    }
    if (node->type == YAML_SEQUENCE_NODE) {
        json_t *list = *ret = json_array();
        for (yaml_node_item_t *item = node->data.sequence.items.start;
             item < node->data.sequence.items.top && error == 0; item++) {
            json_t *value = NULL;
            error = convert(work, path, document, *item, depth + 1, &value);
            json_array_append_new(list, value);
        }
        return error;
    }
    json_t *map = *ret = json_object();
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top && error == 0;
         pair++) {
        yaml_node_t *key = yaml_document_get_node(document, pair->key);
        if (key->type != YAML_SCALAR_NODE) return fail_at(work, path, key->start_mark, "a key must be a text");
        const char *name = (const char *)key->data.scalar.value;
        if (json_object_get(map, name) != NULL)
            return fail_at(work, path, key->start_mark, text_format(work->step, "duplicate key \"%s\"", name));
        json_t *value = NULL;
        error = convert(work, path, document, pair->value, depth + 1, &value);
        json_object_set_new(map, name, value);
    }
    return error;
}

static int
parse(struct work *work, const char *path, const char *content, size_t size, json_t **ret)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)content, size);
    int error;
    if (!yaml_parser_load(&parser, &document)) {
        error = fail_at(work, path, parser.problem_mark, parser.problem != NULL ? parser.problem : "not YAML");
    } else {
        json_t *root = NULL;
        if (yaml_document_get_root_node(&document) == NULL)
            error = fault_set(work, LEVADA_INVALID, NULL, "%s: the file is empty", path);
        else
            error = convert(work, path, &document, 1, 0, &root);
        yaml_document_delete(&document);
        if (error == 0) *ret = root;
        else json_decref(root);
    }
    yaml_parser_delete(&parser);
    return error;
}

int
document_read(struct work *work, const char *path, json_t **ret, const char **content)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return fault_set(work, errno == ENOENT ? LEVADA_MISSING : LEVADA_INVALID, NULL, "cannot open \"%s\": %s",
            path, strerror(errno));
    char *data = work->step->host->alloc(work->step, DOCUMENT_SIZE_MAX + 1);
    size_t size = fread(data, 1, DOCUMENT_SIZE_MAX, file);
    bool failed = ferror(file) != 0, longer = fgetc(file) != EOF;
    fclose(file);
    if (failed) return fault_set(work, LEVADA_INVALID, NULL, "cannot read \"%s\"", path);
    if (longer) return fault_set(work, LEVADA_INVALID, NULL, "\"%s\" is longer than %u bytes", path, DOCUMENT_SIZE_MAX);
    *content = data;
    return parse(work, path, data, size, ret);
}
