/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads well; its action says something on standard error and aborts at once, as a C library does
 * that finds its heap broken.
 */
#include <stdlib.h>
#include <unistd.h>

#include "evil.h"

static int
speak_run(struct levada_step *step, const void *input)
{
    static const char words[] = "heap: these are the last words\n";
    (void)step, (void)input;
    (void)!write(STDERR_FILENO, words, sizeof words - 1);
    abort();
}

static const struct levada_action actions[] = {
    {.name = "speak", .doc = "Say something and abort.", .effect = LEVADA_EFFECT_PURE, .run = speak_run},
};

LEVADA_PLUGIN(.name = "last_words", .version = "1.0.0", .doc = "Bad.", LEVADA_ACTIONS(actions));
