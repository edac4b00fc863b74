/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. A look costs about 20 microseconds a process; near a limit it comes every few milliseconds, far from
 * it a few times a second.
 */
#include "run/limits.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "levada/plugin.h"
#include "run/work.h"

#define FILL_PER_MS (4 * INT64_C(1024) * 1024) /* bytes that a machine can fill with pages in a millisecond: 4 GiB/s */
#define FORKS_PER_MS 2
#define PATIENCE_MIN_MS 5
#define PATIENCE_MAX_MS 250
#define DATA_SLACK (2048 * (rlim_t)MIB) /* what is reserved and not used, like stacks of threads, counts as data */
#define CPU_SLACK_S 2u

/* ---- the kernel's own limits ---- */

static rlim_t
data_bound(const struct limits *limits)
{
    return (rlim_t)limits->memory * 2 + DATA_SLACK;
}

/* With a sanitizer this process has terabytes of data from its start, and so do those that it starts of our own. */
static bool
may_bound_data(const struct limits *limits)
{
    if (limits->memory == 0) return false;
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) return false;
    int found = fscanf(file, "%*d %*d %*d %*d %*d %lld", &pages);
    (void)fclose(file);
    return found == 1 && (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) < data_bound(limits) / 2;
}

static void
lower(int resource, rlim_t bound, struct rlimit *before)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) != 0) return;
    if (before != NULL) *before = now;
    if (now.rlim_cur <= bound) return;
    now.rlim_cur = bound;
    (void)setrlimit((__rlimit_resource_t)resource, &now);
}

bool
limits_child(const struct limits *limits, int group, bool data)
{
    if (limits->memory > 0 && data) lower(RLIMIT_DATA, data_bound(limits), NULL);
    if (limits->cpu_ms > 0) lower(RLIMIT_CPU, (rlim_t)(limits->cpu_ms / 1000) + CPU_SLACK_S, NULL);
    if (limits->file_size > 0) lower(RLIMIT_FSIZE, (rlim_t)limits->file_size, NULL);
    return group < 0 || write(group, "0", 1) == 1;
}

/* A write that goes too far sends this to the thread that does it, and then fails with EFBIG. */
static volatile sig_atomic_t file_limit_hit;

static void
note_file_limit(int number)
{
    (void)number;
    file_limit_hit = 1;
}

void
limits_enter(struct work *work)
{
    const struct limits *limits = &work->job.limits;
    struct limiter *limiter = &work->limiter;
    const struct sigaction action = {.sa_handler = note_file_limit};
    limiter->entered = true;
    limiter->data.rlim_cur = limiter->file.rlim_cur = 0;
    file_limit_hit = 0;
    if (may_bound_data(limits)) lower(RLIMIT_DATA, data_bound(limits), &limiter->data);
    if (limits->file_size == 0) return;
    (void)sigaction(SIGXFSZ, &action, NULL);
    lower(RLIMIT_FSIZE, (rlim_t)limits->file_size, &limiter->file);
}

void
limits_leave(struct work *work)
{
    struct limiter *limiter = &work->limiter;
    if (!limiter->entered) return;
    limiter->entered = false;
    if (limiter->data.rlim_cur != 0) (void)setrlimit(RLIMIT_DATA, &limiter->data);
    if (limiter->file.rlim_cur != 0) (void)setrlimit(RLIMIT_FSIZE, &limiter->file);
}

/* ---- a group of its own ---- */

bool
limits_watched(const struct limits *limits)
{
    return (limits->memory | limits->cpu_ms | limits->processes) != 0;
}

int
limits_prepare(struct work *work, bool *data)
{
    const struct job *job = &work->job;
    struct err err = {0};
    *data = may_bound_data(&job->limits);
    const char *base = limits_watched(&job->limits) ? cgroup_base(&work->arena) : NULL;
    if (base == NULL) return -1;
    const char *name = arena_printf(&work->arena, "levada-%s.%u", job->run, job->record);
    if (cgroup_make(&work->arena, base, name, &job->limits, &work->limiter.group, &err) == 0)
        return work->limiter.group.procs;
    work_log(work, "warn", "%s: its limits are watched only", err.message);
    return -1;
}

