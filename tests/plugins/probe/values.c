/* SPDX-License-Identifier: Apache-2.0
 *
 * Every type in, every type out. JSON is written by hand: a plugin needs libc and the header only.
 */
#include "probe.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A growing text; memory comes from the host and is freed with the attempt. */
struct text {
    struct levada_step *step;
    char *data;
    size_t size, capacity;
};

static void
add(struct text *text, const char *data, size_t size)
{
    if (text->size + size + 1 > text->capacity) {
        size_t capacity = (text->size + size + 1) * 2;
        char *bigger = text->step->host->alloc(text->step, capacity);
        if (text->size) memcpy(bigger, text->data, text->size);
        text->data = bigger;
        text->capacity = capacity;
    }
    memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
}

static void
add_quoted(struct text *text, const char *data)
{
    add(text, "\"", 1);
    for (; *data; data++) {
        char escape[8];
        if (*data == '"' || *data == '\\') add(text, "\\", 1);
        if ((unsigned char)*data < 0x20) {
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*data);
            add(text, escape, 6);
        } else {
            add(text, data, 1);
        }
    }
    add(text, "\"", 1);
}

static void
add_separator(struct text *text, size_t i)
{
    if (i) add(text, ",", 1);
}

static int
set(struct levada_step *step, const char *name, const struct text *text)
{
    return step->host->output(step, name, text->data);
}

static void
add_place(struct text *text, const struct place_in *place)
{
    char number[32];
    add(text, "{\"name\":", 8);
    add_quoted(text, place->name.text);
    snprintf(number, sizeof number, ",\"floor\":%lld", (long long)place->floor.value);
    add(text, number, strlen(number));
    if (LEVADA_HAS(place, floor)) add(text, ",\"floor_given\":true", 19);
    add(text, "}", 1);
}

static int
echo_lists(struct levada_step *step, const struct echo_in *in)
{
    struct text words = {.step = step}, labels = {.step = step}, place = {.step = step}, places = {.step = step};
    add(&words, "[", 1);
    for (size_t i = 0; i < in->words.count; i++) {
        add_separator(&words, i);
        add_quoted(&words, in->words.items[i]);
    }
    add(&words, "]", 1);
    add(&labels, "{", 1);
    for (size_t i = 0; i < in->labels.count; i++) {
        add_separator(&labels, i);
        add_quoted(&labels, in->labels.names[i]);
        add(&labels, ":", 1);
        add_quoted(&labels, in->labels.values[i]);
    }
    add(&labels, "}", 1);
    if (in->place.value != NULL) add_place(&place, in->place.value);
    else add(&place, "null", 4);
    const struct place_in *item = in->places.items;
    add(&places, "[", 1);
    for (size_t i = 0; i < in->places.count; i++) {
        add_separator(&places, i);
        add_place(&places, &item[i]);
    }
    add(&places, "]", 1);
    int code = set(step, "words", &words);
    if (!code) code = set(step, "labels", &labels);
    if (!code) code = set(step, "place", &place);
    if (!code) code = set(step, "places", &places);
    return code;
}

static int
echo_query(struct levada_step *step, const struct echo_in *in)
{
    struct text query = {.step = step}, params = {.step = step};
    size_t from = 0;
    add(&query, "", 0);
    add(&params, "[", 1);
    for (size_t i = 0; i < in->query.count; i++) {
        char mark[24];
        const struct levada_sql_param *param = &in->query.params[i];
        add(&query, in->query.text + from, param->offset - from);
        snprintf(mark, sizeof mark, "?%zu", i + 1);
        add(&query, mark, strlen(mark));
        from = param->offset;
        add_separator(&params, i);
        add(&params, param->json, strlen(param->json));
    }
    add(&query, in->query.text + from, strlen(in->query.text + from));
    add(&params, "]", 1);
    int code = step->host->output_text(step, "query", query.data);
    return code ? code : set(step, "query_params", &params);
}

