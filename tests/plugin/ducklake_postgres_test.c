/* SPDX-License-Identifier: Apache-2.0
 *
 * A lake whose catalog is in PostgreSQL: a server of this test's own, on a socket in its folder.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin/ducklake_lab.h"

#define PASSWORD "s3cr3t-p4ss'word"

static struct lab lab;
static char bin[512], folder[600], options[1024];
static int port;

extern char **environ;

/* Run a program of PostgreSQL, as nobody when we are root: it refuses root. Its exit code. */
static int
run(const char *program, const char *const *arguments)
{
    char path[1024];
    char *args[32];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/%s", bin, program);
    if (geteuid() == 0) {
        static char *const as_nobody[] = {"setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"};
        for (size_t i = 0; i < CHECK_COUNT(as_nobody); i++) args[count++] = as_nobody[i];
    }
    args[count++] = path;
    for (; *arguments != NULL && count < 31; arguments++) args[count++] = (char *)(uintptr_t)*arguments;
    args[count] = NULL;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    pid_t pid = -1;
    int error = posix_spawnp(&pid, args[0], &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error != 0 ? -1 : lab_wait(pid);
}

static bool
find_programs(void)
{
    static const char root[] = "/usr/lib/postgresql";
    DIR *versions = opendir(root);
    int best = 0;
    const struct dirent *entry;
    while (versions != NULL && (entry = readdir(versions)) != NULL) {
        int version = (int)strtol(entry->d_name, NULL, 10);
        char path[400];
        snprintf(path, sizeof path, "%s/%d/bin/initdb", root, version);
        if (version > best && access(path, X_OK) == 0) best = version;
    }
    if (versions != NULL) closedir(versions);
    snprintf(bin, sizeof bin, "%s/%d/bin", root, best);
    return best > 0;
}

/* A port nobody uses: only the socket's name has it, for the server listens on no address. */
static int
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0
        || getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    close(fd);
    return ntohs(address.sin_port);
}

static bool
start_server(void)
{
    char data[700], password[700], settings[900], log[700];
    snprintf(folder, sizeof folder, "%s/pg", lab.root);
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(password, sizeof password, "%s/password", folder);
    snprintf(log, sizeof log, "%s/log", folder);
    if (mkdir(folder, 0755) != 0) return false;
    FILE *file = fopen(password, "we");
    if (file == NULL) return false;
    fputs(PASSWORD "\n", file);
    fclose(file);
    if (geteuid() == 0) {
        const struct passwd *nobody = getpwnam("nobody");
        if (nobody == NULL || chmod(lab.root, 0755) != 0 || chown(folder, nobody->pw_uid, nobody->pw_gid) != 0
            || chown(password, nobody->pw_uid, nobody->pw_gid) != 0)
            return false;
    }
    if (run("initdb",
            (const char *const[]){"-D", data, "-U", "admin", "-A", "scram-sha-256", "--pwfile", password,
                "--no-sync", "-E", "UTF8", "--locale=C", NULL})
        != 0)
        return false;
    port = free_port();
    snprintf(settings, sizeof settings,
        "-c listen_addresses= -c port=%d -c unix_socket_directories=%s -c fsync=off", port, folder);
    snprintf(options, sizeof options, "dbname=postgres host=%s port=%d user=admin", folder, port);
    return run("pg_ctl", (const char *const[]){"-D", data, "-w", "-l", log, "-o", settings, "start", NULL}) == 0;
}

static void
stop_server(void)
{
    char data[700];
    snprintf(data, sizeof data, "%s/data", folder);
    run("pg_ctl", (const char *const[]){"-D", data, "-m", "immediate", "stop", NULL});
}

/* The input with the catalog put in for CATALOG. */
static const char *
with(const char *input)
{
    static char texts[4][4096];
    static unsigned next;
    char *text = texts[next++ % 4];
    const char *at = strstr(input, "CATALOG");
    snprintf(text, sizeof texts[0],
        "%.*s'catalog': 'postgres:%s', 'data': 'files', 'catalog_secret': 's3cr3t-p4ss`word'%s", (int)(at - input),
        input, options, at + strlen("CATALOG"));
    return text;
}

#define LOAD with("{CATALOG, 'table': 't', 'from': 't.csv', 'mode': 'append'}")

static int64_t
count(const char *sql)
{
    char input[1024];
    snprintf(input, sizeof input, "{CATALOG, 'sql': '%s'}", sql);
    CHECK_RUN(&lab, "sql", with(input));
    return json_integer_value(json_object_get(json_array_get(json_object_get(lab.fake.outputs, "rows"), 0), "n"));
}

