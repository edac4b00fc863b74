/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of subcommands. Nothing is initialised before one is chosen: `levada version` must cost what a process costs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static int cmd_version(int argc, char **argv);
static int cmd_help(int argc, char **argv);

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *sentence; /* NULL: for Levada's own use */
} commands[] = {
    {"run", cmd_run, "Run a workflow file."},
    {"check", cmd_check, "Say what is wrong in workflow files, without running them."},
    {"resume", cmd_resume, "Go on with a run that was interrupted, killed or settled."},
    {"retry", cmd_retry, "Run again what did not succeed in a run that has ended."},
    {"rollback", cmd_rollback, "Take back what the steps of an ended run did, where they say how."},
    {"resolve", cmd_resolve, "Settle a step whose outcome nobody knows: done, redo or fail."},
    {"approve", cmd_approve, "Let a step start that waits for a person's approval."},
    {"reject", cmd_reject, "Refuse a step that waits for a person's approval: it fails."},
    {"cancel", cmd_cancel, "End a run for good."},
    {"ls", cmd_ls, "List runs."},
    {"ps", cmd_ps, "List what lives: engines, workers, and what has lost its engine or worker."},
    {"show", cmd_show, "Show a run: its steps, outputs and errors."},
    {"logs", cmd_logs, "Print or follow the logs of a run."},
    {"why", cmd_why, "Say why a step ran, was skipped, retried, failed or is unknown."},
    {"report", cmd_report, "Write one HTML page about a run."},
    {"export", cmd_export, "Write a whole run as one file."},
    {"replay", cmd_replay, "Tell the events of a run again."},
    {"gc", cmd_gc, "Take away old runs, as their workflows or options say."},
    {"db", cmd_db, "Check that what is kept of runs is whole."},
    {"actions", cmd_actions, "List plugins' actions, their inputs and outputs."},
    {"checkpoint", cmd_checkpoint, "Keep a value over attempts (in `run:` steps)."},
    {"worker", cmd_worker, "Run one job from stdin by hand, for debugging."},
    {"describe", cmd_describe, NULL},
    {"version", cmd_version, "Print the version."},
    {"help", cmd_help, "Print this."},
};

static void
print_help(FILE *out)
{
    fputs("levada: runs workflows that may be killed at any moment\n\nusage: levada COMMAND …\n\n", out);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (commands[i].sentence != NULL) fprintf(out, "  %-11s %s\n", commands[i].name, commands[i].sentence);
    fputs("\nBegin with: levada check FILE, then levada run FILE. `levada COMMAND --help` says more.\n"
          "A run is named by its id, a unique part at its start or end, or `last`.\n", out);
}

static int
cmd_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    print_help(stdout);
    return EXIT_OK;
}

static int
cmd_version(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) return cli_usage("levada version", "no arguments are expected");
    puts("levada " LEVADA_VERSION);
    return EXIT_OK;
}

int
cli_fail(const struct err *err)
{
    fflush(stdout);
    err_print(err);
    return err->code;
}

int
cli_usage(const char *usage, const char *fmt, ...)
{
    va_list ap;
    fflush(stdout);
    fputs("levada: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\n  usage: %s\n", usage);
    return EXIT_USAGE;
}

/* With 0, 1 or 2 closed, the next file or socket would be taken for standard output. */
static void
fill_standard_descriptors(void)
{
    int fd;
    do fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2) close(fd);
}

/* An earlier flush may be the one that failed, and then the last says nothing of it. A worse code stays. */
static int
end_output(int code)
{
    errno = 0;
    bool bad = fflush(stdout) != 0;
    int error = errno;
    if (!bad && !ferror(stdout)) return code;
    fprintf(stderr, "levada: cannot write the output%s%s\n", bad ? ": " : "", bad ? strerror(error) : "");
    return code == EXIT_OK ? EXIT_FAILED : code;
}

int
main(int argc, char **argv)
{
    fill_standard_descriptors();
    (void)signal(SIGCHLD, SIG_DFL); /* whoever started us may ignore it, and then no child could be waited for */
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name == NULL) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) name = "version";
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) != 0) continue;
        return end_output(commands[i].run(argc - 1, argv + 1));
    }
    fprintf(stderr, "levada: there is no command \"%s\"\n  `levada help` lists the commands.\n", name);
    return EXIT_USAGE;
}
