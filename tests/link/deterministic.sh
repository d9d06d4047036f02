# The same input gives the same bytes: again, from another folder, under
# another name, under another locale, time and address-space layout.
. "$KILN_TOP/tests/link/common.sh"
two
mkdir -p other/folder
cp two.bpf.o other/folder/renamed.o
compile -o again.o two.bpf.o
(
	export TZ=Asia/Tokyo LC_ALL=C.UTF-8
	cd other && compile -o ../moved.o folder/renamed.o
)
(cd / && compile -o "$work/absolute.o" "$work/two.bpf.o")
for o in again moved absolute; do
	cmp two.kiln.o $o.o || fail "$o.o differs"
done
# and options that change nothing change nothing
compile -O2 --env=freestanding --max-cpus=64 -o same.o two.bpf.o
cmp two.kiln.o same.o
compile --max-cpus=2 -o different.o two.bpf.o
if cmp -s two.kiln.o different.o; then
	fail "--max-cpus changes nothing"
fi
