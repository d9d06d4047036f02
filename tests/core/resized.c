/* Wider and narrower fields. */
enum kind { KIND_A = 1, KIND_B = -7 } kind;
struct s {
	unsigned long long a;
	unsigned char b;
	unsigned arr[5];
	struct {
		short x;
		signed char y;
	} in;
	union {
		unsigned long u;
		unsigned char v;
	};
	unsigned long bits : 37;
	int sbits : 3;
	void *ptr;
	long sgn;
} s;
typedef struct shape {
	unsigned a;
	unsigned b;
	struct s *p;
} shape_t;
shape_t shape;
