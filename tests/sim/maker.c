/* SPDX-License-Identifier: Apache-2.0
 *
 * A random workflow as a person would write it: text, in files, that the checker reads. So whatever check and model
 * make of loops, groups and other files is under the same promises. Effects that only actions can have are put into the
 * model afterwards.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "workflow/diag.h"
#include "world.h"

#define LEAVES_MAX 24 /* attempts that a run needs about: histories stay short */
#define FILES_MAX 4

/* What can be made by mistake of two keys: paths, what escapes look like, and the number of a round. */
static const char *const keys[] = {"b", "a", "a/1", "a/b", "b/a", "x%2Fy", "1", "A b"};
#define KEYS (sizeof keys / sizeof keys[0])

static struct {
    uint64_t seed, random;      /* of the model; what the seed gives behind it */
    struct arena arena;
    const struct model *model;  /* NULL: none */
    struct buf text;            /* of all files, for a report */
    char folder[64];
} made;

struct maker {
    struct world *world;
    unsigned ids, files, leaves;
    unsigned file_leaves[FILES_MAX];
};

struct place {
    struct buf *text;
    unsigned indent, depth;
    unsigned times;             /* how often it is done: items of the loops around it */
    const char *variable;       /* an expression of the loop around it; NULL: none */
    unsigned before[24], lists[24]; /* steps so far of this list of steps, and those with a list for a loop */
    size_t nbefore, nlists;
};

__attribute__((format(printf, 2, 3))) static void
line(const struct place *p, const char *fmt, ...)
{
    va_list ap;
    buf_printf(p->text, "%*s", (int)p->indent, "");
    va_start(ap, fmt);
    buf_vprintf(p->text, fmt, ap);
    va_end(ap);
    buf_char(p->text, '\n');
}

static void make_steps(struct maker *m, struct place *p, const char *key, uint64_t count);

/* ---- loops -------------------------------------------------------------------------------------------- */

static const char *
make_list(struct maker *m, struct place *p, unsigned id, unsigned *times)
{
    struct world *world = m->world;
    unsigned from = (unsigned)world_random(world, KEYS), count = (unsigned)world_random(world, 5);
    if (p->nlists > 0 && world_chance(world, 50)) {
        line(p, "  foreach: ${{ default(steps.s%u.outputs.list, {}) }}",
             p->lists[world_random(world, p->nlists)]);
        count = 2;
    } else {
        buf_printf(p->text, "%*s  foreach: [", (int)p->indent, "");
        for (unsigned i = 0; i < count; i++)
            buf_printf(p->text, "%s\"%s\"", i ? ", " : "", keys[(from + i) % KEYS]);
        buf_text(p->text, "]\n");
    }
    line(p, "  as: v%u", id);
    *times = count;
    return arena_printf(&made.arena, "v%u", id);
}

/* Returns an expression that is a text of the item. */
static const char *
make_loop(struct maker *m, struct place *p, unsigned id, unsigned *times)
{
    struct world *world = m->world;
    const char *ret;
    if (world_chance(world, 20)) {
        line(p, "  matrix: {x: [p, q], y: [r, \"s/t\"]}");
        line(p, "  as: v%u", id);
        *times = 4;
        ret = arena_printf(&made.arena, "v%u.x", id);
    } else {
        ret = make_list(m, p, id, times);
    }
    if (world_chance(world, 60)) line(p, "  max_parallel: %d", 1 + (int)world_random(world, 2));
    if (world_chance(world, 40)) line(p, "  fail_fast: true");
    return ret;
}

/* ---- one step ----------------------------------------------------------------------------------------- */

static void
make_condition(struct maker *m, struct place *p, const char *own)
{
    static const char *const all[] = {"always()", "failure()", "success()", "cancelled()", "success() or failure()",
                                      "1 == 2"};
    struct world *world = m->world;
    if (own != NULL && world_chance(world, 20))
        line(p, "  if: ${{ %s%s ~= \"a\" }}", world_chance(world, 30) ? "always() and " : "", own);
    else if (world_chance(world, 18))
        line(p, "  if: ${{ %s }}", all[world_random(world, sizeof all / sizeof all[0])]);
}

