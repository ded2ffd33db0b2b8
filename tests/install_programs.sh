#!/bin/sh
# Brings what tests need to a Debian host where we are root: the phone's shell and tools, strace, libfaketime, a second
# adb, qemu for programs of arm64, and a browser for the pages that reports are.
# Elsewhere it changes nothing: tests that need them skip and say why.
set -u
missing=
for tool in mksh toybox strace adb faketime; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
command -v qemu-aarch64-static >/dev/null 2>&1 || missing="$missing qemu-user-static"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "not installed:$missing (apt-get install$missing); tests that need them will skip" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null
# shellcheck disable=SC2086  # one word per package
apt-get install -y -qq --no-install-recommends $missing >/dev/null || echo "apt-get could not install:$missing" >&2
