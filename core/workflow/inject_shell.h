/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a shell script as sh, dash and bash do, far enough to say for each `${{ }}` what quoting it stands in. Where the
 * shells themselves disagree, or the script does not close what it opens, it says so instead of guessing.
 */
#ifndef WORKFLOW_INJECT_SHELL_H
#define WORKFLOW_INJECT_SHELL_H

#include <stdbool.h>
#include <stddef.h>

enum shell_place { SHELL_UNQUOTED, SHELL_QUOTED, SHELL_REFUSED };

#define SHELL_HEREDOCS_MAX 16
#define SHELL_DEPTH_MAX 40
#define SHELL_WORD_MAX 64

struct shell_heredoc {
    char delimiter[256];
    bool quoted, tabs;
};

struct shell_lex {
    const char *text;
    size_t size, at;
    /* Called at each `${{`; `why` says where it stands when the place is refused. Sets *end to the offset behind `}}`.
     * Nonzero ends the reading. */
    int (*expression)(void *context, size_t at, enum shell_place place, const char *why, size_t *end);
    /* The expression at this offset ends up in something that reads it as a program. */
    void (*risk)(void *context, size_t at, const char *command);
    void *context;

    int failed;             /* what expression() returned */
    const char *forbidden;  /* an enclosing construct that takes no expression, for `why` */
    const char *doubt;      /* shells differ from here on, for `why` */
    bool unclosed;          /* a quote or bracket was still open at the end */
    size_t depth;
    struct shell_heredoc heredocs[SHELL_HEREDOCS_MAX];
    size_t nheredocs;
    const char *line_reader; /* a program reading program text on this line: sh, ssh, psql, … */
    size_t piped;           /* offset + 1 of an expression whose command writes into the next one's input; 0: none */
};

/* Returns what expression() returned, else 0. With `unclosed` set, what was said of the places is not to be trusted. */
int shell_read(struct shell_lex *lex);

#endif
