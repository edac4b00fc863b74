/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake.export: a table or a query becomes files. Local ones are written beside their place and put
 * there when they are complete; a note beside them (.levada-export.json) says what they were made of, so
 * that the same export is not written twice and nobody else's files are replaced unasked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "actions.h"
#include "digest.h"
#include "files.h"
#include "lineage.h"
#include "mark.h"
#include "script.h"

#define NOTE_SIZE_MAX (4u << 20)

struct exporting {
    const struct export_in *in;
    struct script script;
    const char *format;
    const char *to;        /* final place: absolute or a URI */
    const char *temporary; /* where local files are made; for remote ones the same as `to` */
    const char *note;      /* path of the note; NULL: remote */
    const char *digest;
    bool remote;
    int64_t base, rows, bytes;
    json_t *files; /* paths relative to `to`, "" for the file itself, with sizes */
};

static const char *
note_path(struct work *work, const struct exporting *exporting)
{
    const char *name = strrchr(exporting->to, '/') + 1;
    if (exporting->in->partition_by.count > 0) return text_format(work->step, "%s/.levada-export.json", exporting->to);
    return text_format(work->step, "%s/.%s.levada-export.json", path_folder(work->step, exporting->to), name);
}

static int
find_place(struct work *work, struct exporting *exporting)
{
    const struct export_in *in = exporting->in;
    static const char *const endings[][2] = {{".csv", "csv"}, {".csv.gz", "csv"}, {".csv.zst", "csv"},
        {".json", "json"}, {".ndjson", "json"}, {".json.gz", "json"}, {".parquet", "parquet"}};
    exporting->format = in->format.text;
    for (size_t i = 0; !text_given(exporting->format) && i < sizeof endings / sizeof endings[0]; i++)
        if (text_ends(in->to.text, endings[i][0])) exporting->format = endings[i][1];
    if (!text_given(exporting->format)) exporting->format = "parquet";
    exporting->remote = path_is_remote(in->to.text) && !text_starts(in->to.text, "file://");
    exporting->to = path_resolve(work->step, in->to.text);
    exporting->temporary = exporting->to;
    if (exporting->remote) {
        if (in->partition_by.count == 0 && text_ends(exporting->to, "/"))
            exporting->to = exporting->temporary =
                text_format(work->step, "%sdata_0.%s", exporting->to, exporting->format);
        return 0;
    }
    if (strcmp(exporting->to, "/") == 0)
        return fault_set(work, LEVADA_INVALID, NULL, "input \"to\": \"/\" cannot be replaced");
    struct stat st;
    if (in->partition_by.count == 0 && stat(exporting->to, &st) == 0 && S_ISDIR(st.st_mode))
        return fault_set(work, LEVADA_INVALID, "Name a file, or give `partition_by`.",
            "input \"to\": \"%s\" is a folder", exporting->to);
    const char *folder = path_folder(work->step, exporting->to);
    /* The temporary name keeps its ending, which decides compression. */
    exporting->temporary = text_format(
        work->step, "%s/.levada-%s", strcmp(folder, "/") == 0 ? "" : folder, strrchr(exporting->to, '/') + 1);
    exporting->note = note_path(work, exporting);
    int error = path_make_folder(folder);
    return error == 0
        ? 0
        : fault_set(work, LEVADA_PERMANENT, NULL, "cannot make folder \"%s\": %s", folder, strerror(error));
}

/* The rows as one query text. */
static int
find_query(struct work *work, struct exporting *exporting)
{
    const struct export_in *in = exporting->in;
    if (text_given(in->table.text) == text_given(in->sql.text))
        return fault_set(work, LEVADA_INVALID, NULL, "exactly one of the inputs \"table\" and \"sql\" must be given");
    if (text_given(in->sql.text)) {
        if (LEVADA_HAS(in, snapshot))
            return fault_set(work, LEVADA_INVALID, NULL, "input \"snapshot\" belongs to \"table\"");
        int error = script_read(work, &in->sql, "", exporting->script.named, &exporting->script);
        return error != 0 ? error : script_trim(work, &exporting->script);
    }
    struct name name;
    int64_t id;
    int error = name_read(work, "table", in->table.text, &name);
    if (error == 0) error = name_require(work, &name, &id);
    if (error != 0) return error;
    exporting->script.text = LEVADA_HAS(in, snapshot)
        ? text_format(work->step, "FROM %s AT (VERSION => %lld)", name.quoted, (long long)in->snapshot.value)
        : text_format(work->step, "FROM %s", name.quoted);
    return 0;
}

static const char *
file_place(struct work *work, const struct exporting *exporting, const char *base, const char *relative)
{
    return relative[0] == '\0'
        ? base
        : text_format(work->step, "%s/%s", exporting->remote ? exporting->to : base, relative);
}

