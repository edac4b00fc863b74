#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: header_test.sh FOLDER, with $LEVADA, $LEVADA_SOURCE and $LEVADA_BUILD set. The public header with every
# compiler at hand, as C11, C17 and C++17, without a warning; and what it makes is loaded.
set -u
folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
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

# The first of these programs that exists.
first() {
    for program; do
        if command -v "$program" >/dev/null 2>&1; then
            echo "$program"
            return
        fi
    done
}

gcc=$(first gcc cc) gxx=$(first g++ c++)
clang=$(first clang-14 clang) clangxx=$(first clang++-14 clang++)
warnings='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Werror'

compile() { # compiler standard source output
    [ -n "$1" ] || { echo "no such compiler here"; return 1; }
    # shellcheck disable=SC2086
    "$1" "-std=$2" $warnings "-I$LEVADA_SOURCE/include" -shared -fPIC -o "$work/$4" "$folder/$3"
}

refuses() { ! compile "$@" && grep -q -e '_Generic' -e 'generic' "$work/out"; }
exports_one_symbol() { [ "$(nm -D --defined-only "$work/alone.so" | grep -c levada)" = 1 ]; }
describes() { "$LEVADA" describe "$work/$1.so" | grep -q "\"name\":\"$1\""; }
includes_only_the_standard() { ! grep '#include' "$LEVADA_SOURCE/include/levada/plugin.h" | grep -v '<std[a-z]*\.h>'; }

check "the header compiles as C11 with gcc" compile "$gcc" c11 alone.c alone.so
check "the header compiles as C17 with gcc" compile "$gcc" c17 alone.c alone17.so
check "the header compiles as C11 with clang" compile "$clang" c11 alone.c alone_clang.so
check "the header compiles as C++17 with gcc" compile "$gxx" c++17 plus.cpp plus.so
check "the header compiles as C++17 with clang" compile "$clangxx" c++17 plus.cpp plus_clang.so
check "a member of a foreign type does not compile" refuses "$gcc" c11 wrong_member.c wrong.so
check "the header includes nothing but the standard's own" includes_only_the_standard
check "a plugin exports its descriptor and nothing else" exports_one_symbol
check "a plugin with every macro is loaded" describes alone
check "a plugin in C++ is loaded" describes plus
echo "1..$count"
[ $failures -eq 0 ]
