/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "cli/usage.h"

#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"

int
usage_option(const char *usage, int option, char **argv)
{
    const char *given = argv[optind - 1];
    if (option == 'h') return printf("usage: %s\n", usage) < 0 ? EXIT_FAILED : EXIT_OK;
    if (option == ':') return cli_usage(usage, "option \"%s\" needs a value", given);
    if (optopt != 0) return cli_usage(usage, "there is no option \"-%c\"", optopt);
    return cli_usage(usage, "there is no option \"%s\"", given);
}
