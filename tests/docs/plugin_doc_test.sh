#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: plugin_doc_test.sh CMAKE CC, with $LEVADA_SOURCE and $LEVADA_BUILD set. docs/plugin.md is followed to the
# letter in an empty folder against an installed Levada: its files are cut out, its commands are typed, its lists are
# complete.
set -u
cmake=$1 cc=$2
doc=$LEVADA_SOURCE/docs/plugin.md header=$LEVADA_SOURCE/include/levada/plugin.h
umask 022
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

# Each block whose first line names a file becomes that file; the sh block becomes `commands`.
cut_out() {
    awk -v folder="$work/desk" '
        /^```/ { if (inside) { inside = 0; close(file) } else { inside = 1; kind = substr($0, 4); file = "" } next }
        inside && file == "" {
            if (kind == "sh") file = folder "/commands"
            else if (match($0, /[a-z]+\.(c|yaml)/)) file = folder "/" substr($0, RSTART, RLENGTH)
            else file = "/dev/null"
        }
        inside { print > file }' "$doc" &&
        ls "$work/desk/ledger.c" "$work/desk/batch.c" "$work/desk/book.yaml" "$work/desk/commands"
}

at_the_desk() (
    cd "$work/desk" && env -i HOME="$work/home" PATH="$work/desk/bin:$work/prefix/bin:/usr/bin:/bin" \
        PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig" "$@"
)

installed() { "$cmake" --install "$LEVADA_BUILD" --prefix "$work/prefix"; }
commands_work() { at_the_desk sh -eu ./commands; }
strictly() {
    for name in ledger batch; do
        # shellcheck disable=SC2086
        "$cc" -std=gnu11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fPIC -shared "-I$work/prefix/include" \
            -o "$work/desk/plugins/$name.so" "$work/desk/$name.c" || return 1
    done
}
book_is_right() {
    cat "$work/desk/book.txt"
    [ "$(wc -l <"$work/desk/book.txt")" = 2 ] && grep -q ' 3 tea$' "$work/desk/book.txt" &&
        grep -q ' 1 cake$' "$work/desk/book.txt"
}
output_is_right() { at_the_desk levada run --json book.yaml >"$work/events" && grep -q '"total":8' "$work/events"; }
batch_copies() {
    head -c 300000 /dev/urandom >"$work/desk/large"
    printf 'levada: 1\nsteps:\n  - id: copy\n    uses: batch.copy\n    with: {from: large, to: copy, block: 64KiB}\n' \
        >"$work/desk/copy.yaml"
    at_the_desk levada run copy.yaml && cmp "$work/desk/large" "$work/desk/copy"
}
wrong_use_is_explained() {
    printf 'levada: 1\nsteps:\n  - id: a\n    uses: ledger.add\n    with: {file: x, txt: y, amount: 0}\n' \
        >"$work/desk/wrong.yaml"
    at_the_desk levada check wrong.yaml >"$work/said" 2>&1
    [ $? = 3 ] || { cat "$work/said"; return 1; }
    cat "$work/said"
    grep -q 'ledger.add has no input "txt"' "$work/said" && grep -q 'ledger.add needs the input "text"' "$work/said" &&
        grep -q 'input "amount" must be at least 1' "$work/said"
}

# Words of an X-macro of the header: `X(ID, number, "word"` gives ID and word, one list after its name.
words() {
    sed -n "/define $1(X)/,/^\$/p" "$header" | grep -o 'X([A-Z]*, [0-9]*, "[a-z]*"' |
        sed 's/X(\([A-Z]*\), [0-9]*, "\([a-z]*\)"/\1 \2/'
}
lists_are_complete() {
    for list in LEVADA_CLASSES LEVADA_EFFECTS; do
        words $list >"$work/words"
        [ "$(wc -l <"$work/words")" -ge 8 ] || { echo "cannot read $list"; return 1; }
        while read -r id word; do
            grep -q "^| \`$id\` ($word) |" "$doc" || { echo "no row for $id ($word)"; return 1; }
        done <"$work/words"
    done
    words LEVADA_TYPES >"$work/words"
    [ "$(wc -l <"$work/words")" = 16 ] || { echo "cannot read LEVADA_TYPES"; return 1; }
    while read -r id word; do
        grep -q "^| \`levada_[a-z]*\` | $word |" "$doc" || { echo "no row for $word"; return 1; }
    done <"$work/words"
    for call in $(sed -n '/^struct levada_host {/,/^};/p' "$header" | grep -o '(\*[a-z_]*)' | tr -d '(*)'); do
        grep -q "^| .*\`$call\`.* |" "$doc" || { echo "no row for $call"; return 1; }
    done
}

mkdir "$work/home" "$work/desk" "$work/desk/bin"
ln -s "$(command -v "$cc")" "$work/desk/bin/cc"
check "the files of the guide can be cut out" cut_out
check "Levada is installed" installed
check "the guide's commands work as they stand" commands_work
check "the book has one line for each step" book_is_right
check "the guide's plugins compile without a warning" strictly
check "a second run adds to the book and the outputs are right" output_is_right
check "the long action copies its file" batch_copies
check "what a workflow does wrong is said in the plugin's words" wrong_use_is_explained
check "every type, class and call of the header is in the guide's tables" lists_are_complete
echo "1..$count"
[ $failures -eq 0 ]
