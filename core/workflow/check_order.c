/* SPDX-License-Identifier: Apache-2.0
 *
 * A script that reads a file which another script writes was meant to wait for it: from other tools people are used to
 * steps that run in the order of the file. Only what is certain is said: both are plain, run in the workflow's folder,
 * and name the file in the same words.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/check.h"
#include "workflow/shell_words.h"

#define TOLD_MAX 10

struct order {
    struct check *check;
    struct names files;  /* that some step writes */
    uint32_t *writers;   /* by number in `files` */
    size_t writers_max, told;
    unsigned char *seen; /* scratch of waits_for() */
    uint32_t *stack;
};

static bool
is_file(const char *word)
{
    return strlen(word) > 3 && strchr(word, '.') != NULL && strpbrk(word, "$*?[") == NULL && word[0] != '-' &&
           !str_starts(word, "/dev/");
}

static bool
waits_for(struct order *order, uint32_t step, uint32_t other)
{
    const struct model *model = order->check->model;
    size_t depth = 1;
    memset(order->seen, 0, model->nsteps);
    order->stack[0] = step;
    while (depth > 0) {
        uint32_t at = order->stack[--depth];
        if (at == other) return true;
        for (size_t i = 0; i < model->steps[at].nneeds; i++) {
            uint32_t need = model->steps[at].needs[i];
            if (!order->seen[need]) order->stack[depth++] = need;
            order->seen[need] = true;
        }
    }
    return false;
}

static bool
is_looked_at(const struct step *step)
{
    return step->kind == STEP_RUN && step->text != NULL && step->cwd == NULL && step->loop == NULL &&
           (str_eq(step->shell, "sh") || str_eq(step->shell, "bash") || str_eq(step->shell, "dash"));
}

static void
note_files(struct order *order, uint32_t index)
{
    struct arena scratch ARENA_SCOPED = {0};
    struct shell_words *commands;
    size_t count;
    const char *text = order->check->model->steps[index].text;
    if (strchr(text, '>') == NULL || !shell_words_read(&scratch, text, &commands, &count)) return;
    for (size_t i = 0; i < count; i++) {
        if (str_eq(commands[i].words[0], "cd")) return;
        if (commands[i].to == NULL || !is_file(commands[i].to)) continue;
        if (names_add(&order->files, arena_strdup(order->check->arena, commands[i].to)) >= 0) continue;
        size_t number = order->files.count - 1;
        order->writers = arena_grow(order->check->arena, order->writers, number, &order->writers_max,
                                    sizeof *order->writers);
        order->writers[number] = index;
    }
}

/* Does the script read it before it writes it itself? */
static void
look_at_file(struct order *order, uint32_t index, const char *file)
{
    struct check *check = order->check;
    ptrdiff_t found = file != NULL ? names_find(&order->files, file) : -1;
    if (found < 0) return;
    uint32_t writer = order->writers[found];
    const struct step *other = &check->model->steps[writer];
    if (writer == index || other->part != check->model->steps[index].part || order->told >= TOLD_MAX ||
        waits_for(order, index, writer) || waits_for(order, writer, index))
        return;
    order->told++;
    CHECK_WARNING(
        check, check->drafts[index].map, "no-edges",
        arena_printf(check->arena, "Write `needs: [%s]`: steps do not run in the order of the file.", other->local),
        "%s reads \"%s\", which step \"%s\" writes, and does not wait for it", check->drafts[index].what, file,
        other->id);
}

static void
look_at_script(struct order *order, uint32_t index)
{
    struct arena scratch ARENA_SCOPED = {0};
    struct shell_words *commands;
    size_t count;
    if (!shell_words_read(&scratch, order->check->model->steps[index].text, &commands, &count)) return;
    for (size_t i = 0; i < count; i++) {
        const char *name = commands[i].words[0];
        if (str_eq(name, "cd") || commands[i].to != NULL) return; /* from here on it may be its own */
        if (str_eq(name, "echo") || str_eq(name, "printf") || str_eq(name, "rm")) continue;
        look_at_file(order, index, commands[i].from);
        for (size_t k = 1; k < commands[i].count; k++) look_at_file(order, index, commands[i].words[k]);
    }
}

void
check_order(struct check *check)
{
    size_t count = check->model->nsteps;
    struct order order = {.check = check, .seen = ARENA_ARRAY(check->arena, count + 1, unsigned char),
                          .stack = ARENA_ARRAY(check->arena, count + 1, uint32_t)};
    names_init(&order.files, check->arena);
    for (uint32_t i = 0; i < count; i++)
        if (is_looked_at(&check->model->steps[i])) note_files(&order, i);
    for (uint32_t i = 0; i < count; i++) {
        if (order.files.count > 0 && is_looked_at(&check->model->steps[i])) look_at_script(&order, i);
        if (check->drafts[i].inner != NULL) check_order(check->drafts[i].inner);
    }
}
