/* SPDX-License-Identifier: Apache-2.0
 *
 * Folders that come and go with an attempt, or with a run.
 */
#ifndef RUN_FOLDER_H
#define RUN_FOLDER_H

#include <stdint.h>

/* The folder and all in it, never through a link. 0, or -1 with errno of what could not go. */
int folder_remove(const char *path);
/* All in it, but not the folder itself. */
int folder_empty(const char *path);
/* Bytes that it and all in it take on the disk. */
int64_t folder_size(const char *path);

#endif
