/* SPDX-License-Identifier: Apache-2.0
 *
 * Files, folders, memfds, hashes, ids and errors: the parts of base that meet the kernel.
 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "check.h"

static struct arena arena;
static char folder[256];

static int
remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void
setup(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/levada-fd-XXXXXX", base != NULL ? base : "/tmp");
    CHECK_FATAL(mkdtemp(folder) != NULL);
}

static void
teardown(void)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    arena_release(&arena);
}

static const char *
inside(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static void
files_are_replaced_whole(void)
{
    setup();
    struct err err = {0};
    struct stat st;
    char *text = NULL;
    size_t size = 0;
    int dir FD_SCOPED = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(fd_replace_file(dir, "x", "first", 5, 0600, true, &err), 0);
    CHECK_INT(fd_replace_file(dir, "x", "2", 1, 0600, false, &err), 0);
    CHECK_INT(fd_read_file(&arena, inside("x"), 100, &text, &size, &err), 0);
    CHECK_STR(text, "2");
    CHECK_INT(size, 1);
    CHECK_INT(stat(inside("x"), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    CHECK_INT(mkdir(inside("d"), 0700), 0);
    CHECK_INT(fd_replace_file(dir, "d", "x", 1, 0600, false, &err), EXIT_STORE);
    CHECK_STR(err.message, "cannot write \"d\": Is a directory");
    CHECK_INT(unlink(inside("x")), 0);
    CHECK_INT(rmdir(inside("d")), 0);
    /* Nothing is left beside: the folder is empty now. */
    CHECK_INT(rmdir(folder), 0);
    teardown();
}

static void
reading_refuses_what_cannot_be(void)
{
    setup();
    struct err err = {0};
    char *text = NULL;
    size_t size = 0;
    int dir FD_SCOPED = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(fd_read_file(&arena, inside("none"), 10, &text, &size, &err), EXIT_INVALID);
    CHECK_STR(err.message, arena_printf(&arena, "cannot read \"%s\": No such file or directory", inside("none")));
    CHECK_INT(fd_read_file(&arena, folder, 10, &text, &size, &err), EXIT_INVALID);
    CHECK_STR(err.message, arena_printf(&arena, "\"%s\" is a directory, not a file", folder));
    CHECK_INT(fd_replace_file(dir, "x", "12345678901", 11, 0600, false, &err), 0);
    CHECK_INT(fd_read_file(&arena, inside("x"), 10, &text, &size, &err), EXIT_INVALID);
    CHECK_STR(err.message, arena_printf(&arena, "\"%s\" is larger than the limit of 10 bytes", inside("x")));
    CHECK(text == NULL);
    CHECK_INT(fd_read_file(&arena, inside("x"), 11, &text, &size, &err), 0);
    CHECK_INT(size, 11);
    teardown();
}

static void
pipes_are_read_to_their_end(void)
{
    struct err err = {0};
    char *text = NULL, chunk[1000];
    size_t size = 0;
    int pipes[2];
    CHECK_FATAL(pipe(pipes) == 0);
    memset(chunk, 'x', sizeof chunk);
    for (int i = 0; i < 40; i++) CHECK_INT(fd_write_all(pipes[1], chunk, sizeof chunk), 0);
    close(pipes[1]);
    CHECK_INT(fd_read_rest(&arena, pipes[0], 40000, &text, &size, &err), 0);
    CHECK_INT(size, 40000);
    CHECK_INT(text[size], 0);
    close(pipes[0]);
    CHECK_FATAL(pipe(pipes) == 0);
    for (int i = 0; i < 40; i++) CHECK_INT(fd_write_all(pipes[1], chunk, sizeof chunk), 0);
    close(pipes[1]);
    CHECK_INT(fd_read_rest(&arena, pipes[0], 39999, &text, &size, &err), EXIT_INVALID);
    CHECK_STR(err.message, "larger than the limit of 39999 bytes");
    close(pipes[0]);
    arena_release(&arena);
}

static void
a_memfd_is_sealed(void)
{
    struct err err = {0};
    char *text = NULL;
    size_t size = 0;
    int fd FD_SCOPED = fd_memfd("test", "payload", 7);
    CHECK_FATAL(fd >= 0);
    CHECK_INT(write(fd, "x", 1), -1);
    CHECK_INT(errno, EPERM);
    CHECK_INT(ftruncate(fd, 0), -1);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    CHECK_INT(fd_read_rest(&arena, fd, 100, &text, &size, &err), 0);
    CHECK_STR(text, "payload");
    int empty FD_SCOPED = fd_memfd("empty", NULL, 0);
    CHECK(empty >= 0);
    arena_release(&arena);
}

