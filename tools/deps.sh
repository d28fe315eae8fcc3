#!/bin/sh
# SPDX-License-Identifier: MIT
# The Debian packages cairn is built and tested with: `deps.sh check` names missing ones of the
# build, `deps.sh install` installs everything that is missing.
# shellcheck disable=SC2086
set -eu

build="gcc g++ make pkg-config clang llvm libelf-dev libdw-dev libbpf-dev libzstd-dev libiberty-dev
    libzydis-dev"
tests="libcmocka-dev python3-pytest babeltrace2 elfutils binutils mandoc clang-format-14
    qemu-system-x86 busybox-static redis-tools gdb bpftrace strace valgrind
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user linux-headers-cloud-amd64"

missing() {
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            printf '%s ' "$package"
    done
}

case "${1:-}" in
check)
    absent=$(missing $build)
    [ -z "$absent" ] && exit 0
    echo "cairn needs these Debian packages: $absent" >&2
    echo "\`make deps\` installs them (as root)." >&2
    exit 1
    ;;
install)
    absent=$(missing $build $tests)
    [ -z "$absent" ] && exit 0
    echo "installing: $absent"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends $absent
    ;;
*)
    echo "usage: deps.sh check|install" >&2
    exit 2
    ;;
esac
