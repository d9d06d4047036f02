/* The types as the programs know them. */
enum kind { KIND_A = 1, KIND_B = 2 } kind;
struct s {
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
typedef struct shape {
	unsigned a;
	unsigned long long b;
	struct s *p;
} shape_t;
shape_t shape;
