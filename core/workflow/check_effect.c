/* SPDX-License-Identifier: Apache-2.0
 *
 * Scripts that only read. Without a word a script is `unsafe`, and when its attempt vanishes a person is asked; of one
 * that does nothing but look this is a pity. It is said once for a file, and never of scripts that only speak: whoever
 * writes `echo` is trying something out.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/check.h"
#include "workflow/shell_words.h"

#define NAMED_MAX 5

/* They change nothing whatever their arguments are. */
static const char *const looks[] = {"cat",      "ls",       "grep",      "egrep",   "fgrep",   "wc",      "head",
                                    "tail",     "cut",      "diff",      "cmp",     "comm",    "stat",    "du",
                                    "df",       "jq",       "sha256sum", "sha1sum", "md5sum",  "cksum",   "file",
                                    "readlink", "realpath", "nl",        "od",      "hexdump", "strings", "zcat",
                                    "ps",       "free",     "uptime",    "lsblk",   "findmnt", "id",      "whoami",
                                    "uname",    "nproc",    "getent",    "pgrep",   "which",   NULL};
/* These neither, and it is no news. */
static const char *const speaks[] = {"echo",     "printf",   "true",     "false", ":",   "test", "[",
                                     "exit",     "sleep",    "set",      "cd",    "pwd", "seq",  "date",
                                     "hostname", "basename", "dirname",  "expr",  "tr",  "rev",  "shift",
                                     "break",    "continue", "printenv", "read",  NULL};

static bool
listed(const char *word, const char *const *list)
{
    for (; *list != NULL; list++)
        if (str_eq(*list, word)) return true;
    return false;
}

/* `sort -o`, `uniq IN OUT`, `find -delete`, `sed -i`, `date -s`: known only with what they are given. */
static bool
only_reads(const struct shell_words *command, bool *looked)
{
    const char *name = command->words[0];
    if (command->writes) return false;
    if (listed(name, looks)) return *looked = true;
    if (str_eq(name, "hostname") || str_eq(name, "date")) return command->count == 1 || command->words[1][0] == '+';
    if (listed(name, speaks)) return true;
    if (str_eq(name, "find") || str_eq(name, "sort") || str_eq(name, "git") || str_eq(name, "uniq")) *looked = true;
    for (size_t i = 1; i < command->count; i++) {
        const char *word = command->words[i];
        if (strchr(word, '$') != NULL && str_eq(name, "find")) return false;
        bool letters = word[0] == '-' && word[1] != '-' && word[1] != '\0';
        if (str_starts(word, "--out") || str_starts(word, "--comp") || word[0] == '$') return false;
        if (str_eq(name, "sort") && letters && strchr(word, 'o') != NULL) return false;
        if (str_eq(name, "find") && (str_starts(word, "-exec") || str_starts(word, "-ok") || str_starts(word, "-f") ||
                                     str_eq(word, "-delete")))
            return false;
    }
    if (str_eq(name, "find") || str_eq(name, "sort")) return true;
    if (str_eq(name, "uniq")) return command->count == 1 || (command->count == 2 && command->words[1][0] == '-');
    static const char *const git[] = {"status",   "log",      "diff",    "show", "rev-parse",
                                      "describe", "ls-files", "ls-tree", NULL};
    if (str_eq(name, "git")) return command->count > 1 && listed(command->words[1], git);
    return false;
}

static bool
script_only_reads(const char *text)
{
    struct arena scratch ARENA_SCOPED = {0};
    struct shell_words *commands;
    size_t count;
    bool looked = false;
    if (!shell_words_read(&scratch, text, &commands, &count) || count == 0) return false;
    for (size_t i = 0; i < count; i++)
        if (!only_reads(&commands[i], &looked)) return false;
    return looked;
}

struct readers {
    const struct value *first; /* the step to point at */
    const char *names;
    size_t count;
};

static void
collect(struct readers *readers, const struct check *check)
{
    for (uint32_t i = 0; i < check->model->nsteps; i++) {
        const struct step *step = &check->model->steps[i];
        const struct value *map = check->drafts[i].map;
        if (check->drafts[i].inner != NULL) collect(readers, check->drafts[i].inner);
        if (step->kind != STEP_RUN || step->text == NULL || step->id == NULL || value_get(map, "effect") != NULL ||
            value_get(map, "on_unknown") != NULL || !str_eq(step->shell, "sh") || !script_only_reads(step->text))
            continue;
        if (readers->first == NULL) readers->first = map;
        if (readers->count++ >= NAMED_MAX) continue;
        readers->names =
            arena_printf(check->arena, "%s%s\"%s\"", readers->names, readers->count > 1 ? ", " : "", step->id);
    }
}

void
check_effects(struct check *check)
{
    struct readers readers = {.names = ""};
    if (!check->diags->notes) return;
    collect(&readers, check);
    if (readers.count == 0) return;
    const char *more = readers.count <= NAMED_MAX
                           ? ""
                           : arena_printf(check->arena, " and %zu more", readers.count - NAMED_MAX);
    diag_add(check->diags, DIAG_NOTE, (int)readers.first->line, (int)readers.first->column, "effect",
             "With `effect: read` an attempt that vanished runs again by itself; without it a person is asked.",
             readers.count == 1 ? "step %s%s only reads" : "steps %s%s only read", readers.names, more);
}
