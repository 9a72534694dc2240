#!/bin/sh
# Puts the C library together: dist.sh BUILD_DIR DIST_DIR [static] [shared]
#
# BUILD_DIR holds what cargo made of the crate types staticlib and cdylib, or of the one that is named.
# The static library becomes one object in which only netcode_* is global, so that it cannot collide
# with another Rust library in the same program. Where the tools for that are missing, the plain archive
# is shipped. For another machine, AR, LD, NM and OBJCOPY name the tools that know it.
set -eu

build=$1
dist=$2
shift 2
kinds=${*:-static shared}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
soname=libnetcode.so.${version%%.*}
mkdir -p "$dist/include" "$dist/lib"
for header in include/*.h*; do
    cp "$header" "$dist/include/"
done

has() { case " $kinds " in *" $1 "*) true ;; *) false ;; esac; }

case $(uname -s) in
Darwin)
    if has static; then cp "$build/libnetcode.a" "$dist/lib/"; fi
    if has shared; then cp "$build/libnetcode.dylib" "$dist/lib/"; fi
    exit 0
    ;;
MINGW* | MSYS* | CYGWIN*)
    if has static; then cp "$build/libnetcode.a" "$dist/lib/"; fi
    if has shared; then cp "$build/netcode.dll" "$build/libnetcode.dll.a" "$dist/lib/"; fi
    exit 0
    ;;
esac

if has shared; then
    # Removed first: programs that run may have the old one mapped.
    rm -f "$dist/lib/libnetcode.so.$version"
    cp "$build/libnetcode.so" "$dist/lib/libnetcode.so.$version"
    ln -sf "libnetcode.so.$version" "$dist/lib/$soname"
    ln -sf "$soname" "$dist/lib/libnetcode.so"
fi

has static || exit 0

ar=${AR:-ar}
ld=${LD:-ld}
nm=${NM:-nm}
objcopy=${OBJCOPY:-objcopy}

if ! command -v "$objcopy" >/dev/null || ! command -v "$ld" >/dev/null; then
    echo "dist.sh: no ld and objcopy (Debian: binutils); the static library keeps its inner symbols" >&2
    cp "$build/libnetcode.a" "$dist/lib/"
    exit 0
fi

object="$dist/netcode-one.o"
roots=$("$nm" -g --defined-only "$build/libnetcode.a" 2>/dev/null | awk '$3 ~ /^netcode_/ { print "-u", $3 }' | sort -u)
# A group that linkers keep once for the whole program must not be left: every Rust library has those of the standard
# library, and the one that is dropped in favour of another may be the one to which only inner symbols of this object lead.
groups=
if "$ld" --help | grep -q -e --force-group-allocation; then groups=--force-group-allocation; fi
# shellcheck disable=SC2086 # one word for each flag
"$ld" -r --gc-sections $groups $roots -o "$object" "$build/libnetcode.a"
# The standard library carries LLVM bitcode, over which archivers of another LLVM stumble.
"$objcopy" --wildcard --keep-global-symbol='netcode_*' -R .llvmbc -R .llvmcmd "$object"
rm -f "$dist/lib/libnetcode.a"
"$ar" crs "$dist/lib/libnetcode.a" "$object"
rm -f "$object"
