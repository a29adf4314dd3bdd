# Removes what the program left behind. Made of the package's contents: root leftovers
# shellcheck shell=sh disable=SC2154
for path in $leftovers; do rm -rf -- "$root$path"; done
