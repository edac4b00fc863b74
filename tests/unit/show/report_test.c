/* SPDX-License-Identifier: Apache-2.0
 *
 * The page is well formed, needs nothing from outside, and stays so when every text in the run is hostile.
 */
#include "show/report.h"

#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

#define HOSTILE "</pre></details></title></style><script>alert(1)</script><img src=x onerror=alert(2)>\" onclick='x'"

static bool
is_void(const char *name, size_t size)
{
    return (size == 4 && memcmp(name, "meta", 4) == 0) || (size == 2 && memcmp(name, "br", 2) == 0);
}

/* Every tag is closed in order, every attribute is quoted and harmless. Text between tags holds no '<'. */
static void
check_page(const char *page)
{
    const char *open[64];
    size_t sizes[64], depth = 0;
    CHECK_FATAL(strncmp(page, "<!doctype html>", 15) == 0);
    for (const char *p = strchr(page + 1, '<'); p != NULL; p = strchr(p, '<')) {
        bool closing = p[1] == '/';
        const char *name = p + 1 + closing;
        size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
        CHECK_FATAL(size > 0);
        CHECK(!(size == 6 && memcmp(name, "script", 6) == 0) && !(size == 3 && memcmp(name, "img", 3) == 0));
        const char *at = name + size;
        while (*at == ' ') { /* attributes */
            at += strspn(at, " ");
            size_t length = strcspn(at, "= >/");
            CHECK(strncmp(at, "on", 2) != 0 && strncmp(at, "src", 3) != 0);
            at += length;
            if (*at == '=') {
                CHECK_FATAL(at[1] == '"');
                at = strchr(at + 2, '"');
                CHECK_FATAL(at != NULL);
                at++;
            }
        }
        bool empty = *at == '/';
        at += empty;
        CHECK_FATAL(*at == '>');
        if (closing) {
            CHECK_FATAL(depth > 0 && sizes[depth - 1] == size && memcmp(open[depth - 1], name, size) == 0);
            depth--;
        } else if (!empty && !is_void(name, size)) {
            CHECK_FATAL(depth < 64);
            open[depth] = name;
            sizes[depth++] = size;
        }
        p = at;
    }
    CHECK_INT(depth, 0);
    CHECK(strstr(page, "http:") == NULL && strstr(page, "https:") == NULL && strstr(page, "url(") == NULL);
    CHECK(strstr(page, "@import") == NULL && strstr(page, "javascript:") == NULL);
}