void
limits_alone(struct work *work)
{
    work_log(work, "warn", "cannot move into the control group \"%s\": its limits are watched only",
             work->limiter.group.path);
    cgroup_remove(&work->limiter.group);
}

bool
limits_finish(struct work *work)
{
    struct limiter *limiter = &work->limiter;
    int64_t peak;
    bool full = cgroup_full(&limiter->group, &peak);
    if (peak > limiter->peak.memory) limiter->peak.memory = peak;
    cgroup_remove(&limiter->group);
    if (!full || limiter->limit != LIMITED_NOT) return false;
    limiter->limit = LIMITED_MEMORY;
    limiter->over = limiter->peak;
    if (limiter->over.memory < work->job.limits.memory) limiter->over.memory = work->job.limits.memory;
    if (limiter->over.processes == 0) limiter->over.processes = 1;
    return true;
}

void
limits_kill(struct work *work)
{
    cgroup_kill(&work->limiter.group);
    (void)usage_signal(SIGKILL);
}

/* ---- watching ---- */

enum limit
limits_over(const struct limits *limits, const struct usage *usage)
{
    if (limits->memory > 0 && usage->memory > limits->memory) return LIMITED_MEMORY;
    if (limits->processes > 0 && usage->processes > limits->processes) return LIMITED_PROCESSES;
    if (limits->cpu_ms > 0 && usage->cpu_ms > limits->cpu_ms) return LIMITED_CPU;
    return LIMITED_NOT;
}

int64_t
limits_patience(const struct limits *limits, const struct usage *usage, long cpus)
{
    int64_t ret = PATIENCE_MAX_MS, least;
    if (limits->memory > 0 && (least = (limits->memory - usage->memory) / FILL_PER_MS) < ret) ret = least;
    if (limits->processes > 0 && (least = (limits->processes - usage->processes) / FORKS_PER_MS) < ret) ret = least;
    if (limits->cpu_ms > 0 && (least = (limits->cpu_ms - usage->cpu_ms) / (cpus > 0 ? cpus : 1)) < ret) ret = least;
    /* Many processes take long to look at: not more than a part of the time. */
    least = PATIENCE_MIN_MS + usage->processes / 4;
    return ret < least ? least : ret;
}

static void
add_peak(struct usage *peak, const struct usage *now)
{
    if (now->memory > peak->memory) peak->memory = now->memory;
    if (now->processes > peak->processes) peak->processes = now->processes;
    peak->cpu_ms = now->cpu_ms;
}

int64_t
limits_look(struct work *work, int64_t now_ms)
{
    const struct limits *limits = &work->job.limits;
    struct limiter *limiter = &work->limiter;
    if (!limits_watched(limits) || limiter->limit != LIMITED_NOT) return 0;
    if (now_ms < limiter->look_at_ms) return limiter->look_at_ms;
    struct usage now;
    usage_measure(work->job.kind != JOB_RUN, limits->memory > 0 ? limits->memory : INT64_MAX, &now);
    int64_t cpu_ms = cgroup_cpu_ms(&limiter->group);
    now.cpu_ms = cpu_ms >= 0 ? cpu_ms : now.cpu_ms + receipt_cpu_ms(NULL) - work->cpu_before_ms;
    add_peak(&limiter->peak, &now);
    limiter->limit = limits_over(limits, &now);
    if (limiter->limit == LIMITED_NOT) {
        limiter->look_at_ms = now_ms + limits_patience(limits, &now, sysconf(_SC_NPROCESSORS_ONLN));
        return limiter->look_at_ms;
    }
    limiter->over = now;
    work_stop(work, STOP_LIMIT, limiter->limit == LIMITED_CPU ? work->job.grace_ms : 0);
    return 0;
}

/* ---- saying so ---- */

