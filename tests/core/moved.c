/* Everything stands elsewhere; what was direct is in an anonymous struct, what
 * was anonymous is direct, types hide behind typedefs and qualifiers. */
typedef unsigned number;
typedef const volatile number b_t;
enum kind { KIND_B = 40, KIND_A } kind;
struct s {
	long before;
	int sgn;
	void *ptr;
	struct {
		unsigned long more;
		union {
			struct {
				char c;
				b_t b;
			};
		};
	};
	unsigned short v;
	unsigned u;
	struct named {
		long l;
		int y, x;
	} in;
	long pad : 40;
	int sbits : 7;
	unsigned bits : 5;
	unsigned short arr[8];
	unsigned a;
} s;
typedef struct shape {
	struct s *p;
	unsigned long long b;
	long new;
	unsigned a;
} shape_t;
shape_t shape;
