/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that a workflow brings along: the scripts it calls and what its actions read. A file that is not there is a
 * warning, and only when no other step can have been meant to make it. The files of secrets are not looked for: a
 * workflow is checked where its secrets are not.
 */
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "workflow/check.h"
#include "workflow/shell_words.h"
#include "workflow/template.h"

/* 0 it is there, -1 it is not, -2 it may not be run. */
static int
look(const struct check *check, struct arena *scratch, const char *path, bool to_run)
{
    struct stat st;
    const char *whole = path[0] == '/' ? path : arena_printf(scratch, "%s/%s", check->model->folder, path);
    if (stat(whole, &st) != 0) return -1;
    return to_run && S_ISREG(st.st_mode) && (st.st_mode & 0111) == 0 ? -2 : 0;
}

/* Does a script or an input of another step speak of one of these words? */
static bool
is_said(const struct model *model, const struct step *but, const char *word, const char *other)
{
    for (size_t i = 0; i < model->nsteps; i++) {
        const struct step *step = &model->steps[i];
        if (step->kind == STEP_GROUP && step->body != NULL && is_said(step->body, but, word, other)) return true;
        if (step == but) continue;
        if (step->text != NULL && (strstr(step->text, word) != NULL || strstr(step->text, other) != NULL)) return true;
        for (size_t k = 0; step->with != NULL && k < step->with->map.count; k++) {
            const struct value *value = step->with->map.values[k];
            if (value->type == VALUE_STRING && strstr(value->text.ptr, other) != NULL) return true;
        }
    }
    return false;
}

static const struct model *
whole_file(const struct check *check)
{
    while (check->outer != NULL) check = check->outer;
    return check->model;
}

/* May some step make it: is it spoken of, or the folder it is in when that is not there either? */
static bool
may_be_made(const struct check *check, uint32_t index, const char *path)
{
    struct arena scratch ARENA_SCOPED = {0};
    const char *slash = strrchr(path, '/');
    while (str_starts(path, "./")) path += 2;
    const char *name = slash != NULL ? slash + 1 : path, *folder = arena_strndup(&scratch, path, strcspn(path, "/"));
    if (strchr(path, '/') == NULL || look(check, &scratch, folder, false) == 0) folder = name;
    return is_said(whole_file(check), &check->model->steps[index], name, folder);
}

/* ---- scripts that a script calls -------------------------------------------------------------------- */

/* What of a command's words is the path of a script; NULL: none that is certain. *directly: the command itself. */
static const char *
script_of(const struct shell_words *command, bool *directly)
{
    static const char *const readers[] = {"sh",   "bash", "dash", "python3", "python",
                                          "perl", "ruby", "node", ".",       "source"};
    const char *word = command->words[0];
    *directly = strchr(word, '/') != NULL;
    for (size_t i = 0; i < sizeof readers / sizeof *readers && !*directly; i++)
        if (str_eq(word, readers[i])) word = command->count > 1 ? command->words[1] : "";
    if (word == command->words[0] && !*directly) return NULL;
    if (str_ends(word, "/")) return NULL; /* a folder, whatever was meant */
    if (word[0] == '/' || word[0] == '-' || word[0] == '~' || word[0] == '\0' || str_starts(word, "../")) return NULL;
    if (strpbrk(word, "$*?[") != NULL || (strchr(word, '/') == NULL && strchr(word, '.') == NULL)) return NULL;
    return word;
}

static int
lines_before(const char *text, size_t at)
{
    int ret = 0;
    for (size_t i = 0; i < at; i++) ret += text[i] == '\n';
    return ret;
}

