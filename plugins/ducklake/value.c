/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading vectors. DuckDB's own text conversion in C gives NULL for lists, maps, UUIDs and times with a
 * zone, so each physical type is read here.
 */
#include "value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16
__extension__ typedef __int128 wide; /* DuckDB's HUGEINT and wide decimals */
__extension__ typedef unsigned __int128 uwide;

#define EXACT_DIGITS 15 /* decimal digits a JSON reader's double keeps */

static json_t *
text_of_128(uwide value, bool negative)
{
    char digits[48], *at = digits + sizeof digits - 1;
    *at = '\0';
    do *--at = (char)('0' + (int)(value % 10)); while ((value /= 10) != 0);
    if (negative) *--at = '-';
    return json_string(at);
}

static json_t *
json_of_128(wide value)
{
    if (value >= INT64_MIN && value <= INT64_MAX) return json_integer((json_int_t)value);
    return text_of_128(value < 0 ? -(uwide)value : (uwide)value, value < 0);
}

static wide
hugeint(const duckdb_hugeint *value)
{
    return (wide)(((uwide)(uint64_t)value->upper << 64) | value->lower);
}

static json_t *
real(double value)
{
    if (isnan(value)) return json_string("NaN");
    if (isinf(value)) return json_string(value > 0 ? "Infinity" : "-Infinity");
    return json_real(value);
}

static json_t *
decimal(const void *data, duckdb_logical_type type, idx_t row)
{
    wide value;
    switch (duckdb_decimal_internal_type(type)) {
    case DUCKDB_TYPE_SMALLINT: value = ((const int16_t *)data)[row]; break;
    case DUCKDB_TYPE_INTEGER: value = ((const int32_t *)data)[row]; break;
    case DUCKDB_TYPE_BIGINT: value = ((const int64_t *)data)[row]; break;
    default: value = hugeint(&((const duckdb_hugeint *)data)[row]); break;
    }
    int scale = duckdb_decimal_scale(type);
    if (scale == 0) return json_of_128(value);
    json_t *digits = text_of_128(value < 0 ? -(uwide)value : (uwide)value, false);
    const char *text = json_string_value(digits);
    char exact[64];
    int size = (int)strlen(text), whole = size > scale ? size - scale : 0;
    char zeros[40] = "";
    for (int i = size; i < scale; i++) strncat(zeros, "0", sizeof zeros - strlen(zeros) - 1);
    snprintf(exact, sizeof exact, "%s%.*s%s.%s%s", value < 0 ? "-" : "", whole, text, whole == 0 ? "0" : "", zeros,
        text + whole);
    json_decref(digits);
    return size <= EXACT_DIGITS ? json_real(strtod(exact, NULL)) : json_string(exact);
}

static json_t *
date(duckdb_date value)
{
    char text[32];
    if (!duckdb_is_finite_date(value)) return json_string(value.days > 0 ? "infinity" : "-infinity");
    duckdb_date_struct parts = duckdb_from_date(value);
    snprintf(text, sizeof text, "%04d-%02d-%02d", parts.year, parts.month, parts.day);
    return json_string(text);
}

static int
print_fraction(char *text, size_t size, int32_t micros)
{
    if (micros == 0) return 0;
    int length = snprintf(text, size, ".%06d", micros);
    while (text[length - 1] == '0') text[--length] = '\0';
    return length;
}

static json_t *
timestamp(int64_t micros, const char *zone)
{
    duckdb_timestamp value = {micros};
    char text[64];
    if (!duckdb_is_finite_timestamp(value)) return json_string(micros > 0 ? "infinity" : "-infinity");
    duckdb_timestamp_struct parts = duckdb_from_timestamp(value);
    int size = snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", parts.date.year, parts.date.month,
        parts.date.day, parts.time.hour, parts.time.min, parts.time.sec);
    size += print_fraction(text + size, sizeof text - (size_t)size, parts.time.micros);
    snprintf(text + size, sizeof text - (size_t)size, "%s", zone);
    return json_string(text);
}

