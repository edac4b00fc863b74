/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sections of a report have in common: which steps have a place in it, and the decisions of each.
 */
#include <string.h>

#include "show/html.h"
#include "show/report.h"

#define ITEMS_SHOWN 100u  /* of a loop: each has a section */
#define NESTED_SHOWN 10u  /* of a loop within an item */
#define OTHERS_SHOWN 50u  /* of a longer loop, so many that failed, and so many that run */

void
report_page_init(struct report_page *page, struct arena *arena, const struct view *view)
{
    static const struct outline_options options = {.items = ITEMS_SHOWN, .nested = NESTED_SHOWN,
                                                  .others = OTHERS_SHOWN};
    const struct run_state *state = &view->state;
    *page = (struct report_page){.view = view};
    outline_build(arena, state, &options, &page->outline);
    page->shown = ARENA_ARRAY(arena, state->nsteps + 1, bool);
    page->first = ARENA_ARRAY(arena, state->nsteps + 1, uint32_t);
    page->next = ARENA_ARRAY(arena, view->ndecisions + 1, uint32_t);
    for (size_t i = 0; i < page->outline.count; i++)
        if (page->outline.rows[i].step != NULL) page->shown[page->outline.rows[i].step - state->steps] = true;
    for (size_t i = view->ndecisions; i-- > 0;) { /* backwards: the lists come out in order */
        const struct decision *decision = &view->decisions[i];
        const struct step_state *step =
            decision->step != NULL ? state_step(state, decision->step, decision->item) : NULL;
        if (step == NULL) continue;
        page->next[i] = page->first[step - state->steps];
        page->first[step - state->steps] = (uint32_t)i + 1;
    }
}

void
report_anchor(struct buf *buf, const struct report_page *page, const struct step_state *step)
{
    const struct run_state *state = &page->view->state;
    while (!page->shown[step - state->steps] && step->parent != NO_PARENT) step = &state->steps[step->parent];
    buf_text(buf, "step-");
    html_path(buf, step->step->id);
    /* No id has a hyphen, and a key may be anything. */
    if (step->item != NULL) buf_printf(buf, "-%zu", (size_t)(step - state->steps));
}

void
report_name(struct buf *buf, const struct step_state *step)
{
    html_text(buf, step->step->id);
    if (step->item == NULL) return;
    buf_char(buf, '[');
    html_text(buf, step->item);
    buf_char(buf, ']');
}
