/* SPDX-License-Identifier: Apache-2.0
 *
 * The quick reader beside jansson: what it takes, jansson takes as the same; and what was read comes out and in again
 * as it was.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    const struct value *judged = NULL, *again = NULL;
    /* Exactly as long as it is: a byte read behind it is found. */
    char *text = arena_alloc(&arena, size + 1);
    for (size_t i = 0; i < size; i++) text[i] = (char)data[i];
    const struct value *quick = json_read(&arena, text, size);
    int code = json_judge(&arena, text, size, &judged, &err);
    if (quick != NULL) ASSERT(code == 0 && value_equal(quick, judged));
    if (code != 0) {
        ASSERT(err.message[0] != '\0');
        return 0;
    }
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 64u * 1024 * 1024);
    json_write(&buf, judged);
    ASSERT(json_parse(&arena, buf_str(&buf), buf.size, &again, &err) == 0 && value_equal(judged, again));
    (void)json_skip(text, text + size);
    return 0;
}
