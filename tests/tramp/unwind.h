#ifndef UNWIND_H
#define UNWIND_H

#include <kiln/hook.h>

enum { LOOK, JUMP, THROW, RETURN };

#ifdef __cplusplus
extern "C" {
#endif
KILN_HOOKABLE long f(int how);
long caller(int how);
int run(void);
void thrower(void);
int catches(int how); /* whether what f() throws arrives */
extern unsigned long entries, exits;
#ifdef __cplusplus
}
#endif

#endif
