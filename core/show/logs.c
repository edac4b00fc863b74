/* SPDX-License-Identifier: Apache-2.0
 *
 * A log's name comes from the journal, and a run folder may come from another machine: only plain file names are
 * opened, and never through a link. Following polls five times a second: it must also see logs that do
 * not exist yet, and a person does not notice less.
 */
#include "show/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "run/job.h"
#include "run/journal.h"
#include "run/journal_export.h"
#include "show/instance.h"
#include "show/removed.h"
#include "show/text.h"

#define TAIL_SIZE_MAX (256 * 1024)
#define LINE_SIZE_MAX (64 * 1024)
#define POLL_MS 200
#define NAME_CELLS 32u /* names that are longer push their lines to the right */

int
logs_open(const char *run_folder, const char *log)
{
    struct arena arena ARENA_SCOPED = {0};
    if (log == NULL || *log == '\0' || *log == '.' || strchr(log, '/') != NULL) return -1;
    int fd = open(arena_printf(&arena, "%s/" LOGS_FOLDER "/%s", run_folder, log),
                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    /* ENOTDIR: an exported run, which holds its logs itself. */
    return fd < 0 && errno == ENOTDIR ? export_open(run_folder, arena_printf(&arena, LOGS_FOLDER "/%s", log)) : fd;
}

/* The last size_max bytes of a file. */
static char *
read_end(struct arena *arena, int fd, size_t size_max, size_t *size, bool *cut)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return NULL;
    off_t start = st.st_size > (off_t)size_max ? st.st_size - (off_t)size_max : 0;
    char *text = arena_alloc(arena, (size_t)(st.st_size - start) + 1);
    ssize_t n = pread(fd, text, (size_t)(st.st_size - start), start);
    if (n <= 0) return NULL;
    *size = (size_t)n;
    *cut = start > 0;
    return text;
}

const char *
logs_last_line(struct arena *arena, const char *run_folder, const char *log)
{
    int fd FD_SCOPED = logs_open(run_folder, log);
    struct arena scratch ARENA_SCOPED = {0};
    size_t size;
    bool cut;
    char *text = fd < 0 ? NULL : read_end(&scratch, fd, 4096, &size, &cut);
    if (text == NULL) return NULL;
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL) size--;
    size_t start = size;
    while (start > 0 && text[start - 1] != '\n') start--;
    return size > start ? arena_strndup(arena, text + start, size - start) : NULL;
}

const char *
logs_tail(struct arena *arena, const char *run_folder, const char *log, size_t lines, size_t *size, bool *cut)
{
    int fd FD_SCOPED = logs_open(run_folder, log);
    char *text = fd < 0 ? NULL : read_end(arena, fd, TAIL_SIZE_MAX, size, cut);
    if (text == NULL) return NULL;
    size_t start = *size, seen = 0;
    if (start > 0 && text[start - 1] == '\n') start--;
    while (start > 0 && (text[start - 1] != '\n' || ++seen < lines)) start--;
    if (start > 0) *cut = true;
    *size -= start;
    return text + start;
}

/* One log that is being read. */
struct tail {
    const char *name;   /* in front of its lines; NULL: none */
    uint32_t record;
    int fd;             /* -1: not made yet */
    bool done;
    struct buf partial; /* a line without its end */
};

struct follower {
    struct arena *arena;
    struct view *view;
    const struct logs_options *options;
    struct tail *tails;
    size_t count, capacity, name_width;
    uint32_t *places;   /* by record: its tail's position + 1 */
    size_t nplaces;
    bool named;         /* more than one step writes: each line says which */
    bool written;
};

static void
put_line(struct follower *follower, const struct tail *tail, const char *line, size_t size)
{
    const struct logs_options *options = follower->options;
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, LIMIT_VALUE_SIZE);
    if (tail->name != NULL) {
        size_t cells = text_width(tail->name, strlen(tail->name));
        buf_text(&text, tail->name);
        buf_printf(&text, "%*s | ", cells < follower->name_width ? (int)(follower->name_width - cells) : 0, "");
    }
    if (options->plain) str_plain(&text, line, size);
    else buf_add(&text, line, size);
    buf_char(&text, '\n');
    fwrite(buf_str(&text), 1, text.size, options->out);
    follower->written = true;
}

