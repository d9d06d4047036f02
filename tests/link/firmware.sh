# A linker script of one's own, with kiln.ld: bounds are defined, rows live and
# die with their code, and the freestanding core is all that is needed.
. "$KILN_TOP/tests/link/common.sh"
need "${tools}ld.bfd" ld.lld nm
need_plain
two
cp "$KILN_TOP/cmake/kiln.ld" .
cat >firmware.ld <<'END'
ENTRY(start)
SECTIONS
{
	. = 0x100000;
	.text : { *(.text .text.*) }
	.rodata : { *(.rodata .rodata.*) }
	INCLUDE kiln.ld
	.eh_frame : { *(.eh_frame) }
	. = ALIGN(0x1000);
	.data : { *(.data.rel.ro .data.rel.ro.*) *(.data .data.*) }
	.bss : { *(.bss .bss.*) *(COMMON) }
	/DISCARD/ : { *(.note.gnu.property) *(.comment) }
}
END
cat >start.c <<'END'
#include <kiln/port.h>
#include <kiln/runtime.h>

uint64_t p2(void *ctx);
unsigned long tables[2];
void start(void);
void start(void)
{
	tables[0] = (unsigned long)(__stop_kiln_progs - __start_kiln_progs);
	tables[1] = (unsigned long)(__stop_kiln_maps - __start_kiln_maps);
	p2(0);
}

uint64_t kiln_port_time_ns(void) { return 1; }
uint32_t kiln_port_random(void) { return 4; }
uint32_t kiln_port_cpu(void) { return 0; }
int kiln_port_lock(uint32_t *word) { *word = 1; return 0; }
void kiln_port_unlock(uint32_t *word) { *word = 0; }
void kiln_port_relax(void) {}
void kiln_port_core_sync(void) {}
void kiln_port_log(const char *text, size_t n) { (void)text, (void)n; }
void *kiln_port_pages(size_t size) { return size ? NULL : NULL; }
uint64_t kiln_port_pid_tgid(void) { return 0; }
#define MEM(name, ...) void *name(__VA_ARGS__)
void *memset(void *p, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)p)[i] = (char)c;
	return p;
}
void *memcpy(void *p, const void *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)p)[i] = ((const char *)q)[i];
	return p;
}
void *memmove(void *p, const void *q, size_t n) { return memcpy(p, q, n); }
int memcmp(const void *p, const void *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const volatile char *)p)[i] != ((const char *)q)[i])
			return 1;
	return 0;
}
END
$CC -O1 -ffreestanding -fno-pic -fno-stack-protector "$include" -c start.c
for ld in bfd lld; do
	gc=
	[ $ld = lld ] || gc=start-stop-gc
	ld_by $ld -static --gc-sections ${gc:+-z} ${gc:+$gc} -T firmware.ld -o fw \
		start.o two.kiln.o "$KILN_LIBS/libkiln-core.a" 2>err || {
		cat err
		fail "$ld: link"
	}
	nm fw >symbols
	has symbols ' __start_kiln_progs$'
	has symbols ' p2$'
	lacks symbols ' p1$'
	readelf -SW fw >sections
	# one row each
	has sections 'kiln_progs +PROGBITS +[0-9a-f]+ [0-9a-f]+ 000028 '
	has sections 'kiln_maps +PROGBITS +[0-9a-f]+ [0-9a-f]+ 000028 '
done
