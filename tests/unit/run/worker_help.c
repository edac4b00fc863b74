/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "worker_help.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "check.h"
#include "run/attempts.h"
#include "run/folder.h"
#include "run/job.h"

#define WAIT_MS 20000

void
bench_folder(struct bench *bench)
{
    *bench = (struct bench){.sock = -1, .pid = -1};
    snprintf(bench->folder, sizeof bench->folder, "/tmp/levada-test-XXXXXX");
    CHECK_FATAL(mkdtemp(bench->folder) != NULL);
    struct err err = {0};
    static const char *const names[] = {LOGS_FOLDER, RECEIPTS_FOLDER, ARTIFACTS_FOLDER};
    for (size_t i = 0; i < CHECK_COUNT(names); i++)
        CHECK_INT(fd_make_folder(arena_printf(&bench->arena, "%s/%s", bench->folder, names[i]), &err), 0);
}

void
bench_worker(struct bench *bench)
{
    int socks[2];
    CHECK_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) == 0);
    fflush(NULL);
    bench->pid = fork();
    CHECK_FATAL(bench->pid >= 0);
    if (bench->pid == 0) worker_main(socks[1]);
    close(socks[1]);
    bench->sock = socks[0];
}

void
bench_open(struct bench *bench)
{
    bench_folder(bench);
    bench_worker(bench);
}

void
bench_hang_up(struct bench *bench)
{
    fd_close(&bench->sock);
}

int
bench_wait(struct bench *bench)
{
    int status = -1;
    for (int i = 0; i < WAIT_MS / 2; i++) {
        if (bench->pid < 0 || waitpid(bench->pid, &status, WNOHANG) == bench->pid) {
            bench->pid = -1;
            return status;
        }
        (void)poll(NULL, 0, 2);
    }
    CU_FAIL("the worker does not end");
    (void)kill(bench->pid, SIGKILL);
    (void)waitpid(bench->pid, &status, 0);
    bench->pid = -1;
    return status;
}

int
bench_close(struct bench *bench)
{
    bench_hang_up(bench);
    int status = bench_wait(bench);
    CHECK_INT(folder_remove(bench->folder), 0);
    arena_release(&bench->arena);
    return status;
}

const struct value *
bench_job(struct bench *bench, const char *json)
{
    struct arena *arena = &bench->arena;
    struct err err = {0};
    const struct value *more = NULL;
    int code = json_parse(arena, json, strlen(json), &more, &err);
    CHECK_STR(code ? err.message : "", "");
    CHECK_FATAL(code == 0);
    struct value *job = value_map(arena);
    value_set(arena, job, "kind", value_text(arena, "run"));
    value_set(arena, job, "run", value_text(arena, "testrun"));
    value_set(arena, job, "step", value_text(arena, "a"));
    value_set(arena, job, "item", value_text(arena, ""));
    value_set(arena, job, "token", value_text(arena, "token-of-a"));
    value_set(arena, job, "attempt", value_int(arena, 1));
    value_set(arena, job, "record", value_int(arena, 1));
    value_set(arena, job, "fence", value_int(arena, 1));
    value_set(arena, job, "run_folder", value_text(arena, bench->folder));
    value_set(arena, job, "folder", value_text(arena, bench->folder));
    value_set(arena, job, "log", value_text(arena, "log"));
    value_set(arena, job, "timeout_ms", value_int(arena, 0));
    value_set(arena, job, "grace_ms", value_int(arena, 10000));
    for (size_t i = 0; i < more->map.count; i++) value_set(arena, job, more->map.names[i], more->map.values[i]);
    return job;
}

void
bench_send(struct bench *bench, enum frame_type type, const struct value *data)
{
    struct err err = {0};
    int code = frame_send(bench->sock, type, data, -1, &err);
    CHECK_STR(code ? err.message : "", "");
}

static void
acknowledge(struct bench *bench, enum frame_type type, const struct value *of)
{
    struct value *data = value_map(&bench->arena);
    value_set(&bench->arena, data, "record", value_get(of, "record"));
    bench_send(bench, type, data);
}

const struct value *
bench_expect(struct bench *bench, enum frame_type type)
{
    for (;;) {
        struct pollfd ready = {.fd = bench->sock, .events = POLLIN};
        if (poll(&ready, 1, WAIT_MS) <= 0) {
            CU_FAIL("the worker says nothing");
            return NULL;
        }
        struct frame frame = {.fd = -1};
        struct err err = {0};
        int code = frame_receive(bench->sock, &bench->arena, &frame, &err);
        if (code == 1 && type != 0) CU_FAIL("the worker hung up");
        if (code != 0) return NULL;
        fd_close(&frame.fd);
        if (frame.type == type) return frame.data;
        if (frame.type == FRAME_CHECKPOINT) acknowledge(bench, FRAME_CHECKPOINT_ACK, frame.data);
        else if (frame.type != FRAME_PROGRESS) {
            printf("\nwant frame %d, got %d: %s\n", (int)type, (int)frame.type, json_text(&bench->arena, frame.data));
            CU_FAIL("another frame than expected");
            return NULL;
        }
    }
}

const struct value *
bench_run(struct bench *bench, const char *json)
{
    bench_send(bench, FRAME_JOB, bench_job(bench, json));
    const struct value *receipt = bench_expect(bench, FRAME_RECEIPT);
    if (receipt != NULL) acknowledge(bench, FRAME_RECEIPT_ACK, receipt);
    return receipt;
}

bool
bench_started(struct bench *bench)
{
    struct err err = {0};
    int fd FD_SCOPED = attempts_open(bench->folder, &err);
    for (int i = 0; i < WAIT_MS / 2; i++) {
        struct attempt_record record = {0};
        if (attempts_read(fd, 1, &record, &err) == 0 && record.mark == ATTEMPT_STARTED) return true;
        (void)poll(NULL, 0, 2);
    }
    return false;
}

const char *
error_of(const struct value *receipt, const char *member)
{
    return value_get_str(value_get(receipt, "error"), member, "");
}

const char *
bench_read(struct bench *bench, const char *name)
{
    char *text;
    size_t size;
    struct err err = {0};
    const char *path = arena_printf(&bench->arena, "%s/%s", bench->folder, name);
    return fd_read_file(&bench->arena, path, LIMIT_VALUE_SIZE, &text, &size, &err) == 0 ? text : NULL;
}

void
bench_write(struct bench *bench, const char *name, const char *text)
{
    const char *path = arena_printf(&bench->arena, "%s/%s", bench->folder, name);
    int fd FD_SCOPED = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK_FATAL(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
}

bool
bench_await(struct bench *bench, const char *name)
{
    const char *path = arena_printf(&bench->arena, "%s/%s", bench->folder, name);
    for (int i = 0; i < WAIT_MS / 2; i++) {
        if (access(path, F_OK) == 0) return true;
        (void)poll(NULL, 0, 2);
    }
    return false;
}
