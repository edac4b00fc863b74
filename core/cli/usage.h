/* SPDX-License-Identifier: Apache-2.0
 *
 * How a subcommand says that it was called wrongly: one line, the usage, exit 2.
 */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

/* "levada: message" and "usage: levada …" to stderr; returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int usage_error(const char *usage, const char *fmt, ...);
/* For the `?` and `:` of getopt_long: names the option that was wrong. */
int usage_option(const char *usage, int option, char **argv);

#endif