static void
folders_are_made_with_their_parents(void)
{
    setup();
    struct err err = {0};
    struct stat st;
    CHECK_INT(fd_make_folder(inside("a/b//c/"), &err), 0);
    CHECK_INT(stat(inside("a/b/c"), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0700);
    CHECK_INT(fd_make_folder(inside("a/b/c"), &err), 0);
    CHECK_INT(fd_make_folder("/", &err), 0);
    int fd = open(inside("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    close(fd);
    CHECK_INT(fd_make_folder(inside("file"), &err), EXIT_STORE);
    CHECK_STR(err.message, arena_printf(&arena, "\"%s\" is there and is not a folder", inside("file")));
    CHECK_INT(fd_make_folder(inside("file/x"), &err), EXIT_STORE);
    CHECK_STR(err.message, arena_printf(&arena, "cannot make the folder \"%s\": Not a directory", inside("file/x")));
    CHECK_INT(fd_make_folder("", &err), EXIT_STORE);
    CHECK_STR(err.message, "a folder needs a name");
    char longest[5000];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CHECK_INT(fd_make_folder(longest, &err), EXIT_STORE);
    teardown();
}

static void
closing_keeps_errno(void)
{
    int none = -1, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    errno = ENOSPC;
    fd_close(&none);
    fd_close(&fd);
    CHECK_INT(fd, -1);
    CHECK_INT(errno, ENOSPC);
}

static void
hashes_match_the_standard(void)
{
    setup();
    char hex[HASH_HEX_SIZE];
    struct err err = {0};
    hash_sha256_hex("", 0, hex);
    CHECK_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_sha256_hex("abc", 3, hex);
    CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char *million = arena_alloc(&arena, 1000000);
    memset(million, 'a', 1000000);
    int dir FD_SCOPED = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(fd_replace_file(dir, "x", million, 1000000, 0600, false, &err), 0);
    CHECK_INT(hash_sha256_file(inside("x"), hex), 0);
    CHECK_STR(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    CHECK_INT(hash_sha256_file(inside("none"), hex), -1);
    CHECK_INT(errno, ENOENT);
    CHECK_INT(hash_sha256_file(folder, hex), -1);
    teardown();
}

static void
run_ids_sort_by_time_and_differ(void)
{
    char ids[100][ID_SIZE];
    int same = 0;
    for (int i = 0; i < 100; i++) {
        id_new(ids[i]);
        CHECK_INT(strlen(ids[i]), 26);
        CHECK(id_is(ids[i]));
        for (int k = 0; k < i; k++) same += strcmp(ids[i], ids[k]) == 0;
    }
    CHECK_INT(same, 0);
    int64_t until = clock_wall_ms() + 2;
    while (clock_wall_ms() < until) usleep(500);
    char later[ID_SIZE];
    id_new(later);
    CHECK(strcmp(ids[99], later) < 0);
    CHECK(!id_is("") && !id_is("last") && !id_is("0123456789abcdefghjkmnpqri"));
    CHECK(!id_is(arena_printf(&arena, "%s0", later)));
    CHECK(!id_is("0123456789ABCDEFGHJKMNPQRS"));
    arena_release(&arena);
}

static void
errors_are_filled_once_and_gain_context(void)
{
    struct err err = {0};
    CHECK_INT(err_set(&err, EXIT_INVALID, "no step \"%s\"", "x"), EXIT_INVALID);
    err_hint(&err, "Write it.");
    err_context(&err, "run %d", 7);
    err_place(&err, "a.yaml", 3, 4);
    CHECK_STR(err.message, "run 7: no step \"x\"");
    CHECK_STR(err.hint, "Write it.");
    CHECK_STR(err.file, "a.yaml");
    CHECK_INT(err.line, 3);
    errno = ENOSPC;
    CHECK_INT(err_errno(&err, EXIT_STORE, "cannot write \"%s\"", "x"), EXIT_STORE);
    CHECK_STR(err.message, "cannot write \"x\": No space left on device");
    CHECK_STR(err.hint, "");
    CHECK_STR(err.file, "");
    /* Its own old text may be an argument. */
    err_set(&err, EXIT_FAILED, "again: %s", err.message);
    CHECK_STR(err.message, "again: cannot write \"x\": No space left on device");
    err_hint(&err, "One.");
    err_hint(&err, "%s Two.", err.hint);
    CHECK_STR(err.hint, "One. Two.");
}

static void
long_errors_are_cut_and_end_in_nul(void)
{
    struct err err = {0};
    char text[5000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&err, EXIT_FAILED, "%s", text);
    err_hint(&err, "%s", text);
    err_context(&err, "%s", text);
    errno = EIO;
    CHECK_INT(strlen(err.message), sizeof err.message - 1);
    CHECK_INT(strlen(err.hint), sizeof err.hint - 1);
    err_errno(&err, EXIT_FAILED, "%s", text);
    err_place(&err, text, 1, 1);
    CHECK_INT(strlen(err.message), sizeof err.message - 1);
    CHECK_INT(strlen(err.file), sizeof err.file - 1);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a file is replaced whole, and nothing is left beside", files_are_replaced_whole},
        {"reading refuses what is missing, a directory, or too large", reading_refuses_what_cannot_be},
        {"a pipe is read to its end, within its limit", pipes_are_read_to_their_end},
        {"a memfd is sealed and read from its start", a_memfd_is_sealed},
        {"folders are made with their parents, for oneself", folders_are_made_with_their_parents},
        {"closing keeps errno", closing_keeps_errno},
        {"hashes match the standard's vectors", hashes_match_the_standard},
        {"run ids differ and sort by time", run_ids_sort_by_time_and_differ},
        {"errors are filled once and gain context", errors_are_filled_once_and_gain_context},
        {"long errors are cut and end in NUL", long_errors_are_cut_and_end_in_nul},
    };
    return check_main("fd", tests, CHECK_COUNT(tests), argc, argv);
}
