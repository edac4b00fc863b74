/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources behind HTTP: a file server of this test's own (Python's), which tells sizes and times.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/ducklake_lab.h"

static struct lab lab;
static int port;

extern char **environ;

/* Starts the server on a port it chooses; its first line says which. */
static pid_t
start_server(void)
{
    int ends[2];
    char *args[] = {(char[]){"python3"}, (char[]){"-u"}, (char[]){"-m"}, (char[]){"http.server"}, (char[]){"0"},
        (char[]){"--bind"}, (char[]){"127.0.0.1"}, (char[]){"--directory"}, lab.root, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, args[0], &actions, NULL, args, environ) != 0) pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    char line[256] = "";
    if (pid > 0 && out != NULL && fgets(line, sizeof line, out) != NULL && strstr(line, " port ") != NULL)
        port = (int)strtol(strstr(line, " port ") + strlen(" port "), NULL, 10);
    if (out != NULL) fclose(out);
    return pid;
}

static const char *
with_port(const char *format)
{
    static char text[512];
    const char *at = strstr(format, "PORT");
    snprintf(text, sizeof text, "%.*s%d%s", (int)(at - format), format, port, at + strlen("PORT"));
    return text;
}

static void
loads_over_http(void)
{
    lab_write(&lab, "t.csv", "id,name\n1,ann\n2,bob\n");
    CHECK_RUN(&lab, "load", with_port("{'table': 't', 'from': 'http://127.0.0.1:PORT/t.csv'}"));
    CHECK_INT(fake_int(&lab.fake, "rows"), 2);
    int64_t snapshot = fake_int(&lab.fake, "snapshot_id");
    CHECK_RUN(&lab, "load", with_port("{'table': 't', 'from': 'http://127.0.0.1:PORT/t.csv'}"));
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), snapshot);
    lab_write(&lab, "t.csv", "id,name\n1,ann\n2,bob\n3,cy\n");
    CHECK_RUN(&lab, "load", with_port("{'table': 't', 'from': 'http://127.0.0.1:PORT/t.csv', 'mode': 'replace'}"));
    CHECK_INT(fake_int(&lab.fake, "rows_total"), 3);
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 't.parquet'}");
    CHECK_RUN(&lab, "load", with_port("{'table': 'u', 'from': ['http://127.0.0.1:PORT/t.parquet', 't.parquet']}"));
    CHECK_INT(fake_int(&lab.fake, "rows"), 6);
}

static void
says_what_is_missing(void)
{
    int error = lab_run(&lab, "load", with_port("{'table': 'x', 'from': 'http://127.0.0.1:PORT/no.csv'}"));
    CHECK_INT(error, LEVADA_MISSING);
    CHECK(strstr(lab.fake.message, "/no.csv") != NULL);
    /* Only what the step names may be reached. */
    CHECK_INT(lab_run(&lab, "sql", "{'sql': 'SELECT * FROM read_csv(`http://127.0.0.1:1/x.csv`)'}"), LEVADA_AUTH);
    /* Nobody listens on port 1. */
    CHECK_INT(lab_run(&lab, "load", "{'table': 'x', 'from': 'http://127.0.0.1:1/x.csv'}"), LEVADA_TRANSIENT);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"files behind http are loaded, and not again while they are the same", loads_over_http},
        {"what cannot be had is said", says_what_is_missing},
    };
    lab_begin(&lab);
    pid_t server = start_server();
    int failed = 1;
    if (port > 0) failed = check_main("ducklake http", tests, CHECK_COUNT(tests), argc, argv);
    else puts("the file server did not start");
    if (server > 0) {
        kill(server, SIGTERM);
        lab_wait(server);
    }
    lab_end(&lab);
    return failed;
}
