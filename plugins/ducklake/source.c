/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding files and fingerprinting them. What is read later must be what was hashed, so source_same() looks
 * at size, time and inode again before the rows are committed.
 */
#include "source.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define FILES_MAX 10000

static int
stat_file(struct work *work, const char *path, struct source_file *ret)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return fault_set(work, errno == ENOENT || errno == ENOTDIR ? LEVADA_MISSING : LEVADA_PERMANENT,
            "Relative paths belong to the workflow's folder.", "cannot read \"%s\": %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return fault_set(work, LEVADA_INVALID, "Name the files in it, for example with *.csv.",
            "\"%s\" is a folder, not a file", path);
    if (st.st_size == 0) return fault_set(work, LEVADA_CONTRACT, NULL, "file \"%s\" is empty", path);
    *ret = (struct source_file){.size = st.st_size, .inode = st.st_ino,
        .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec};
    return 0;
}

static int
add_local(struct work *work, struct source *source, const char *path)
{
    if (source->count == FILES_MAX)
        return fault_set(work, LEVADA_INVALID, "Load them in several steps.", "more than %d files", FILES_MAX);
    int error = stat_file(work, path, &source->stats[source->count]);
    if (error != 0) return error;
    source->bytes += source->stats[source->count].size;
    source->files[source->count] = text_copy(work->step, path, strlen(path));
    source->folders[source->count] = path_folder(work->step, path);
    source->local = ++source->count;
    return 0;
}

static int
add_pattern(struct work *work, struct source *source, const char *path)
{
    struct stat st;
    if (strpbrk(path, "*?[") == NULL || stat(path, &st) == 0) return add_local(work, source, path);
    if (strstr(path, "**") != NULL)
        return fault_set(work, LEVADA_INVALID, "Name each level, for example data/*/*.csv.",
            "pattern \"%s\": ** is not supported", path);
    glob_t found;
    int result = glob(path, GLOB_ERR, NULL, &found);
    int error = 0;
    if (result == GLOB_NOMATCH)
        error = fault_set(work, LEVADA_MISSING, "Relative paths belong to the workflow's folder.",
            "no file matches \"%s\"", path);
    else if (result != 0)
        error = fault_set(work, LEVADA_PERMANENT, NULL, "cannot look for \"%s\": %s", path, strerror(errno));
    for (size_t i = 0; result == 0 && i < found.gl_pathc && error == 0; i++)
        error = add_local(work, source, found.gl_pathv[i]);
    if (result == 0) globfree(&found);
    return error;
}

static void
add_remote(struct work *work, struct source *source, const char *uri)
{
    source->files[source->count] = text_copy(work->step, uri, strlen(uri));
    /* A pattern's folder is what stands before it. */
    const char *folder = text_copy(work->step, uri, strcspn(uri, "*?["));
    source->folders[source->count++] = path_folder(work->step, folder);
}

static int
find_format(struct work *work, const char *word, struct source *source)
{
    static const struct { const char *word; enum source_format format; bool tabs; } formats[] = {
        {"csv", FORMAT_CSV, false}, {"tsv", FORMAT_CSV, true}, {"parquet", FORMAT_PARQUET, false},
        {"json", FORMAT_JSON, false}, {"ndjson", FORMAT_JSON, false}, {"jsonl", FORMAT_JSON, false},
    };
    char ending[16] = "";
    if (!text_given(word)) {
        const char *path = source->files[0], *end = path + strcspn(path, path_is_remote(path) ? "?" : "");
        if (end - path > 3 && strncasecmp(end - 3, ".gz", 3) == 0) end -= 3;
        else if (end - path > 4 && strncasecmp(end - 4, ".zst", 4) == 0) end -= 4;
        const char *dot = end;
        while (dot > path && dot[-1] != '.' && dot[-1] != '/') dot--;
        if ((size_t)(end - dot) < sizeof ending) memcpy(ending, dot, (size_t)(end - dot));
        word = ending;
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcasecmp(word, formats[i].word) == 0) {
            source->format = formats[i].format;
            source->tabs = formats[i].tabs;
            return 0;
        }
    return fault_set(work, LEVADA_INVALID, "Give `format`: csv, parquet or json; archives are unpacked first.",
        "cannot tell the format of \"%s\"", source->files[0]);
}

