/*
 * Layering: enc.h compiles alone, freestanding, with include/ only and with
 * the conversion warnings on. It is the compiler that tests here.
 */
#include "../../backend-arm64/enc.h"
