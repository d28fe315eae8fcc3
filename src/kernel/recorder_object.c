/* SPDX-License-Identifier: MIT */
#include "kernel/recorder_object.h"

__asm__(".section .rodata\n"
	".balign 8\n"
	".global recorder_object, recorder_object_end\n"
	"recorder_object:\n"
	".incbin \"recorder.bpf.o\"\n"
	"recorder_object_end:\n"
	".byte 0\n"
	".previous\n");
