/* SPDX-License-Identifier: Apache-2.0
 *
 * Folders that come and go with an attempt.
 */
#ifndef RUN_FOLDER_H
#define RUN_FOLDER_H

/* The folder and all in it, never through a link. 0, or -1 with errno of what could not go. */
int folder_remove(const char *path);

#endif
