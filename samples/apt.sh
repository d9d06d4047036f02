# Sourced by quickstart.sh and tests/run.sh: installs what is missing.

# need PACKAGE...: Debian packages; says what it installs.
need()
{
	missing=
	for p in "$@"; do
		# a line for each architecture that has it
		dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null |
			grep -qx installed || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	echo "== installing with apt:$missing"
	$sudo apt-get update -qq
	# shellcheck disable=SC2086 # a list of words
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends $missing >/dev/null
}

# What kiln itself is built with and from.
build_packages="gcc libc6-dev make cmake pkg-config libelf-dev libbpf-dev
	libcapstone-dev libssl-dev zlib1g-dev"
# What makes BPF objects, and links: test inputs and samples.
bpf_packages="clang gcc-bpf binutils lld linux-libc-dev"
