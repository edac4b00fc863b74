/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames over a real socket, and frames no peer of ours would send.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "check.h"
#include "run/frame.h"

struct pair {
    struct arena arena;
    int a, b;
};

static void
pair_open(struct pair *pair)
{
    int socks[2];
    CHECK_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) == 0);
    *pair = (struct pair){.a = socks[0], .b = socks[1]};
}

static void
pair_close(struct pair *pair)
{
    fd_close(&pair->a);
    fd_close(&pair->b);
    arena_release(&pair->arena);
}

static struct value *
record(struct arena *arena, int64_t number)
{
    struct value *data = value_map(arena);
    value_set(arena, data, "record", value_int(arena, number));
    return data;
}

static void
arrives_as_sent(void)
{
    struct pair pair;
    struct frame frame = {.fd = 7};
    struct err err = {0};
    pair_open(&pair);
    CHECK_INT(frame_send(pair.a, FRAME_REFUSED, record(&pair.arena, 5), -1, &err), 0);
    CHECK_INT(frame_send(pair.a, FRAME_BYE, NULL, -1, &err), 0);
    CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), 0);
    CHECK_INT(frame.type, FRAME_REFUSED);
    CHECK_INT(value_get_int(frame.data, "record", 0), 5);
    CHECK_INT(frame.fd, -1);
    CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), 0);
    CHECK_INT(frame.type, FRAME_BYE);
    CHECK_INT(frame.data->map.count, 0);
    pair_close(&pair);
}

static void
large_payload_goes_beside(void)
{
    struct pair pair;
    struct frame frame;
    struct err err = {0};
    pair_open(&pair);
    size_t sizes[] = {LIMIT_FRAME_INLINE - 12, LIMIT_FRAME_INLINE + 1, 3 * MIB};
    for (size_t i = 0; i < CHECK_COUNT(sizes); i++) {
        char *text = arena_alloc(&pair.arena, sizes[i] + 1);
        memset(text, 'x', sizes[i]);
        struct value *data = value_map(&pair.arena);
        value_set(&pair.arena, data, "text", value_text(&pair.arena, text));
        CHECK_INT(frame_send(pair.a, FRAME_JOB, data, -1, &err), 0);
        CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), 0);
        CHECK_STR(value_get_str(frame.data, "text", ""), text);
        CHECK_INT(frame.fd, -1);
    }
    pair_close(&pair);
}

static void
descriptor_comes_along(void)
{
    struct pair pair;
    struct frame frame = {.fd = -1};
    struct err err = {0};
    pair_open(&pair);
    int fd FD_SCOPED = fd_memfd("test", "hello", 5);
    char *text = arena_alloc(&pair.arena, LIMIT_FRAME_INLINE + 1);
    memset(text, 'x', LIMIT_FRAME_INLINE);
    struct value *large = value_map(&pair.arena);
    value_set(&pair.arena, large, "text", value_text(&pair.arena, text));
    const struct value *payloads[] = {NULL, large};
    for (size_t i = 0; i < 2; i++) {
        char got[8] = "";
        CHECK_INT(frame_send(pair.a, FRAME_FORK, payloads[i], fd, &err), 0);
        CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), 0);
        CHECK_FATAL(frame.fd >= 0);
        CHECK_INT(pread(frame.fd, got, 5, 0), 5);
        CHECK_STR(got, "hello");
        CHECK((fcntl(frame.fd, F_GETFD) & FD_CLOEXEC) != 0);
        fd_close(&frame.fd);
    }
    pair_close(&pair);
}

static void
end_and_nothing_are_told_apart(void)
{
    struct pair pair;
    struct frame frame;
    struct err err = {0};
    pair_open(&pair);
    CHECK_INT(fcntl(pair.b, F_SETFL, O_NONBLOCK), 0);
    CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), -1);
    fd_close(&pair.a);
    CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), 1);
    CHECK_INT(frame_send(pair.b, FRAME_BYE, NULL, -1, &err), EXIT_FAILED);
    CHECK_STR(err.message, "the peer is gone");
    pair_close(&pair);
}

static void
full_queue_says_try_again(void)
{
    struct pair pair;
    struct err err = {0};
    pair_open(&pair);
    CHECK_INT(fcntl(pair.a, F_SETFL, O_NONBLOCK), 0);
    int code = 0;
    for (int i = 0; i < 100000 && code == 0; i++) code = frame_send(pair.a, FRAME_PROGRESS, NULL, -1, &err);
    CHECK_INT(code, EXIT_HELD);
    pair_close(&pair);
}

/* ---- what no peer of ours would send ---- */

struct head {
    uint32_t magic;
    uint16_t type, flags;
    uint32_t size, reserved;
};
#define MAGIC 0x3144564cu

static size_t
message(char *to, struct head head, const char *payload)
{
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, payload, strlen(payload));
    return sizeof head + strlen(payload);
}