static void
all_actions(void)
{
    lab_write(&lab, "t.csv", "id,name\n1,ann\n2,bob\n");
    CHECK_RUN(&lab, "load", LOAD);
    CHECK(fake_bool(&lab.fake, "changed"));
    int64_t snapshot = fake_int(&lab.fake, "snapshot_id");
    CHECK_RUN(&lab, "load", LOAD);
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), snapshot);
    int32_t found = -1;
    CHECK_INT(lab_resolve(&lab, "token-1", "load", LOAD, &found), 0);
    CHECK_INT(found, LEVADA_DONE);
    CHECK_INT(lab_resolve(&lab, "token-no", "load", LOAD, &found), 0);
    CHECK_INT(found, LEVADA_NOT_DONE);
    for (int i = 0; i < 2; i++) {
        CHECK_RUN(&lab, "sql", with("{CATALOG, 'sql': 'SELECT max(id) AS m FROM t', 'publish': {'table': 'm'}}"));
        CHECK(fake_bool(&lab.fake, "changed") == (i == 0));
    }
    CHECK_RUN(&lab, "check", with("{CATALOG, 'table': 't', 'checks': [{'name': 'ids', 'unique': ['id']}]}"));
    CHECK_RUN(&lab, "export", with("{CATALOG, 'table': 't', 'to': 'out.csv'}"));
    CHECK_RUN(&lab, "snapshots", with("{CATALOG}"));
    CHECK_RUN(&lab, "maintain", with("{CATALOG, 'keep': '0s'}"));
    CHECK_RUN(&lab, "report",
        with("{CATALOG, 'title': 'T', 'to': 'r.html', 'charts': [{'title': 't', 'sql': 'SELECT * FROM t'}]}"));
    CHECK_RUN(&lab, "sql", with("{CATALOG, 'sql': 'DROP TABLE t'}"));
}

static void
conflicts(void)
{
    enum { WORKERS = 4 };
    pid_t pids[WORKERS];
    char input[2048], token[32];
    lab_write(&lab, "m.csv", "id,v\n1,0\n2,0\n3,0\n");
    CHECK_RUN(&lab, "load", with("{CATALOG, 'table': 'c', 'from': 'm.csv'}"));
    lab_leave();
    /* Each updates the same rows: only one of those that overlap can commit, the others begin again. */
    for (int i = 0; i < WORKERS; i++) {
        snprintf(token, sizeof token, "conflict-%d", i);
        snprintf(input, sizeof input, "%s", with("{CATALOG, 'sql': 'UPDATE c SET v = v + 1'}"));
        pids[i] = lab_spawn(&lab, token, "sql", input, "0");
    }
    for (int i = 0; i < WORKERS; i++) CHECK_INT(lab_wait(pids[i]), 0);
    CHECK_INT(count("SELECT sum(v)::BIGINT AS n FROM c"), 3 * WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        int32_t found = -1;
        snprintf(token, sizeof token, "conflict-%d", i);
        CHECK_INT(lab_resolve(&lab, token, "sql", input, &found), 0);
        CHECK_INT(found, LEVADA_DONE);
    }
}

static void
hides_passwords(void)
{
    char input[2048];
    lab_leave();
    snprintf(input, sizeof input,
        "{'catalog': 'postgres:%s', 'data': 'files', 'catalog_secret': 'wr0ng-p`ass', 'sql': 'SELECT 1'}", options);
    CHECK_INT(lab_run(&lab, "sql", input), LEVADA_AUTH);
    CHECK(strstr(lab.fake.message, "password authentication failed for user \"admin\"") != NULL);
    CHECK(strstr(lab.fake.message, "wr0ng") == NULL);
    CHECK(strstr(lab.fake.log, "wr0ng") == NULL);
    CHECK(strstr(lab.fake.hint, "catalog_secret") != NULL);
    snprintf(input, sizeof input,
        "{'catalog': 'postgres:dbname=nope host=%s port=%d user=admin', 'data': 'files', 'catalog_secret': "
        "'s3cr3t-p4ss`word', 'sql': 'SELECT 1'}",
        folder, port);
    CHECK(lab_run(&lab, "sql", input) != 0);
    CHECK(strstr(lab.fake.message, "nope") != NULL);
    CHECK(strstr(lab.fake.message, "s3cr3t") == NULL);
    snprintf(input, sizeof input,
        "{'catalog': 'postgres:dbname=postgres host=%s port=%d user=admin', 'data': 'files', 'sql': 'SELECT 1'}",
        lab.root, port);
    CHECK_INT(lab_run(&lab, "sql", input), LEVADA_TRANSIENT);
    /* Not even SQL on the open lake gets at it. */
    CHECK_RUN(
        &lab, "sql", with("{CATALOG, 'sql': 'SELECT string_agg(secret_string, ` `) AS s FROM duckdb_secrets()'}"));
    char *rows = json_dumps(json_object_get(lab.fake.outputs, "rows"), 0);
    CHECK(strstr(rows, "redacted") != NULL);
    CHECK(strstr(rows, "s3cr3t") == NULL);
    free(rows);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"all actions work on a postgresql catalog", all_actions},
        {"a conflict runs the whole transaction again", conflicts},
        {"a password is in no error, log or row", hides_passwords},
    };
    lab_child(argc, argv);
    if (!find_programs()) {
        puts("PostgreSQL's server is not installed");
        return 77;
    }
    lab_begin(&lab);
    int failed = 1;
    if (start_server()) {
        failed = check_main("ducklake postgres", tests, CHECK_COUNT(tests), argc, argv);
        stop_server();
    } else {
        puts("PostgreSQL did not start");
    }
    lab_end(&lab);
    return failed;
}
