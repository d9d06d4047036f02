#!/bin/sh
# Who may include whom, no #ifdef on the target in shared code, and no LLVM in
# the command.
#
#   usage: layering.sh TOP [KILN]
set -eu

top=$1 kiln=${2-}
bad=0
cd "$top"

complain()
{
	if [ -n "$2" ]; then
		echo "$1:"
		echo "$2"
		bad=1
	fi
}

# includes DIR ALLOWED: lines of DIR that include something else of ours
includes()
{
	grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' \
		--include='*.[ch]' "$1" | grep -vE "\"($2)" || true
}

complain 'ir/ may include ir/ and include/ only' \
	"$(includes ir 'ir/|kiln/')"
complain 'runtime/ may include runtime/, include/ and backend-*/enc.h only' \
	"$(includes runtime 'runtime/|kiln/|backend-[a-z0-9]+/enc\.h"')"
complain 'include/ may include include/ only' "$(includes include 'kiln/')"
for room in frontend linker; do
	complain "$room/ may not include runtime/" \
		"$(grep -rn '"runtime/' --include='*.[ch]' $room || true)"
done
for backend in backend-x86 backend-arm64; do
	[ -d $backend ] || continue
	complain "$backend/ may include itself, ir/ and include/ only" \
		"$(includes $backend "$backend/|ir/|kiln/")"
done

# linker/driver.c: --target defaults to the host, which only #if knows
complain 'the target is asked for in shared code' "$(
	grep -rnE '__(x86_64|amd64|aarch64|ARM_ARCH[A-Z_]*)(__)?\b' \
		--include='*.[ch]' ir frontend linker runtime |
		grep -vE '^([^:]*_(x86|arm64)\.[ch]|linker/driver\.c):' || true)"
complain 'inline assembly outside *_x86.c and *_arm64.c' "$(
	grep -rnE '(^|[^[:alnum:]_])(__)?asm(__)?[[:space:]]*(volatile|__volatile__)?[[:space:]]*\(' \
		--include='*.[ch]' ir frontend linker runtime include |
		grep -vE '^[^:]*_(x86|arm64)\.c:' || true)"

if [ -n "$kiln" ] && [ -x "$kiln" ]; then
	complain "$kiln is linked with LLVM" \
		"$(ldd "$kiln" | grep -iE 'llvm|clang' || true)"
else
	echo 'the link of the command is not checked: it is not built'
fi
exit $bad
