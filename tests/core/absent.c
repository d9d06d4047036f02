/* Nothing of what is asked for is there, though the struct is. */
enum kind { KIND_A = 1, KIND_C = 3 } kind;
struct s {
	unsigned a;
	float b[2];
	int arr;
} s;
struct shape {
	unsigned a;
} shape;