/* In every third world. */
static void
make_question(struct maker *m, struct place *p, const char *own)
{
    struct world *world = m->world;
    if (world->seed % 3 != 0 || !world_chance(world, 15)) return;
    buf_printf(p->text, "%*s  approve: {min: %d", (int)p->indent, "", 1 + (int)world_random(world, 2));
    if (world_chance(world, 50)) buf_printf(p->text, ", expires: %dms", 1 + (int)world_random(world, 3000));
    if (own != NULL && world_chance(world, 50)) buf_printf(p->text, ", when: '${{ %s ~= \"a\" }}'", own);
    else if (world_chance(world, 15)) buf_text(p->text, ", when: '${{ 1 == 2 }}'");
    buf_text(p->text, "}\n");
}

static void
make_leaf(struct maker *m, struct place *p, unsigned id, bool loop)
{
    static const char *const unknown[] = {"hold", "retry", "fail"};
    struct world *world = m->world;
    if (world_chance(world, 30)) line(p, "  on_unknown: %s", unknown[world_random(world, 3)]);
    if (world_chance(world, 60))
        line(p, "  retry: {attempts: %d, delay: %dms, backoff: 2}", 1 + (int)world_random(world, 3),
             1 + (int)world_random(world, 2000));
    if (world_chance(world, 12)) {
        line(p, "  until: ${{ outputs.done == \"yes\" }}");
        line(p, "  every: %dms", 1 + (int)world_random(world, 1000));
        line(p, "  attempts: %d", 1 + (int)world_random(world, 4));
        line(p, "  outputs: [done]");
    } else if (!loop && world_chance(world, 30)) {
        line(p, "  outputs: {list: {as: json}}");
        p->lists[p->nlists++] = id;
    }
    if (world_chance(world, 25)) line(p, "  undo: {run: 'true', effect: idempotent, retry: {attempts: 2, delay: 9ms}}");
    if (p->variable != NULL && world_chance(world, 20)) line(p, "  run: 'echo \"${{ %s }}\"'", p->variable);
    else line(p, "  run: 'true'");
}

static void
make_group(struct maker *m, struct place *p, unsigned times, const char *variable)
{
    struct place inner = {.text = p->text, .indent = p->indent, .depth = p->depth + 1,
                          .times = p->times * times, .variable = variable != NULL ? variable : p->variable};
    make_steps(m, &inner, "steps", 1 + world_random(m->world, 3));
}

static void
write_file(struct world *world, const char *name, const struct buf *text)
{
    buf_printf(&made.text, "# %s\n%s\n", name, buf_str(text));
    FILE *out = fopen(arena_printf(&made.arena, "%s/%s", made.folder, name), "w");
    if (out == NULL || fwrite(text->data, 1, text->size, out) != text->size)
        world_break(world, "cannot write %s", name);
    if (out != NULL) fclose(out);
}

static void
make_workflow(struct maker *m, struct place *p, unsigned times)
{
    struct world *world = m->world;
    unsigned number = m->files < FILES_MAX && (m->files == 0 || world_chance(world, 70))
                          ? m->files : (unsigned)world_random(world, m->files);
    line(p, "  workflow: sub%u.yaml", number);
    if (number < m->files) {
        m->leaves += m->file_leaves[number] * p->times * times;
        return;
    }
    struct buf text BUF_SCOPED;
    buf_init(&text, MIB);
    unsigned before = m->leaves;
    buf_text(&text, "levada: 1\n");
    struct place inner = {.text = &text, .depth = p->depth + 1, .times = 1};
    /* Another file may run this one only when it is there: no circles. */
    unsigned files = m->files;
    m->files = FILES_MAX;
    make_steps(m, &inner, "steps", 1 + world_random(world, 3));
    if (world_chance(world, 25)) make_steps(m, &inner, "on_success", 1 + world_random(world, 3));
    if (world_chance(world, 40)) make_steps(m, &inner, "on_failure", 1 + world_random(world, 2));
    if (world_chance(world, 60)) make_steps(m, &inner, "finally", 1 + world_random(world, 2));
    m->files = files;
    m->file_leaves[m->files++] = m->leaves - before;
    m->leaves = before + (m->leaves - before) * p->times * times;
    write_file(world, arena_printf(&made.arena, "sub%u.yaml", number), &text);
}

static void
make_needs(struct maker *m, struct place *p, unsigned density)
{
    size_t count = 0;
    for (size_t k = 0; k < p->nbefore; k++) {
        if (!world_chance(m->world, density)) continue;
        if (count++ == 0) buf_printf(p->text, "%*s  needs: [", (int)p->indent, "");
        buf_printf(p->text, "%ss%u", count > 1 ? ", " : "", p->before[k]);
    }
    if (count) buf_text(p->text, "]\n");
}

