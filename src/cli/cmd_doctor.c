/* SPDX-License-Identifier: MIT */
/* `cairn doctor`: what this machine permits, each facility tried for real. */
#include "cli/command.h"
#include "doctor/doctor.h"
#include "util/json.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char usage[] =
	"usage: cairn doctor [--json]\n"
	"\n"
	"Tries every facility cairn uses, for a moment and without leaving anything\n"
	"behind, and says what is refused, what that means for recordings and what\n"
	"helps. Exit status 0 when `cairn record` works at all.\n";

enum { WIDTH = 80, INDENT = 11 };

static const char *const states[] = {
	[CHECK_OK] = "ok",
	[CHECK_NOTE] = "note",
	[CHECK_REFUSED] = "refused",
};

struct telling {
	const char *group; /* the last one told */
	struct text text;
	struct json json;
};

/* A sentence in lines of their own below its finding. */
static void print_wrapped(const char *mark, const char *sentence)
{
	int column = 0;
	while (*sentence) {
		size_t bytes = strcspn(sentence, " ");
		if (column && column + 1 + (int)bytes > WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (!column)
			column = printf("%*s%s", INDENT, "", mark);
		else
			column += printf(" ");
		column += printf("%.*s", (int)bytes, sentence);
		sentence += bytes + strspn(sentence + bytes, " ");
		mark = "  ";
	}
	putchar('\n');
}

static void tell_person(void *context, const struct finding *f)
{
	struct telling *t = context;
	if (!t->group || strcmp(t->group, f->group))
		printf("\n%s\n", f->group);
	t->group = f->group;
	bool fits = INDENT + strlen(f->check->name) + 2 + strlen(f->detail) <= WIDTH;
	printf("  %-7s  %s%s%s\n", states[f->state], f->check->name, *f->detail && fits ? ": " : "",
	       fits ? f->detail : "");
	if (!fits)
		print_wrapped("  ", f->detail);
	if (f->state == CHECK_OK)
		return;
	print_wrapped("> ", f->check->consequence);
	if (f->check->remedy)
		print_wrapped("+ ", f->check->remedy);
	fflush(stdout);
}

static void tell_program(void *context, const struct finding *f)
{
	struct telling *t = context;
	json_open(&t->json, NULL, '{');
	json_string(&t->json, "group", f->group);
	json_string(&t->json, "facility", f->check->name);
	json_string(&t->json, "state", states[f->state]);
	json_string(&t->json, "detail", f->detail);
	json_string(&t->json, "consequence", f->state == CHECK_OK ? NULL : f->check->consequence);
	json_string(&t->json, "remedy", f->state == CHECK_OK ? NULL : f->check->remedy);
	json_close(&t->json);
}

static const char *examine_for_program(struct telling *t, const struct utsname *machine)
{
	t->json.out = &t->text;
	json_open(&t->json, NULL, '{');
	json_string(&t->json, "kernel", machine->release);
	json_open(&t->json, "findings", '[');
	const char *rung = doctor_examine(tell_program, t);
	json_close(&t->json);
	json_string(&t->json, "recorder", rung);
	json_close(&t->json);
	printf("%s", t->text.data ? t->text.data : "");
	text_deinit(&t->text);
	return rung;
}

static const char *examine_for_person(struct telling *t, const struct utsname *machine)
{
	printf("Linux %s, %s, %ld cpus. Lines: > what it means, + what helps.\n", machine->release,
	       machine->machine, sysconf(_SC_NPROCESSORS_ONLN));
	const char *rung = doctor_examine(tell_person, t);
	if (rung)
		printf("\n`cairn record` works here and uses the %s recorder.\n", rung);
	else
		printf("\n`cairn record` does not work here; the first group says why.\n");
	return rung;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct telling telling = {0};
	bool json = false;
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		if (c == 'h') {
			fputs(usage, stdout);
			return COMMAND_FINE;
		}
		if (c == '?') {
			fputs(usage, stderr);
			return COMMAND_USAGE;
		}
		json = true;
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return COMMAND_USAGE;
	}
	struct utsname machine;
	uname(&machine);
	const char *rung = json ? examine_for_program(&telling, &machine)
				: examine_for_person(&telling, &machine);
	return rung ? COMMAND_FINE : COMMAND_FAILED;
}