static void
write_file(struct arena *arena, const char *folder, const char *name, const char *text)
{
    FILE *file = fopen(arena_printf(arena, "%s/%s", folder, name), "w");
    CHECK_FATAL(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void
hostile_run(void)
{
    static const struct fixture_step steps[] = {
        {"a", "", PART_STEPS, 0}, {"b", "a", PART_STEPS, 3}, {"c", "a b", PART_STEPS, 0}, {"d", "", PART_FINALLY, 0}};
    struct fixture f;
    struct buf page BUF_SCOPED = {0};
    char folder[] = "/tmp/levada-report-XXXXXX";
    CHECK_FATAL(mkdtemp(folder) != NULL);
    fixture_init(&f, steps, 4);
    CHECK_FATAL(mkdir(arena_printf(&f.arena, "%s/logs", folder), 0700) == 0);
    CHECK_FATAL(mkdir(arena_printf(&f.arena, "%s/artifacts", folder), 0700) == 0);
    write_file(&f.arena, folder, "logs/b.log", HOSTILE "\n\033[31m\xff\n");
    write_file(&f.arena, folder, "artifacts/\"><script>x<.html", "x");
    write_file(&f.arena, folder, "secret.txt", "not an artifact");
    f.model.name = f.model.description = f.model.source = HOSTILE;
    f.view.folder = folder;
    const char *quoted = "<\\/pre><script>alert(1)<\\/script>\\\" onclick='x' \\u001b[2J";
    fixture_event(&f, 0, EVENT_RUN_CREATED, NULL,
                  arena_printf(&f.arena, "{\"params\":{\"%s\":\"%s\"},\"trigger\":\"%s\"}", quoted, quoted, quoted));
    fixture_event(&f, 1, EVENT_STEP_INTENT, "b",
                  arena_printf(&f.arena, "{\"attempt\":1,\"record\":1,\"fence\":1,\"log\":\"b.log\",\"inputs\":"
                      "{\"with\":{\"x\":\"%s\"},"
                               "\"script\":\"%s\",\"deferred\":[{\"path\":[\"%s\",1],\"template\":\"%s\"}]},"
                               "\"reason\":{\"code\":\"%s\",\"text\":\"%s\"}"
                               "}", quoted, quoted, quoted, quoted, quoted, quoted));
    fixture_event(&f, 5, EVENT_STEP_RECEIPT, "b",
                  arena_printf(&f.arena, "{\"record\":1,\"status\":\"%s\",\"error\":{\"class\":\"%s\",\"messag"
                      "e\":\"%s\"},"
                               "\"metrics\":[{\"name\":\"%s\",\"value\":5,\"unit\":\"rows\"}"
                               "]}", quoted, quoted, quoted, quoted));
    fixture_event(&f, 6, EVENT_STEP_CHECKPOINT, "b", arena_printf(&f.arena, "{\"key\":\"%s\",\"value\":\"%s\""
        "}", quoted, quoted));
    fixture_event(&f, 9, EVENT_STEP_FINISHED, "b",
                  arena_printf(&f.arena, "{\"status\":\"failed\",\"attempt\":1,\"outputs\":{\"t\":[{\"%s\":\"%s\"}]},"
                               "\"error\":{\"class\":\"%s\",\"message\":\"%s\",\"hint\":\"%s\",\"file\":\"%s\""
                               ",\"line\":3}}",
                               quoted, quoted, quoted, quoted, quoted, quoted));
    fixture_event(&f, 10, EVENT_RUN_FINISHED, NULL,
                  arena_printf(&f.arena, "{\"status\":\"failed\",\"exit\":1,\"failed_step\":\"b\",\"outputs\":"
                      "{\"%s\":{\"a\":[\"%s\"]}}}",
                               quoted, quoted));
    buf_init(&page, REPORT_SIZE_MAX);
    report_write(&page, &f.view, FIXTURE_START + 20, true);
    check_page(buf_str(&page));
    CHECK(strstr(buf_str(&page), "secret.txt") == NULL);
    CHECK(strstr(buf_str(&page), "href=\"artifacts/%22%3E%3Cscript%3Ex%3C.html\"") != NULL);
    CHECK(strstr(buf_str(&page), "\033") == NULL);
    CHECK(strstr(buf_str(&page), "&lt;/pre&gt;&lt;/details&gt;") != NULL);
    unlink(arena_printf(&f.arena, "%s/logs/b.log", folder));
    unlink(arena_printf(&f.arena, "%s/artifacts/\"><script>x<.html", folder));
    unlink(arena_printf(&f.arena, "%s/secret.txt", folder));
    rmdir(arena_printf(&f.arena, "%s/logs", folder));
    rmdir(arena_printf(&f.arena, "%s/artifacts", folder));
    rmdir(folder);
    fixture_release(&f);
}

static void
whole_run(void)
{
    struct fixture f;
    struct buf page BUF_SCOPED = {0};
    buf_init(&page, REPORT_SIZE_MAX);
    fixture_failed_run(&f);
    f.view.folder = "/nonexistent";
    report_write(&page, &f.view, FIXTURE_START + 9000, false);
    check_page(buf_str(&page));
    const char *want[] = {
        "<title>flights failed · 4r6s8t0v</title>", "id=\"graph\"", "id=\"timeline\"", "<h2>Duration</h2>", "<h2"
        ">Rows</h2>",
        "<span class=\"secret\">secret lake</span>", "id=\"step-check_rows\" open>",
        "contract: 12 rows without &quot;carrier&quot;", "waited 2.0 s before attempt 2", "336,776"};
    for (size_t i = 0; i < CHECK_COUNT(want); i++) {
        if (strstr(buf_str(&page), want[i]) == NULL) printf("\nmissing: %s\n", want[i]);
        CHECK(strstr(buf_str(&page), want[i]) != NULL);
    }
    fixture_release(&f);
}

static void
empty_run(void)
{
    struct fixture f;
    struct buf page BUF_SCOPED = {0};
    buf_init(&page, REPORT_SIZE_MAX);
    fixture_init(&f, NULL, 0);
    f.view.folder = "/nonexistent";
    report_write(&page, &f.view, FIXTURE_START, true);
    check_page(buf_str(&page));
    fixture_release(&f);
}

static void
many_steps(void)
{
    static struct fixture_step steps[3000];
    static char names[3000][8];
    struct fixture f;
    struct buf page BUF_SCOPED = {0};
    buf_init(&page, REPORT_SIZE_MAX);
    for (size_t i = 0; i < 3000; i++) {
        snprintf(names[i], sizeof names[i], "s%zu", i);
        steps[i] = (struct fixture_step){.id = names[i], .needs = ""};
    }
    fixture_init(&f, steps, 3000);
    f.view.folder = "/nonexistent";
    fixture_event(&f, 0, EVENT_RUN_CREATED, NULL, "{}");
    for (size_t i = 0; i < 500; i++) {
        fixture_event(&f, 1, EVENT_STEP_INTENT, names[i], arena_printf(&f.arena, "{\"attempt\":1,\"record\":%zu"
            ",\"fence\":1}", i + 1));
        f.view.ndecisions = 0; /* the fixture's list is short, and not what this is about */
    }
    report_write(&page, &f.view, FIXTURE_START + 99, true);
    check_page(buf_str(&page));
    CHECK(strstr(buf_str(&page), "3000 steps with 0 edges are too many to draw") != NULL);
    CHECK(strstr(buf_str(&page), "the first 200 steps") != NULL);
    CHECK(strstr(buf_str(&page), "the largest 40 of 500") != NULL);
    fixture_release(&f);
}

static void
long_loop(void)
{
    static const struct fixture_step steps[] = {{"load", "", PART_STEPS, 0}};
    struct fixture f;
    struct buf page BUF_SCOPED = {0}, items BUF_SCOPED = {0};
    buf_init(&page, REPORT_SIZE_MAX);
    buf_init(&items, MIB);
    fixture_init(&f, steps, 1);
    fixture_loop(&f, 0);
    f.view.folder = "/nonexistent";
    fixture_event(&f, 0, EVENT_RUN_CREATED, NULL, "{}");
    buf_text(&items, "{\"items\":[");
    for (size_t i = 0; i < 1000; i++) buf_printf(&items, "%s{\"key\":\"<k%zu>\",\"value\":1}", i ? "," : "", i);
    buf_text(&items, "]}");
    fixture_event(&f, 1, EVENT_STEP_EXPANDED, "load", buf_str(&items));
    fixture_item_event(&f, 2, EVENT_STEP_INTENT, "load", "<k7>", "{\"attempt\":1,\"record\":1,\"fence\":1}");
    fixture_item_event(&f, 9, EVENT_STEP_FINISHED, "load", "<k7>",
                       "{\"status\":\"failed\",\"attempt\":1,\"error\":{\"class\":\"permanent\",\"message\":\"no\"}}");
    report_write(&page, &f.view, FIXTURE_START + 99, true);
    check_page(buf_str(&page));
    CHECK(strstr(buf_str(&page), "<b>load[&lt;k7&gt;]</b>") != NULL);
    CHECK(strstr(buf_str(&page), "<b>load[&lt;k8&gt;]</b>") == NULL);
    CHECK(strstr(buf_str(&page), "… and 999 waiting") != NULL);
    CHECK(strstr(buf_str(&page), "loop · 0 of 1,000 done, 1 failed") != NULL);
    CHECK(page.size < 64 * KIB);
    fixture_release(&f);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a page of a run has every section and needs nothing from outside", whole_run},
        {"nothing hostile in a run becomes markup", hostile_run},
        {"a run without steps is a page too", empty_run},
        {"of a long loop the items that failed have sections, the others a count", long_loop},
        {"thousands of steps are counted rather than drawn", many_steps},
    };
    return check_main("report", tests, CHECK_COUNT(tests), argc, argv);
}
