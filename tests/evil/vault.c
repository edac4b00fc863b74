/* SPDX-License-Identifier: Apache-2.0
 *
 * Says where it keeps a password, rightly or in every wrong way; and uses them, carefully or not.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <levada/plugin.h>

struct issue_in {
    levada_present present;
    levada_path file;
    levada_string provider, name, version, field, output;
    levada_bool file_optional, pin, plain, quiet, null;
};

static const char *
given(levada_string text)
{
    return text.text[0] != '\0' ? text.text : NULL;
}

/* What lies in the file, and which version of it that is. */
static int
look(struct levada_step *step, const struct issue_in *in, char *text, size_t size, char *version)
{
    struct stat st;
    int fd = open(in->file.text, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 && fstat(fd, &st) == 0 ? read(fd, text, size - 1) : -1;
    if (fd >= 0) close(fd);
    if (n < 0) return in->file_optional.value ? 0 : levada_fail(step, LEVADA_PERMANENT, "cannot read the file");
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    snprintf(version, 32, "%lld%09ld", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    return 0;
}

static int
issue_run(struct levada_step *step, const void *input)
{
    const struct issue_in *in = input;
    char version[32] = "", text[4096] = "";
    int code = look(step, in, text, sizeof text, version);
    if (code) return code;
    if (in->null.value) return step->host->output(step, "password", "null");
    if (in->plain.value) {
        code = step->host->output_text(step, "password", text);
        levada_log(step, LEVADA_INFO, "set to %s: %d", text, code);
        return in->quiet.value ? 0 : code;
    }
    const struct levada_secret_ref ref = {
        .provider = given(in->provider), .name = given(in->name) != NULL ? in->name.text : in->file.text,
        .version = in->pin.value ? version : given(in->version), .field = given(in->field)};
    code = step->host->output_secret(step, in->output.text, &ref);
    if (code) return code;
    levada_log(step, LEVADA_INFO, "made %s", text);
    printf("printed %s\n", text);
    fflush(stdout);
    return step->host->output_text(step, "user", "maker");
}

struct use_in {
    levada_present present;
    levada_secret password;
    levada_string said;
    levada_path copy;
    levada_int crash;
};

static int
use_run(struct levada_step *step, const void *input)
{
    const struct use_in *in = input;
    levada_log(step, LEVADA_INFO, "used %s", in->password.value);
    int code = step->host->output_int(step, "size", (int64_t)in->password.size);
    if (!code) code = step->host->output_text(step, "careless", in->password.value);
    if (in->crash.value != 0) {
        (void)signal((int)in->crash.value, SIG_DFL);
        (void)raise((int)in->crash.value);
    }
    if (code || in->copy.text[0] == '\0') return code;
    int fd = open(in->copy.text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, in->password.value, in->password.size) < 0)
        code = levada_fail(step, LEVADA_PERMANENT, "cannot write the copy");
    if (fd >= 0) close(fd);
    return code;
}

static const struct levada_field issue_inputs[] = {
    LEVADA_IN(struct issue_in, file, "Where the secret lies.", .fallback = "vault.txt"),
    LEVADA_IN(struct issue_in, file_optional, "It need not be there.", .fallback = "false"),
    LEVADA_IN(struct issue_in, provider, "What it says.", .fallback = "file"),
    LEVADA_IN(struct issue_in, name, "What it says, if not the file.", .fallback = ""),
    LEVADA_IN(struct issue_in, version, "What it says.", .fallback = ""),
    LEVADA_IN(struct issue_in, field, "What it says.", .fallback = ""),
    LEVADA_IN(struct issue_in, output, "Which output it sets.", .fallback = "password"),
    LEVADA_IN(struct issue_in, pin, "Say this version of the file.", .fallback = "false"),
    LEVADA_IN(struct issue_in, plain, "Set the output to the secret itself.", .fallback = "false"),
    LEVADA_IN(struct issue_in, quiet, "And say that all is well.", .fallback = "false"),
    LEVADA_IN(struct issue_in, null, "Set the output to null.", .fallback = "false"),
};
static const struct levada_field issue_outputs[] = {
    LEVADA_OUT(password, STRING, "The secret.", .flags = LEVADA_SENSITIVE),
    LEVADA_OUT(user, STRING, "No secret."),
};
static const struct levada_field use_inputs[] = {
    LEVADA_IN(struct use_in, password, "A secret."),
    LEVADA_IN(struct use_in, said, "No secret.", .fallback = ""),
    LEVADA_IN(struct use_in, copy, "A file to copy the secret to."),
    LEVADA_IN(struct use_in, crash, "Die of this signal.", .fallback = "0"),
};
static const struct levada_field use_outputs[] = {
    LEVADA_OUT(size, INT, "Of the secret."),
    LEVADA_OUT(careless, STRING, "The secret, where it does not belong."),
};

static const struct levada_action actions[] = {
    LEVADA_ACTION(issue, IDEMPOTENT, struct issue_in, issue_inputs, issue_outputs, "Make one.", .run = issue_run),
    LEVADA_ACTION(use, IDEMPOTENT, struct use_in, use_inputs, use_outputs, "Use one.", .run = use_run),
};

LEVADA_PLUGIN(.name = "vault", .version = "1.0.0", .doc = "Bad.", LEVADA_ACTIONS(actions));
