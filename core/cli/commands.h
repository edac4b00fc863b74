/* SPDX-License-Identifier: Apache-2.0
 *
 * The subcommands: each takes its own arguments (argv[0] is its name) and returns an exit code.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int cmd_logs(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_why(int argc, char **argv);

#endif
