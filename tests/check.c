/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared main of the unit tests. CU_basic_run_tests() reports CUnit's own errors, so the exit code
 * comes from the number of failures.
 */
#include "check.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

int
check_main(const char *suite, const struct check_test *tests, size_t count, int argc, char **argv)
{
    if (CU_initialize_registry() != CUE_SUCCESS) return 2;
    CU_pSuite s = CU_add_suite(suite, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        if (argc < 2 || strstr(tests[i].sentence, argv[1]) != NULL)
            if (CU_add_test(s, tests[i].sentence, tests[i].run) == NULL) return 2;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_ErrorCode error = CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return error != CUE_SUCCESS || failures != 0;
}

void
check_str(const char *file, int line, const char *got, const char *want)
{
    int same = got == want || (got != NULL && want != NULL && strcmp(got, want) == 0);
    if (!same)
        printf("\n%s:%d:\n   got: %s\n  want: %s\n", file, line, got ? got : "(null)", want ? want : "(null)");
    CU_assertImplementation(same, (unsigned)line, "strings are equal", file, "", CU_FALSE);
}

void
check_int(const char *file, int line, int64_t got, int64_t want)
{
    if (got != want) printf("\n%s:%d: got %lld, want %lld\n", file, line, (long long)got, (long long)want);
    CU_assertImplementation(got == want, (unsigned)line, "numbers are equal", file, "", CU_FALSE);
}
