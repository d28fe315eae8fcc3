/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* An address's line, put behind its name. */
#ifndef CAIRN_KLINE_TEXT_H
#define CAIRN_KLINE_TEXT_H

#include "kline_port.h"
#include "lines/lines_device.h"

/*
 * Appends " (file:line)" to `text`, of which `used` of `room` bytes are taken; gives the new
 * length. `is_return`: the address is what a call returns to. In any context: it takes no lock,
 * no memory but less than 2 KiB of stack, and ends. Nothing is appended where there is no line.
 */
unsigned int kline_append(char *text, unsigned int used, unsigned int room, unsigned long address,
			  bool is_return);

void kline_count_trace(void);
void kline_text_status(struct lines_status *ret);

#endif
