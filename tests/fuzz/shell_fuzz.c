/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as a shell script that may be plain. What comes back lies within it: a command begins where the script has a
 * character, and no word is longer than the whole.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "workflow/shell_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 100000 || memchr(data, 0, size) != NULL) return 0;
    struct arena arena ARENA_SCOPED = {0};
    const char *text = arena_strndup(&arena, (const char *)data, size);
    struct shell_words *commands = NULL;
    size_t count = 0;
    (void)shell_words_read(&arena, text, &commands, &count);
    for (size_t i = 0; i < count; i++) {
        if (commands[i].count == 0 || commands[i].at > size) abort();
        for (size_t k = 0; k < commands[i].count; k++)
            if (strlen(commands[i].words[k]) > size + 1) abort();
    }
    return 0;
}
