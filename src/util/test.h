/* SPDX-License-Identifier: MIT */
/* What every unit test includes first: cmocka wants these headers before its own. */
#ifndef CAIRN_UTIL_TEST_H
#define CAIRN_UTIL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#endif
