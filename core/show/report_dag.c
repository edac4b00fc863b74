/* SPDX-License-Identifier: Apache-2.0
 *
 * The DAG as inline SVG in its natural size: a narrow screen scrolls it sideways rather than shrink its text. Each
 * part of the workflow (steps, on_failure, finally) is a graph of its own, one below the other.
 */
#include <string.h>

#include "show/dag_layout.h"
#include "show/html.h"
#include "show/report.h"
#include "show/text.h"

#define NODES_MAX 400u /* a picture of more is a carpet; the list of steps has them all */
#define EDGES_MAX 2000u
#define NODE_HEIGHT 46
#define CHAR_WIDTH 8.1 /* of the bold 13 px font, on the safe side */
#define INFO_WIDTH 7.2 /* of the 12 px one */
#define NAME_CELLS 26u
#define MARGIN 6

struct drawing {
    struct buf *buf;
    const struct report_page *page;
    int64_t now_ms;
    double width, height; /* of the parts so far */
    struct buf body;
};

static bool
step_idle(const struct step_state *step)
{
    return step->status == STEP_SKIPPED_STATUS || step->status == STEP_WAITING_STATUS ||
           step->status == STEP_CANCELLED_STATUS || step->status == STEP_READY_STATUS;
}

/* A part of which nothing happened is not drawn: `on_failure` of a run that did not fail. */
static bool
part_shown(const struct step_state *steps, size_t count, enum step_part part)
{
    for (size_t i = 0; i < count; i++)
        if (steps[i].step->part == part &&
            (part == PART_STEPS ||
             (steps[i].status != STEP_WAITING_STATUS && steps[i].status != STEP_SKIPPED_STATUS)))
            return true;
    return false;
}

static void
put_edge(struct buf *buf, const struct dag_edge *edge, double dx, double dy, bool off)
{
    const struct dag_point *p = edge->points;
    buf_printf(buf, "<path class=\"edge%s\" d=\"M%.1f %.1f", off ? " off" : "", p[0].x + dx, p[0].y + dy);
    for (size_t i = 1; i < edge->npoints; i++) {
        double end = p[i].y - (i + 1 == edge->npoints ? 5 : 0); /* room for the tip */
        double middle = (p[i - 1].y + end) / 2;
        if (i % 2 == 0) buf_printf(buf, "L%.1f %.1f", p[i].x + dx, end + dy);
        else buf_printf(buf, "C%.1f %.1f %.1f %.1f %.1f %.1f", p[i - 1].x + dx, middle + dy, p[i].x + dx, middle + dy,
                        p[i].x + dx, end + dy);
    }
    buf_text(buf, "\"/>");
    double x = p[edge->npoints - 1].x + dx, y = p[edge->npoints - 1].y + dy;
    buf_printf(buf, "<path class=\"tip\" d=\"M%.1f %.1fl-4 -7h8z\"/>", x, y - 0.5);
}

/* "failed · 1.2 s · 3×": the line below the name. */
static void
node_info(struct buf *buf, const struct run_state *state, const struct step_state *step, int64_t now_ms)
{
    struct tally parts;
    tally_parts(&parts, state, step);
    if (state_is_parent(step) && parts.all > 0) tally_progress(buf, &parts);
    else buf_text(buf, step_status_name(step->status));
    if (step->started_ms) {
        buf_text(buf, " · ");
        text_elapsed(buf, step_elapsed_ms(step, now_ms));
    }
    if (step_attempts(step) > 1) buf_printf(buf, " · %u×", step_attempts(step));
}

static double
node_width(const struct run_state *state, const struct step_state *step, int64_t now_ms)
{
    struct buf info BUF_SCOPED = {0};
    buf_init(&info, 256);
    node_info(&info, state, step, now_ms);
    size_t name = text_width(step->step->local, strlen(step->step->local));
    double width = CHAR_WIDTH * (double)(name > NAME_CELLS ? NAME_CELLS : name);
    double below = INFO_WIDTH * (double)text_width(buf_str(&info), info.size);
    width = (below > width ? below : width) + 54;
    return width < 150 ? 150 : width;
}

static void
put_node(const struct drawing *drawing, struct buf *buf, const struct step_state *step, const struct dag_node *node,
         double dx, double dy)
{
    struct buf text BUF_SCOPED = {0};
    double x = node->x + dx, y = node->y + dy;
    const char *status = step_status_name(step->status);
    buf_init(&text, 4096);
    buf_text(buf, "<a href=\"#");
    report_anchor(buf, drawing->page, step);
    buf_printf(buf, "\"><g class=\"s-%s%s\"><title>", status, step_idle(step) ? " off" : "");
    html_text(buf, step->step->id);
    buf_printf(buf, ": %s", status);
    if (step->reason_text != NULL) {
        buf_text(buf, "; ");
        html_text(buf, step->reason_text);
    }
    buf_printf(buf, "</title><rect class=\"box\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"8\"/>", x, y,
               node->width, node->height);
    buf_printf(buf, "<path class=\"soft\" d=\"M%.1f %.1fh-22a7 7 0 0 0 -7 7v%.1fa7 7 0 0 0 7 7h22z\"/>", x + 30, y + 1,
               node->height - 16);
    buf_printf(buf, "<text class=\"sign\" x=\"%.1f\" y=\"%.1f\">%s</text>", x + 16, y + node->height / 2 + 5,
               text_glyph(step->status));
    text_fit(&text, step->step->local, NAME_CELLS);
    buf_printf(buf, "<text class=\"id\" x=\"%.1f\" y=\"%.1f\">", x + 40, y + 20);
    html_text(buf, buf_str(&text));
    buf_clear(&text);
    node_info(&text, &drawing->page->view->state, step, drawing->now_ms);
    buf_printf(buf, "</text><text class=\"info\" x=\"%.1f\" y=\"%.1f\">%s</text></g></a>", x + 40, y + 37,
               buf_str(&text));
}

