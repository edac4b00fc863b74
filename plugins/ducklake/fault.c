/* SPDX-License-Identifier: Apache-2.0
 *
 * From DuckDB's errors to ours. DuckDB's text is written for somebody at its shell: a prefix, a sentence, a
 * page of options, the SQL with an arrow. Ours is one line that says what and where, and a hint.
 */
#include "fault.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"

struct rule {
    int type;           /* duckdb_error_type; -1: any */
    const char *needle; /* in DuckDB's text; NULL: any text */
    int error_class;
    bool again;
    const char *hint;
};

#define SETUP_HINT "Run tools/setup, which fetches the library and its extensions."

/* The first row that fits decides. Causes seen in texts come before classes that only the type tells. */
static const struct rule rules[] = {
    {DUCKDB_ERROR_INTERRUPT, NULL, LEVADA_CANCELLED, false, NULL},
    {-1, "No space left on device", LEVADA_PERMANENT, false,
        "Free some space; the tables are as they were before."},
    {-1, "Disk quota exceeded", LEVADA_PERMANENT, false, "Free some space; the tables are as they were before."},
    {-1, "Could not write all bytes", LEVADA_PERMANENT, false,
        "Look at the space left; the tables are as they were before."},
    {-1, "File too large", LEVADA_PERMANENT, false, "The size limit of this step's files was reached."},
    {-1, "Conflicting lock is held", LEVADA_CONFLICT, false,
        "A DuckDB file catalog belongs to one process at a time: end the other one, or use a PostgreSQL catalog."},
    {-1, "database is locked", LEVADA_CONFLICT, true,
        "An SQLite catalog has one writer; use a PostgreSQL catalog for several."},
    {-1, "password authentication failed", LEVADA_AUTH, false,
        "Look at `catalog_secret` and at the user in `catalog`."},
    {-1, "no password supplied", LEVADA_AUTH, false, "Give the password as `catalog_secret`."},
    {-1, "no pg_hba.conf entry", LEVADA_AUTH, false, "The server does not let this user in from here."},
    {-1, "role \"", LEVADA_AUTH, false, "Look at the user in `catalog`."},
    {-1, "HTTP 403", LEVADA_AUTH, false, "Look at the credentials in `s3`."},
    {-1, "HTTP 401", LEVADA_AUTH, false, "Look at the credentials in `s3`."},
    {-1, "AccessDenied", LEVADA_AUTH, false, "Look at the credentials in `s3`."},
    {-1, "HTTP 404", LEVADA_MISSING, false, NULL},
    {-1, "404 (Not Found)", LEVADA_MISSING, false, NULL},
    {-1, "HTTP 429", LEVADA_THROTTLED, false, NULL},
    {-1, "HTTP 503", LEVADA_THROTTLED, false, NULL},
    {-1, "No files found that match", LEVADA_MISSING, false, "Paths are relative to the workflow's file."},
    {-1, "file system operations are disabled", LEVADA_AUTH, false,
        "Name the folder or URI prefix in the input `allow`."},
    {-1, "does not match existing data path", LEVADA_INVALID, false,
        "Leave the input `data` out, or give the path the lake was made with."},
    {-1, "not a valid DuckDB database file", LEVADA_INVALID, false,
        "Name another file; the catalog is made when it does not exist."},
    {-1, "file is not a database", LEVADA_INVALID, false,
        "Name another file; the catalog is made when it does not exist."},
    {-1, "could not serialize access", LEVADA_CONFLICT, true, NULL},
    {-1, "deadlock detected", LEVADA_CONFLICT, true, NULL},
    {-1, "Extension \"", LEVADA_PERMANENT, false, SETUP_HINT},
    {-1, "statement timeout", LEVADA_TIMEOUT, false, NULL},
    {DUCKDB_ERROR_TRANSACTION, NULL, LEVADA_CONFLICT, true, NULL},
    {DUCKDB_ERROR_OUT_OF_MEMORY, NULL, LEVADA_PERMANENT, false, "Raise the input `memory`."},
    {DUCKDB_ERROR_CONVERSION, NULL, LEVADA_CONTRACT, false, NULL},
    {DUCKDB_ERROR_OUT_OF_RANGE, NULL, LEVADA_CONTRACT, false, NULL},
    {DUCKDB_ERROR_DECIMAL, NULL, LEVADA_CONTRACT, false, NULL},
    {DUCKDB_ERROR_DIVIDE_BY_ZERO, NULL, LEVADA_CONTRACT, false, NULL},
    {DUCKDB_ERROR_CONSTRAINT, NULL, LEVADA_CONTRACT, false, NULL},
    {-1, "CSV Error on Line", LEVADA_CONTRACT, false, NULL},
    {-1, "Error when sniffing file", LEVADA_CONTRACT, false, NULL},
    {-1, "Malformed JSON", LEVADA_CONTRACT, false, NULL},
    {-1, "magic bytes", LEVADA_CONTRACT, false, NULL},
    {DUCKDB_ERROR_CATALOG, "Table with name", LEVADA_MISSING, false, NULL},
    {DUCKDB_ERROR_CATALOG, NULL, LEVADA_INVALID, false, NULL},
    {DUCKDB_ERROR_PARSER, NULL, LEVADA_INVALID, false, NULL},
    {DUCKDB_ERROR_SYNTAX, NULL, LEVADA_INVALID, false, NULL},
    {DUCKDB_ERROR_BINDER, NULL, LEVADA_INVALID, false, NULL},
    {DUCKDB_ERROR_NOT_IMPLEMENTED, NULL, LEVADA_INVALID, false, NULL},
    {DUCKDB_ERROR_EXPRESSION, NULL, LEVADA_INVALID, false, NULL},
    {DUCKDB_ERROR_PARAMETER_NOT_RESOLVED, NULL, LEVADA_INVALID, false, NULL},
    {DUCKDB_ERROR_PARAMETER_NOT_ALLOWED, NULL, LEVADA_INVALID, false, NULL},
    {DUCKDB_ERROR_INVALID_INPUT, NULL, LEVADA_INVALID, false, NULL},
    {DUCKDB_ERROR_SETTINGS, NULL, LEVADA_INVALID, false, NULL},
    {DUCKDB_INVALID_CONFIGURATION, NULL, LEVADA_INVALID, false, NULL},
    {DUCKDB_ERROR_CONNECTION, NULL, LEVADA_TRANSIENT, false, NULL},
    {DUCKDB_ERROR_NETWORK, NULL, LEVADA_TRANSIENT, false, NULL},
    {DUCKDB_ERROR_HTTP, NULL, LEVADA_TRANSIENT, false, NULL},
    {-1, "Could not connect", LEVADA_TRANSIENT, false, NULL},
    {-1, "Unable to connect", LEVADA_TRANSIENT, false, NULL},
    {-1, "Could not resolve", LEVADA_TRANSIENT, false, NULL},
    {-1, "onnection refused", LEVADA_TRANSIENT, false, NULL},
    {DUCKDB_ERROR_MISSING_EXTENSION, NULL, LEVADA_PERMANENT, false, SETUP_HINT},
    {DUCKDB_ERROR_AUTOLOAD, NULL, LEVADA_PERMANENT, false, SETUP_HINT},
    {-1, NULL, LEVADA_PERMANENT, false, NULL},
};

