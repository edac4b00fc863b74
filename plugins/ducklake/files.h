/* SPDX-License-Identifier: Apache-2.0
 *
 * files.h: local files written so that a reader sees the old or the new, never a half.
 */
#ifndef DUCKLAKE_FILES_H
#define DUCKLAKE_FILES_H

#include "lake.h"

/* Write `size` bytes to `path` through a temporary name. *changed false: the same bytes were there. */
int file_write(struct work *work, const char *path, const char *data, size_t size, bool *changed);
/* The content of a small file as a text of the step; NULL: there is none, or it is longer than `size_max`. */
const char *file_read(struct work *work, const char *path, size_t size_max);
/* rm -rf; what is not there is removed already. 0 or errno. */
int file_remove_tree(const char *path);
/* Flush a file or all files below a folder to the disk. */
void file_sync_tree(const char *path);
/* Is it a folder with something in it, or a file? */
bool file_is_taken(const char *path);

#endif
