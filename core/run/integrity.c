/* SPDX-License-Identifier: Apache-2.0
 *
 * From the ground up: SQLite's own check, then the shape of each event, then the fold of all of them with the workflow,
 * then the files beside, as far as the state is known.
 */
#include "run/integrity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "run/attempts.h"
#include "run/job.h"
#include "run/journal.h"
#include "run/journal_export.h"
#include "run/state.h"

struct inspection {
    struct arena *arena;
    struct integrity *ret;
    const char *folder;
    bool file; /* an exported run */
};

static const char *const kinds[] = {"damage", "note", "done"};

const char *
finding_kind_name(enum finding_kind kind)
{
    return kinds[kind];
}

/* `hint` NULL: nothing is to be done. */
__attribute__((format(printf, 5, 6))) static void
find(struct inspection *in, enum finding_kind kind, const char *place, const char *hint, const char *fmt, ...)
{
    struct integrity *ret = in->ret;
    va_list ap;
    ret->findings = arena_grow(in->arena, ret->findings, ret->count, &ret->capacity, sizeof *ret->findings);
    va_start(ap, fmt);
    ret->findings[ret->count++] = (struct finding){
        .kind = kind, .place = arena_strdup(in->arena, place), .message = arena_vprintf(in->arena, fmt, ap),
        .hint = hint != NULL ? arena_strdup(in->arena, hint) : NULL};
    va_end(ap);
    ret->damages += kind == FINDING_DAMAGE;
}

/* ---- the journal ---- */

static const char *
restore_hint(const struct inspection *in)
{
    if (in->file) return "Export the run again where it ran.";
    return arena_printf(in->arena, "Restore %s from a backup. If there is none, nobody but you knows what of the run "
                        "was done; then remove the folder.", in->folder);
}

/* The state, when all of it can be read. */
static bool
inspect_journal(struct inspection *in, const char *id, struct run_state *state)
{
    const char *path = arena_printf(in->arena, "%s/" JOURNAL_FILE, in->folder), *own;
    struct journal *journal;
    struct err err = {0};
    if (!in->file && access(path, F_OK) != 0) {
        find(in, FINDING_DAMAGE, JOURNAL_FILE, restore_hint(in), "it is missing");
        return false;
    }
    int code = journal_open_read(in->folder, &journal, &err);
    if (code) {
        find(in, FINDING_DAMAGE, JOURNAL_FILE, restore_hint(in), "%s", err.message);
        return false;
    }
    code = journal_check(journal, &err);
    if (!code) code = state_read(in->arena, journal, state, &err);
    if (code) find(in, FINDING_DAMAGE, JOURNAL_FILE, restore_hint(in), "%s", err.message);
    else in->ret->workflow = state->model->name;
    if (!code && id != NULL && journal_run_id(journal, in->arena, &own, &err) == 0 && !str_eq(own, id))
        find(in, FINDING_DAMAGE, JOURNAL_FILE,
             arena_printf(in->arena, "Call the folder %s again, or put the right journal into it.", own),
             "it is the journal of run %s", own);
    journal_close(&journal, false);
    return code == 0;
}

static void
finish_journal(struct inspection *in)
{
    struct err err = {0};
    bool did;
    int code = journal_make_plain(in->folder, &did, &err);
    if (did)
        find(in, FINDING_DONE, JOURNAL_FILE, NULL, "the journal of this ended run was made one plain file");
    else if (code == 1)
        find(in, FINDING_NOTE, JOURNAL_FILE, "Run `levada db check` again when nobody looks at the run.",
             "it is still in write-ahead mode, and somebody has it open");
    else if (code)
        find(in, FINDING_NOTE, JOURNAL_FILE, "May the folder be written?", "%s", err.message);
}

/* ---- attempts ---- */

static const struct attempt_state *
attempt_of(const struct run_state *state, uint32_t record, const struct step_state **step, bool *open)
{
    for (size_t i = 0; i < state->nsteps; i++)
        for (size_t k = 0; k < state->steps[i].nattempts; k++)
            if (state->steps[i].attempts[k].record == record) {
                *step = &state->steps[i];
                *open = k + 1 == (*step)->nattempts && (*step)->status == STEP_RUNNING_STATUS &&
                        (*step)->attempts[k].status == NULL;
                return &state->steps[i].attempts[k];
            }
    *open = false;
    return NULL;
}

