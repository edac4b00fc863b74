/* SPDX-License-Identifier: Apache-2.0
 *
 * levada checkpoint get KEY | set KEY VALUE: for scripts of `run:` steps. What is set is on disk
 * when the command returns, and the next attempt of the step finds it, whatever became of this one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "run/checkpoint.h"

static const char usage[] = "levada checkpoint get KEY | set KEY VALUE";

static int
get(const char *path, const char *key)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    struct value *map = value_map(&arena);
    if (checkpoint_read(&arena, path, map, &err) != 0) return cli_fail(&err);
    const struct value *value = value_get(map, key);
    if (value == NULL) return EXIT_FAILED; /* not reached yet: for `if`, without a word */
    fwrite(value->text.ptr, 1, value->text.size, stdout);
    putchar('\n');
    return EXIT_OK;
}

int
cmd_checkpoint(int argc, char **argv)
{
    struct err err = {0};
    const char *path = getenv("LEVADA_CHECKPOINTS");
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        printf("usage: %s\n\nKeeps a text over the attempts of a `run:` step. `set` returns when it is\n"
               "on disk; `get` prints it, or exits 1 without a word when no attempt has set it.\n", usage);
        return EXIT_OK;
    }
    int is_get = argc == 3 && strcmp(argv[1], "get") == 0;
    if (!is_get && !(argc == 4 && strcmp(argv[1], "set") == 0))
        return cli_usage(usage, "say what to get, or what to set to what");
    if (path == NULL || path[0] == '\0') {
        err_set(&err, EXIT_USAGE, "checkpoints exist only inside a `run:` step");
        err_hint(&err, "A script that runs in a step has LEVADA_CHECKPOINTS in its environment.");
        return cli_fail(&err);
    }
    if (is_get) return get(path, argv[2]);
    return checkpoint_append(path, argv[2], argv[3], &err) == 0 ? EXIT_OK : cli_fail(&err);
}
