/* SPDX-License-Identifier: Apache-2.0
 *
 * What the run left under artifacts/: names and sizes, linked when the page lies beside them. Links and special
 * files are not followed, and no file is opened.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "run/job.h"
#include "run/journal_export.h"
#include "show/html.h"
#include "show/report.h"
#include "show/text.h"

#define FILES_MAX 300u
#define DEPTH_MAX 6

struct artifact {
    const char *path; /* below artifacts/ */
    int64_t size;
};

struct listing {
    struct arena *arena;
    struct artifact files[FILES_MAX];
    size_t count;
    bool more;
};

/* Takes fd. */
static void
walk(struct listing *listing, int fd, const char *prefix, int depth)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        fd_close(&fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..")) continue;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        const char *path = arena_printf(listing->arena, "%s%s", prefix, entry->d_name);
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            int below = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (below >= 0) walk(listing, below, arena_printf(listing->arena, "%s/", path), depth + 1);
        } else if (S_ISREG(st.st_mode)) {
            if (listing->count == FILES_MAX) listing->more = true;
            else listing->files[listing->count++] = (struct artifact){path, st.st_size};
        }
    }
    closedir(dir);
}

static void
list_exported(struct listing *listing, const char *file)
{
    struct export_file *files;
    struct err ignored;
    size_t count, skip = strlen(ARTIFACTS_FOLDER "/");
    if (export_list(listing->arena, file, ARTIFACTS_FOLDER "/", &files, &count, &ignored) != 0) return;
    listing->more = count > FILES_MAX;
    for (size_t i = 0; i < count && i < FILES_MAX; i++)
        listing->files[listing->count++] = (struct artifact){files[i].name + skip, files[i].size};
}

static int
by_path(const void *a, const void *b)
{
    const struct artifact *x = a, *y = b;
    return strcmp(x->path, y->path);
}

void
report_files(struct buf *buf, const struct view *view, bool linked)
{
    struct arena arena ARENA_SCOPED = {0};
    struct listing *listing = ARENA_NEW(&arena, struct listing);
    listing->arena = &arena;
    int fd = open(arena_printf(&arena, "%s/" ARTIFACTS_FOLDER, view->folder),
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) walk(listing, fd, "", 0);
    if (view->exported) list_exported(listing, view->folder);
    if (listing->count == 0) return;
    qsort(listing->files, listing->count, sizeof listing->files[0], by_path);
    buf_text(buf, "<section class=\"card\" id=\"artifacts\"><h2>Artifacts</h2><div class=\"scroll\"><table "
        "class=\"data\">"
             "<thead><tr><th>File</th><th class=\"n\">Size</th></tr></thead><tbody>");
    for (size_t i = 0; i < listing->count; i++) {
        buf_text(buf, "<tr><td>");
        if (linked) {
            buf_text(buf, "<a href=\"" ARTIFACTS_FOLDER "/");
            html_path(buf, listing->files[i].path);
            buf_text(buf, "\">");
        }
        html_text(buf, listing->files[i].path);
        buf_text(buf, linked ? "</a></td><td class=\"n\">" : "</td><td class=\"n\">");
        str_size_human(buf, listing->files[i].size);
        buf_text(buf, "</td></tr>");
    }
    buf_text(buf, "</tbody></table></div>");
    if (listing->more) buf_printf(buf, "<p class=\"dim\">%u of them; the folder has more</p>", FILES_MAX);
    if (!linked) {
        buf_text(buf, view->exported ? "<p class=\"dim\">They are part of the exported run " : "<p "
            "class=\"dim\">They lie in ");
        html_text(buf, view->folder);
        buf_text(buf, view->exported ? "; <code class=\"cmd\">levada export --unpack FOLDER FILE</code> takes them out."
                                     : "/" ARTIFACTS_FOLDER ".");
        buf_text(buf, "</p>");
    }
    buf_text(buf, "</section>\n");
}