static void
bad_bytes_are_refused(void)
{
    static const struct {
        struct head head;
        const char *payload, *message;
    } cases[] = {
        {{MAGIC + 1, 6, 0, 2, 0}, "{}", "a bad frame: not ours"},
        {{MAGIC, 0, 0, 2, 0}, "{}", "a bad frame: of a type nobody knows"},
        {{MAGIC, 99, 0, 2, 0}, "{}", "a bad frame: of a type nobody knows"},
        {{MAGIC, 6, 4, 2, 0}, "{}", "a bad frame: with unknown flags"},
        {{MAGIC, 6, 0, 2, 1}, "{}", "a bad frame: with unknown flags"},
        {{MAGIC, 6, 0, 3, 0}, "{}", "a bad frame: with a size that is not its own"},
        {{MAGIC, 6, 0, 0xffffffffu, 0}, "{}", "a bad frame: larger than the limit of a value"},
        {{MAGIC, 6, 0, 2, 0}, "[]", "a bad frame: its payload is no map"},
        {{MAGIC, 6, 0, 2, 0}, "{x", "a bad frame REFUSED: not valid JSON: string or '}' expected near 'x'"},
        {{MAGIC, 6, 1, 2, 0}, "", "a bad frame: its payload is elsewhere"},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        struct arena arena = {0};
        struct frame frame;
        struct err err = {0};
        char data[64];
        size_t size = message(data, cases[i].head, cases[i].payload);
        CHECK_INT(frame_decode(&arena, data, size, &frame, &err), EXIT_INVALID);
        CHECK_STR(err.message, cases[i].message);
        arena_release(&arena);
    }
    struct arena arena = {0};
    struct frame frame;
    struct err err = {0};
    CHECK_INT(frame_decode(&arena, "abc", 3, &frame, &err), EXIT_INVALID);
    CHECK_STR(err.message, "a bad frame: shorter than its head");
}

/* Sends a head with `count` copies of fd. */
static void
send_raw(int sock, struct head head, const char *payload, int fd, size_t count)
{
    char data[64];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(3 * sizeof(int))];
    } control = {0};
    struct iovec iov = {data, message(data, head, payload)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (count > 0) {
        int fds[3] = {fd, fd, fd};
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    }
    CHECK(sendmsg(sock, &msg, 0) > 0);
}

static int
count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 200; fd++) count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void
descriptors_of_a_bad_frame_are_closed(void)
{
    struct pair pair;
    struct frame frame;
    struct err err = {0};
    pair_open(&pair);
    int fd FD_SCOPED = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int unsealed FD_SCOPED = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK_INT(write(unsealed, "{}", 2), 2);
    int before = count_descriptors();
    send_raw(pair.a, (struct head){MAGIC, 1, 0, 2, 0}, "{}", fd, 1);
    CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), EXIT_INVALID);
    CHECK_STR(err.message, "a bad frame: its descriptors are not those it names");
    send_raw(pair.a, (struct head){MAGIC, 1, 2, 2, 0}, "{}", fd, 3);
    CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), EXIT_INVALID);
    send_raw(pair.a, (struct head){MAGIC, 1, 2, 2, 0}, "{}", fd, 0);
    CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), EXIT_INVALID);
    send_raw(pair.a, (struct head){MAGIC, 1, 1, 2, 0}, "", fd, 1);
    CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), EXIT_INVALID);
    CHECK_STR(err.message, "a bad frame: its payload is not sealed");
    send_raw(pair.a, (struct head){MAGIC, 1, 1, 2, 0}, "", unsealed, 1);
    CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), EXIT_INVALID);
    CHECK_STR(err.message, "a bad frame: its payload is not sealed");
    int sealed FD_SCOPED = fd_memfd("test", "{}", 2);
    send_raw(pair.a, (struct head){MAGIC, 1, 1, 3, 0}, "", sealed, 1);
    CHECK_INT(frame_receive(pair.b, &pair.arena, &frame, &err), EXIT_INVALID);
    CHECK_STR(err.message, "a bad frame: its payload has another size");
    CHECK_INT(count_descriptors(), before + 1);
    pair_close(&pair);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a frame arrives as it was sent", arrives_as_sent},
        {"a payload too large for a message goes beside it", large_payload_goes_beside},
        {"a descriptor comes along with any payload", descriptor_comes_along},
        {"the end of the peer and an empty queue are told apart", end_and_nothing_are_told_apart},
        {"a full queue of a non-blocking socket says try again", full_queue_says_try_again},
        {"bytes that are no frame are refused by name", bad_bytes_are_refused},
        {"descriptors of a bad frame are closed", descriptors_of_a_bad_frame_are_closed},
    };
    return check_main("frame", tests, CHECK_COUNT(tests), argc, argv);
}
