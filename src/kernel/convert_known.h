/* SPDX-License-Identifier: MIT */
/* The recorder's own set as format files name it: which field goes where. */
#ifndef CAIRN_KERNEL_CONVERT_KNOWN_H
#define CAIRN_KERNEL_CONVERT_KNOWN_H

#include "kernel/convert.h"

/* Whom an event concerns, as the BPF recorder has it: what it is left out by. */
enum known_concern {
	CONCERNS_ALL,
	CONCERNS_BOTH,    /* the first two members: tids */
	CONCERNS_SUBJECT, /* the first member */
	CONCERNS_WAKING,  /* the first member, and who runs unless in an interrupt */
	CONCERNS_CURRENT, /* who runs */
};

enum known_set { KNOWN_WAITS = 1, KNOWN_SYSCALLS = 2, KNOWN_LOCKS = 4 };

struct known_field {
	const char *name; /* in the format file */
	uint16_t to;      /* in the payload */
	uint16_t bytes;   /* there: an integer of that width, or text when is_text */
	bool is_text;
};

/* A raw record on its way. */
struct raw {
	struct convert *convert;
	const struct convert_event *event;
	const uint8_t *data;
	size_t bytes;
};

struct known {
	const char *subsystem, *name;
	enum known_set set;
	enum known_concern concern;
	uint8_t stream;
	uint16_t id;
	uint16_t bytes; /* of the payload; 0 for an event that is only listened to */
	/* What copying does not do. */
	void (*finish)(const struct raw *raw, void *payload);
	struct known_field fields[CONVERT_FIELDS_MAX];
};

extern const struct known known_events[];
extern const size_t known_count;

#endif
