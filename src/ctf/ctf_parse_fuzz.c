/* SPDX-License-Identifier: MIT */
/* Metadata as anybody may have written it. */
#include "ctf/ctf_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ctf_metadata *m = NULL;
	struct err e;
	if (ctf_parse(&m, data, bytes, &e))
		return 0;
	for (size_t i = 0; i < m->classes.count; i++) {
		struct ctf_plan *plan = NULL;
		if (!ctf_plan_create(&plan, m->classes.items[i], &e))
			ctf_plan_destroy(plan);
	}
	ctf_metadata_destroy(m);
	return 0;
}