static const struct rule *
find_rule(duckdb_error_type type, const char *error)
{
    const struct rule *rule = rules;
    while ((rule->type != -1 && rule->type != (int)type)
        || (rule->needle != NULL && strstr(error, rule->needle) == NULL))
        rule++;
    return rule;
}

/* Take a secret out of a text, in place; it can only become shorter or stay. */
static void
redact(char *text, const char *secret)
{
    size_t size = text_given(secret) ? strlen(secret) : 0;
    if (size == 0) return;
    for (char *at = text; (at = strstr(at, secret)) != NULL;) {
        size_t mask = size < 3 ? size : 3;
        memset(at, '*', mask);
        memmove(at + mask, at + size, strlen(at + size) + 1);
        at += mask;
    }
}

static const char *
redacted(struct work *work, const char *text)
{
    if (text == NULL) return NULL;
    char *copy = text_copy(work->step, text, strlen(text));
    const struct s3_in *s3 = work->in->s3.value;
    const char *secrets[] = {work->in->catalog_secret.value, s3 ? s3->secret.value : NULL,
        s3 ? s3->session_token.value : NULL};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        if (!text_given(secrets[i])) continue;
        char *quoted = text_literal_of(work->step, secrets[i]);
        redact(copy, quoted);
        redact(copy, secrets[i]);
    }
    return copy;
}

