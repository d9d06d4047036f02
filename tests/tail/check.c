/* A subject against the model. */
#include <stdio.h>
#include <string.h>

#include "model.h"

static uint32_t state = 1;

static unsigned random_below(unsigned n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 16) % n;
}

/* Empty slots are as likely as all programs together. */
static int fill(const struct subject *s, unsigned *slot)
{
	for (unsigned k = 0; k < MODEL_SLOTS; k++) {
		unsigned p = random_below(2 * MODEL_PROGS);

		slot[k] = p < MODEL_PROGS ? 1 + p : 0;
		int err = s->set(k, (int)slot[k] - 1);
		if (err) {
			printf("slot %u cannot be set: %d\n", k, err);
			return err;
		}
	}
	return 0;
}

static int differs(unsigned prog, const unsigned *slot, int want, int got,
	const struct model_trace *m, const struct model_trace *t)
{
	printf("%s with", model_name[prog]);
	for (unsigned k = 0; k < MODEL_SLOTS; k++)
		printf(" %s", slot[k] ? model_name[slot[k] - 1] : "-");
	printf(": result %d, wanted %d; trace of %u, wanted %u:", got, want,
		t->n, m->n);
	for (unsigned k = 0; k < MODEL_TRACE && k < t->n; k++)
		printf(" %u%s", t->id[k], t->id[k] == m->id[k] ? "" : "!");
	printf("\n");
	return -1;
}

static int compare(const struct subject *s, unsigned prog, const unsigned *slot)
{
	struct model_trace m = {.n = random_below(16)}, t = m;
	int err = s->set_trace(&t);

	if (err)
		return err;
	int want = model_run(prog, slot, &m), got = s->run(prog);

	err = s->get_trace(&t);
	if (err)
		return err;
	if (want == got && !memcmp(&m, &t, sizeof(m)))
		return 0;
	return differs(prog, slot, want, got, &m, &t);
}

int check_subject(const struct subject *s, unsigned rounds)
{
	unsigned slot[MODEL_SLOTS];

	for (unsigned r = 0; r < rounds; r++) {
		if (fill(s, slot))
			return -1;
		for (unsigned p = 0; p < MODEL_PROGS; p++)
			if (compare(s, p, slot))
				return -1;
	}
	return 0;
}