/* Are the files of the note there, with their sizes? */
static bool
files_are_there(struct work *work, const struct exporting *exporting, const json_t *files)
{
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *file = json_array_get(files, i);
        const char *path = json_string_value(json_object_get(file, "path"));
        struct stat st;
        if (path == NULL || strstr(path, "..") != NULL) return false;
        if (stat(file_place(work, exporting, exporting->to, path), &st) != 0) return false;
        if (st.st_size != json_integer_value(json_object_get(file, "bytes"))) return false;
    }
    return json_is_array(files);
}

static int
set_outputs(
    struct work *work, const struct exporting *exporting, int64_t rows, size_t files, int64_t bytes, bool changed)
{
    return outputs_set(work,
        json_pack("{s:s, s:I, s:I, s:I, s:b}", "uri", exporting->to, "rows", (json_int_t)rows, "files",
            (json_int_t)files, "bytes", (json_int_t)bytes, "changed", changed));
}

/* The digest of what decides the files; and, from the note, whether they are there already. */
static int
find_unchanged(struct work *work, struct exporting *exporting, bool *unchanged)
{
    struct lineage lineage;
    *unchanged = false;
    exporting->digest = "";
    int error = lineage_read(work, exporting->script.text, &lineage);
    if (error != 0 || !lineage.known || exporting->remote) return error;
    struct digest digest;
    digest_init(&digest);
    const char *parts[] = {
        work->data, exporting->format, exporting->to, script_identity(work, &exporting->script), lineage.views};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) digest_text(&digest, parts[i]);
    for (size_t i = 0; i < lineage.count; i++)
        digest_text(&digest, text_format(work->step, "%lld", (long long)lineage.tables[i]));
    for (size_t i = 0; i < exporting->in->partition_by.count; i++)
        digest_text(&digest, exporting->in->partition_by.items[i]);
    char hex[DIGEST_TEXT];
    digest_end(&digest, hex);
    exporting->digest = text_copy(work->step, hex, strlen(hex));
    const char *text = file_read(work, exporting->note, NOTE_SIZE_MAX);
    json_t *note = text != NULL ? json_loads(text, 0, NULL) : NULL;
    const char *old = json_string_value(json_object_get(note, "digest"));
    if (old != NULL && strcmp(old, exporting->digest) == 0
        && files_are_there(work, exporting, json_object_get(note, "files")))
        error = lineage_unchanged(work, &lineage, json_integer_value(json_object_get(note, "snapshot_id")), unchanged);
    if (error == 0 && *unchanged) {
        levada_log(work->step, LEVADA_INFO, "the export at %s is unchanged", exporting->to);
        error = set_outputs(work, exporting, json_integer_value(json_object_get(note, "rows")),
            json_array_size(json_object_get(note, "files")), json_integer_value(json_object_get(note, "bytes")),
            false);
    } else if (error == 0 && note == NULL && !exporting->in->overwrite.value && file_is_taken(exporting->to)) {
        error = fault_set(work, LEVADA_INVALID, "Set `overwrite: true` to replace it.",
            "\"%s\" is there already, and no export wrote it", exporting->to);
    }
    json_decref(note);
    return error;
}

static int
write_body(struct work *work, void *arg)
{
    struct exporting *exporting = arg;
    const levada_list *partition_by = &exporting->in->partition_by;
    struct text sql = text_new(work->step);
    text_addf(&sql, "COPY (%s\n) TO ", exporting->script.text);
    text_literal(&sql, exporting->temporary);
    text_addf(&sql, " (FORMAT %s, RETURN_FILES true", exporting->format);
    if (strcmp(exporting->format, "csv") == 0) text_add(&sql, ", HEADER true");
    if (partition_by->count > 0) {
        text_add(&sql, ", PARTITION_BY (");
        for (size_t i = 0; i < partition_by->count; i++) {
            text_comma(&sql);
            text_name(&sql, partition_by->items[i]);
        }
        text_addf(&sql, ")%s", exporting->remote && exporting->in->overwrite.value ? ", OVERWRITE_OR_IGNORE true" : "");
    }
    text_add(&sql, ")");
    struct script_result result = {0};
    int error = snapshot_current(work, &exporting->base);
    if (error == 0) error = script_run_text(work, &exporting->script, sql.data, 1, &result);
    if (error != 0) return error;
    const json_t *row = json_array_get(result.rows.rows, 0);
    exporting->rows = json_integer_value(json_object_get(row, "Count"));
    json_array_clear(exporting->files);
    json_array_extend(exporting->files, json_object_get(row, "Files"));
    rows_free(&result.rows);
    return 0;
}

