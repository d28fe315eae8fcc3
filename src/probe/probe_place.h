/* SPDX-License-Identifier: MIT */
/* The places in a file that a specification means. */
#ifndef CAIRN_PROBE_PROBE_PLACE_H
#define CAIRN_PROBE_PROBE_PLACE_H

#include "probe/probe_file.h"
#include "probe/probe_spec.h"
#include "util/text.h"

struct probe_place {
	uint64_t address; /* as linked; an instruction begins here */
	enum probe_kind kind;
	const char *function; /* NULL: code of no known function */
	const char *around;   /* the one that it is inlined into; NULL when it is not */
	const char *file;     /* below the directory it was compiled in; NULL: unknown */
	unsigned line;
	bool is_start;   /* a call has just come here: arguments are where callers put them */
	bool is_jump;    /* of PROBE_RETURN: another function will return instead */
	Dwarf_Die scope; /* the instance whose variables can be named; no address: none */
};

struct probe_places {
	ARRAY(struct probe_place) items; /* by address */
};

/* -ENOENT, with a sentence, when there are none. Strings live as long as the file is open. */
int probe_places_find(struct probe_file *f, const struct probe_spec *spec, struct probe_places *ret,
		      struct err *e);
void probe_places_deinit(struct probe_places *p);

/* As a person names it: "reserve_stock%return", "checkout.c:31", "add (in main)". */
void probe_place_print(const struct probe_place *p, struct text *out);

#endif