static void
put_text(struct follower *follower, struct tail *tail, const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        const char *end = memchr(text + i, '\n', size - i);
        size_t length = end != NULL ? (size_t)(end - (text + i)) : size - i;
        size_t room = LINE_SIZE_MAX - tail->partial.size;
        if (length > room) {
            end = NULL;
            length = room;
        }
        buf_add(&tail->partial, text + i, length);
        i += length + (end != NULL);
        if (end != NULL || tail->partial.size >= LINE_SIZE_MAX) {
            put_line(follower, tail, buf_str(&tail->partial), tail->partial.size);
            buf_clear(&tail->partial);
        }
    }
}

/* What is new in one log. `last`: nobody writes to it any more. */
static void
read_tail(struct follower *follower, struct tail *tail, const char *log, bool last)
{
    char chunk[16384];
    if (tail->done) return;
    if (tail->fd < 0) tail->fd = logs_open(follower->view->folder, log);
    if (tail->fd >= 0)
        for (ssize_t n; (n = read(tail->fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR);)
            if (n > 0) put_text(follower, tail, chunk, (size_t)n);
    if (!last) return;
    if (tail->partial.size) put_line(follower, tail, buf_str(&tail->partial), tail->partial.size);
    buf_release(&tail->partial);
    fd_close(&tail->fd);
    tail->done = true;
}

static struct tail *
tail_of(struct follower *follower, const struct step_state *step, uint32_t record)
{
    if (record >= follower->nplaces) {
        size_t count = follower->nplaces * 2 > record + 1u ? follower->nplaces * 2 : record + 1u;
        uint32_t *grown = ARENA_ARRAY(follower->arena, count, uint32_t);
        if (follower->nplaces) memcpy(grown, follower->places, follower->nplaces * sizeof *grown);
        follower->places = grown;
        follower->nplaces = count;
    }
    if (follower->places[record]) return &follower->tails[follower->places[record] - 1];
    follower->tails = arena_grow(follower->arena, follower->tails, follower->count, &follower->capacity,
                                 sizeof *follower->tails);
    struct tail *tail = &follower->tails[follower->count++];
    *tail = (struct tail){.record = record, .fd = -1};
    if (follower->named && step != NULL) tail->name = instance_name_text(follower->arena, step);
    follower->places[record] = (uint32_t)follower->count;
    buf_init(&tail->partial, LINE_SIZE_MAX + 1);
    return tail;
}

static bool
attempt_wanted(const struct follower *follower, const struct step_state *step, size_t at)
{
    const struct logs_options *options = follower->options;
    const struct run_state *state = &follower->view->state;
    if (!follower->named && step != state_step(state, options->step, options->item)) return false;
    if (options->step != NULL && !instance_within(state, step, options->step, options->item)) return false;
    if (step->gone || step->attempts[at].log == NULL) return false;
    if (options->attempt != 0) return step->attempts[at].attempt == options->attempt;
    return options->follow || at + 1 == step->nattempts;
}

static void
read_all(struct follower *follower, bool last)
{
    const struct run_state *state = &follower->view->state;
    for (size_t i = 0; i < state->nsteps; i++)
        for (size_t k = 0; k < state->steps[i].nattempts; k++) {
            const struct attempt_state *attempt = &state->steps[i].attempts[k];
            if (!attempt_wanted(follower, &state->steps[i], k)) continue;
            read_tail(follower, tail_of(follower, &state->steps[i], attempt->record), attempt->log,
                      last || attempt->finished_ms != 0);
        }
    fflush(follower->options->out);
}

static int
apply(void *context, const struct event *event, struct arena *scratch, struct err *err)
{
    struct view *view = context;
    (void)scratch;
    int code = state_apply(&view->state, event, err);
    view->status = view->state.status;
    return code;
}

/* Does anybody still write to it? An exported run is what it is. */
static bool
goes_on(const struct view *view)
{
    return view->status == RUN_RUNNING_STATUS && !view->exported;
}

/* Reads what the journal got since; opened per query, so that the run's end finds nobody in its way. */
static int
refresh(struct view *view, struct err *err)
{
    struct journal *journal;
    bool lived = view_engine_lives(view->folder);
    int code = journal_open_read(view->folder, &journal, err);
    if (code) return code;
    code = journal_read(journal, view->state.last_seq, apply, view, err);
    journal_close(&journal, false);
    if (!code && view->status == RUN_RUNNING_STATUS && !lived && !view_engine_lives(view->folder))
        view->status = RUN_INTERRUPTED_STATUS;
    return code;
}

/* Of a step that only the journal still knows: the attempt that is asked for, or the last. */
static int
print_removed(struct follower *follower, const struct removed_step *step, struct err *err)
{
    const struct logs_options *options = follower->options;
    const struct removed_attempt *attempt = NULL;
    for (size_t i = 0; i < step->count; i++)
        if (step->attempts[i].log != NULL && (!options->attempt || step->attempts[i].attempt == options->attempt))
            attempt = &step->attempts[i];
    int fd FD_SCOPED = attempt != NULL ? logs_open(follower->view->folder, attempt->log) : -1;
    if (fd < 0) return removed_say(follower->view->name, options->step, step, err);
    fd_close(&fd);
    read_tail(follower, tail_of(follower, NULL, attempt->record), attempt->log, true);
    fflush(options->out);
    return 0;
}

static int
check_names(const struct view *view, const struct logs_options *options, struct err *err)
{
    const struct run_state *state = &view->state;
    const struct step_state *step;
    bool any = options->step == NULL;
    for (size_t i = 0; i < state->nsteps && !any; i++)
        any = instance_within(state, &state->steps[i], options->step, options->item);
    if (!any) return instance_find(state, view->name, options->step, options->item, &step, err);
    if (options->step == NULL || options->attempt == 0 || options->follow) return 0;
    step = state_step(state, options->step, options->item);
    if (step == NULL || state_is_parent(step)) return 0;
    for (size_t i = 0; i < step->nattempts; i++)
        if (step->attempts[i].attempt == options->attempt) return 0;
    err_set(err, EXIT_USAGE, "step \"%s\" has no attempt %u", options->step, options->attempt);
    err_hint(err, "It has %u.", step_attempts(step));
    return EXIT_USAGE;
}

/* One step, of one item, writes without its name in front. */
static void
choose_names(struct follower *follower)
{
    const struct run_state *state = &follower->view->state;
    const struct logs_options *options = follower->options;
    const struct step_state *one = options->step != NULL ? state_step(state, options->step, options->item) : NULL;
    struct buf name BUF_SCOPED = {0};
    follower->named = one == NULL || state_is_parent(one);
    buf_init(&name, 1 << 16);
    for (size_t i = 0; i < state->nsteps && follower->named; i++) {
        if (state_is_parent(&state->steps[i])) continue;
        if (options->step != NULL && !instance_within(state, &state->steps[i], options->step, options->item)) continue;
        buf_clear(&name);
        instance_name(&name, &state->steps[i]);
        size_t size = text_width(buf_str(&name), name.size);
        if (size > follower->name_width && size <= NAME_CELLS) follower->name_width = size;
    }
}

int
logs_print(struct arena *arena, struct view *view, const struct logs_options *options, bool *written,
           struct err *err)
{
    struct follower follower = {.arena = arena, .view = view, .options = options};
    struct removed_step removed;
    if (options->step != NULL && options->item == NULL && !instance_exists(&view->state, options->step) &&
        removed_find(arena, view->folder, options->step, &removed)) {
        int code = print_removed(&follower, &removed, err);
        *written = follower.written;
        return code;
    }
    int code = check_names(view, options, err);
    if (code) return code;
    choose_names(&follower);
    while (options->follow && goes_on(view) && !code && !ferror(options->out)) {
        read_all(&follower, false);
        (void)poll(NULL, 0, POLL_MS);
        size_t before = view->state.nsteps;
        code = refresh(view, err);
        if (view->state.nsteps != before) choose_names(&follower);
    }
    read_all(&follower, true);
    *written = follower.written;
    return code;
}
