/* SPDX-License-Identifier: Apache-2.0
 *
 * For commands that read their options with getopt_long (silenced: its voice is not ours).
 */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

/* Everything getopt_long returned that is no option of the command's own: `h` prints the usage (EXIT_OK); `:` and `?`
 * name the option that was wrong (EXIT_USAGE). */
int usage_option(const char *usage, int option, char **argv);

#endif
