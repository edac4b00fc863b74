/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada describe FILE`: the describer. Engines start it for every plugin whose description they do not have;
 * by hand it shows why a plugin does not load. Not in the list of commands.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "plugin/loader.h"

int
cmd_describe(int argc, char **argv)
{
    if (argc == 2 && argv[1][0] != '-') return loader_describe(argv[1]);
    fputs("levada: describe takes one file\n  Type \"levada describe PLUGIN.so\".\n", stderr);
    return EXIT_USAGE;
}
