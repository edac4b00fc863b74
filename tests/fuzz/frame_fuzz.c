/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages between engine, launcher and workers. The first byte of an input says whether a good
 * head is put before the rest (the head's size would hide the payload from the fuzzer otherwise).
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"
#include "run/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena ARENA_SCOPED = {0};
    struct frame frame = {.fd = -1};
    struct err err = {0};
    if (size == 0) return 0;
    const uint8_t *message = data + 1;
    size_t message_size = size - 1;
    if (data[0] == 'p') {
        struct {
            uint32_t magic;
            uint16_t type, flags;
            uint32_t size, reserved;
        } head = {0x3144564cu, FRAME_JOB, 0, (uint32_t)message_size, 0};
        uint8_t *whole = arena_alloc(&arena, sizeof head + message_size);
        memcpy(whole, &head, sizeof head);
        memcpy(whole + sizeof head, message, message_size);
        message = whole;
        message_size += sizeof head;
    }
    if (frame_decode(&arena, message, message_size, &frame, &err) != 0) {
        ASSERT(err.code == EXIT_INVALID && err.message[0] != '\0');
        return 0;
    }
    ASSERT(value_is(frame.data, VALUE_MAP) && frame.fd == -1);
    return 0;
}
