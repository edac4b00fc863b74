# Finds libduckdb of exactly the release the plugin is written for, and its extensions; makes the target
# LevadaDuckdb and lays both out at lib/levada/duckdb, in the build tree as links.
set(LEVADA_DUCKDB_RELEASE 1.5.5)
set(_cache "$ENV{LEVADA_CACHE}")
if(NOT _cache AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(_cache "$ENV{XDG_CACHE_HOME}/levada")
elseif(NOT _cache)
    set(_cache "$ENV{HOME}/.cache/levada")
endif()
set(LEVADA_DUCKDB_ROOT "${_cache}/duckdb-${LEVADA_DUCKDB_RELEASE}" CACHE PATH "DuckDB as tools/setup lays it out: lib, include, ext")

# A system library is preferred when it is the right release.
find_library(LEVADA_DUCKDB_SYSTEM_LIB duckdb)
find_path(LEVADA_DUCKDB_SYSTEM_INCLUDE duckdb.h)
mark_as_advanced(LEVADA_DUCKDB_SYSTEM_LIB LEVADA_DUCKDB_SYSTEM_INCLUDE)
set(_library "${LEVADA_DUCKDB_ROOT}/lib/libduckdb.so")
set(_include "${LEVADA_DUCKDB_ROOT}/include")
if(LEVADA_DUCKDB_SYSTEM_LIB AND LEVADA_DUCKDB_SYSTEM_INCLUDE)
    include(CheckCSourceRuns)
    set(CMAKE_REQUIRED_LIBRARIES ${LEVADA_DUCKDB_SYSTEM_LIB})
    set(CMAKE_REQUIRED_INCLUDES ${LEVADA_DUCKDB_SYSTEM_INCLUDE})
    check_c_source_runs("#include <duckdb.h>
        #include <string.h>
        int main(void) { return strcmp(duckdb_library_version(), \"v${LEVADA_DUCKDB_RELEASE}\") != 0; }" LEVADA_DUCKDB_SYSTEM_FITS)
    unset(CMAKE_REQUIRED_LIBRARIES)
    unset(CMAKE_REQUIRED_INCLUDES)
    if(LEVADA_DUCKDB_SYSTEM_FITS)
        set(_library "${LEVADA_DUCKDB_SYSTEM_LIB}")
        set(_include "${LEVADA_DUCKDB_SYSTEM_INCLUDE}")
    endif()
endif()
if(NOT EXISTS "${_library}" OR NOT EXISTS "${_include}/duckdb.h")
    message(FATAL_ERROR "DuckDB ${LEVADA_DUCKDB_RELEASE} is not at ${LEVADA_DUCKDB_ROOT}: run tools/setup first")
endif()

add_library(LevadaDuckdb SHARED IMPORTED GLOBAL)
set_target_properties(LevadaDuckdb PROPERTIES IMPORTED_LOCATION "${_library}" INTERFACE_INCLUDE_DIRECTORIES "${_include}")

set(_folder "${CMAKE_BINARY_DIR}/lib/levada/duckdb")
file(MAKE_DIRECTORY "${_folder}")
file(CREATE_LINK "${_library}" "${_folder}/libduckdb.so" SYMBOLIC)
install(FILES "${_library}" DESTINATION lib/levada/duckdb RENAME libduckdb.so PERMISSIONS OWNER_READ OWNER_WRITE
    OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
if(EXISTS "${LEVADA_DUCKDB_ROOT}/ext")
    file(CREATE_LINK "${LEVADA_DUCKDB_ROOT}/ext" "${_folder}/ext" SYMBOLIC)
    install(DIRECTORY "${LEVADA_DUCKDB_ROOT}/ext/" DESTINATION lib/levada/duckdb/ext)
endif()
