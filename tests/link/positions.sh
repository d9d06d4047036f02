# Every kind of image, with both linkers: links without a warning, needs no
# text relocation, runs.
. "$KILN_TOP/tests/link/common.sh"
need "${tools}ld.bfd" ld.lld readelf
need_plain
two
cat >load.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
int main(void)
{
	void *h = dlopen("./libapp.so", RTLD_NOW);
	int (*run)(void) = h ? (int (*)(void))dlsym(h, "main") : NULL;

	if (!run || !dlsym(h, "p1")) {
		puts(dlerror());
		return 1;
	}
	return run();
}
END
$CC load.c -o load
# a program in a library is called like any function of it
cat >call.c <<'END'
long p1(void *ctx);
int main(void)
{
	static char ctx[256];

	return p1(ctx) != 3;
}
END

# image LINKER NAME COMPILE-FLAG LINK-FLAG
image()
{
	$CC -O1 "$include" -DKEEP=3 "$3" -c "$here/app.c" -o app.o
	$CC "-fuse-ld=$1" -Wl,--gc-sections,--fatal-warnings,-z,start-stop-gc \
		-Wl,-z,text "$4" -o "$2" app.o two.kiln.o \
		"$KILN_LIBS/libkiln.a" || fail "$1 $4: link"
	readelf -dW "$2" >dynamic 2>&1
	lacks dynamic TEXTREL
}

for ld in bfd lld; do
	for kind in -static -no-pie -pie -static-pie -shared; do
		pic=-fpie
		[ $kind != -no-pie ] && [ $kind != -static ] || pic=-fno-pie
		[ $kind != -shared ] || pic=-fPIC
		if [ $kind = -shared ]; then
			image $ld libapp.so $pic $kind
			$run ./load >out || { cat out; fail "$ld $kind: run"; }
			for pie in -pie -no-pie; do
				$CC -fuse-ld=$ld $pie -o call call.c ./libapp.so
				$run ./call || fail "$ld: call into a library, $pie"
			done
		else
			image $ld app $pic $kind
			$run ./app >out || { cat out; fail "$ld $kind: run"; }
		fi
		[ "$(cat out)" = "p1 p2 counts times " ] ||
			{ cat out; fail "$ld $kind: other rows"; }
	done
done
