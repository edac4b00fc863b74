/* SPDX-License-Identifier: Apache-2.0
 *
 * See ducklake_lab.h.
 */
#include "plugin/ducklake_lab.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "query.h"

void
lab_leave(void)
{
    lake_release();
    fake_unlock();
}

void
lab_begin(struct lab *lab)
{
    memset(lab, 0, sizeof *lab);
    const char *base = getenv("TMPDIR");
    snprintf(lab->root, sizeof lab->root, "%s/levada-lake-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(lab->root) == NULL) {
        perror(lab->root);
        exit(2);
    }
    lab_leave();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void
lab_end(struct lab *lab)
{
    lab_leave();
    if (lab->used) fake_release(&lab->fake);
    lab->used = false;
    (void)nftw(lab->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
lab_path(struct lab *lab, const char *name)
{
    static char paths[8][1024];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", lab->root, name);
    return path;
}

void
lab_write_bytes(struct lab *lab, const char *name, const void *content, size_t size)
{
    FILE *file = fopen(lab_path(lab, name), "we");
    if (file == NULL || fwrite(content, 1, size, file) != size || fclose(file) != 0) {
        perror(name);
        exit(2);
    }
}

void
lab_write(struct lab *lab, const char *name, const char *content)
{
    lab_write_bytes(lab, name, content, strlen(content));
}

char *
lab_read(struct lab *lab, const char *name)
{
    FILE *file = fopen(lab_path(lab, name), "re");
    if (file == NULL) return NULL;
    char *data = calloc(1, 4u << 20);
    size_t size = data != NULL ? fread(data, 1, (4u << 20) - 1, file) : 0;
    (void)size;
    fclose(file);
    return data;
}

static void
renew(struct lab *lab)
{
    if (lab->used) fake_release(&lab->fake);
    fake_init(&lab->fake, lab->root, lab->token);
    lab->used = true;
}

static char *
json_of(const char *input)
{
    char *json = strdup(input);
    if (json == NULL) abort();
    for (char *c = json; *c != '\0'; c++)
        if (*c == '\'') *c = '"';
        else if (*c == '`') *c = '\'';
    return json;
}

int
lab_again(struct lab *lab, const char *action, const char *input)
{
    renew(lab);
    char *json = json_of(input);
    int error = fake_run(&lab->fake, &levada_plugin, action, json);
    free(json);
    return error;
}

int
lab_run(struct lab *lab, const char *action, const char *input)
{
    snprintf(lab->token, sizeof lab->token, "token-%d", ++lab->tokens);
    return lab_again(lab, action, input);
}

int
lab_resolve(struct lab *lab, const char *token, const char *action, const char *input, int32_t *found)
{
    snprintf(lab->token, sizeof lab->token, "%s", token);
    renew(lab);
    char *json = json_of(input);
    int error = fake_resolve(&lab->fake, &levada_plugin, action, json, found);
    free(json);
    return error;
}

const char *
lab_ask(struct lab *lab, const char *sql)
{
    static char answer[4096];
    struct fake fake;
    fake_init(&fake, lab->root, "ask");
    struct lake_in in = {.catalog = {"lake.ducklake"}, .data = {""}, .memory = {1u << 30}};
    struct work work;
    struct table found;
    work_begin(&work, &fake.step, &in);
    int error = work_open(&work, NULL, 0);
    if (error == 0) error = query_table(&work, sql, &found);
    const char *cell = error == 0 ? table_cell(&found, 0, 0) : NULL;
    snprintf(answer, sizeof answer, "%s", error != 0 ? "(error)" : cell != NULL ? cell : "(null)");
    work_close(&work, error);
    if (error != 0) printf("\nlab_ask: %s\n", fake.message);
    fake_release(&fake);
    return answer;
}

int64_t
lab_count(struct lab *lab, const char *sql)
{
    const char *answer = lab_ask(lab, sql);
    char *end;
    long long count = strtoll(answer, &end, 10);
    return *answer != '\0' && *end == '\0' ? count : -1;
}

void
lab_big_csv(struct lab *lab, const char *name, long rows)
{
    FILE *file = fopen(lab_path(lab, name), "we");
    if (file == NULL) abort();
    fputs("id,grp,amount,made\n", file);
    for (long i = 0; i < rows; i++)
        fprintf(file, "%ld,g%ld,%ld.%02ld,2013-01-%02ldT10:00:00Z\n", i, i % 97, i % 1009, i % 100, i % 28 + 1);
    fclose(file);
}

void
lab_must_run(const char *file, int line, struct lab *lab, const char *action, const char *input)
{
    int error = lab_run(lab, action, input);
    if (error != 0) printf("\n%s:%d: class %d: %s (%s)\n", file, line, error, lab->fake.message, lab->fake.hint);
    CU_assertImplementation(error == 0, (unsigned)line, "the action succeeds", file, "", CU_FALSE);
}

void
lab_must_fail(const char *file, int line, struct lab *lab, const char *action, const char *input, int error_class,
    const char *message)
{
    int error = lab_run(lab, action, input);
    check_int(file, line, error, error_class);
    check_int(file, line, lab->fake.error_class, error_class);
    char want[8192] = "";
    for (const char *root; (root = strstr(message, "ROOT")) != NULL; message = root + strlen("ROOT"))
        snprintf(want + strlen(want), sizeof want - strlen(want), "%.*s%s", (int)(root - message), message, lab->root);
    snprintf(want + strlen(want), sizeof want - strlen(want), "%s", message);
    check_str(file, line, lab->fake.message, want);
}

extern char **environ;

pid_t
lab_spawn(struct lab *lab, const char *token, const char *action, const char *input, const char *limit)
{
    /* The program's full path: extensions are found from it. */
    static char self[4096];
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return -1;
    char *args[] = {
        self, (char[]){"--child"}, lab->root, strdup(token), strdup(action), strdup(input), strdup(limit), NULL};
    pid_t pid = -1;
    if (posix_spawn(&pid, self, NULL, NULL, args, environ) != 0) pid = -1;
    for (int i = 3; i < 7; i++) free(args[i]);
    return pid;
}

void
lab_child(int argc, char **argv)
{
    static struct lab lab;
    if (argc != 7 || strcmp(argv[1], "--child") != 0) return;
    snprintf(lab.root, sizeof lab.root, "%s", argv[2]);
    snprintf(lab.token, sizeof lab.token, "%s", argv[3]);
    rlim_t size = (rlim_t)strtoull(argv[6], NULL, 10);
    if (size > 0) {
        /* A file that grows past the limit gives EFBIG, as a full disk gives ENOSPC. */
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = size, .rlim_max = size});
    }
    int error = lab_again(&lab, argv[4], argv[5]);
    if (error != 0) {
        FILE *file = fopen(lab_path(&lab, "child.txt"), "we");
        if (file != NULL) fprintf(file, "%s", lab.fake.message);
        if (file != NULL) fclose(file);
    }
    _exit(error);
}

int
lab_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}
