/* SPDX-License-Identifier: Apache-2.0
 *
 * levada check FILE…: all that can be known of a workflow before it runs. Needs no param values and no secrets. What it
 * finds is its result, so it goes to stdout: as text for people, with --json as one array for programs.
 */
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "workflow/model.h"

static const char usage[] = "usage: levada check [--json] FILE...\n"
                            "  Says what is wrong in workflow files; `-` is standard input.\n"
                            "  Exit code: 0 all are right, 3 something is wrong.\n";

/* Is it a terminal that wants colours? */
static bool
wants_colour(int fd)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && (no == NULL || *no == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

/* A file that cannot be read is a diagnostic like any other. */
static const struct model *
load(struct arena *arena, const char *path, struct diags *diags)
{
    struct err err = {0};
    const struct model *model = NULL;
    diags_init(diags, arena, strcmp(path, "-") == 0 ? "stdin" : path);
    diags->notes = true;
    if (workflow_load(arena, path, diags, &model, &err)) diag_err(diags, "file", &err);
    return model;
}

static void
print_ok(const struct diags *diags, const struct model *model)
{
    size_t others = 0;
    for (size_t i = 0; i < model->nsteps; i++) others += model->steps[i].part != PART_STEPS;
    size_t steps = model->nsteps - others;
    printf("%s: ok (%zu step%s", diags->file, steps, steps == 1 ? "" : "s");
    if (others) printf(" and %zu for failures and the end", others);
    puts(")");
}

int
cmd_check(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    bool json = false;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return EXIT_OK;
        }
        if (c != 'j') {
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
        json = true;
    }
    if (optind == argc) {
        fputs("levada: check needs a file\n", stderr);
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    struct arena kept ARENA_SCOPED = {0};
    struct value *list = value_list(&kept);
    bool wrong = false;
    for (int i = optind; i < argc; i++) {
        struct arena arena ARENA_SCOPED = {0};
        struct diags diags;
        const struct model *model = load(json ? &kept : &arena, argv[i], &diags);
        wrong = wrong || diags.errors > 0;
        if (json) {
            diags_json(&diags, &kept, list);
            continue;
        }
        diags_print(&diags, stdout, wants_colour(STDOUT_FILENO));
        if (model != NULL) print_ok(&diags, model);
    }
    if (json) puts(json_text(&kept, list));
    return wrong ? EXIT_INVALID : EXIT_OK;
}
