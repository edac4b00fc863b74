/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit test says: CHECK_* print both values where CUnit would print only the expression.
 * A test program has a table of {sentence, function} and ends with `return check_main("noun", tests, n)`.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <CUnit/CUnit.h>
#include <stddef.h>
#include <stdint.h>

struct check_test {
    const char *sentence;
    void (*run)(void);
};

/* Runs all tests, or those whose sentence contains argv[1]. Returns the program's exit code. */
int check_main(const char *suite, const struct check_test *tests, size_t count, int argc, char **argv);
void check_str(const char *file, int line, const char *got, const char *want);
void check_int(const char *file, int line, int64_t got, int64_t want);

#define CHECK(expr) CU_ASSERT(expr)
#define CHECK_FATAL(expr) CU_ASSERT_FATAL(expr)
#define CHECK_STR(got, want) check_str(__FILE__, __LINE__, (got), (want))
#define CHECK_INT(got, want) check_int(__FILE__, __LINE__, (int64_t)(got), (int64_t)(want))
#define CHECK_COUNT(table) (sizeof(table) / sizeof(table)[0])

#endif
