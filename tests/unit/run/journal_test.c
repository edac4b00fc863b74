/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal on a real file: what is committed is read back, what is not is gone, and an old holder writes nothing.
 */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "run/journal.h"
#include "run/state.h"

static char folder[64];
static struct arena arena;

static void
fresh(void)
{
    snprintf(folder, sizeof folder, "/tmp/levada-journal-XXXXXX");
    CHECK_FATAL(mkdtemp(folder) != NULL);
}

static void
clean(void)
{
    static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm", "journal.db-journal"};
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < 4; i++) unlinkat(fd, names[i], 0);
    close(fd);
    rmdir(folder);
    arena_release(&arena);
}

static const struct value *
data(const char *json)
{
    const struct value *ret = NULL;
    struct err err;
    CHECK_INT(json_parse(&arena, json, strlen(json), &ret, &err), 0);
    return ret;
}

static void
append(struct journal *journal, enum event_type type, const char *step, const char *json)
{
    journal_append(journal, &(struct event){.time_ms = 1, .type = type, .step = step, .data = data(json)});
}

static struct journal *
create(void)
{
    struct journal *journal = NULL;
    struct err err;
    CHECK_INT(journal_create(folder, "0123456789abcdefghjkmnpqrs", "{}", true, &journal, &err), 0);
    CHECK_FATAL(journal != NULL);
    return journal;
}

static int
count(void *context, const struct event *event, struct arena *scratch, struct err *err)
{
    (void)scratch;
    (void)err;
    int64_t *seen = context;
    ++*seen;
    CHECK_INT(event->seq, *seen);
    return 0;
}

static void
what_is_committed_is_read_back_in_order(void)
{
    struct err err;
    uint64_t fence = 0;
    int64_t seen = 0;
    fresh();
    struct journal *journal = create();
    CHECK_INT(journal_take(journal, &fence, &err), 0);
    CHECK_INT(fence, 1);
    append(journal, EVENT_RUN_STARTED, NULL, "{\"pid\":7}");
    append(journal, EVENT_STEP_FINISHED, "a", "{\"status\":\"succeeded\"}");
    CHECK_INT(journal_commit(journal, true, &err), 0);
    append(journal, EVENT_STEP_FINISHED, "b", "{}"); /* never committed */
    journal_close(&journal, false);
    CHECK_INT(journal_open_read(folder, &journal, &err), 0);
    CHECK_INT(journal_read(journal, 0, count, &seen, &err), 0);
    CHECK_INT(seen, 2);
    CHECK_INT(journal_check(journal, &err), 0);
    journal_close(&journal, false);
    clean();
}

static void
an_old_holder_can_commit_nothing_after_a_takeover(void)
{
    struct err err;
    uint64_t fence;
    int64_t seen = 0;
    struct journal *old, *new;
    fresh();
    old = create();
    CHECK_INT(journal_take(old, &fence, &err), 0);
    CHECK_INT(journal_open(folder, &new, &err), 0);
    CHECK_INT(journal_take(new, &fence, &err), 0);
    CHECK_INT(fence, 2);
    append(old, EVENT_CANCEL_ASKED, NULL, "{}");
    CHECK_INT(journal_commit(old, false, &err), EXIT_HELD);
    CHECK_STR(err.message, "this run was taken over by another engine (fence 2, ours 1)");
    append(new, EVENT_CANCEL_ASKED, NULL, "{}");
    CHECK_INT(journal_commit(new, false, &err), 0);
    CHECK_INT(journal_read(new, 0, count, &seen, &err), 0);
    CHECK_INT(seen, 1);
    journal_close(&old, false);
    journal_close(&new, true);
    clean();
}

static void
fences_rise_over_sessions(void)
{
    struct err err;
    uint64_t fence;
    fresh();
    struct journal *journal = create();
    CHECK_INT(journal_take(journal, &fence, &err), 0);
    journal_set_fence(journal, 3);
    CHECK_INT(journal_commit(journal, false, &err), 0);
    journal_close(&journal, false);
    CHECK_INT(journal_open(folder, &journal, &err), 0);
    CHECK_INT(journal_take(journal, &fence, &err), 0);
    CHECK(fence > 3);
    journal_close(&journal, false);
    clean();
}