/* The steps of one part, of the workflow or of a group, by their needs of each other. */
static void
draw_part(struct drawing *drawing, const struct step_state *own, size_t count, enum step_part part, const char *label)
{
    const struct run_state *state = &drawing->page->view->state;
    struct arena arena ARENA_SCOPED = {0};
    struct dag dag = {.gap_x = 22, .gap_y = 40};
    uint32_t *place = ARENA_ARRAY(&arena, count + 1, uint32_t);
    const struct step_state **steps = ARENA_ARRAY(&arena, count + 1, const struct step_state *);
    size_t edges = 0;
    dag.nodes = ARENA_ARRAY(&arena, count + 1, struct dag_node);
    for (size_t i = 0; i < count; i++) {
        const struct step_state *step = &own[i];
        if (step->step->part != part) continue;
        place[i] = (uint32_t)dag.nnodes;
        steps[dag.nnodes] = step;
        dag.nodes[dag.nnodes++] =
            (struct dag_node){.width = node_width(state, step, drawing->now_ms), .height = NODE_HEIGHT};
        edges += step->step->nneeds;
    }
    dag.edges = ARENA_ARRAY(&arena, edges + 1, struct dag_edge);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < own[i].step->nneeds && own[i].step->part == part; k++)
            dag.edges[dag.nedges++] = (struct dag_edge){.from = place[own[i].step->needs[k]], .to = place[i]};
    dag_layout(&arena, &dag);
    double dy = drawing->height + MARGIN;
    if (label != NULL) {
        dy += 26;
        buf_printf(&drawing->body, "<text class=\"part\" x=\"%d\" y=\"%.1f\">", MARGIN, dy - 10);
        html_text(&drawing->body, label);
        buf_text(&drawing->body, "</text>");
    }
    for (size_t i = 0; i < dag.nedges; i++)
        put_edge(&drawing->body, &dag.edges[i], MARGIN, dy,
                 step_idle(steps[dag.edges[i].to]) || step_idle(steps[dag.edges[i].from]));
    for (size_t i = 0; i < dag.nnodes; i++)
        put_node(drawing, &drawing->body, steps[i], &dag.nodes[i], MARGIN, dy);
    drawing->height = dy + dag.height + MARGIN;
    if (dag.width + 2 * MARGIN > drawing->width) drawing->width = dag.width + 2 * MARGIN;
}

/* Of the workflow (NULL), or of a group or workflow within it. */
static void
draw_block(struct drawing *drawing, const struct step_state *block)
{
    static const struct { enum step_part part; const char *label; } parts[] = {
        {PART_STEPS, NULL}, {PART_ON_SUCCESS, "on success"}, {PART_ON_FAILURE, "on failure"},
        {PART_FINALLY, "finally"}};
    struct arena arena ARENA_SCOPED = {0};
    size_t count;
    const struct step_state *own = instance_parts(&drawing->page->view->state, block, &count);
    const char *name = block != NULL ? instance_name_text(&arena, block) : NULL;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!part_shown(own, count, parts[i].part)) continue;
        const char *label = parts[i].label;
        if (name != NULL) label = label != NULL ? arena_printf(&arena, "%s, %s", name, label) : name;
        draw_part(drawing, own, count, parts[i].part, label);
    }
}

/* It has steps of its own that have begun. Those of a loop are in the list: its picture would be
 * drawn once for each item. */
static bool
block_drawn(const struct step_state *step)
{
    return step != NULL && step->expanded && step->nchildren > 0 && !state_is_loop(step) && step->item == NULL;
}

static size_t
needs_of(const struct run_state *state, const struct step_state *block)
{
    size_t count, edges = 0;
    const struct step_state *own = instance_parts(state, block, &count);
    for (size_t i = 0; i < count; i++) edges += own[i].step->nneeds;
    return edges;
}

void
report_dag(struct buf *buf, const struct report_page *page, int64_t now_ms)
{
    const struct run_state *state = &page->view->state;
    struct drawing drawing = {.buf = buf, .page = page, .now_ms = report_end_ms(page->view, now_ms)};
    size_t nodes = state->model->nsteps, edges = needs_of(state, NULL);
    if (nodes == 0) return;
    buf_text(buf, "<section class=\"card\" id=\"graph\"><h2>Steps and what they need</h2>");
    if (nodes > NODES_MAX || edges > EDGES_MAX) {
        buf_printf(buf, "<p class=\"dim\">%zu steps with %zu edges are too many to draw; the list below has them.</p>"
                   "</section>\n", nodes, edges);
        return;
    }
    buf_init(&drawing.body, REPORT_SIZE_MAX);
    draw_block(&drawing, NULL);
    for (size_t i = 0; i < page->outline.count; i++) {
        const struct step_state *step = page->outline.rows[i].step;
        if (!block_drawn(step)) continue;
        nodes += step->nchildren;
        edges += needs_of(state, step);
        if (nodes > NODES_MAX || edges > EDGES_MAX) break;
        draw_block(&drawing, step);
    }
    buf_printf(buf, "<div class=\"dag\" tabindex=\"0\"><svg width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\""
               " role=\"img\" aria-label=\"Graph of the steps\">", drawing.width, drawing.height, drawing.width,
               drawing.height);
    buf_add(buf, buf_str(&drawing.body), drawing.body.size);
    buf_text(buf, "</svg></div></section>\n");
    buf_release(&drawing.body);
}
