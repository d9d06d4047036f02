#include "model.h"

static const unsigned *slots;
static struct model_trace *trace;
static unsigned count;

static unsigned run(unsigned prog);

static unsigned log_id(uint8_t id)
{
	trace->id[trace->n % MODEL_TRACE] = id;
	return ++trace->n;
}

#define LOG(id) log_id(id)
#define TAIL(ctx, index)                                           \
	do {                                                       \
		unsigned k_ = (unsigned)(index);                   \
		if (k_ < MODEL_SLOTS && slots[k_] && count < 33) { \
			count++;                                   \
			return run(slots[k_] - 1);                 \
		}                                                  \
		(void)(ctx);                                       \
	} while (0)
#define TAIL_EITHER(ctx, first, index)              \
	do {                                        \
		unsigned i_ = (unsigned)(index);    \
		if (first) {                        \
			TAIL(ctx, i_);              \
		} else if (i_ == 1 && count < 33) { \
			count++;                    \
			return leaf(0);             \
		}                                   \
	} while (0)
#define UNUSED	   __attribute__((unused))
#define PROG(name) static unsigned name(UNUSED void *ctx)
#define SUB(name)  static unsigned name(void *ctx)
#include "programs.bpf.h"

#define NAME(p) #p,
const char *const model_name[MODEL_PROGS] = {PROGRAMS(NAME)};

static unsigned run(unsigned prog)
{
#define ENTRY(p) p,
	static unsigned (*const entry[MODEL_PROGS])(void *) = {PROGRAMS(ENTRY)};

	return entry[prog](0);
}

int model_run(unsigned prog, const unsigned *slot, struct model_trace *t)
{
	slots = slot;
	trace = t;
	count = 0;
	return (int)run(prog);
}