static int
find_each(struct work *work, const json_t *list, struct source *source)
{
    if (json_array_size(list) == 0) return fault_set(work, LEVADA_INVALID, NULL, "input \"from\" names no file");
    if (json_array_size(list) > FILES_MAX)
        return fault_set(work, LEVADA_INVALID, "Use a pattern, or several steps.",
            "input \"from\" names more than %d files", FILES_MAX);
    for (int remote = 0; remote < 2; remote++) /* local files first: their hashes are by index */
        for (size_t i = 0; i < json_array_size(list); i++) {
            const char *text = json_string_value(json_array_get(list, i));
            if (!text_given(text))
                return fault_set(
                    work, LEVADA_INVALID, NULL, "input \"from\" must be a path, a URI or a list of them");
            if (path_is_remote(text) && !text_starts(text, "file://")) {
                if (remote == 1 && source->count < FILES_MAX) add_remote(work, source, text);
            } else if (remote == 0) {
                int error = add_pattern(work, source, path_resolve(work->step, text));
                if (error != 0) return error;
            }
        }
    return 0;
}

static int
start_hashing(struct work *work, struct source *source)
{
    if (source->local == 0) return 0;
    source->hashing = (struct digest_files){.files = source->files, .count = source->local};
    source->hashing.texts = work->step->host->alloc(work->step, source->local * DIGEST_TEXT);
    int error = digest_files_start(&source->hashing);
    if (error != 0) return fault_set(work, LEVADA_TRANSIENT, NULL, "cannot start a thread: %s", strerror(error));
    source->hashing_runs = true;
    return 0;
}

int
source_find(struct work *work, const char *from, const char *format, json_t *options, const levada_list *nulls,
    struct source *ret)
{
    *ret = (struct source){.options = options, .nulls = nulls};
    ret->files = work->step->host->alloc(work->step, FILES_MAX * sizeof *ret->files);
    ret->stats = work->step->host->alloc(work->step, FILES_MAX * sizeof *ret->stats);
    ret->folders = work->step->host->alloc(work->step, FILES_MAX * sizeof *ret->folders);
    /* A lone text may also come without quotes, as an expression's result. */
    json_t *value = json_loads(from, JSON_DECODE_ANY, NULL);
    json_t *list = json_is_array(value) ? json_incref(value) : json_array();
    if (json_is_string(value)) json_array_append(list, value);
    else if (value == NULL) json_array_append_new(list, json_string(from));
    json_decref(value);
    int error = find_each(work, list, ret);
    json_decref(list);
    if (error == 0) error = find_format(work, format, ret);
    return error != 0 ? error : start_hashing(work, ret);
}

void
source_close(struct source *source)
{
    if (!source->hashing_runs) return;
    source->hashing.stop = 1;
    digest_files_join(&source->hashing);
    source->hashing_runs = false;
}

/* Size and time of remote files, as their servers tell them. */
static int
digest_remote(struct work *work, const struct source *source, struct digest *digest, bool *known)
{
    for (size_t i = source->local; i < source->count; i++) {
        struct table found;
        int error = query_table(work, text_format(work->step, "SELECT filename, size::VARCHAR, last_modified::VARCHAR "
            "FROM read_blob(%s) ORDER BY filename", text_literal_of(work->step, source->files[i])), &found);
        if (error != 0) return error;
        for (size_t row = 0; row < found.rows; row++)
            for (size_t column = 0; column < 3; column++) {
                const char *cell = table_cell(&found, row, column);
                /* Servers that tell no time give DuckDB the epoch. */
                if (cell == NULL || text_starts(cell, "1970-01-01")) *known = false;
                digest_text(digest, cell != NULL ? cell : "");
            }
    }
    return 0;
}

int
source_digest(struct work *work, struct source *source, const char **ret)
{
    struct digest digest;
    digest_init(&digest);
    if (source->hashing_runs) {
        digest_files_join(&source->hashing);
        source->hashing_runs = false;
        if (source->hashing.error != 0)
            return fault_set(work, LEVADA_PERMANENT, NULL, "cannot read \"%s\": %s",
                source->files[source->hashing.error_file], strerror(source->hashing.error));
        for (size_t i = 0; i < source->local; i++) digest_text(&digest, source->hashing.texts[i]);
    }
    bool known = true;
    int error = digest_remote(work, source, &digest, &known);
    if (error != 0) return error;
    if (!known)
        levada_log(work->step, LEVADA_INFO,
            "the server of \"%s\" tells no time of change: the file is loaded every time",
            source->files[source->local]);
    char hex[DIGEST_TEXT];
    digest_end(&digest, hex);
    *ret = known ? text_copy(work->step, hex, strlen(hex)) : "";
    return 0;
}

int
source_same(struct work *work, const struct source *source)
{
    for (size_t i = 0; i < source->local; i++) {
        struct source_file now;
        int error = stat_file(work, source->files[i], &now);
        if (error != 0) return error;
        const struct source_file *then = &source->stats[i];
        if (now.size != then->size || now.mtime_ns != then->mtime_ns || now.inode != then->inode)
            return fault_set(work, LEVADA_TRANSIENT,
                "Write files under another name and rename them when they are complete.",
                "file \"%s\" changed while it was loaded", source->files[i]);
    }
    return 0;
}
