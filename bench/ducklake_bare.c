/* SPDX-License-Identifier: Apache-2.0
 *
 * What a careful C programmer would write without Levada: load one CSV file into a lake through libduckdb.
 * bench/ compares ducklake.load with it. Usage: ducklake_bare EXTENSIONS CATALOG DATA CSV TABLE
 * Build: cc -O2 -I ROOT/include bench/ducklake_bare.c -L ROOT/lib -lduckdb -Wl,-rpath,ROOT/lib
 */
#include <duckdb.h>
#include <stdio.h>
#include <stdlib.h>

static void
run(duckdb_connection con, const char *sql)
{
    duckdb_result result;
    if (duckdb_query(con, sql, &result) != DuckDBSuccess) {
        fprintf(stderr, "ducklake_bare: %s\n", duckdb_result_error(&result));
        exit(1);
    }
    duckdb_destroy_result(&result);
}

int
main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: ducklake_bare EXTENSIONS CATALOG DATA CSV TABLE\n");
        return 2;
    }
    duckdb_config config;
    duckdb_database db;
    duckdb_connection con;
    char sql[8192];
    if (duckdb_create_config(&config) != DuckDBSuccess) return 1;
    duckdb_set_config(config, "extension_directory", argv[1]);
    duckdb_set_config(config, "autoinstall_known_extensions", "false");
    duckdb_set_config(config, "memory_limit", "1GiB");
    if (duckdb_open_ext(NULL, &db, config, NULL) != DuckDBSuccess || duckdb_connect(db, &con) != DuckDBSuccess)
        return 1;
    duckdb_destroy_config(&config);
    run(con, "LOAD ducklake");
    snprintf(sql, sizeof sql, "ATTACH 'ducklake:%s' AS lake (DATA_PATH '%s')", argv[2], argv[3]);
    run(con, sql);
    run(con, "BEGIN");
    snprintf(sql, sizeof sql, "CREATE TABLE lake.%s AS FROM read_csv('%s', nullstr=['', 'NA'])", argv[5], argv[4]);
    run(con, sql);
    run(con, "COMMIT");
    duckdb_result result;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM lake.%s", argv[5]);
    if (duckdb_query(con, sql, &result) != DuckDBSuccess) return 1;
    printf("%lld rows\n", (long long)duckdb_value_int64(&result, 0, 0));
    duckdb_destroy_result(&result);
    duckdb_disconnect(&con);
    duckdb_close(&db);
    return 0;
}