static const char *const keys[] = {[LIMITED_NOT] = NULL, [LIMITED_MEMORY] = "memory", [LIMITED_CPU] = "cpu_time",
                                   [LIMITED_PROCESSES] = "processes", [LIMITED_FILE] = "file_size"};

/* As a workflow has it: "256MiB", "1.5GiB". */
static void
write_size(struct buf *buf, int64_t bytes)
{
    char text[32], *out = text;
    struct buf human BUF_SCOPED;
    buf_init(&human, sizeof text);
    str_size_human(&human, bytes);
    for (const char *p = buf_str(&human); *p != '\0'; p++) {
        if (*p == '.' && p[1] == '0' && p[2] == ' ') p += 2;
        if (*p != ' ') *out++ = *p;
    }
    *out = '\0';
    buf_text(buf, text);
}

/* Twice as much, or the next power of two above what it came to. */
static int64_t
more_than(int64_t limit, int64_t used)
{
    int64_t ret = limit * 2;
    while (ret < used + used / 4 && ret < INT64_MAX / 4) ret *= 2;
    return ret;
}

void
limits_describe(const struct limits *limits, enum limit limit, const struct usage *usage, struct err *err)
{
    struct buf bound BUF_SCOPED, used BUF_SCOPED, more BUF_SCOPED;
    const char *less = "let it do less at a time";
    buf_init(&bound, 64);
    buf_init(&used, 64);
    buf_init(&more, 64);
    switch (limit) {
    case LIMITED_MEMORY:
        write_size(&bound, limits->memory);
        write_size(&used, usage->memory);
        write_size(&more, more_than(limits->memory, usage->memory));
        err_set(err, EXIT_FAILED, "it went over its memory limit of %s: %s in %lld process%s", buf_str(&bound),
                buf_str(&used), (long long)usage->processes, usage->processes == 1 ? "" : "es");
        break;
    case LIMITED_CPU:
        str_duration(&bound, limits->cpu_ms);
        str_duration(&used, usage->cpu_ms);
        str_duration(&more, more_than(limits->cpu_ms, usage->cpu_ms));
        err_set(err, EXIT_FAILED, "it went over its cpu_time limit of %s: it used %s", buf_str(&bound),
                buf_str(&used));
        break;
    case LIMITED_PROCESSES:
        buf_printf(&bound, "%lld", (long long)limits->processes);
        buf_printf(&more, "%lld", (long long)more_than(limits->processes, usage->processes));
        err_set(err, EXIT_FAILED, "it went over its limit of %s process%s: there were %lld", buf_str(&bound),
                limits->processes == 1 ? "" : "es", (long long)usage->processes);
        less = "let it start fewer at a time";
        break;
    case LIMITED_FILE:
        write_size(&bound, limits->file_size);
        write_size(&more, more_than(limits->file_size, 0));
        err_set(err, EXIT_FAILED, "it went over its file_size limit of %s: a file would have become larger",
                buf_str(&bound));
        less = "let it write smaller files";
        break;
    case LIMITED_NOT: return;
    }
    err_hint(err, "Write `limits: {%s: %s}`, or %s.", keys[limit], buf_str(&more), less);
    err->error_class = LEVADA_PERMANENT;
}

static void
explain(struct work *work, enum limit limit, const struct usage *usage, struct outcome *ret)
{
    memset(&ret->error, 0, sizeof ret->error);
    limits_describe(&work->job.limits, limit, usage, &ret->error);
    ret->limit = keys[limit];
    ret->status = "failed";
}

void
limits_explain(struct work *work, struct outcome *ret)
{
    explain(work, work->limiter.limit, &work->limiter.over, ret);
}

bool
limits_explain_file(struct work *work, int signal, const char *line, struct outcome *ret)
{
    if (work->job.limits.file_size == 0) return false;
    bool said = line != NULL && strstr(line, strerror(EFBIG)) != NULL;
    if (signal != SIGXFSZ && !said && !(work->job.kind != JOB_RUN && file_limit_hit)) return false;
    explain(work, LIMITED_FILE, &work->limiter.over, ret);
    return true;
}
