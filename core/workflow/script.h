/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `lua:` steps that script.c (running), script_check.c (looking before) and
 * script_base.c (the functions that only scripts have) share.
 */
#ifndef WORKFLOW_SCRIPT_H
#define WORKFLOW_SCRIPT_H

#include "workflow/lua_value.h"

/* Functions that only scripts have: names for checks, in script_base.c; NULL behind the last. */
extern const luaL_Reg script_functions[];
/* Is it a name that a script finds without declaring it? */
bool script_knows(const char *name);

#endif
