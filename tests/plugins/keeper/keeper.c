/* SPDX-License-Identifier: Apache-2.0
 *
 * The keeper: a plugin whose worker is reused and holds a lock, for tests of worker reuse.
 */
#include <levada/plugin.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct count_in {
    levada_present present;
    levada_path catalog;
    levada_duration wait;
    levada_int crash;
};

static int
count_run(struct levada_step *step, const void *input)
{
    static int64_t attempts;
    const struct count_in *in = input;
    int code = step->host->lock(step, in->catalog.text);
    if (code) return code;
    attempts++;
    if (in->wait.ms && step->host->sleep(step, in->wait.ms)) return levada_fail(step, LEVADA_CANCELLED, "ended");
    if (in->crash.value) {
        signal((int)in->crash.value, SIG_DFL);
        kill(getpid(), (int)in->crash.value);
    }
    code = step->host->output_int(step, "pid", getpid());
    return code ? code : step->host->output_int(step, "attempts", attempts);
}

static const struct levada_field count_inputs[] = {
    LEVADA_IN(struct count_in, catalog, "The file to lock.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct count_in, wait, "Sleep with the lock held.", .fallback = "0s"),
    LEVADA_IN(struct count_in, crash, "Then die of this signal.", .fallback = "0"),
};

static const struct levada_field count_outputs[] = {
    LEVADA_OUT(pid, INT, "The worker's process id."),
    LEVADA_OUT(attempts, INT, "How many attempts this worker has run, this one included."),
};

static const struct levada_action actions[] = {
    LEVADA_ACTION(count, IDEMPOTENT, struct count_in, count_inputs, count_outputs,
                  "Lock the catalog and count attempts in this process.", .run = count_run),
};

static const char *const reuse_by[] = {"catalog", NULL};

LEVADA_PLUGIN(.name = "keeper", .version = "0.9.0", .doc = "A reused worker with a lock, for tests.",
              .flags = LEVADA_REUSE, .reuse_by = reuse_by, LEVADA_ACTIONS(actions));
