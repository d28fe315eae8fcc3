/* SPDX-License-Identifier: MIT */
/* A library with a marker of its own, loaded while the program runs. */
#include <cairn/marker.h>

void plugin_pulse(long number);

void plugin_pulse(long number)
{
	CAIRN_MARK(plugin, pulse, CAIRN_INT(number, number), CAIRN_REAL(half, (double)number / 2));
}