static json_t *
time_of_day(duckdb_time value)
{
    char text[32];
    duckdb_time_struct parts = duckdb_from_time(value);
    int size = snprintf(text, sizeof text, "%02d:%02d:%02d", parts.hour, parts.min, parts.sec);
    print_fraction(text + size, sizeof text - (size_t)size, parts.micros);
    return json_string(text);
}

static json_t *
interval(const duckdb_interval *value)
{
    char text[96];
    snprintf(text, sizeof text, "P%dM%dDT%" PRId64 ".%06" PRId64 "S", value->months, value->days,
        value->micros / 1000000, (int64_t)llabs(value->micros % 1000000));
    return json_string(text);
}

static json_t *
uuid(const duckdb_hugeint *value)
{
    /* DuckDB flips the first bit, so that texts and numbers sort alike. */
    uint64_t high = (uint64_t)value->upper ^ (UINT64_C(1) << 63), low = value->lower;
    char text[40];
    snprintf(text, sizeof text, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64, high >> 32,
        high >> 16 & 0xffff, high & 0xffff, low >> 48, low & UINT64_C(0xffffffffffff));
    return json_string(text);
}

static json_t *
text(const duckdb_string_t *value)
{
    duckdb_string_t copy = *value;
    return json_stringn(duckdb_string_t_data(&copy), duckdb_string_t_length(copy));
}

static json_t *
blob(const duckdb_string_t *value)
{
    duckdb_string_t copy = *value;
    size_t size = duckdb_string_t_length(copy);
    const unsigned char *data = (const unsigned char *)duckdb_string_t_data(&copy);
    char *hex = malloc(size * 2 + 1);
    if (hex == NULL) abort();
    hex[0] = '\0';
    for (size_t i = 0; i < size; i++) snprintf(hex + 2 * i, 3, "%02x", data[i]);
    json_t *ret = json_string(hex);
    free(hex);
    return ret;
}

static json_t *
enumeration(const void *data, duckdb_logical_type type, idx_t row)
{
    idx_t index;
    switch (duckdb_enum_internal_type(type)) {
    case DUCKDB_TYPE_UTINYINT: index = ((const uint8_t *)data)[row]; break;
    case DUCKDB_TYPE_USMALLINT: index = ((const uint16_t *)data)[row]; break;
    default: index = ((const uint32_t *)data)[row]; break;
    }
    char *name = duckdb_enum_dictionary_value(type, index);
    json_t *ret = json_string(name);
    duckdb_free(name);
    return ret;
}

static json_t *
list(duckdb_vector child, duckdb_logical_type type, idx_t offset, idx_t size, int depth)
{
    json_t *ret = json_array();
    for (idx_t i = 0; ret != NULL && i < size; i++) {
        json_t *item = value_json(child, type, offset + i, depth + 1);
        if (item == NULL || json_array_append_new(ret, item) != 0) {
            json_decref(ret);
            ret = NULL;
        }
    }
    duckdb_destroy_logical_type(&type);
    return ret;
}

static json_t *
structure(duckdb_vector vector, duckdb_logical_type type, idx_t row, int depth)
{
    json_t *ret = json_object();
    idx_t count = duckdb_struct_type_child_count(type);
    for (idx_t i = 0; ret != NULL && i < count; i++) {
        char *name = duckdb_struct_type_child_name(type, i);
        duckdb_logical_type child = duckdb_struct_type_child_type(type, i);
        json_t *item = value_json(duckdb_struct_vector_get_child(vector, i), child, row, depth + 1);
        duckdb_destroy_logical_type(&child);
        if (item == NULL || json_object_set_new(ret, name, item) != 0) {
            json_decref(ret);
            ret = NULL;
        }
        duckdb_free(name);
    }
    return ret;
}