/* From full paths to {path, bytes}. */
static int
measure_files(struct work *work, struct exporting *exporting)
{
    json_t *measured = json_array();
    int error = 0;
    for (size_t i = 0; i < json_array_size(exporting->files) && error == 0; i++) {
        const char *path = json_string_value(json_array_get(exporting->files, i));
        size_t prefix = strlen(exporting->temporary);
        const char *relative = strlen(path) > prefix ? path + prefix + (path[prefix] == '/') : "";
        int64_t bytes = 0;
        struct stat st;
        if (exporting->remote)
            error = query_int(work,
                text_format(work->step, "SELECT size FROM read_blob(%s)", text_literal_of(work->step, path)),
                &bytes);
        else if (stat(path, &st) == 0)
            bytes = st.st_size;
        exporting->bytes += bytes;
        json_array_append_new(measured, json_pack("{s:s, s:I}", "path", relative, "bytes", (json_int_t)bytes));
    }
    json_decref(exporting->files);
    exporting->files = measured;
    return error;
}

/* Put the finished files in their place. A folder cannot be exchanged in one step: the old one steps aside. */
static int
put_in_place(struct work *work, const struct exporting *exporting)
{
    const char *aside = text_format(work->step, "%s.old", exporting->temporary);
    file_sync_tree(exporting->temporary);
    int error = 0;
    if (exporting->in->partition_by.count > 0) {
        error = file_remove_tree(aside);
        if (error == 0 && rename(exporting->to, aside) != 0 && errno != ENOENT) error = errno;
    }
    if (error == 0 && rename(exporting->temporary, exporting->to) != 0) error = errno;
    if (error != 0)
        return fault_set(
            work, LEVADA_PERMANENT, NULL, "cannot put the export at \"%s\": %s", exporting->to, strerror(error));
    error = file_remove_tree(aside);
    if (error != 0) levada_log(work->step, LEVADA_WARN, "cannot remove \"%s\": %s", aside, strerror(error));
    return 0;
}

static int
write_note(struct work *work, const struct exporting *exporting)
{
    json_t *note = json_pack("{s:s, s:I, s:I, s:I, s:O}", "digest", exporting->digest, "snapshot_id",
        (json_int_t)exporting->base, "rows", (json_int_t)exporting->rows, "bytes", (json_int_t)exporting->bytes,
        "files", exporting->files);
    char *text = json_dumps(note, JSON_INDENT(1));
    json_decref(note);
    if (text == NULL) abort();
    bool changed;
    int error = file_write(work, exporting->note, text, strlen(text), &changed);
    free(text);
    return error;
}

static int
write_export(struct work *work, struct exporting *exporting)
{
    if (!exporting->remote) {
        int error = file_remove_tree(exporting->temporary);
        if (error != 0)
            return fault_set(
                work, LEVADA_PERMANENT, NULL, "cannot remove \"%s\": %s", exporting->temporary, strerror(error));
    }
    int error = transact(work, write_body, exporting);
    if (error == 0) error = measure_files(work, exporting);
    struct stat st;
    /* A partitioned export of no rows writes nothing at all. */
    if (error == 0 && !exporting->remote && stat(exporting->temporary, &st) != 0)
        (void)path_make_folder(exporting->temporary);
    if (error == 0 && !exporting->remote) error = put_in_place(work, exporting);
    if (error == 0 && !exporting->remote) error = write_note(work, exporting);
    if (error != 0) {
        if (!exporting->remote) (void)file_remove_tree(exporting->temporary);
        return error;
    }
    levada_log(work->step, LEVADA_INFO, "%lld rows in %zu files at %s", (long long)exporting->rows,
        json_array_size(exporting->files), exporting->to);
    return set_outputs(work, exporting, exporting->rows, json_array_size(exporting->files), exporting->bytes, true);
}

int
export_run(struct levada_step *step, const void *input)
{
    struct exporting exporting = {.in = input, .files = json_array(), .script = {.named = json_object()}};
    json_t *named = exporting.script.named;
    struct work work;
    bool unchanged = false;
    work_begin(&work, step, &exporting.in->lake);
    int error = lake_require(&work);
    if (error == 0) error = find_place(&work, &exporting);
    const char *folder = error == 0 ? path_folder(step, exporting.to) : NULL;
    if (error == 0) error = work_open(&work, &folder, 1);
    if (error == 0) error = find_query(&work, &exporting);
    if (error == 0) error = find_unchanged(&work, &exporting, &unchanged);
    if (error == 0 && !unchanged) error = write_export(&work, &exporting);
    json_decref(exporting.files);
    json_decref(named);
    return work_close(&work, error);
}
