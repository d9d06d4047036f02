/* The target's types bear flavours of their own. */
enum kind___new { KIND_A___new = 1, KIND_B___new = 9 } kind;
struct s___new {
	unsigned long first;
	unsigned a;
	unsigned b;
	unsigned short arr[4];
	struct {
		int x;
		int y;
	} in;
	union {
		unsigned u;
		unsigned short v;
	};
	unsigned bits : 5;
	int sbits : 7;
	void *ptr;
	int sgn;
} s;
typedef struct shape___new {
	unsigned a;
	unsigned long long b;
	struct s___new *p;
} shape_t;
shape_t shape;
