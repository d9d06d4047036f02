/*
 * Native code by kiln as a leg: compiled in this process, for this host or for
 * arm64, and run. A program with a packet is a classifier: of its r0 the low
 * half counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiln/compile.h"
#include "native.h"
#include "object.h"

struct variant {
	const char *target; /* NULL: this host */
	int opt;	    /* as kiln_compile_opts.opt */
	enum leg_status (*run)(
		struct leg_run *run, const void *bytes, size_t size);
};

static void take_line(void *ctx, enum kiln_level level, const char *line)
{
	struct leg_run *run = ctx;

	if (level == KILN_ERROR && !run->text[0])
		snprintf(run->text, sizeof(run->text), "%s", line);
}

static int compile(
	struct leg_run *run, const struct variant *v, void **out, size_t *size)
{
	struct kiln_input in = {"program", run->bytes, 8 * (size_t)run->slots};
	const struct kiln_compile_opts opts = {
		.sz = sizeof(opts),
		.target = v->target,
		.opt = v->opt,
		.raw = !run->skb,
		.log = take_line,
		.log_ctx = run,
	};

	u8 *object = NULL;
	int err;

	if (run->skb)
		in.bytes = object =
			object_make("tc", run->bytes, run->slots, &in.size);
	run->text[0] = 0;
	err = kiln_compile(&in, 1, &opts, out, size);
	free(object);
	return err;
}

static enum leg_status compile_and_run(
	struct leg_run *run, const struct variant *v)
{
	enum leg_status status;
	size_t size;
	void *out;
	int err;

	if (run->skb && v->run != native_run) {
		snprintf(run->text, sizeof(run->text),
			"packets stay in this process");
		return LEG_REFUSED;
	}
	err = compile(run, v, &out, &size);
	if (err) {
		if (!run->text[0])
			snprintf(run->text, sizeof(run->text), "compile: %s",
				strerror(-err));
		return LEG_REFUSED;
	}
	status = v->run(run, out, size);
	kiln_free(out);
	return status;
}

enum leg_status leg_kiln_O0(struct leg_run *run)
{
	static const struct variant v = {NULL, -1, native_run};

	return compile_and_run(run, &v);
}

enum leg_status leg_kiln_O1(struct leg_run *run)
{
	static const struct variant v = {NULL, 1, native_run};

	return compile_and_run(run, &v);
}

enum leg_status leg_kiln_O2(struct leg_run *run)
{
	static const struct variant v = {NULL, 2, native_run};

	return compile_and_run(run, &v);
}

#ifdef TESTS_ARM64_RUNNER
enum leg_status leg_arm64_O0(struct leg_run *run)
{
	static const struct variant v = {"aarch64", -1, remote_run};

	return compile_and_run(run, &v);
}

enum leg_status leg_arm64_O1(struct leg_run *run)
{
	static const struct variant v = {"aarch64", 1, remote_run};

	return compile_and_run(run, &v);
}

enum leg_status leg_arm64_O2(struct leg_run *run)
{
	static const struct variant v = {"aarch64", 2, remote_run};

	return compile_and_run(run, &v);
}
#endif