static void
make_step(struct maker *m, struct place *p, unsigned density)
{
    struct world *world = m->world;
    unsigned id = m->ids++, times = 1;
    const char *own = NULL;
    line(p, "- id: s%u", id);
    make_needs(m, p, density);
    bool room = m->leaves < LEAVES_MAX && p->depth < 4 && p->times < 9;
    bool loop = room && world_chance(world, 25);
    if (loop) own = make_loop(m, p, id, &times);
    make_condition(m, p, own);
    make_question(m, p, own);
    if (world_chance(world, 15)) line(p, "  continue_on_error: true");
    if (room && world_chance(world, 20)) {
        make_group(m, p, times, own);
    } else if (room && m->files < FILES_MAX && world_chance(world, 15)) {
        make_workflow(m, p, times);
    } else {
        struct place inner = *p;
        if (own != NULL) inner.variable = own;
        make_leaf(m, &inner, id, loop);
        p->nlists = inner.nlists;
        memcpy(p->lists, inner.lists, sizeof p->lists);
        m->leaves += p->times * times;
    }
    p->before[p->nbefore++] = id;
}

static void
make_steps(struct maker *m, struct place *p, const char *key, uint64_t count)
{
    unsigned density = 10 + (unsigned)world_random(m->world, 50);
    line(p, "%s%s:", p->indent ? "  " : "", key);
    unsigned indent = p->indent;
    p->indent += p->indent ? 4 : 2;
    p->nbefore = p->nlists = 0;
    while (count-- > 0) make_step(m, p, density);
    p->indent = indent;
}

/* ---- the model ---------------------------------------------------------------------------------------- */

static void
give_effects(struct world *world, const struct model *model)
{
    for (size_t i = 0; i < model->nsteps; i++) {
        struct step *step = &model->steps[i];
        if (step->body != NULL) give_effects(world, step->body);
        else step->effect = (enum levada_effect)(LEVADA_EFFECT_PURE + world_random(world, LEVADA_EFFECT_UNSAFE));
        if (step->undo != NULL) give_effects(world, step->undo);
    }
}

static void
make(struct world *world)
{
    struct maker m = {.world = world};
    struct buf text BUF_SCOPED;
    buf_init(&text, MIB);
    buf_init(&made.text, 4 * MIB);
    buf_text(&text, "levada: 1\nname: sim\n");
    struct place top = {.text = &text, .times = 1};
    make_steps(&m, &top, "steps", 1 + world_random(world, 6));
    if (world_chance(world, 40)) make_steps(&m, &top, "on_success", 1 + world_random(world, 3));
    if (world_chance(world, 60)) make_steps(&m, &top, "on_failure", 1 + world_random(world, 2));
    if (world_chance(world, 60)) make_steps(&m, &top, "finally", 1 + world_random(world, 2));
    write_file(world, "sim.yaml", &text);
    const char *path = arena_printf(&made.arena, "%s/sim.yaml", made.folder);
    struct diags diags;
    struct err err = {0};
    diags_init(&diags, &made.arena, path);
    if (workflow_load(&made.arena, path, &diags, &made.model, &err) != 0) made.model = NULL;
    if (made.model == NULL) diags_print(&diags, stderr, false);
    else give_effects(world, made.model);
}

void
maker_forget(void)
{
    const char *const names[] = {"sim.yaml", "sub0.yaml", "sub1.yaml", "sub2.yaml", "sub3.yaml"};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && made.folder[0]; i++)
        (void)unlink(arena_printf(&made.arena, "%s/%s", made.folder, names[i]));
    if (made.folder[0]) (void)rmdir(made.folder);
    made.folder[0] = '\0';
    arena_release(&made.arena);
    buf_release(&made.text);
    made.model = NULL;
}

const struct model *
maker_make(struct world *world)
{
    const char *temporary = getenv("TMPDIR");
    if (made.model == NULL || made.seed != world->seed) {
        if (made.folder[0] == '\0') {
            snprintf(made.folder, sizeof made.folder, "%.40s/levada-sim-XXXXXX", temporary ? temporary : "/tmp");
            if (mkdtemp(made.folder) == NULL) world_break(world, "cannot make a folder below %s", made.folder);
        }
        arena_release(&made.arena);
        buf_release(&made.text);
        made.model = NULL;
        made.seed = world->seed;
        make(world);
        made.random = world->random;
    }
    world->random = made.random;
    if (world->trace != NULL) fputs(buf_str(&made.text), world->trace);
    return made.model;
}
