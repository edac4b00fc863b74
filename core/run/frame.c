/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. A message is a head of 16 bytes and JSON. What a peer sends is data of a
 * stranger: every member of the head is checked before it is used, a memfd is read only when its
 * seals say that nobody can change it under us, and descriptors of a refused frame are closed here.
 */
#include "run/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/json.h"

#define FRAME_MAGIC 0x3144564cu /* "LVD1" */
enum { CARRIES_PAYLOAD = 1, CARRIES_FD = 2 };

struct frame_head {
    uint32_t magic;
    uint16_t type;
    uint16_t flags;
    uint32_t size;     /* of the payload, wherever it is */
    uint32_t reserved; /* 0 */
};

static const char *
type_name(unsigned type)
{
    switch (type) {
#define X(id, number)                                                                                        \
    case number: return #id;
        FRAMES(X)
#undef X
    default: return NULL;
    }
}

static int
send_message(int sock, const struct iovec *iov, size_t niov, const int *fds, size_t nfds, struct err *err)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    struct iovec parts[2] = {iov[0], iov[1]};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = niov};
    if (nfds > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
    }
    for (;;) {
        if (sendmsg(sock, &message, MSG_NOSIGNAL) >= 0) return 0;
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return err_set(err, EXIT_HELD, "the peer's queue is full");
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
            return err_set(err, EXIT_FAILED, "the peer is gone");
        return err_errno(err, EXIT_FAILED, "cannot send a frame");
    }
}

int
frame_send(int sock, enum frame_type type, const struct value *data, int fd, struct err *err)
{
    struct buf text BUF_SCOPED;
    buf_init(&text, LIMIT_VALUE_SIZE);
    if (data != NULL) json_write(&text, data);
    else buf_text(&text, "{}");
    if (text.full)
        return err_set(err, EXIT_INVALID, "a frame of more than %u bytes", (unsigned)LIMIT_VALUE_SIZE);

    struct frame_head head = {.magic = FRAME_MAGIC, .type = (uint16_t)type, .size = (uint32_t)text.size};
    int payload FD_SCOPED = -1;
    int fds[2];
    size_t nfds = 0;
    if (text.size > LIMIT_FRAME_INLINE) {
        payload = fd_memfd("levada-frame", text.data, text.size);
        if (payload < 0) return err_errno(err, EXIT_FAILED, "cannot make a memfd for a frame");
        head.flags |= CARRIES_PAYLOAD;
        fds[nfds++] = payload;
    }
    if (fd >= 0) {
        head.flags |= CARRIES_FD;
        fds[nfds++] = fd;
    }
    struct iovec iov[2] = {{&head, sizeof head}, {text.data, text.size}};
    return send_message(sock, iov, payload >= 0 ? 1 : 2, fds, nfds, err);
}

static int
bad_frame(struct err *err, const char *why)
{
    return err_set(err, EXIT_INVALID, "a bad frame: %s", why);
}

static int
head_decode(const void *data, size_t size, struct frame_head *head, struct err *err)
{
    if (size < sizeof *head) return bad_frame(err, "shorter than its head");
    memcpy(head, data, sizeof *head);
    if (head->magic != FRAME_MAGIC) return bad_frame(err, "not ours");
    if (type_name(head->type) == NULL) return bad_frame(err, "of a type nobody knows");
    if ((head->flags & ~(CARRIES_PAYLOAD | CARRIES_FD)) != 0 || head->reserved != 0)
        return bad_frame(err, "with unknown flags");
    if (head->size > LIMIT_VALUE_SIZE) return bad_frame(err, "larger than the limit of a value");
    size_t inline_size = head->flags & CARRIES_PAYLOAD ? 0 : head->size;
    if (size - sizeof *head != inline_size) return bad_frame(err, "with a size that is not its own");
    return 0;
}

static int
payload_decode(struct arena *arena, const struct frame_head *head, const char *text, struct frame *ret,
               struct err *err)
{
    const struct value *data;
    int code = json_parse(arena, text, head->size, &data, err);
    if (code) {
        err_context(err, "a bad frame %s", type_name(head->type));
        return code;
    }
    if (!value_is(data, VALUE_MAP)) return bad_frame(err, "its payload is no map");
    *ret = (struct frame){.type = (enum frame_type)head->type, .data = data, .fd = -1};
    return 0;
}

int
frame_decode(struct arena *arena, const void *data, size_t size, struct frame *ret, struct err *err)
{
    struct frame_head head;
    int code = head_decode(data, size, &head, err);
    if (code) return code;
    if (head.flags & CARRIES_PAYLOAD) return bad_frame(err, "its payload is elsewhere");
    return payload_decode(arena, &head, (const char *)data + sizeof head, ret, err);
}

/* Only what nobody can change any more: otherwise the bytes could differ between a check and a use. */
static int
memfd_decode(struct arena *arena, const struct frame_head *head, int fd, struct frame *ret, struct err *err)
{
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_WRITE)) != (F_SEAL_SHRINK | F_SEAL_WRITE))
        return bad_frame(err, "its payload is not sealed");
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size != (off_t)head->size)
        return bad_frame(err, "its payload has another size");
    char *text = arena_alloc(arena, (size_t)head->size + 1);
    for (size_t at = 0; at < head->size;) {
        ssize_t n = pread(fd, text + at, head->size - at, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return bad_frame(err, "its payload cannot be read");
        at += (size_t)n;
    }
    return payload_decode(arena, head, text, ret, err);
}

/* At most two descriptors can be meant; what came is taken from the message whatever the head says. */
static size_t
take_fds(struct msghdr *message, int fds[2])
{
    size_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (count < 2) fds[count++] = fd;
            else close(fd);
        }
    }
    return count;
}

static int
message_decode(struct arena *arena, const char *data, size_t size, int fds[2], size_t nfds, struct frame *ret,
               struct err *err)
{
    struct frame_head head;
    int code = head_decode(data, size, &head, err);
    if (code) return code;
    size_t want = (head.flags & CARRIES_PAYLOAD ? 1 : 0) + (head.flags & CARRIES_FD ? 1 : 0);
    if (nfds != want) return bad_frame(err, "its descriptors are not those it names");
    if (head.flags & CARRIES_PAYLOAD) code = memfd_decode(arena, &head, fds[0], ret, err);
    else code = payload_decode(arena, &head, data + sizeof head, ret, err);
    if (code) return code;
    if (head.flags & CARRIES_FD) {
        ret->fd = fds[nfds - 1];
        fds[nfds - 1] = -1;
    }
    return 0;
}

int
frame_receive(int sock, struct arena *arena, struct frame *ret, struct err *err)
{
    _Alignas(16) char data[sizeof(struct frame_head) + LIMIT_FRAME_INLINE];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } control;
    struct iovec iov = {data, sizeof data};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do n = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n == 0 || (n < 0 && errno == ECONNRESET)) return 1;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return -1;
    /* Not EXIT_FAILED: 1 is the end of file here. */
    if (n < 0) return err_errno(err, EXIT_STORE, "cannot receive a frame");

    int fds[2] = {-1, -1};
    size_t nfds = take_fds(&message, fds);
    int code = message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)
                   ? bad_frame(err, "larger than a frame can be")
                   : message_decode(arena, data, (size_t)n, fds, nfds, ret, err);
    fd_close(&fds[0]);
    fd_close(&fds[1]);
    ASSERT(code != EXIT_FAILED);
    return code;
}
