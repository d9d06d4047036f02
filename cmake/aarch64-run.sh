#!/bin/sh
# Runs an arm64 program on another host.  usage: aarch64-run.sh PROGRAM ARG...
# Authenticating pointers in software is slow; its quick form does for tests.
#
# Where Debian's own arm64 libc is installed (multiarch), its loader must be the
# one that starts it: that of the cross compiler's libc would find the other's
# libc.so.6 in ld.so.cache, and hang in it.
root=/usr/aarch64-linux-gnu
[ ! -e /lib/ld-linux-aarch64.so.1 ] || root=/
exec qemu-aarch64 -L $root -cpu max,pauth-impdef=on "$@"