/* A map is a list of {key, value}: keys need not be texts. */
static json_t *
nested(duckdb_vector vector, duckdb_logical_type type, idx_t row, int depth)
{
    const duckdb_list_entry *entries = duckdb_vector_get_data(vector);
    switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_LIST:
        return list(duckdb_list_vector_get_child(vector), duckdb_list_type_child_type(type), entries[row].offset,
            entries[row].length, depth);
    case DUCKDB_TYPE_MAP: {
        duckdb_vector child = duckdb_list_vector_get_child(vector);
        return list(child, duckdb_vector_get_column_type(child), entries[row].offset, entries[row].length, depth);
    }
    case DUCKDB_TYPE_ARRAY: {
        idx_t size = duckdb_array_type_array_size(type);
        return list(duckdb_array_vector_get_child(vector), duckdb_array_type_child_type(type), row * size, size, depth);
    }
    case DUCKDB_TYPE_STRUCT: return structure(vector, type, row, depth);
    default: return NULL;
    }
}

json_t *
value_json(duckdb_vector vector, duckdb_logical_type type, idx_t row, int depth)
{
    uint64_t *validity = duckdb_vector_get_validity(vector);
    const void *data = duckdb_vector_get_data(vector);
    if (depth > DEPTH_MAX) return NULL;
    if (validity != NULL && !duckdb_validity_row_is_valid(validity, row)) return json_null();
#define AT(T) (((const T *)data)[row])
    switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_SQLNULL: return json_null();
    case DUCKDB_TYPE_BOOLEAN: return json_boolean(AT(bool));
    case DUCKDB_TYPE_TINYINT: return json_integer(AT(int8_t));
    case DUCKDB_TYPE_SMALLINT: return json_integer(AT(int16_t));
    case DUCKDB_TYPE_INTEGER: return json_integer(AT(int32_t));
    case DUCKDB_TYPE_BIGINT: return json_integer(AT(int64_t));
    case DUCKDB_TYPE_UTINYINT: return json_integer(AT(uint8_t));
    case DUCKDB_TYPE_USMALLINT: return json_integer(AT(uint16_t));
    case DUCKDB_TYPE_UINTEGER: return json_integer(AT(uint32_t));
    case DUCKDB_TYPE_UBIGINT: return json_of_128((wide)AT(uint64_t));
    case DUCKDB_TYPE_HUGEINT: return json_of_128(hugeint(&AT(duckdb_hugeint)));
    case DUCKDB_TYPE_UHUGEINT:
        return text_of_128((uwide)AT(duckdb_uhugeint).upper << 64 | AT(duckdb_uhugeint).lower, false);
    case DUCKDB_TYPE_FLOAT: return real((double)AT(float));
    case DUCKDB_TYPE_DOUBLE: return real(AT(double));
    case DUCKDB_TYPE_DECIMAL: return decimal(data, type, row);
    case DUCKDB_TYPE_VARCHAR: return text(&AT(duckdb_string_t));
    case DUCKDB_TYPE_BLOB: return blob(&AT(duckdb_string_t));
    case DUCKDB_TYPE_DATE: return date(AT(duckdb_date));
    case DUCKDB_TYPE_TIME: return time_of_day(AT(duckdb_time));
    case DUCKDB_TYPE_TIMESTAMP: return timestamp(AT(int64_t), "");
    case DUCKDB_TYPE_TIMESTAMP_TZ: return timestamp(AT(int64_t), "Z");
    case DUCKDB_TYPE_TIMESTAMP_S: return timestamp(AT(int64_t) * 1000000, "");
    case DUCKDB_TYPE_TIMESTAMP_MS: return timestamp(AT(int64_t) * 1000, "");
    case DUCKDB_TYPE_TIMESTAMP_NS: return timestamp(AT(int64_t) / 1000, "");
    case DUCKDB_TYPE_INTERVAL: return interval(&AT(duckdb_interval));
    case DUCKDB_TYPE_UUID: return uuid(&AT(duckdb_hugeint));
    case DUCKDB_TYPE_ENUM: return enumeration(data, type, row);
    default: return nested(vector, type, row, depth);
    }
#undef AT
}
