#!/bin/sh
# Runs an arm64 program on another host.  usage: aarch64-run.sh PROGRAM ARG...
# Authenticating pointers in software is slow; its quick form does for tests.
exec qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu max,pauth-impdef=on "$@"
