/* SPDX-License-Identifier: Apache-2.0
 *
 * What dead workers leave behind is ended, and nothing else is.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "check.h"
#include "run/folder.h"
#include "run/leftovers.h"

static int
end_marked(const char *mark)
{
    return leftovers_end(&(struct leftovers){.mark = mark, .attempts = -1});
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
    int found = end_marked(mark);
    CHECK(found >= 1 && found <= 3); /* the shell, its sleeper; setsid may still be on its way to it */
    int status = 0;
    CHECK_INT(waitpid(marked, &status, WNOHANG), marked);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK_INT(end_marked(mark), 0);
    CHECK_INT(waitpid(other, &status, WNOHANG), 0);
    CHECK(end_marked(longer) >= 1);
    CHECK_INT(waitpid(other, &status, 0), other);
}

/* A "worker" in a session of its own with two children that were forked and executed nothing: one stays in its session,
 * the other has left it and keeps what the worker had open. The worker is dead when this returns. */
static void
leave_two(const char *folder, uint32_t number, struct attempt_record *record)
{
    int fds[2];
    char ready[2];
    CHECK_FATAL(pipe(fds) == 0);
    attempts_self(record);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        struct err err;
        setsid();
        int attempts = attempts_open(folder, &err);
        if (attempts_lock(attempts, number, &err) != 0) _exit(1);
        for (int i = 0; i < 2; i++) {
            if (fork() != 0) continue;
            if (i == 0) close(attempts);
            else setsid();
            (void)!write(fds[1], "x", 1);
            for (;;) pause();
        }
        for (;;) pause();
    }
    for (int i = 0; i < 2; i++) CHECK_INT(read(fds[0], ready, 1), 1);
    close(fds[0]);
    close(fds[1]);
    record->pid = pid;
    record->start_time = attempts_start_time(pid);
    (void)kill(pid, SIGKILL);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
}

static void
leftovers_are_found_by_their_session_and_by_the_lock(void)
{
    struct err err = {0};
    char folder[64] = "/tmp/levada-test-XXXXXX";
    struct attempt_record record = {0};
    CHECK_FATAL(mkdtemp(folder) != NULL);
    leave_two(folder, 3, &record);
    int attempts = attempts_open(folder, &err);
    CHECK_INT(attempts_lock(attempts, 3, &err), 1); /* nobody who lives took it */
    CHECK_INT(attempts_lock(attempts, 2, &err), 0);
    struct leftovers what = {.mark = "no/1", .record = &record, .attempts = -1, .number = 3};
    CHECK_INT(leftovers_end(&what), 1); /* the one in its session */
    CHECK_INT(attempts_lock(attempts, 3, &err), 1);
    what.attempts = attempts;
    what.number = 4;
    CHECK_INT(leftovers_end(&what), 0); /* another attempt's lock */
    what.number = 3;
    CHECK_INT(leftovers_end(&what), 1);
    CHECK_INT(attempts_lock(attempts, 3, &err), 0);
    fd_close(&attempts);
    CHECK_INT(folder_remove(folder), 0);
}

static void
a_session_of_a_recycled_number_is_left_alone(void)
{
    /* Our own session, said to be that of a worker which started at another time than its leader did. */
    struct attempt_record record = {0};
    attempts_self(&record);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        setsid();
        if (fork() == 0) for (;;) pause();
        for (;;) pause();
    }
    record.pid = pid;
    for (int i = 0; i < 1000 && getsid(pid) != pid; i++) usleep(1000);
    record.start_time = attempts_start_time(pid) - 1;
    CHECK_INT(leftovers_end(&(struct leftovers){.mark = "no/1", .record = &record, .attempts = -1}), 0);
    record.start_time++;
    record.boot++;
    CHECK_INT(leftovers_end(&(struct leftovers){.mark = "no/1", .record = &record, .attempts = -1}), 0);
    record.boot--;
    int status = 0;
    CHECK_INT(waitpid(pid, &status, WNOHANG), 0);
    CHECK_INT(leftovers_end(&(struct leftovers){.mark = "no/1", .record = &record, .attempts = -1}), 2);
    CHECK_INT(waitpid(pid, &status, 0), pid);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"leftovers are ended by their whole mark and nothing else is", leftovers_are_found_by_their_mark},
        {"leftovers without a mark are found by their session and by the lock they hold",
         leftovers_are_found_by_their_session_and_by_the_lock},
        {"a session whose number was used again is left alone", a_session_of_a_recycled_number_is_left_alone},
    };
    return check_main("leftovers", tests, CHECK_COUNT(tests), argc, argv);
}
