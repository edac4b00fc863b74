/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose files we run. A plugin becomes part of a worker that holds secrets, so nobody but root and the running user
 * may be able to change it, or to put another one in its place.
 */
#ifndef PLUGIN_TRUST_H
#define PLUGIN_TRUST_H

#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"

/* `path`: for messages. EXIT_REFUSED with the command that mends it. */
int trust_check(const char *path, const struct stat *st, uid_t user, struct err *err);
/* A plugin file found as `folder`/`file`: gives its real path when it, and the folder it lies in, may be trusted. It
 * may be a symlink within its folder, not out of it. EXIT_INVALID when it is no file. */
int trust_file(struct arena *arena, const char *folder, const char *file, const char **ret, struct err *err);

#endif
