/* SPDX-License-Identifier: Apache-2.0
 *
 * The chunk's thread asks and waits; the one that hears the engine leaves the reply. Without an engine a call is
 * refused: its effect would stand in no journal.
 */
#include "run/calling.h"

#include "base/failpoint.h"
#include "base/str.h"
#include "plugin/schema.h"
#include "run/control.h"
#include "run/secret.h"

void
calling_reply(struct work *work, const struct value *data)
{
    pthread_mutex_lock(&work->mutex);
    work->call_reply = value_copy(&work->call_arena, data);
    pthread_cond_broadcast(&work->changed);
    pthread_mutex_unlock(&work->mutex);
}

static void
take_error(const struct value *error, struct err *err)
{
    err_set(err, EXIT_FAILED, "%s", value_get_str(error, "message", "it failed"));
    const char *hint = value_get_str(error, "hint", NULL);
    if (hint != NULL) err_hint(err, "%s", hint);
    err->error_class = schema_class_from_name(value_get_str(error, "class", "permanent"));
}

/* NULL: the engine is gone, or the attempt is to end. The reply stays until the next call. */
static const struct value *
wait_for_reply(struct work *work)
{
    pthread_mutex_lock(&work->mutex);
    while (work->call_reply == NULL && !atomic_load(&work->worker->gone) && atomic_load(&work->stop) == STOP_NONE)
        work_wait(work, 0);
    const struct value *reply = work->call_reply;
    pthread_mutex_unlock(&work->mutex);
    return reply;
}

int
calling_call(struct work *work, int64_t number, const char *action, const struct value *with,
             const struct value **ret, struct err *err)
{
    struct value *data = value_map(&work->arena);
    if (value_tainted(with)) {
        err->error_class = LEVADA_INVALID;
        return err_set(err, EXIT_INVALID, "call(\"%s\"): a secret cannot be given to an action here", action);
    }
    value_set(&work->arena, data, "record", value_int(&work->arena, work->job.record));
    value_set(&work->arena, data, "number", value_int(&work->arena, number));
    value_set(&work->arena, data, "action", value_text(&work->arena, action));
    value_set(&work->arena, data, "with", with);
    work->call_reply = NULL;
    control_call(work);
    if (!work_send(work, FRAME_CALL, data, false)) return -1;
    FAILPOINT("call_sent");
    const struct value *reply = wait_for_reply(work);
    const char *status = value_get_str(reply, "status", "");
    if (reply == NULL || str_eq(status, "unknown")) return -1;
    FAILPOINT("call_replied");
    if (str_eq(status, "succeeded")) {
        const struct value *outputs = value_get(reply, "outputs");
        *ret = value_is(outputs, VALUE_MAP) ? value_copy(&work->arena, outputs) : value_map(&work->arena);
        return 0;
    }
    take_error(value_get(reply, "error"), err);
    err_context(err, "call(\"%s\")", action);
    return err->code;
}
