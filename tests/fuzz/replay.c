/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for libFuzzer in ordinary builds: runs one fuzz target over every file of the folders given,
 * then over cut and damaged copies of each. The damage is the same in every run, so a failure repeats.
 * An input that breaks the target is the last one named.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_SIZE_MAX = 1 << 20, CUTS = 32, DAMAGES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Runs on an exact copy, so that a read one byte past the end is seen by the sanitizer. */
static void
run_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (copy == NULL) abort();
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static uint64_t
next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void
run_damaged(uint8_t *data, size_t size)
{
    uint64_t state = 0x9e3779b97f4a7c15u ^ size;
    for (size_t i = 1; i < CUTS && size > 0; i++) run_copy(data, size * i / CUTS);
    for (size_t i = 0; i < DAMAGES && size > 0; i++) {
        size_t at = (size_t)(next_number(&state) % size);
        uint8_t kept = data[at];
        data[at] = (uint8_t)next_number(&state);
        run_copy(data, size);
        data[at] = kept;
    }
}

static int
run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    uint8_t *data = malloc(INPUT_SIZE_MAX);
    if (data == NULL) abort();
    size_t size = fread(data, 1, INPUT_SIZE_MAX, file);
    int failed = ferror(file);
    fclose(file);
    printf("%s (%zu bytes)\n", path, size);
    fflush(stdout);
    run_copy(data, size);
    run_damaged(data, size);
    free(data);
    return failed ? -1 : 0;
}

static int
compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int
is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int
main(int argc, char **argv)
{
    int count = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        struct dirent **entries = NULL;
        int n = scandir(argv[i], &entries, is_visible, compare_names);
        if (n < 0) perror(argv[i]);
        for (int k = 0; k < n; k++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", argv[i], entries[k]->d_name);
            if (run_file(path) != 0) failed++;
            free(entries[k]);
            count++;
        }
        free(entries);
    }
    printf("%d inputs replayed\n", count);
    return count == 0 || failed != 0;
}
