/* SPDX-License-Identifier: Apache-2.0
 *
 * Arenas and buffers, and what happens when memory or an assertion ends: one line on stderr and a known code.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/limits.h"
#include "check.h"

/* A sanitizer would end the process itself when an allocation fails. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static bool
is_zero(const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i]) return false;
    return true;
}

static void
arenas_give_zeroed_aligned_memory(void)
{
    struct arena arena ARENA_SCOPED = {0};
    size_t bad = 0;
    for (size_t size = 0; size < 5000; size += 37) {
        unsigned char *p = arena_alloc(&arena, size);
        if ((uintptr_t)p % 16 || !is_zero(p, size)) bad++;
        memset(p, 0xff, size);
    }
    CHECK_INT(bad, 0);
    unsigned char *large = arena_alloc(&arena, 3 * MIB);
    CHECK(is_zero(large, 3 * MIB));
    memset(large, 1, 3 * MIB);
    CHECK(is_zero(arena_alloc(&arena, 100), 100));
    CHECK(arena_array(&arena, 0, SIZE_MAX) != NULL);
}

static void
rewinding_frees_and_zeroes(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct arena_mark empty = arena_mark(&arena);
    arena_alloc(&arena, 10);
    arena_rewind(&arena, empty);
    CHECK(arena.head == NULL);
    char *kept = arena_strdup(&arena, "kept");
    struct arena_mark mark = arena_mark(&arena);
    char *first = arena_alloc(&arena, 64);
    memset(first, 'x', 64);
    for (int i = 0; i < 100; i++) memset(arena_alloc(&arena, 10000), 'y', 10000);
    arena_rewind(&arena, mark);
    CHECK_STR(kept, "kept");
    char *again = arena_alloc(&arena, 64);
    CHECK(again == first);
    CHECK(is_zero((unsigned char *)again, 64));
    arena_rewind(&arena, mark);
    arena_rewind(&arena, mark);
    CHECK_STR(kept, "kept");
}

static void
texts_in_an_arena(void)
{
    struct arena arena ARENA_SCOPED = {0};
    CHECK_STR(arena_strdup(&arena, ""), "");
    CHECK_STR(arena_strndup(&arena, "abcdef", 3), "abc");
    CHECK_STR(arena_strndup(&arena, NULL, 0), "");
    CHECK_INT(memcmp(arena_strndup(&arena, "a\0b", 3), "a\0b", 4), 0);
    CHECK_STR(arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    char *large = arena_printf(&arena, "%0*d", 100000, 5);
    CHECK_INT(strlen(large), 100000);
}

static void
buffers_grow_to_their_maximum(void)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 10);
    CHECK_STR(buf_str(&buf), "");
    buf_add(&buf, "", 0);
    CHECK_STR(buf.data, "");
    buf_text(&buf, "12345");
    buf_char(&buf, '6');
    buf_printf(&buf, "%s", "7890");
    CHECK(!buf.full);
    CHECK_INT(buf.size, 10);
    buf_char(&buf, 'x');
    CHECK(buf.full);
    CHECK_STR(buf_str(&buf), "1234567890");
    buf_add(&buf, "", 0);
    CHECK_STR(buf_str(&buf), "1234567890");
    buf_clear(&buf);
    CHECK(!buf.full);
    CHECK_STR(buf_str(&buf), "");
    buf_printf(&buf, "%s", "12345678901");
    CHECK(buf.full);
    CHECK_STR(buf_str(&buf), "");
    /* Once full, a text that would fit is dropped too: what is there is a prefix. */
    buf_char(&buf, 'a');
    CHECK_STR(buf_str(&buf), "");
}

static void
buffers_drop_from_the_front(void)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 1 * MIB);
    buf_drop(&buf, 0);
    for (int i = 0; i < 10000; i++) buf_printf(&buf, "%d,", i);
    size_t size = buf.size;
    buf_drop(&buf, 4);
    CHECK_INT(buf.size, size - 4);
    CHECK_INT(memcmp(buf.data, "2,3,", 4), 0);
    buf_drop(&buf, buf.size);
    CHECK_STR(buf_str(&buf), "");
    buf_release(&buf);
    buf_release(&buf);
    buf_text(&buf, "again");
    CHECK_STR(buf_str(&buf), "again");
}

/* Runs `end` in a child; gives its wait status and what it wrote to stderr. */
static int
in_a_child(void (*end)(void), char *text, size_t size)
{
    int pipes[2], status = 0;
    CHECK_FATAL(pipe(pipes) == 0);
    fflush(stdout);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(pipes[1], STDERR_FILENO);
        end();
        _exit(77);
    }
    close(pipes[1]);
    size_t used = 0;
    for (ssize_t n; used + 1 < size && (n = read(pipes[0], text + used, size - 1 - used)) > 0;) used += (size_t)n;
    text[used] = '\0';
    close(pipes[0]);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    return status;
}

static void
ask_too_much(void)
{
    struct arena arena = {0};
    arena_alloc(&arena, SIZE_MAX / 4);
}

static void
overflow(void)
{
    struct arena arena = {0};
    arena_array(&arena, SIZE_MAX / 2, 3);
}

static void
ask_a_buffer(void)
{
    memory_free(memory_resize(NULL, SIZE_MAX / 4));
}

static void
break_a_promise(void)
{
    ASSERT(1 + 1 == 3);
}

static void
running_out_of_memory_is_exit_8(void)
{
    char text[8192];
    int status = in_a_child(ask_too_much, text, sizeof text);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 8);
    CHECK(strstr(text, "levada: out of memory (asked for 4611686018427387") != NULL);
    status = in_a_child(overflow, text, sizeof text);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 8);
    CHECK(strstr(text, "levada: out of memory (asked for ") != NULL);
    status = in_a_child(ask_a_buffer, text, sizeof text);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 8);
}

static void
a_failed_assertion_says_where(void)
{
    char text[8192];
    int status = in_a_child(break_a_promise, text, sizeof text);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK(strstr(text, "levada: a bug: ") != NULL);
    CHECK(strstr(text, "memory_test.c:") != NULL && strstr(text, ": 1 + 1 == 3\n") != NULL);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"an arena gives zeroed, aligned memory of any size", arenas_give_zeroed_aligned_memory},
        {"rewinding frees what came after the mark and zeroes it", rewinding_frees_and_zeroes},
        {"texts are copied into an arena", texts_in_an_arena},
        {"a buffer grows to its maximum and says when it is full", buffers_grow_to_their_maximum},
        {"a buffer drops from the front and can be used again", buffers_drop_from_the_front},
        {"running out of memory is one line and exit 8", running_out_of_memory_is_exit_8},
        {"a failed assertion says where and aborts", a_failed_assertion_says_where},
    };
    return check_main("memory", tests, CHECK_COUNT(tests), argc, argv);
}
