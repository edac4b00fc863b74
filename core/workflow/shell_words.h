/* SPDX-License-Identifier: Apache-2.0
 *
 * A plain shell script as its commands. Plain is what can be read without being a shell: words, quotes, pipes, lists,
 * `if` and loops; no substitution of commands, no here-document, no function, no subshell.
 */
#ifndef WORKFLOW_SHELL_WORDS_H
#define WORKFLOW_SHELL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct shell_words {
    const char **words; /* without quotes; one with an expansion in it has a `$` */
    size_t count;       /* at least 1: the command's name */
    size_t at;          /* offset of the first word in the script */
    bool writes;        /* its output goes to a file other than /dev/null and $LEVADA_OUTPUT */
    const char *from, *to; /* the last files of `<` and `>`; NULL: none */
    bool guarded;       /* in a condition, or behind && or ||: it may not run at all */
};

/* The commands in order, keywords and assignments left out. False: the script is not plain. */
bool shell_words_read(struct arena *arena, const char *text, struct shell_words **ret, size_t *count);

#endif
