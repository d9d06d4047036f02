/* What an object may leave to others: kconfig variables, symbols, functions
 * (t_elf_externs.c). For clang: gcc has no BTF for what is only declared. */
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym	  __attribute__((section(".ksyms")))
#define __weak	  __attribute__((weak))

enum tristate { TRI_NO, TRI_YES, TRI_MODULE };

extern u32 CONFIG_HZ __kconfig;
extern _Bool CONFIG_SMP __kconfig;
extern enum tristate CONFIG_TUN __kconfig;
extern char CONFIG_HOST[8] __kconfig;
extern u64 CONFIG_ABSENT __kconfig __weak;

extern const int strong_symbol __ksym;
extern const int weak_symbol __ksym __weak;
extern int function(int a) __ksym;

SEC("xdp") int first(void *ctx)
{
	return CONFIG_HZ + CONFIG_SMP + CONFIG_TUN + CONFIG_HOST[1] +
	       CONFIG_ABSENT;
}

SEC("xdp") int second(void *ctx)
{
	u64 v = (u64)&strong_symbol;

	if (&weak_symbol)
		v += 1;
	return function(v);
}
