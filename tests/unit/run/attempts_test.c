/* SPDX-License-Identifier: Apache-2.0
 *
 * The file `attempts`: records, locks, and telling a living process from a recycled number.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "check.h"
#include "run/attempts.h"
#include "run/folder.h"

static char folder[64];

static int
open_fresh(void)
{
    struct err err = {0};
    snprintf(folder, sizeof folder, "/tmp/levada-test-XXXXXX");
    CHECK_FATAL(mkdtemp(folder) != NULL);
    int fd = attempts_open(folder, &err);
    CHECK_FATAL(fd >= 0);
    return fd;
}

static void
done(int fd)
{
    fd_close(&fd);
    CHECK_INT(folder_remove(folder), 0);
}

static void
records_have_places(void)
{
    struct err err = {0};
    int fd = open_fresh();
    struct attempt_record record = {.mark = ATTEMPT_STARTED, .pid = 42, .fence = 7, .claim = 9}, back;
    CHECK_INT(attempts_read(fd, 3, &back, &err), 0);
    CHECK_INT(back.mark, ATTEMPT_NEW);
    CHECK_INT(attempts_write(fd, 3, &record, &err), 0);
    CHECK_INT(attempts_read(fd, 3, &back, &err), 0);
    CHECK_INT(back.pid, 42);
    CHECK_INT(back.fence, 7);
    CHECK_INT(back.claim, 9);
    CHECK_INT(attempts_read(fd, 2, &back, &err), 0); /* a hole */
    CHECK_INT(back.mark, ATTEMPT_NEW);
    struct stat st;
    CHECK_INT(fstat(fd, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_INT(st.st_size, 4 * 64);
    done(fd);
}

static void
one_opener_holds_one_byte(void)
{
    struct err err = {0};
    int mine = open_fresh();
    int other = attempts_open(folder, &err);
    CHECK_INT(attempts_lock(mine, 1, &err), 0);
    CHECK_INT(attempts_lock(other, 1, &err), 1);
    CHECK_INT(attempts_lock(other, 2, &err), 0);
    attempts_unlock(mine, 1);
    CHECK_INT(attempts_lock(other, 1, &err), 0);
    CHECK_INT(attempts_lock(mine, 1, &err), 1);
    fd_close(&other); /* as when its process ends */
    CHECK_INT(attempts_lock(mine, 1, &err), 0);
    done(mine);
}

static void
unusable_folder_is_an_error(void)
{
    struct err err = {0};
    CHECK_INT(attempts_open("/no/such/folder", &err), -1);
    CHECK_INT(err.code, EXIT_STORE);
    CHECK_STR(err.message, "cannot open \"/no/such/folder/attempts\": No such file or directory");
}

static void
living_and_gone_are_told_apart(void)
{
    struct attempt_record self = {0}, other;
    attempts_self(&self);
    CHECK_INT(self.pid, getpid());
    CHECK(attempts_alive(&self));
    other = self;
    other.start_time++; /* the number was recycled */
    CHECK(!attempts_alive(&other));
    other = self;
    other.boot++;
    CHECK(!attempts_alive(&other));

    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        for (;;) pause();
    }
    other = self;
    other.pid = pid;
    other.start_time = attempts_start_time(pid);
    CHECK(other.start_time != 0);
    CHECK(attempts_alive(&other));
    (void)kill(pid, SIGKILL);
    siginfo_t info;
    CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    CHECK(!attempts_alive(&other)); /* dead, though nobody has waited for it yet */
    CHECK_INT(waitpid(pid, NULL, 0), pid);
    CHECK(!attempts_alive(&other));
    CHECK_INT(attempts_start_time(pid), 0);
}

/* A process with LEVADA_ATTEMPT=mark in its environment, ready when this returns. */
static pid_t
start_marked(const char *mark)
{
    int fds[2];
    char byte;
    CHECK_FATAL(pipe(fds) == 0);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        char entry[128];
        snprintf(entry, sizeof entry, "LEVADA_ATTEMPT=%s", mark);
        char *env[] = {(char[]){"A=b"}, entry, NULL};
        dup2(fds[1], 1);
        close(fds[0]);
        const char *script = "setsid sleep 300 >/dev/null & echo; exec sleep 300 >/dev/null";
        execle("/bin/sh", "sh", "-c", script, (char *)NULL, env);
        _exit(127);
    }
    close(fds[1]);
    CHECK_INT(read(fds[0], &byte, 1), 1);
    close(fds[0]);
    return pid;
}

static void
leftovers_are_found_by_their_mark(void)
{
    char mark[64], longer[70];
    snprintf(mark, sizeof mark, "test-%d/1", (int)getpid());
    snprintf(longer, sizeof longer, "%s2", mark);
    pid_t marked = start_marked(mark), other = start_marked(longer);
    int found = attempts_end_leftovers(mark);
    CHECK(found >= 1 && found <= 3); /* the shell, its sleeper; setsid may still be on its way to it */
    int status = 0;
    CHECK_INT(waitpid(marked, &status, WNOHANG), marked);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK_INT(attempts_end_leftovers(mark), 0);
    CHECK_INT(waitpid(other, &status, WNOHANG), 0);
    CHECK(attempts_end_leftovers(longer) >= 1);
    CHECK_INT(waitpid(other, &status, 0), other);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"records have their places and their file is private", records_have_places},
        {"a byte is held by one opener until it closes", one_opener_holds_one_byte},
        {"a folder that cannot be used is an error", unusable_folder_is_an_error},
        {"a living process is told from a dead and a recycled one", living_and_gone_are_told_apart},
        {"leftovers are ended by their whole mark and nothing else is", leftovers_are_found_by_their_mark},
    };
    return check_main("attempts", tests, CHECK_COUNT(tests), argc, argv);
}
