/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a script under a real shell in an empty folder, with LEVADA_1 set, and says what it printed
 * and whether it left anything behind.
 */
#ifndef TESTS_SHELL_HELP_H
#define TESTS_SHELL_HELP_H

#include <stdbool.h>
#include <stddef.h>

struct shell_result {
    char *output; /* until the next run */
    size_t size;
    int exit;     /* -1: a signal */
    bool touched; /* the folder is no longer empty (it is emptied again) */
};

/* The shells of this machine; NULL behind the last. /bin/sh is always one. */
extern const char *const shell_programs[];
bool shell_exists(const char *program);
struct shell_result shell_run(const char *program, const char *script, const char *value);
void shell_end(void); /* removes the folder */

#endif
