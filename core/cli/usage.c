/* SPDX-License-Identifier: Apache-2.0
 *
 * getopt prints its own messages in its own voice; commands silence it and speak through here.
 */
#include "cli/usage.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

int
usage_error(const char *usage, const char *fmt, ...)
{
    va_list ap;
    fputs("levada: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nusage: levada %s\n", usage);
    return EXIT_USAGE;
}

int
usage_option(const char *usage, int option, char **argv)
{
    const char *given = argv[optind - 1];
    if (option == ':') return usage_error(usage, "option \"%s\" needs a value", given);
    if (optopt != 0) return usage_error(usage, "unknown option \"-%c\"", optopt);
    return usage_error(usage, "unknown option \"%s\"", given);
}