static void
a_finished_journal_is_one_plain_file_that_a_read_only_folder_can_show(void)
{
    struct err err;
    uint64_t fence;
    char path[128];
    int64_t seen = 0;
    fresh();
    struct journal *journal = create();
    CHECK_INT(journal_take(journal, &fence, &err), 0);
    append(journal, EVENT_CANCEL_ASKED, NULL, "{}");
    CHECK_INT(journal_commit(journal, false, &err), 0);
    journal_close(&journal, true);
    snprintf(path, sizeof path, "%s/journal.db-wal", folder);
    CHECK(access(path, F_OK) != 0);
    chmod(folder, 0500);
    CHECK_INT(journal_open_read(folder, &journal, &err), 0);
    CHECK_INT(journal_read(journal, 0, count, &seen, &err), 0);
    CHECK_INT(seen, 1);
    journal_close(&journal, false);
    chmod(folder, 0700);
    clean();
}

static void
a_damaged_journal_is_refused_by_name(void)
{
    struct err err;
    char path[128];
    struct journal *journal = NULL;
    fresh();
    snprintf(path, sizeof path, "%s/journal.db", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(write(fd, "this is no database, whatever its name says it is", 49) == 49);
    close(fd);
    CHECK_INT(journal_open_read(folder, &journal, &err), EXIT_STORE);
    CHECK(strstr(err.message, folder) != NULL);
    CHECK(journal == NULL);
    unlink(path);
    CHECK_INT(journal_open_read(folder, &journal, &err), EXIT_STORE);
    CHECK(strstr(err.message, "unable to open") != NULL);
    clean();
}

/* Events of three moments; the last two came when the clock had been set back. */
static void
append_at(struct journal *journal, int64_t time_ms, enum event_type type, const char *json)
{
    journal_append(journal, &(struct event){.time_ms = time_ms, .type = type, .data = data(json)});
}

static void
it_is_read_up_to_a_moment_and_no_further_than_the_first_event_behind_it(void)
{
    struct err err;
    uint64_t fence;
    int64_t seen = 0;
    fresh();
    struct journal *journal = create();
    CHECK_INT(journal_take(journal, &fence, &err), 0);
    append_at(journal, 100, EVENT_RUN_CREATED, "{}");
    append_at(journal, 200, EVENT_RUN_STARTED, "{}");
    append_at(journal, 300, EVENT_CANCEL_ASKED, "{}");
    append_at(journal, 150, EVENT_CANCEL_ASKED, "{}");
    CHECK_INT(journal_commit(journal, false, &err), 0);
    static const struct { int64_t until_ms; int count; bool cut; } all[] = {
        {50, 0, true}, {100, 1, true}, {250, 2, true}, {299, 2, true}, {300, 4, false}, {0, 4, false}};
    for (size_t i = 0; i < CHECK_COUNT(all); i++) {
        struct journal *reader = NULL;
        seen = 0;
        CHECK_INT(journal_open_read(folder, &reader, &err), 0);
        journal_until(reader, all[i].until_ms);
        CHECK_INT(journal_read(reader, 0, count, &seen, &err), 0);
        CHECK_INT(seen, all[i].count);
        CHECK(journal_was_cut(reader) == all[i].cut);
        journal_close(&reader, false);
    }
    journal_close(&journal, true);
    clean();
}

static void
a_run_has_ended_when_its_last_event_says_so(void)
{
    struct err err;
    uint64_t fence;
    bool ended = true;
    fresh();
    struct journal *journal = create();
    CHECK_INT(journal_is_ended(journal, &ended, &err), 0);
    CHECK(!ended);
    CHECK_INT(journal_take(journal, &fence, &err), 0);
    static const struct { enum event_type type; bool ended; } all[] = {
        {EVENT_RUN_CREATED, false}, {EVENT_RUN_STOPPED, false}, {EVENT_RUN_FINISHED, true}, {EVENT_RUN_RETRIED, false}};
    for (size_t i = 0; i < CHECK_COUNT(all); i++) {
        append_at(journal, 1, all[i].type, "{}");
        CHECK_INT(journal_commit(journal, false, &err), 0);
        CHECK_INT(journal_is_ended(journal, &ended, &err), 0);
        CHECK(ended == all[i].ended);
    }
    journal_close(&journal, true);
    clean();
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"what is committed is read back in order", what_is_committed_is_read_back_in_order},
        {"an old holder can commit nothing after a takeover", an_old_holder_can_commit_nothing_after_a_takeover},
        {"fences rise over sessions", fences_rise_over_sessions},
        {"a finished journal is one plain file that a read-only folder can show",
         a_finished_journal_is_one_plain_file_that_a_read_only_folder_can_show},
        {"a damaged journal is refused by name", a_damaged_journal_is_refused_by_name},
        {"it is read up to a moment, and no further than the first event behind it",
         it_is_read_up_to_a_moment_and_no_further_than_the_first_event_behind_it},
        {"a run has ended when its last event says so", a_run_has_ended_when_its_last_event_says_so},
    };
    return check_main("journal", tests, CHECK_COUNT(tests), argc, argv);
}
