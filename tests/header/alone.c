/* SPDX-License-Identifier: Apache-2.0
 *
 * The header by itself, before any other: it includes what it needs. Every macro is used once.
 */
#include <levada/plugin.h>

struct inner_in {
    levada_present present;
    levada_int depth;
};

struct all_in {
    levada_present present;
    levada_string a;
    levada_bool b;
    levada_int c;
    levada_real d;
    levada_duration e;
    levada_size f;
    levada_timestamp g;
    levada_uri h;
    levada_path i;
    levada_sql j;
    levada_secret k;
    levada_json l;
    levada_list m;
    levada_map n;
    levada_object o;
    levada_objects p;
};

static int
all_run(struct levada_step *step, const void *input)
{
    const struct all_in *in = input;
    levada_log(step, LEVADA_INFO, "%s", in->a.text);
    if (LEVADA_HAS(in, p)) return levada_fail(step, LEVADA_INVALID, "%d", 1);
    return levada_fail_hint(step, LEVADA_MISSING, "Look.", "%s", "nothing");
}

static const struct levada_field inner_fields[] = {LEVADA_IN(struct inner_in, depth, "How deep.")};

static const struct levada_field all_inputs[] = {
    LEVADA_IN(struct all_in, a, "A."), LEVADA_IN(struct all_in, b, "B."), LEVADA_IN(struct all_in, c, "C."),
    LEVADA_IN(struct all_in, d, "D."), LEVADA_IN(struct all_in, e, "E."), LEVADA_IN(struct all_in, f, "F."),
    LEVADA_IN(struct all_in, g, "G."), LEVADA_IN(struct all_in, h, "H."), LEVADA_IN(struct all_in, i, "I."),
    LEVADA_IN(struct all_in, j, "J."), LEVADA_IN(struct all_in, k, "K."), LEVADA_IN(struct all_in, l, "L."),
    LEVADA_IN(struct all_in, m, "M."), LEVADA_IN(struct all_in, n, "N."),
    LEVADA_NESTED(struct all_in, o, inner_fields, struct inner_in, "O."),
    LEVADA_NESTED(struct all_in, p, inner_fields, struct inner_in, "P."),
};

static const struct levada_field all_outputs[] = {LEVADA_OUT(z, STRING, "Z.", .flags = LEVADA_SENSITIVE)};

static const struct levada_action actions[] = {
    LEVADA_ACTION(all, UNSAFE, struct all_in, all_inputs, all_outputs, "All.", .run = all_run),
};

LEVADA_PLUGIN(.name = "alone", .version = "1.0.0", .doc = "Every macro once.", LEVADA_ACTIONS(actions));
