#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: install_test.sh CMAKE CC, with $LEVADA_BUILD and $LEVADA_SOURCE set. Installs the build into a fresh folder,
# moves that folder, and uses what is in it with nothing in the environment but a home and a path.
set -u
cmake=$1 cc=$2
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
count=0 failures=0

check() { # sentence, command...
    sentence=$1
    shift
    count=$((count + 1))
    if "$@" >"$work/out" 2>&1; then
        echo "ok $count - $sentence"
    else
        echo "not ok $count - $sentence"
        sed 's/^/  | /' "$work/out"
        failures=$((failures + 1))
    fi
}

clean() { env -i HOME="$work/home" PATH=/usr/bin:/bin "$@"; }
levada() { clean "$work/moved/bin/levada" "$@"; }

installed() { "$cmake" --install "$LEVADA_BUILD" --prefix "$work/first" && mv "$work/first" "$work/moved"; }
laid_out() (
    cd "$work/moved" && ls bin/levada lib/levada/plugins/*.so lib/pkgconfig/levada.pc include/levada/plugin.h
)
says_version() { levada version | grep -q '^levada [0-9]'; }

every_plugin_is_found() {
    levada actions --json >"$work/actions" || return 1
    for plugin in "$work"/moved/lib/levada/plugins/*.so; do
        name=$(basename "$plugin" .so)
        grep -q "\"$name\.[a-z_]*\"" "$work/actions" || {
            echo "no action of $name in:"
            cat "$work/actions"
            return 1
        }
    done
}

a_workflow_runs() {
    printf 'levada: 1\nsteps:\n  - id: hello\n    run: echo "carried" > "$HOME/carried"\n' >"$work/hello.yaml"
    levada run "$work/hello.yaml" && grep -qx carried "$work/home/carried"
}

a_ready_hook_is_found() {
    printf 'levada: 1\nhooks: {after_step: "levada:slow"}\nsteps:\n  - id: hello\n    run: echo hello\n' \
        >"$work/hooked.yaml"
    levada run "$work/hooked.yaml"
}

nothing_points_back() {
    # Debug information may name the clone; what the loader reads may not.
    for file in "$work"/moved/bin/levada "$work"/moved/lib/levada/plugins/*.so; do
        if readelf -dW "$file" | grep -E 'RPATH|RUNPATH' | grep -F "$LEVADA_SOURCE"; then return 1; fi
    done
}

a_plugin_is_built_from_what_is_installed() {
    cat >"$work/tiny.c" <<'END'
#include <levada/plugin.h>
int tiny = LEVADA_ABI_MINOR;
END
    flags=$(PKG_CONFIG_PATH="$work/moved/lib/pkgconfig" pkg-config --cflags levada) || return 1
    # shellcheck disable=SC2086
    "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror $flags -shared -fPIC -o "$work/tiny.so" "$work/tiny.c"
}

mkdir "$work/home"
check "a build installs into any folder" installed
check "program, plugins, header and pkg-config file lie where the design says" laid_out
check "the moved program starts without environment variables" says_version
check "it finds every plugin beside it" every_plugin_is_found
check "it runs a workflow" a_workflow_runs
check "it finds the hooks that come with it" a_ready_hook_is_found
check "no library path points into the clone" nothing_points_back
check "the installed header and pkg-config file are enough to build a plugin" a_plugin_is_built_from_what_is_installed
echo "1..$count"
[ $failures -eq 0 ]
