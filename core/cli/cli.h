/* SPDX-License-Identifier: Apache-2.0
 *
 * Subcommands. argv[0] is the subcommand's name; the return value is the exit code. main.c has the table.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/err.h"

int cmd_run(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_resolve(int argc, char **argv);
int cmd_approve(int argc, char **argv);
int cmd_reject(int argc, char **argv);
int cmd_cancel(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_actions(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_retry(int argc, char **argv);
int cmd_rollback(int argc, char **argv);
int cmd_logs(int argc, char **argv);
int cmd_why(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_gc(int argc, char **argv);
int cmd_db(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_describe(int argc, char **argv);
int cmd_worker(int argc, char **argv);
int cmd_checkpoint(int argc, char **argv);

/* Prints err and returns its code. */
int cli_fail(const struct err *err);
/* "levada NAME: message", the usage line, and EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage(const char *usage, const char *fmt, ...);

#endif
