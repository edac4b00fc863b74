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

static void
a_process_of_another_boot_or_namespace_is_not_alive(void)
{
    struct attempt_record self = {0};
    attempts_self(&self);
    CHECK(attempts_alive(&self) && attempts_this_boot(&self) && !attempts_elsewhere(&self));
    struct attempt_record other = self;
    other.boot++;
    CHECK(!attempts_alive(&other) && !attempts_this_boot(&other) && !attempts_elsewhere(&other));
    other = self;
    other.pid_space++;
    CHECK(!attempts_alive(&other) && attempts_elsewhere(&other));
    other.boot++; /* a container of before the reboot */
    CHECK(!attempts_elsewhere(&other));
}

static void
records_without_an_intent_are_forgotten(void)
{
    struct err err = {0};
    int fd = open_fresh();
    struct attempt_record record = {.mark = ATTEMPT_STARTED, .pid = 42, .fence = 7}, back;
    for (uint32_t i = 0; i < 4; i++) CHECK_INT(attempts_write(fd, i, &record, &err), 0);
    CHECK_INT(attempts_forget(fd, 2, &err), 0);
    CHECK_INT(attempts_read(fd, 1, &back, &err), 0);
    CHECK_INT(back.mark, ATTEMPT_STARTED);
    CHECK_INT(attempts_read(fd, 2, &back, &err), 0);
    CHECK_INT(back.mark, ATTEMPT_NEW);
    CHECK_INT(attempts_forget(fd, 100, &err), 0); /* never makes it longer */
    struct stat st;
    CHECK_INT(fstat(fd, &st), 0);
    CHECK_INT(st.st_size, 2 * 64);
    done(fd);
}

static void
looking_takes_no_lock(void)
{
    struct err err = {0};
    int fd = open_fresh();
    int other = attempts_open(folder, &err), look = attempts_open_read(folder);
    CHECK_FATAL(other >= 0 && look >= 0);
    CHECK(!attempts_held(look, 0, true));
    CHECK_INT(attempts_lock(other, 3, &err), 0);
    CHECK(attempts_held(look, 3, false));
    CHECK(!attempts_held(look, 2, false));
    CHECK(attempts_held(look, 2, true));
    CHECK(attempts_held(fd, 3, false));
    CHECK(!attempts_held(look, 4, true));
    /* Whoever looks is in nobody's way: another record can be taken, and this one when it is free. */
    CHECK_INT(attempts_lock(fd, 2, &err), 0);
    attempts_unlock(other, 3);
    CHECK(!attempts_held(look, 3, true));
    fd_close(&other);
    fd_close(&look);
    done(fd);
    CHECK_INT(attempts_open_read(folder), -1);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"records have their places and their file is private", records_have_places},
        {"a byte is held by one opener until it closes", one_opener_holds_one_byte},
        {"a folder that cannot be used is an error", unusable_folder_is_an_error},
        {"a living process is told from a dead and a recycled one", living_and_gone_are_told_apart},
        {"a process of another boot or namespace is not taken for a living one",
         a_process_of_another_boot_or_namespace_is_not_alive},
        {"records that the journal knows nothing of are forgotten", records_without_an_intent_are_forgotten},
        {"looking takes no lock", looking_takes_no_lock},
    };
    return check_main("attempts", tests, CHECK_COUNT(tests), argc, argv);
}
