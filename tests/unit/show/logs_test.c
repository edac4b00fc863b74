/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs of a run folder made by hand.
 */
#include "show/logs.h"

#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

static struct fixture f;
static char folder[64];

static void
begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/levada-logs-XXXXXX");
    CHECK_FATAL(mkdtemp(folder) != NULL);
    fixture_failed_run(&f);
    CHECK_FATAL(mkdir(arena_printf(&f.arena, "%s/logs", folder), 0700) == 0);
    f.view.folder = folder;
}

static void
write_log(const char *name, const char *text)
{
    FILE *file = fopen(arena_printf(&f.arena, "%s/%s", folder, name), "w");
    CHECK_FATAL(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void
end(void)
{
    const char *names[] = {"load.1.log", "check_rows.1.log", "check_rows.2.log", "link.log"};
    for (size_t i = 0; i < CHECK_COUNT(names); i++) unlink(arena_printf(&f.arena, "%s/logs/%s", folder, names[i]));
    unlink(arena_printf(&f.arena, "%s/outside", folder));
    rmdir(arena_printf(&f.arena, "%s/logs", folder));
    CHECK_INT(rmdir(folder), 0);
    fixture_release(&f);
}

/* What logs_print writes. */
static const char *
print(struct logs_options options, int want_code)
{
    char *text = NULL;
    size_t size = 0;
    bool written = false;
    struct err err = {0};
    options.out = open_memstream(&text, &size);
    CHECK_FATAL(options.out != NULL);
    CHECK_INT(logs_print(&f.arena, &f.view, &options, &written, &err), want_code);
    fclose(options.out);
    CHECK_INT(written, size > 0);
    const char *ret = arena_strdup(&f.arena, want_code ? err.message : text);
    free(text);
    return ret;
}

static void
prints(void)
{
    begin();
    write_log("logs/load.1.log", "reading\n336776 rows");
    write_log("logs/check_rows.1.log", "connection reset\n");
    write_log("logs/check_rows.2.log", "12 rows\033[2J\n\ndone\n");
    CHECK_STR(print((struct logs_options){0}, 0),
              "load       | reading\nload       | 336776 rows\n"
              "check_rows | 12 rows\033[2J\ncheck_rows | \ncheck_rows | done\n");
    CHECK_STR(print((struct logs_options){.step = "check_rows", .plain = true}, 0), "12 rows\\x1b[2J\n\ndone\n");
    CHECK_STR(print((struct logs_options){.step = "check_rows", .attempt = 1}, 0), "connection reset\n");
    CHECK_STR(print((struct logs_options){.step = "export"}, 0), "");
    CHECK_STR(print((struct logs_options){.step = "load", .follow = true}, 0), "reading\n336776 rows\n");
    end();
}

static void
refuses(void)
{
    begin();
    CHECK_STR(print((struct logs_options){.step = "check_row"}, EXIT_USAGE),
              "run " FIXTURE_ID " has no step \"check_row\"");
    CHECK_STR(print((struct logs_options){.step = "load", .attempt = 2}, EXIT_USAGE), "step \"load\" has no "
        "attempt 2");
    end();
}

static void
stays_inside(void)
{
    begin();
    write_log("outside", "secret\n");
    CHECK_INT(symlink("../outside", arena_printf(&f.arena, "%s/logs/link.log", folder)), 0);
    CHECK_INT(logs_open(folder, "../outside"), -1);
    CHECK_INT(logs_open(folder, "link.log"), -1);
    CHECK_INT(logs_open(folder, "."), -1);
    CHECK_INT(logs_open(folder, ""), -1);
    CHECK_INT(logs_open(folder, NULL), -1);
    end();
}

static void
tails(void)
{
    begin();
    size_t size;
    bool cut;
    write_log("logs/load.1.log", "one\ntwo\nthree\n  \n");
    CHECK_STR(logs_last_line(&f.arena, folder, "load.1.log"), "three");
    CHECK_STR(logs_tail(&f.arena, folder, "load.1.log", 2, &size, &cut), "three\n  \n");
    CHECK(cut);
    CHECK_INT(size, 9);
    CHECK_STR(logs_tail(&f.arena, folder, "load.1.log", 9, &size, &cut), "one\ntwo\nthree\n  \n");
    CHECK(!cut);
    write_log("logs/load.1.log", "");
    CHECK_STR(logs_last_line(&f.arena, folder, "load.1.log"), NULL);
    CHECK_STR(logs_tail(&f.arena, folder, "missing.log", 2, &size, &cut), NULL);
    end();
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"the last attempt of each step is printed, or the one asked for", prints},
        {"an unknown step or attempt is refused", refuses},
        {"nothing outside logs/ is opened, whatever the journal says", stays_inside},
        {"the end of a log is found from its end", tails},
    };
    return check_main("logs", tests, CHECK_COUNT(tests), argc, argv);
}
