/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold between the steps of a stored workflow, once each of them could be read.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/graph.h"
#include "workflow/model_json.h"
#include "workflow/names.h"

/* Steps that need each other would wait for ever. */
static bool
goes_round(struct arena *scratch, const struct model *model)
{
    struct edges *edges = ARENA_ARRAY(scratch, model->nsteps, struct edges);
    uint32_t *path;
    size_t length;
    for (size_t i = 0; i < model->nsteps; i++)
        edges[i] = (struct edges){.items = model->steps[i].needs, .count = model->steps[i].nneeds};
    return graph_cycle(scratch, edges, model->nsteps, &path, &length);
}

/* Ids are part of file names and of lookups: of their shape, and beginning with that of what is around them. */
static bool
id_is_right(const struct model *model, const struct step *step)
{
    if (!str_is_id(step->local)) return false;
    if (model->owner == NULL) return step->local == step->id;
    size_t size = strlen(model->owner->id);
    return strncmp(step->id, model->owner->id, size) == 0 && step->id + size + 1 == step->local;
}

static const char *
edges_fault(const struct model *model, const struct step *step)
{
    for (size_t k = 0; k < step->nneeds; k++)
        if (model->steps[step->needs[k]].part != step->part) return "needs";
    for (size_t k = 0; k < step->nreads; k++)
        if (model->steps[step->reads[k]].part >= step->part) return "reads";
    return NULL;
}

const char *
model_fault(const struct model *model)
{
    struct arena scratch ARENA_SCOPED = {0};
    struct names names;
    const char *ret = goes_round(&scratch, model) ? "needs" : NULL;
    names_init(&names, &scratch);
    for (size_t i = 0; i < model->nsteps && ret == NULL; i++) {
        const struct step *step = &model->steps[i];
        if (!id_is_right(model, step) || names_add(&names, step->local) >= 0) return "id";
        ret = edges_fault(model, step);
        if (ret == NULL && step->body != NULL) ret = model_fault(step->body);
        if (ret == NULL && step->undo != NULL) ret = model_fault(step->undo);
        if (ret == NULL && step->calls != NULL) ret = model_fault(step->calls);
    }
    return ret;
}
