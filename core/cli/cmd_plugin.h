/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about plugins. argv[0] is the command's name; the return value is the exit code.
 */
#ifndef CLI_CMD_PLUGIN_H
#define CLI_CMD_PLUGIN_H

/* `levada actions [PLUGIN[.ACTION]] [--json]`: what plugins can do, as text or as JSON. */
int cmd_actions(int argc, char **argv);
/* `levada describe FILE`: the tables of one shared object as JSON; for describers and for curious people. */
int cmd_describe(int argc, char **argv);

#endif
