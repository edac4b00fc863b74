/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a shell script as sh, dash and bash do, far enough to say for each `${{ }}` what quoting it
 * stands in. Where the shells themselves disagree, or the script does not close what it opens, it
 * says so instead of guessing.
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
    /* Called at each `${{`; `why` says where it stands when the place is refused. Sets *end to the
     * offset behind `}}`. Nonzero ends the reading. */
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
    bool array;   /* the next commands are the words of an array: a=(x y) */
    size_t piped; /* offset + 1 of an expression whose command writes into the next one's input; 0:
                     none */
};

/* Returns what expression() returned, else 0. With `unclosed` set, what was said of the places is
 * not to be trusted. */
int shell_read(struct shell_lex *lex);

/* Private to inject_shell.c (quotes, expansions, here-documents) and inject_command.c (words,
 * commands). Each function is entered behind the opening of what it reads, unless it says "at", and
 * left behind its closing. */
#define SHELL_NONE ((size_t)-1)

/* A simple command under way. */
struct shell_command {
    char word[SHELL_WORD_MAX];  /* the present word, without quotes, cut */
    size_t size;
    bool in_word, word_quoted, word_expression;
    bool at_start;              /* the next word is a command's name or a reserved word */
    bool redirect;              /* the next word is a file */
    bool prefixed, shell_words; /* `sudo`, `xargs`: the command is further on; `sh` was seen */
    bool finds;                 /* `find`: behind `-exec` another command begins */
    bool names;                 /* test, printf: `-v` takes a variable's name */
    bool declares;              /* export, declare, …: words are NAME=value */
    bool double_bracket, double_closed, arithmetic_test;
    bool word_begins;           /* the present word begins with an expression */
    bool shell_c, variable;     /* `-c` was seen after a shell; the word before was `-v` */
    const char *dangerous;      /* its name, when values in it are read as program */
    const char *reader;         /* when its input is */
    size_t used, words;         /* offset of the first expression in it, or SHELL_NONE */
    bool name_is_expression;
};

bool shell_at(const struct shell_lex *s, size_t at, const char *text);
int shell_peek(const struct shell_lex *s, size_t ahead);
bool shell_more(const struct shell_lex *s);
void shell_doubt(struct shell_lex *s, const char *why);
/* At `${{`. `why`: why it is refused here, or NULL. */
void shell_expression(struct shell_lex *s, bool quoted, const char *why);
void shell_read_backslash(struct shell_lex *s); /* at it */
void shell_read_single(struct shell_lex *s);
void shell_read_backtick(struct shell_lex *s);
void shell_read_double(struct shell_lex *s, struct shell_command *command);
/* `close`: "))" or "]". */
void shell_read_arithmetic(struct shell_lex *s, const char *close);
/* At `$`. `command` (may be NULL): whose word this is part of. */
void shell_read_dollar(struct shell_lex *s, bool quoted, struct shell_command *command);
void shell_read_delimiter(struct shell_lex *s, bool tabs);
/* At the first line of its body. */
void shell_read_heredoc(struct shell_lex *s, const struct shell_heredoc *doc);
/* Up to its `)` when nested, else to the end. */
void shell_read_commands(struct shell_lex *s, bool nested);

#endif
