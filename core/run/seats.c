/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Two rules keep it right: a marker is made, locked and counted only under the mutex, and a marker that
 * is stale is removed only under the mutex; giving a seat back needs none, for it only makes room.
 */
#include "run/seats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"

#define MUTEX_TRIES 40     /* about a millisecond each; who holds it longer is stopped, or sits in a slow disk */
#define PLACE_PREFIX "q-"
#define PLACE_DIGITS 12

/* What is in the folder. */
struct listing {
    const char **holders;
    size_t nholders, holders_capacity;
    const char **places;   /* of the queue, in order */
    size_t nplaces, places_capacity;
};

/* ---- locks -------------------------------------------------------------------------------------------- */

static bool
lock_whole(int fd, int type)
{
    struct flock range = {.l_type = (short)type, .l_whence = SEEK_SET};
    int code;
    do code = fcntl(fd, F_OFD_SETLK, &range);
    while (code != 0 && errno == EINTR);
    return code == 0;
}

/* By anybody, on any description. */
static bool
is_locked(int folder, const char *name)
{
    /* For reading, so that closing it wakes nobody. */
    int fd FD_SCOPED = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

static bool
mutex_take(const struct seats *seats)
{
    for (int i = 0; i < MUTEX_TRIES; i++) {
        if (lock_whole(seats->mutex, F_WRLCK)) return true;
        if (errno != EAGAIN && errno != EACCES) return false;
        struct timespec moment = {.tv_nsec = 500000 + (long)arc4random_uniform(1000000)};
        nanosleep(&moment, NULL);
    }
    return false;
}

static void
mutex_give(const struct seats *seats)
{
    (void)lock_whole(seats->mutex, F_UNLCK);
}

/* ---- the folder --------------------------------------------------------------------------------------- */

/* A group's name as a file name: what is a pool's name too stays as it is; else what can be read of it, and a hash
 * behind a dot, which no plain name has. */
static const char *
folder_name(struct arena *arena, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t size = strlen(name);
    char hex[HASH_HEX_SIZE], *ret = arena_alloc(arena, 40 + HASH_HEX_SIZE);
    if (size > 0 && size <= LIMIT_POOL_NAME && name[strspn(name, plain)] == '\0') return name;
    size_t used = 0;
    for (size_t i = 0; i < size && used < 32; i++) ret[used++] = strchr(plain, name[i]) != NULL ? name[i] : '_';
    hash_sha256_hex(name, size, hex);
    snprintf(ret + used, 8 + HASH_HEX_SIZE, ".%.32s", hex);
    return ret;
}

static int
sync_folder(const char *path, struct err *err)
{
    int fd FD_SCOPED = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) return err_errno(err, EXIT_STORE, "cannot write the folder \"%s\"", path);
    return 0;
}