static void
inspect_attempts(struct inspection *in, const struct run_state *state)
{
    static const char file[] = "attempts";
    struct stat st;
    struct err err;
    size_t open = 0;
    for (size_t i = 0; i < state->nsteps; i++) open += state->steps[i].status == STEP_RUNNING_STATUS;
    const char *hint = open == 0 ? "It holds nothing that is needed: remove it, and it is made anew."
                                 : "Look whether the steps that `levada show` calls running happened, before you "
                                   "resume: an attempt without its record counts as not begun.";
    int fd FD_SCOPED = attempts_open_read(in->folder);
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (open > 0 || errno != ENOENT)
            find(in, FINDING_DAMAGE, file, hint, "it cannot be read (%s), and %zu attempts are open", strerror(errno),
                 open);
        return;
    }
    if (st.st_size % (off_t)sizeof(struct attempt_record) != 0)
        find(in, FINDING_DAMAGE, file, hint, "its size, %lld bytes, is no number of records", (long long)st.st_size);
    for (uint32_t i = 0; (off_t)i < st.st_size / (off_t)sizeof(struct attempt_record); i++) {
        struct attempt_record record;
        if (attempts_read(fd, i, &record, &err) != 0) {
            find(in, FINDING_DAMAGE, file, hint, "%s", err.message);
            return;
        }
        bool sane = record.mark <= ATTEMPT_STARTED && record.pid >= 0 &&
                    (i == 0 || record.mark == ATTEMPT_NEW || (record.pid > 0 && record.claim >= record.fence));
        if (sane) continue;
        find(in, FINDING_DAMAGE, file, hint, "record %u is none that a worker writes", i);
        return;
    }
}

/* ---- receipts ---- */

static bool
is_receipt(const char *path, uint32_t record)
{
    char *text;
    size_t size;
    struct err ignored;
    const struct value *receipt;
    struct arena scratch ARENA_SCOPED = {0};
    struct stat st;
    /* What is no file is not opened: a pipe would keep us waiting for who writes into it. */
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           fd_read_file(&scratch, path, LIMIT_VALUE_SIZE, &text, &size, &ignored) == 0 &&
           json_parse(&scratch, text, size, &receipt, &ignored) == 0 && value_is(receipt, VALUE_MAP) &&
           value_get_int(receipt, "record", -1) == (int64_t)record;
}

static void
inspect_receipt(struct inspection *in, const struct run_state *state, const char *name)
{
    const char *place = arena_printf(in->arena, RECEIPTS_FOLDER "/%s", name), *dot = strchr(name, '.');
    const char *path = arena_printf(in->arena, "%s/%s", in->folder, place);
    const struct step_state *step = NULL;
    int64_t number;
    bool open, json = str_ends(name, ".json");
    if (dot == NULL || !str_to_int(arena_strndup(in->arena, name, (size_t)(dot - name)), &number) || number < 0 ||
        number > UINT32_MAX || (!json && !str_ends(name, ".checkpoints"))) {
        find(in, FINDING_NOTE, place, "Remove it.", "it is no receipt: foreign, or half of one that a kill left");
        return;
    }
    const struct attempt_state *attempt = attempt_of(state, (uint32_t)number, &step, &open);
    bool whole = !json || is_receipt(path, (uint32_t)number);
    if (attempt == NULL)
        find(in, FINDING_NOTE, place, NULL, "the journal knows no such attempt; the next engine passes it over");
    else if (!open)
        find(in, FINDING_NOTE, place, NULL, "of step \"%s\", attempt %u: taken, and not needed any more",
             step->step->id, attempt->attempt);
    else if (whole && json)
        find(in, FINDING_NOTE, place, "`levada resume` takes it.", "the result of step \"%s\" waits here",
             step->step->id);
    else if (!whole)
        find(in, FINDING_DAMAGE, place, "Look whether the step happened, then `levada resume` and `levada resolve`.",
             "the result of step \"%s\" cannot be read", step->step->id);
}

static void
inspect_receipts(struct inspection *in, const struct run_state *state)
{
    DIR *dir = opendir(arena_printf(in->arena, "%s/" RECEIPTS_FOLDER, in->folder));
    if (dir == NULL) {
        if (errno != ENOENT || !run_status_ended(state->status))
            find(in, FINDING_DAMAGE, RECEIPTS_FOLDER, "Make it again, with mode 0700.", "%s", strerror(errno));
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..")) inspect_receipt(in, state, entry->d_name);
    closedir(dir);
}

void
integrity_check(struct arena *arena, const char *folder, const char *id, struct integrity *ret)
{
    struct stat st;
    struct run_state state;
    *ret = (struct integrity){0};
    struct inspection in = {.arena = arena, .ret = ret, .folder = folder};
    in.file = stat(folder, &st) == 0 && S_ISREG(st.st_mode);
    if (!inspect_journal(&in, id, &state) || in.file) return;
    int attempts FD_SCOPED = attempts_open_read(folder);
    bool held = attempts >= 0 && attempts_held(attempts, 0, false);
    inspect_attempts(&in, &state);
    /* An engine at work makes and takes receipts while we look. */
    if (!held) inspect_receipts(&in, &state);
    if (run_status_ended(state.status) && !held) finish_journal(&in);
}