static void
look_at_command(struct check *check, uint32_t index, const struct shell_words *command, bool own_text)
{
    const struct step *step = &check->model->steps[index];
    struct arena scratch ARENA_SCOPED = {0};
    bool directly;
    const char *path = script_of(command, &directly);
    if (path == NULL || command->guarded) return;
    int found = look(check, &scratch, path, directly);
    if (found == 0 || own_text) return;
    if (found == -1 ? may_be_made(check, index, path) : is_said(whole_file(check), NULL, "chmod", "chmod")) return;
    size_t start = command->at;
    while (start > 0 && step->text[start - 1] != '\n') start--;
    int column = step->text_column;
    for (size_t i = start; i < command->at; i++) column += ((unsigned char)step->text[i] & 0xc0) != 0x80;
    if (found == -1)
        diag_add(check->diags, DIAG_WARNING, step->text_line + lines_before(step->text, command->at), column,
                 "missing-file", "A script runs in the workflow's folder.",
                 "there is no file \"%s\" beside the workflow", path);
    else
        diag_add(check->diags, DIAG_WARNING, step->text_line + lines_before(step->text, command->at), column,
                 "missing-file", arena_printf(check->arena, "`chmod +x %s`, or call it with its interpreter.", path),
                 "the file \"%s\" is not executable", path);
}

/* How often a word stands in a text. */
static size_t
mentions(const char *text, const char *word)
{
    size_t ret = 0;
    for (const char *p = text; *word != '\0' && (p = strstr(p, word)) != NULL; p++) ret++;
    return ret;
}

static void
look_at_script(struct check *check, uint32_t index)
{
    const struct step *step = &check->model->steps[index];
    struct arena scratch ARENA_SCOPED = {0};
    struct shell_words *commands;
    size_t count;
    if (!shell_words_fit(step->shell) || step->cwd != NULL) return;
    if (!shell_words_read(&scratch, step->text, &commands, &count)) return;
    check->diags->within = value_get(check->drafts[index].map, "run");
    for (size_t i = 0; i < count; i++) {
        bool directly;
        const char *name = commands[i].words[0], *path = script_of(&commands[i], &directly);
        /* From here on nobody knows where it is, or what it has fetched. */
        if (str_eq(name, "cd") || str_eq(name, "pushd") || str_eq(name, "git") || str_eq(name, "tar") ||
            str_eq(name, "unzip"))
            break;
        const char *base = path != NULL && strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
        look_at_command(check, index, &commands[i], base != NULL && mentions(step->text, base) > 1);
    }
    check->diags->within = NULL;
}

/* ---- what actions read ------------------------------------------------------------------------------- */

/* Tables do not say whether a path is read or written; these names do. */
static bool
is_read(const struct schema_field *field)
{
    static const char *const names[] = {"file",     "contract", "from",        "source",
                                        "template", "script",   "schema_file", "config"};
    if (field == NULL || field->type != LEVADA_TYPE_PATH) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(names[i], field->name)) return true;
    return false;
}

static void
look_at_inputs(struct check *check, uint32_t index)
{
    const struct step *step = &check->model->steps[index];
    const struct schema_action *action = step->schema_action;
    for (size_t i = 0; step->with != NULL && action != NULL && i < step->with->map.count; i++) {
        const struct value *value = step->with->map.values[i];
        const struct schema_field *field = schema_field_find(action->inputs, action->ninputs, step->with->map.names[i]);
        if (!is_read(field) || value->type != VALUE_STRING || template_is(value->text.ptr)) continue;
        struct arena scratch ARENA_SCOPED = {0};
        if (strpbrk(value->text.ptr, "*?[:") != NULL || look(check, &scratch, value->text.ptr, false) == 0 ||
            may_be_made(check, index, value->text.ptr))
            continue;
        CHECK_WARNING(check, value, "missing-file", "Paths are relative to the workflow's folder.",
                      "there is no file \"%s\" for the input \"%s\"", value->text.ptr, field->name);
    }
}

void
check_files(struct check *check)
{
    if (str_ends(check->model->file, "/-")) return; /* from standard input: it has no folder of its own */
    for (uint32_t i = 0; i < check->model->nsteps; i++) {
        const struct step *step = &check->model->steps[i];
        if (step->kind == STEP_RUN && step->text != NULL) look_at_script(check, i);
        if (step->kind == STEP_USES) look_at_inputs(check, i);
        if (check->drafts[i].inner != NULL) check_files(check->drafts[i].inner);
    }
}
