/* SPDX-License-Identifier: MIT */
#include "doctor/doctor.h"

static const struct {
	const char *name;
	const struct check *checks;
} groups[] = {
	{"Recorders, best first", checks_rungs},
	{"BPF", checks_bpf},
	{"tracefs", checks_tracefs},
	{"Probes", checks_probes},
	{"Clock and threads", checks_clock},
	{"Rights and knowledge", checks_rights},
	{"Others at work", checks_others},
};

static enum check_state examine(const char *group, const struct check *check, doctor_tell tell,
				void *context)
{
	struct text detail = {0};
	struct err e = {0};
	struct finding finding = {.group = group, .check = check};
	int status = check->run(&detail, &e);
	finding.state = status < 0 ? CHECK_REFUSED : status > 0 ? CHECK_NOTE : CHECK_OK;
	finding.detail = status < 0 ? e.text : detail.data ? detail.data : "";
	tell(context, &finding);
	text_deinit(&detail);
	return finding.state;
}

const char *doctor_examine(doctor_tell tell, void *context)
{
	const char *rung = NULL;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		for (const struct check *check = groups[i].checks; check->name; check++) {
			enum check_state state = examine(groups[i].name, check, tell, context);
			if (groups[i].checks == checks_rungs && state == CHECK_OK && !rung)
				rung = check->name;
		}
	}
	return rung;
}
