#!/bin/sh
# Puts the C library together: dist.sh BUILD_DIR DIST_DIR
#
# BUILD_DIR holds what cargo made of the crate types staticlib and cdylib. The static library becomes
# one object in which only netcode_* is global, so that it cannot collide with another Rust library
# in the same program. Where the tools for that are missing, the plain archive is shipped.
set -eu

build=$1
dist=$2
mkdir -p "$dist/include" "$dist/lib"
cp include/netcode.h "$dist/include/"

case $(uname -s) in
Darwin)
    cp "$build/libnetcode.a" "$build/libnetcode.dylib" "$dist/lib/"
    exit 0
    ;;
MINGW* | MSYS* | CYGWIN*)
    cp "$build"/libnetcode.a "$build"/netcode.dll "$build"/libnetcode.dll.a "$dist/lib/"
    exit 0
    ;;
esac

cp "$build/libnetcode.so" "$dist/lib/"
ln -sf libnetcode.so "$dist/lib/libnetcode.so.1"

if ! command -v objcopy >/dev/null || ! command -v ld >/dev/null; then
    echo "dist.sh: no ld and objcopy (Debian: binutils); the static library keeps its inner symbols" >&2
    cp "$build/libnetcode.a" "$dist/lib/"
    exit 0
fi

object="$build/netcode-one.o"
roots=$(nm -g --defined-only "$build/libnetcode.a" 2>/dev/null | awk '$3 ~ /^netcode_/ { print "-u", $3 }' | sort -u)
# shellcheck disable=SC2086 # one word for each flag
ld -r --gc-sections $roots -o "$object" "$build/libnetcode.a"
# The standard library carries LLVM bitcode, over which archivers of another LLVM stumble.
objcopy --wildcard --keep-global-symbol='netcode_*' -R .llvmbc -R .llvmcmd "$object"
rm -f "$dist/lib/libnetcode.a"
ar crs "$dist/lib/libnetcode.a" "$object"
rm -f "$object"
