/* Types of other names. */
struct t {
	int b;
} t;
