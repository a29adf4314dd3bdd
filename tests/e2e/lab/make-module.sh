#!/bin/bash
# Builds the modules of a folder that holds their Makefile, and shows what make said only if that fails.
# make-module.sh HEADERS_DIR MODULE_DIR
set -euo pipefail
make -C "$1" "M=$2" modules > "$2/make.log" 2>&1 || { tail -20 "$2/make.log" >&2; echo "make-module: cannot build $(sed -n 's/^obj-m := //p' "$2/Makefile")" >&2; exit 1; }