static int
make_folder(struct seats *seats, const char *parent, const char *name, struct err *err)
{
    int code = fd_make_folder(seats->path, err);
    seats->folder = code ? -1 : open(seats->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (code) return code;
    if (seats->folder < 0) return err_errno(err, EXIT_STORE, "cannot open \"%s\"", seats->path);
    struct err ignored;
    /* For people who look: the name of the folder may be a hash. */
    (void)fd_replace_file(seats->folder, "name", name, strlen(name), 0600, seats->durable, &ignored);
    return seats->durable ? sync_folder(parent, err) : 0;
}

int
seats_open(struct seats *ret, struct arena *arena, const char *state_folder, enum seats_kind kind, const char *name,
           bool durable, struct err *err)
{
    struct seats seats = {.folder = -1, .mutex = -1, .place = -1, .watching = -1, .durable = durable};
    const char *parent = arena_printf(arena, "%s/%s", state_folder, kind == SEATS_GROUP ? "groups" : "pools");
    seats.path = arena_printf(arena, "%s/%s", parent, folder_name(arena, name));
    seats.folder = open(seats.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (seats.folder < 0) {
        int code = make_folder(&seats, parent, name, err);
        if (code) {
            fd_close(&seats.folder);
            return code;
        }
    }
    seats.mutex = open(arena_printf(arena, "%s.lock", seats.path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (seats.mutex < 0) {
        fd_close(&seats.folder);
        return err_errno(err, EXIT_STORE, "cannot open \"%s.lock\"", seats.path);
    }
    *ret = seats;
    return 0;
}

static int
by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static void
add_name(struct arena *arena, const char ***list, size_t *count, size_t *capacity, const char *name)
{
    *list = arena_grow(arena, *list, *count, capacity, sizeof **list);
    (*list)[(*count)++] = arena_strdup(arena, name);
}

static bool
is_place(const char *name)
{
    size_t prefix = strlen(PLACE_PREFIX) + PLACE_DIGITS;
    return str_starts(name, PLACE_PREFIX) && strlen(name) > prefix && name[prefix] == '-' && id_is(name + prefix + 1);
}

static bool
is_holder(const char *name)
{
    char id[ID_SIZE];
    if (strnlen(name, ID_SIZE) < ID_SIZE - 1) return false;
    snprintf(id, sizeof id, "%s", name);
    return id_is(id) && (name[ID_SIZE - 1] == '\0' || name[ID_SIZE - 1] == '.');
}

static int
list_folder(const struct seats *seats, struct arena *arena, struct listing *ret, struct err *err)
{
    _Alignas(struct dirent64) char chunk[16 * KIB];
    *ret = (struct listing){0};
    if (lseek(seats->folder, 0, SEEK_SET) < 0) return err_errno(err, EXIT_STORE, "cannot read \"%s\"", seats->path);
    for (;;) {
        ssize_t n = getdents64(seats->folder, chunk, sizeof chunk);
        if (n < 0) return err_errno(err, EXIT_STORE, "cannot read \"%s\"", seats->path);
        if (n == 0) break;
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *entry = (const void *)(chunk + at);
            const char *name = entry->d_name;
            if (is_place(name)) add_name(arena, &ret->places, &ret->nplaces, &ret->places_capacity, name);
            else if (is_holder(name)) add_name(arena, &ret->holders, &ret->nholders, &ret->holders_capacity, name);
            at += entry->d_reclen;
        }
    }
    if (ret->nplaces > 1) qsort(ret->places, ret->nplaces, sizeof *ret->places, by_name);
    return 0;
}

/* ---- the queue ---------------------------------------------------------------------------------------- */

static void
stop_watching(struct seats *seats, int watch)
{
    if (seats->watching >= 0 && watch >= 0) (void)inotify_rm_watch(watch, seats->watching);
    seats->watching = -1;
}

static void
leave_queue(struct seats *seats)
{
    if (seats->place < 0) return;
    (void)unlinkat(seats->folder, seats->place_name, 0);
    fd_close(&seats->place);
}

static int
join_queue(struct seats *seats, const char *run, const struct listing *listing, struct err *err)
{
    uint64_t number = 0;
    if (listing->nplaces > 0) number = strtoull(listing->places[listing->nplaces - 1] + strlen(PLACE_PREFIX), NULL, 10);
    int n = snprintf(seats->place_name, sizeof seats->place_name, PLACE_PREFIX "%0*llu-%s", PLACE_DIGITS,
                     (unsigned long long)number + 1, run);
    int fd = n < (int)sizeof seats->place_name
                 ? openat(seats->folder, seats->place_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || !lock_whole(fd, F_WRLCK)) {
        fd_close(&fd);
        return err_errno(err, EXIT_STORE, "cannot wait in \"%s\"", seats->path);
    }
    seats->place = fd;
    return 0;
}

/* Those before us whose engine lives; places of the dead are removed. The nearest comes first. */
static void
look_ahead(const struct seats *seats, struct listing *listing, bool all, struct arena *arena, struct seats_look *look,
           const char **before)
{
    size_t end = listing->nplaces;
    *before = NULL;
    if (seats->place >= 0)
        for (end = 0; end < listing->nplaces && strcmp(listing->places[end], seats->place_name) < 0;) end++;
    look->ahead = ARENA_ARRAY(arena, end + 1, const char *);
    for (size_t i = end; i-- > 0;) {
        const char *name = listing->places[i];
        if (!is_locked(seats->folder, name)) {
            (void)unlinkat(seats->folder, name, 0);
            continue;
        }
        if (*before == NULL) *before = name;
        look->ahead[look->nahead++] = name + strlen(PLACE_PREFIX) + PLACE_DIGITS + 1;
        if (!all) return;
    }
}

/* True: the watch is new, so what happened just before it must be looked at once more. */
static bool
watch_for(struct seats *seats, int watch, const char *before, struct arena *arena)
{
    const char *want = before != NULL ? before : "";
    if (seats->watching >= 0 && str_eq(seats->watched, want)) return false;
    stop_watching(seats, watch);
    /* The end of whoever holds or waits closes what it had open for writing. What was given back before it is closed
     * was told when it went. */
    if (before != NULL)
        seats->watching = inotify_add_watch(watch, arena_printf(arena, "%s/%s", seats->path, before),
                                            IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF);
    else
        seats->watching =
            inotify_add_watch(watch, seats->path, IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR | IN_EXCL_UNLINK);
    snprintf(seats->watched, sizeof seats->watched, "%s", want);
    return true;
}

/* ---- holders ------------------------------------------------------------------------------------------ */

/* "RUN.RECORD.STEP" → record and step. */
static bool
split_name(const char *marker, uint32_t *record, const char **step)
{
    char *end;
    if (strlen(marker) < ID_SIZE || marker[ID_SIZE - 1] != '.') return false;
    unsigned long number = strtoul(marker + ID_SIZE, &end, 10);
    if (*end != '.' || end == marker + ID_SIZE || number > UINT32_MAX) return false;
    *record = (uint32_t)number;
    *step = end + 1;
    return true;
}

static bool
holder_counts(const struct seats *seats, const struct seats_own *own, const char *state_folder, const char *marker)
{
    uint32_t record;
    const char *step;
    if (strncmp(marker, own->run, ID_SIZE - 1) == 0 && split_name(marker, &record, &step))
        return (own->at_work != NULL && own->at_work(own->context, record, step)) || is_locked(seats->folder, marker);
    return is_locked(seats->folder, marker) || seat_claimed(state_folder, marker);
}

static void
count_holders(const struct seats *seats, const struct seats_own *own, const struct listing *listing,
              const char *marker, struct arena *arena, struct seats_look *look)
{
    char *state_folder = arena_strdup(arena, seats->path);
    for (int i = 0; i < 2; i++) *strrchr(state_folder, '/') = '\0';
    look->holders = ARENA_ARRAY(arena, listing->nholders + 1, const char *);
    for (size_t i = 0; i < listing->nholders; i++) {
        const char *name = listing->holders[i];
        if (str_eq(name, marker)) continue;
        if (holder_counts(seats, own, state_folder, name)) look->holders[look->nholders++] = name;
        else (void)unlinkat(seats->folder, name, 0);
    }
}

/* The marker is ours: made now, or left by an earlier engine of the run, one of whose workers may have it locked. */
static int
take_marker(struct seats *seats, const char *marker, int *fd, struct err *err)
{
    int marker_fd = openat(seats->folder, marker, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (marker_fd < 0) return err_errno(err, EXIT_STORE, "cannot make \"%s/%s\"", seats->path, marker);
    FAILPOINT("seat_marked");
    if (!lock_whole(marker_fd, F_WRLCK)) fd_close(&marker_fd);
    *fd = marker_fd;
    return 0;
}

static bool
listed(const struct listing *listing, const char *marker)
{
    for (size_t i = 0; i < listing->nholders; i++)
        if (str_eq(listing->holders[i], marker)) return true;
    return false;
}

/* One look, under the mutex. As seats_take(); *again: look once more, a watch is new. */
static int
look_once(struct seats *seats, const char *marker, const struct seats_own *own, uint32_t limit, unsigned flags,
          int watch, struct arena *arena, struct seats_look *look, bool *again, int *fd, struct err *err)
{
    struct listing listing;
    const char *before = NULL;
    *look = (struct seats_look){0};
    *again = false;
    int code = list_folder(seats, arena, &listing, err);
    if (code) return code;
    bool ours = flags & SEATS_FORCE || listed(&listing, marker);
    if (!ours) {
        look_ahead(seats, &listing, flags & SEATS_ALL, arena, look, &before);
        /* Behind another nobody's seat matters; but who is told why wants to know for whom it waits. */
        if (before == NULL || flags & SEATS_ALL) count_holders(seats, own, &listing, marker, arena, look);
        else look->holders = listing.holders, look->nholders = listing.nholders;
        ours = before == NULL && look->nholders < limit;
    }
    if (ours) {
        code = take_marker(seats, marker, fd, err);
        bool last = listing.nplaces > 0 && str_eq(listing.places[listing.nplaces - 1], seats->place_name);
        if (!code && seats->place >= 0 && !(flags & SEATS_MORE && last)) {
            stop_watching(seats, watch);
            leave_queue(seats);
        }
        return code;
    }
    if (!(flags & SEATS_QUEUE)) return 1;
    if (seats->place < 0) code = join_queue(seats, own->run, &listing, err);
    if (!code) *again = watch_for(seats, watch, before, arena);
    return code ? code : 1;
}

int
seats_take(struct seats *seats, const char *marker, const struct seats_own *own, uint32_t limit, unsigned flags,
           int watch, struct arena *arena, struct seats_look *look, int *fd, struct err *err)
{
    bool again = true;
    int code = 1;
    if (!mutex_take(seats)) {
        *look = (struct seats_look){.busy = true};
        return 1;
    }
    /* Each round watches somebody nearer to the head, so there are few. */
    for (int round = 0; round < 8 && code == 1 && again; round++)
        code = look_once(seats, marker, own, limit, flags, watch, arena, look, &again, fd, err);
    mutex_give(seats);
    if (code == 0) FAILPOINT("seat_taken");
    if (code == 1 && again) look->busy = true;
    if (code == 0 && seats->durable && fsync(seats->folder) != 0) {
        (void)unlinkat(seats->folder, marker, 0);
        fd_close(fd);
        return err_errno(err, EXIT_STORE, "cannot write \"%s\"", seats->path);
    }
    return code;
}

void
seats_release(const struct seats *seats, const char *marker)
{
    (void)unlinkat(seats->folder, marker, 0);
    FAILPOINT("seat_released");
}

void
seats_forget(const char *state_folder, enum seats_kind kind, const char *name, const char *marker)
{
    struct arena arena ARENA_SCOPED = {0};
    struct seats seats;
    struct err ignored;
    if (seats_open(&seats, &arena, state_folder, kind, name, false, &ignored) != 0) return;
    seats_release(&seats, marker);
    seats_close(&seats, -1);
}

void
seats_leave(struct seats *seats, int watch)
{
    stop_watching(seats, watch);
    leave_queue(seats);
}

bool
seats_first(const struct seats *seats)
{
    return seats->place >= 0 && seats->watching >= 0 && seats->watched[0] == '\0';
}

void
seats_close(struct seats *seats, int watch)
{
    if (seats->folder >= 0) seats_leave(seats, watch);
    fd_close(&seats->folder);
    fd_close(&seats->mutex);
}

void
seat_name(char ret[SEAT_NAME_SIZE], const char *run, uint32_t record, const char *step)
{
    snprintf(ret, SEAT_NAME_SIZE, "%s.%u.%s", run, record, step);
}

const char *
seat_run(struct arena *arena, const char *marker)
{
    return arena_strndup(arena, marker, ID_SIZE - 1);
}