int
fault_set(struct work *work, int error_class, const char *hint, const char *fmt, ...)
{
    if (work->fault.error_class != 0) return work->fault.error_class;
    va_list ap, copy;
    va_start(ap, fmt);
    va_copy(copy, ap);
    int size = vsnprintf(NULL, 0, fmt, copy);
    va_end(copy);
    char *message = work->step->host->alloc(work->step, (size_t)(size > 0 ? size : 0) + 1);
    vsnprintf(message, (size_t)(size > 0 ? size : 0) + 1, fmt, ap);
    va_end(ap);
    work->fault = (struct fault){.error_class = error_class, .message = redacted(work, message),
        .hint = redacted(work, hint)};
    return error_class;
}

void
fault_clear(struct work *work)
{
    work->fault = (struct fault){0};
}

/* One line of `text` starting at `at`, without the newline. */
static char *
line_at(struct levada_step *step, const char *at)
{
    return text_copy(step, at, strcspn(at, "\n"));
}

/* Lower the first letter unless the word is a name, and drop the full stop. */
static char *
as_message(char *line)
{
    if (isupper((unsigned char)line[0]) && !isupper((unsigned char)line[1]))
        line[0] = (char)tolower((unsigned char)line[0]);
    size_t size = strlen(line);
    while (size > 0 && strchr(".!: ", line[size - 1]) != NULL) line[--size] = '\0';
    return line;
}

/* `Conversion Error: `, `Invalid Input Error: ` and the like, also several of them. */
static const char *
skip_prefix(const char *error)
{
    for (;;) {
        const char *colon = strstr(error, "Error: ");
        if (colon == NULL) return error;
        for (const char *c = error; c < colon; c++)
            if (!isalpha((unsigned char)*c) && *c != ' ') return error;
        error = colon + strlen("Error: ");
    }
}

/* A broken CSV row: `FILE:LINE: what`. NULL: this is no such error. */
static char *
csv_message(struct levada_step *step, const char *error)
{
    static const char mark[] = "CSV Error on Line: ", file_is[] = "\n  file = ";
    const char *at = strstr(error, mark);
    const char *file = at != NULL ? strstr(at, file_is) : NULL;
    if (file == NULL) return NULL;
    long line = strtol(at + strlen(mark), NULL, 10);
    /* The row itself, which DuckDB repeats here, stays out of the message: data may be private. */
    static const char *const reasons[] = {"\nError when converting", "\nExpected Number", "\nValue with unterminated",
        "\nInvalid unicode", "\nMaximum line size"};
    const char *what = NULL;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        const char *found = strstr(at, reasons[i]);
        if (found != NULL && (what == NULL || found < what)) what = found;
    }
    what = what != NULL ? what + 1 : "The row cannot be read";
    char *text = as_message(line_at(step, what));
    long want, found;
    if (sscanf(text, "expected Number of Columns: %ld Found: %ld", &want, &found) == 2)
        text = text_format(step, "the row has %ld column%s, not %ld", found, found == 1 ? "" : "s", want);
    static const char converting[] = "error when converting column \"";
    const char *end = text_starts(text, converting) ? strstr(text, "\". ") : NULL;
    if (end != NULL) {
        const char *column = text + strlen(converting);
        text = text_format(step, "column \"%.*s\": %s", (int)(end - column), column,
            as_message(text_copy(step, end + 3, strlen(end + 3))));
    }
    return text_format(step, "%s:%ld: %s", line_at(step, file + strlen(file_is)), line, text);
}

