/* SPDX-License-Identifier: Apache-2.0
 *
 * Words and names of the model that have no other home: what is spelled the same in a file, in the stored model and in
 * messages.
 */
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "workflow/model.h"
#include "workflow/model_json.h"

const char *const model_parts[PARTS] = {"steps", "on_success", "on_failure", "finally"};
const char *const model_on_unknown[3] = {"hold", "retry", "fail"};

static const char *const overlaps[] = {
    [OVERLAP_QUEUE] = "queue", [OVERLAP_SKIP] = "skip", [OVERLAP_REPLACE] = "replace", [OVERLAP_ALLOW] = "allow"};

const char *
overlap_name(enum overlap overlap)
{
    return overlaps[overlap];
}

ptrdiff_t
model_step_find(const struct model *model, const char *id)
{
    for (size_t i = 0; i < model->nsteps; i++)
        if (str_eq(model->steps[i].id, id)) return (ptrdiff_t)i;
    return -1;
}

bool
step_is_block(const struct step *step)
{
    return step->kind == STEP_GROUP || step->kind == STEP_WORKFLOW;
}

bool
pool_name_is(const char *name)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t size = strlen(name);
    return size > 0 && size <= LIMIT_POOL_NAME && name[strspn(name, allowed)] == '\0' && name[0] != '-';
}
