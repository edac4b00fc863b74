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
    };
    return check_main("journal", tests, CHECK_COUNT(tests), argc, argv);
}