const char *
fault_tables(struct work *work)
{
    struct table found;
    struct work inner = *work; /* a second fault must not replace the first */
    if (query_table(&inner,
            "SELECT CASE WHEN s.schema_name = 'main' THEN '' ELSE s.schema_name || '.' END || t.table_name "
            "FROM __ducklake_metadata_lake.ducklake_table t JOIN __ducklake_metadata_lake.ducklake_schema s USING "
            "(schema_id) "
            "WHERE t.end_snapshot IS NULL AND s.schema_name <> 'levada' ORDER BY 1 LIMIT 20",
            &found)
        != 0)
        return NULL;
    if (found.rows == 0) return "The lake has no tables yet.";
    struct text hint = text_new(work->step);
    for (size_t i = 0; i < found.rows; i++)
        text_addf(&hint, "%s%s", i > 0 ? ", " : "The lake has the tables ", table_cell(&found, i, 0));
    text_add(&hint, found.rows == 20 ? " and more." : ".");
    return hint.data;
}

static const char *
find_hint(struct work *work, const struct rule *rule, const char *error)
{
    if (rule->hint != NULL) return rule->hint;
    if (rule->error_class == LEVADA_MISSING && rule->type == DUCKDB_ERROR_CATALOG) return fault_tables(work);
    static const char *const words[] = {"Did you mean", "Candidate bindings", "Candidate functions"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *at = strstr(error, words[i]);
        if (at != NULL) return line_at(work->step, at);
    }
    return NULL;
}

int
fault_duckdb(struct work *work, duckdb_error_type type, const char *error)
{
    if (work->fault.error_class != 0) return work->fault.error_class;
    if (error == NULL) error = "DuckDB gave no reason";
    const struct rule *rule = find_rule(type, error);
    char *message = csv_message(work->step, error);
    if (message == NULL) {
        message = as_message(line_at(work->step, skip_prefix(error)));
        /* Where in the SQL: the word under DuckDB's arrow is on the `LINE n:` line. */
        const char *where = strstr(error, "\nLINE ");
        if (where != NULL && rule->error_class == LEVADA_INVALID && type != DUCKDB_ERROR_INVALID_INPUT)
            message = text_format(work->step, "%s, at %s", message, line_at(work->step, where + 1));
    }
    if (rule->error_class == LEVADA_CANCELLED && !work->closing) message = text_copy(work->step, "cancelled", 9);
    const char *hint = find_hint(work, rule, error);
    int error_class = fault_set(work, rule->error_class, hint, "%s", message);
    work->fault.again = rule->again;
    return error_class;
}

int
fault_prepare(struct work *work, const char *error)
{
    static const struct { const char *prefix; duckdb_error_type type;
    } prefixes[] = {
        {"Parser Error", DUCKDB_ERROR_PARSER},
        {"Syntax Error", DUCKDB_ERROR_SYNTAX},
        {"Binder Error", DUCKDB_ERROR_BINDER},
        {"Catalog Error", DUCKDB_ERROR_CATALOG},
        {"Conversion Error", DUCKDB_ERROR_CONVERSION},
        {"IO Error", DUCKDB_ERROR_IO},
        {"Permission Error", DUCKDB_ERROR_PERMISSION},
        {"Invalid Input Error", DUCKDB_ERROR_INVALID_INPUT},
        {"Not implemented Error", DUCKDB_ERROR_NOT_IMPLEMENTED},
        {"HTTP Error", DUCKDB_ERROR_HTTP},
        {"TransactionContext Error", DUCKDB_ERROR_TRANSACTION},
        {"INTERRUPT Error", DUCKDB_ERROR_INTERRUPT},
        {"Out of Memory Error", DUCKDB_ERROR_OUT_OF_MEMORY},
        {"Constraint Error", DUCKDB_ERROR_CONSTRAINT},
        {"Out of Range Error", DUCKDB_ERROR_OUT_OF_RANGE},
        {"Expression Error", DUCKDB_ERROR_EXPRESSION},
        {"Missing Extension Error", DUCKDB_ERROR_MISSING_EXTENSION},
    };
    if (error == NULL) error = "DuckDB gave no reason";
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (text_starts(error, prefixes[i].prefix)) return fault_duckdb(work, prefixes[i].type, error);
    return fault_duckdb(work, DUCKDB_ERROR_INVALID, error);
}
