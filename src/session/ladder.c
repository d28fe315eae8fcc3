/* SPDX-License-Identifier: MIT */
#include "session/ladder.h"

#include "kernel/clean.h"

#include <string.h>

static const struct rung_kind *const ladder[] = {&rung_bpf, &rung_tracefs, &rung_perf};

int ladder_open(struct rung **ret, const char *only, const struct plan *plan, struct text *reasons,
		struct err *e)
{
	bool known = false;
	int status = -ENOENT;
	clean_instances();
	clean_dynamic_events();
	for (size_t i = 0; i < sizeof(ladder) / sizeof(ladder[0]); i++) {
		struct err why = {0};
		if (only && strcmp(ladder[i]->name, only) != 0)
			continue;
		known = true;
		status = ladder[i]->open(ret, plan, &why);
		if (status == 0)
			return 0;
		text_print(reasons, "%s%s: %s", reasons->bytes ? "; " : "", ladder[i]->name,
			   why.text);
	}
	if (!known)
		return err_set(e, EINVAL, "there is no rung '%s' (bpf, tracefs, perf)", only);
	return err_set(e, -status,
		       "this kernel lets cairn record in no way: %s (`cairn doctor` "
		       "says more)",
		       reasons->data ? reasons->data : "");
}
