/* Programs as values of prog_arrays, without objects: the rows of kiln_progs
 * that are linked into this image. */
#include "kiln/runtime.h"
#include "runtime/map_prog_array.h"

static const void *self(const i32 *field)
{
	return (const u8 *)field + *field;
}

/* The text of an image does not change. */
void rt_slot_close(struct kiln_map *m, u32 key)
{
	(void)m, (void)key;
}

void rt_slot_open(struct kiln_map *m, u32 key, u64 body)
{
	(void)m, (void)key, (void)body;
}

int rt_prog_of_value(const void *value, struct rt_prog *p)
{
	const struct kiln_prog_row *r;

	__builtin_memcpy(&r, value, sizeof(r));
	if (!r || r->flags & KILN_PROG_RAW)
		return -RT_EINVAL;
	*p = (struct rt_prog){
		self(&r->name), (uintptr_t)self(&r->body), self(&r->context)};
	return 0;
}

static const struct kiln_prog_row *find(u64 body)
{
	for (const struct kiln_prog_row *r = __start_kiln_progs;
		r != __stop_kiln_progs; r++)
		if ((uintptr_t)self(&r->body) == body)
			return r;
	return NULL;
}

const char *rt_prog_context(u64 body)
{
	const struct kiln_prog_row *r = find(body);

	return r ? self(&r->context) : NULL;
}

int rt_prog_to_value(u64 body, void *value)
{
	const struct kiln_prog_row *r = find(body);

	if (!r)
		return -RT_ENOENT;
	__builtin_memcpy(value, &r, sizeof(r));
	return 0;
}
