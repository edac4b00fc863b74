/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions in linear time: a list of threads walks over the text once (Thompson, Pike),
 * so no pattern can run away. Characters are UTF-8 code points. Syntax: . [a-z] [^a-z] \d \w \s \D
 * \W \S \b ^ $ ( ) (?: ) | * + ? {m,n} and the lazy *? +? ?? {m,n}?; (?i) in front ignores the case
 * of ASCII letters. No back references, no look-around.
 */
#ifndef WORKFLOW_LIBRARY_REGEX_H
#define WORKFLOW_LIBRARY_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define REGEX_GROUPS_MAX 20 /* the whole match is the first */

struct regex;

/* NULL with a sentence in *problem and the offset in *at. */
const struct regex *regex_compile(struct arena *arena, const char *pattern, size_t size,
                                  const char **problem, size_t *at);
size_t regex_groups(const struct regex *regex); /* the whole match included */
/* Finds the leftmost match that begins at offset `from` or behind it; spans[2 * i] and [2 * i + 1] are group i's start
 * and end, SIZE_MAX when it took no part. `count` is called now and then with the steps made; it may leave by longjmp.
 * */
bool regex_search(const struct regex *regex, struct arena *arena, const char *text, size_t size,
                  size_t from, size_t *spans, void (*count)(void *context, uint64_t steps), void *context);

#endif
