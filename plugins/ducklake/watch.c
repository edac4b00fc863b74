/* SPDX-License-Identifier: Apache-2.0
 *
 * duckdb_interrupt() and duckdb_query_progress() are the two calls DuckDB takes from another thread. An
 * interrupt hits only the query that runs just then, so it is sent again until the step has ended.
 */
#include "watch.h"

#include <time.h>

#define WATCH_INTERVAL_MS 50

static void
report(struct work *work, uint64_t *last)
{
    duckdb_query_progress_type progress = duckdb_query_progress(work->con);
    if (progress.percentage < 0 || progress.percentage > 100) return;
    uint64_t percent = (uint64_t)progress.percentage;
    if (percent == *last) return;
    *last = percent;
    work->step->host->progress(work->step, percent, 100, "percent");
}

static void *
watch_run(void *arg)
{
    struct work *work = arg;
    struct watch *watch = &work->watch;
    uint64_t last = 0;
    pthread_mutex_lock(&watch->mutex);
    while (!watch->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WATCH_INTERVAL_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&watch->wake, &watch->mutex, &until);
        if (watch->stop) break;
        if (work->closing) continue;
        if (work->step->host->cancelled(work->step))
            duckdb_interrupt(work->con);
        else
            report(work, &last);
    }
    pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

int
watch_start(struct work *work)
{
    struct watch *watch = &work->watch;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&watch->mutex, NULL);
    pthread_cond_init(&watch->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&watch->thread, NULL, watch_run, work) != 0)
        return fault_set(work, LEVADA_TRANSIENT, NULL, "cannot start a thread");
    watch->running = true;
    return 0;
}

void
watch_stop(struct work *work)
{
    struct watch *watch = &work->watch;
    if (!watch->running) return;
    pthread_mutex_lock(&watch->mutex);
    watch->stop = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->mutex);
    watch->running = false;
}
