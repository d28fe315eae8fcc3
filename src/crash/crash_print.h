/* SPDX-License-Identifier: MIT */
/* Text on standard error from the handler of a signal: no allocation, no locks. */
#ifndef CAIRN_CRASH_CRASH_PRINT_H
#define CAIRN_CRASH_CRASH_PRINT_H

#include <stdint.h>

void crash_put_text(const char *text);
void crash_put_number(uint64_t value);
void crash_put_hex(uint64_t value); /* 0x1f */
void crash_flush(void);

#endif
