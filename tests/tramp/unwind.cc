#include "unwind.h"

struct thing {
	int n;
};

void thrower(void)
{
	throw thing{7};
}

int catches(int how)
{
	try {
		caller(how);
	} catch (const thing &t) {
		return t.n == 7;
	}
	return 0;
}