static int
echo_given(struct levada_step *step, const struct echo_in *in)
{
    struct text text = {.step = step};
    size_t count = 0;
    add(&text, "[", 1);
#define GIVEN(member) \
    if (LEVADA_HAS(in, member)) { \
        add_separator(&text, count++); \
        add_quoted(&text, #member); \
    }
    GIVEN(text) GIVEN(flag) GIVEN(count) GIVEN(ratio) GIVEN(wait) GIVEN(amount) GIVEN(at) GIVEN(link)
    GIVEN(file) GIVEN(query) GIVEN(key) GIVEN(document) GIVEN(words) GIVEN(labels) GIVEN(place)
    GIVEN(places) GIVEN(colour) GIVEN(bounded)
#undef GIVEN
    add(&text, "]", 1);
    return set(step, "given", &text);
}

int
echo_run(struct levada_step *step, const void *input)
{
    const struct echo_in *in = input;
    const struct levada_host *host = step->host;
    char number[64];
    int code = echo_given(step, in);
    if (!code) code = echo_query(step, in);
    if (!code) code = echo_lists(step, in);
    if (!code) code = host->output_text(step, "text", in->text.text);
    if (!code) code = host->output(step, "flag", in->flag.value ? "true" : "false");
    if (!code) code = host->output_int(step, "count", in->count.value);
    snprintf(number, sizeof number, "%.17g", in->ratio.value);
    if (!code) code = host->output(step, "ratio", number);
    snprintf(number, sizeof number, "%lldms", (long long)in->wait.ms);
    if (!code) code = host->output_text(step, "wait", number);
    if (!code) code = host->output_int(step, "wait_ms", in->wait.ms);
    if (!code) code = host->output_int(step, "amount", (int64_t)in->amount.bytes);
    if (!code) code = host->output_int(step, "at_ms", in->at.ms);
    if (!code) code = host->output_text(step, "link", in->link.text);
    if (!code && in->file.text[0]) code = host->output_text(step, "file", in->file.text);
    if (!code) code = host->output_int(step, "key_size", (int64_t)in->key.size);
    if (!code) code = host->output(step, "document", in->document.text[0] ? in->document.text : "null");
    if (!code) code = host->output_text(step, "colour", in->colour.text);
    if (!code) code = host->output_int(step, "bounded", in->bounded.value);
    return code;
}

int
big_run(struct levada_step *step, const void *input)
{
    const struct big_in *in = input;
    size_t size = (size_t)in->amount.bytes;
    char *text = step->host->alloc(step, size + 1);
    for (size_t i = 0; i < size; i++) text[i] = (char)('0' + i % 10);
    int code = step->host->output_text(step, "text", text);
    return code ? code : step->host->output_int(step, "amount", (int64_t)size);
}

int
key_run(struct levada_step *step, const void *input)
{
    const struct key_in *in = input;
    levada_secret key = in->key;
    if (in->name.text[0]) {
        int code = step->host->secret(step, in->name.text, &key);
        if (code) return code;
    }
    int code = step->host->output_int(step, "amount", (int64_t)key.size);
    if (!code && in->give_back.value) code = step->host->output_text(step, "copy", key.value);
    if (code || !in->reveal.value) return code;
    levada_log(step, LEVADA_INFO, "the secret is %s.", key.value);
    printf("stdout says %s.\n", key.value);
    fflush(stdout);
    fprintf(stderr, "stderr says %s.\n", key.value);
    step->host->progress(step, 1, 2, key.value);
    step->host->metric(step, "careless", 1, key.value);
    struct text text = {.step = step};
    add(&text, "it is ", 6);
    add(&text, key.value, key.size);
    code = step->host->output_text(step, "careless", text.data);
    return code ? code : levada_fail_hint(step, LEVADA_PERMANENT, key.value, "cannot use \"%s\"", key.value);
}

int
answer_run(struct levada_step *step, const void *input)
{
    const struct answer_in *in = input;
    bool refused = step->host->output(step, in->name.text, in->document.text) != 0;
    return step->host->output(step, "refused", refused ? "true" : "false");
}

static int
descriptors(struct levada_step *step)
{
    struct text text = {.step = step};
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) return levada_fail(step, LEVADA_MISSING, "/proc is not mounted");
    add(&text, "[", 1);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char target[512];
        long number = strtol(entry->d_name, NULL, 10);
        if (number < 3 || number == dirfd(folder)) continue;
        ssize_t size = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        if (size < 0) continue;
        target[size] = '\0';
        add_separator(&text, count++);
        add_quoted(&text, target);
    }
    closedir(folder);
    add(&text, "]", 1);
    return set(step, "descriptors", &text);
}

int
surroundings_run(struct levada_step *step, const void *input)
{
    static int64_t attempts_in_process;
    const struct levada_host *host = step->host;
    (void)input;
    int code = host->output_text(step, "run", step->run_id);
    if (!code) code = host->output_text(step, "step", step->step_id);
    if (!code) code = host->output_text(step, "item", step->item);
    if (!code) code = host->output_text(step, "token", step->token);
    if (!code) code = host->output_text(step, "folder", step->folder);
    if (!code) code = host->output_text(step, "artifacts", step->artifacts);
    if (!code) code = host->output_text(step, "scratch", step->scratch);
    if (!code) code = host->output_int(step, "fence", (int64_t)step->fence);
    if (!code) code = host->output_int(step, "attempt", step->attempt);
    if (!code) code = host->output_int(step, "pid", getpid());
    if (!code) code = host->output_int(step, "parent", getppid());
    if (!code) code = host->output_int(step, "session", getsid(0));
    if (!code) code = descriptors(step);
    return code ? code : host->output_int(step, "attempts_in_process", ++attempts_in_process);
}
