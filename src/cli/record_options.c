/* SPDX-License-Identifier: MIT */
#include "cli/record_options.h"

#include "cli/command.h"

#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

enum { PID_MAX = 1 << 22 };

static const char usage[] =
	"usage: cairn record [OPTION…] [-p PID… | -- COMMAND [ARGUMENT…]]\n"
	"\n"
	"Records what the whole system does until the command ends, the processes end,\n"
	"the time is over or Ctrl-C. `cairn report DIR` tells the story.\n"
	"\n"
	"What:\n"
	"  -e, --event EVENT    also record EVENT: a set (waits, syscalls, locks), a\n"
	"                       kernel tracepoint (sched:sched_switch) or a glob\n"
	"                       (block:*); with a condition:\n"
	"                       -e 'sched:sched_switch if prev_prio < 100'\n"
	"                       or a probe of the kernel's, with values:\n"
	"                       -e 'kprobe:vfs_read: count', kretprobe:FUNC,\n"
	"                       uprobe:FILE:FUNC, uretprobe:FILE:FUNC\n"
	"  -x, --exclude EVENT  leave a set or matching tracepoints out; waits is in\n"
	"                       unless left out\n"
	"  -p, --pid PID        about this process and its children (several: repeat)\n"
	"      --only           leave out what concerns none of them\n"
	"      --no-stacks      only the innermost user address of a sleeper\n"
	"How:\n"
	"  -o, --output DIR     the trace (default: NAME.cairn, a fresh name)\n"
	"      --flight SIZE    flight recorder: keep the last SIZE of events of each\n"
	"                       cpu in memory; written at the end, on SIGUSR1, by\n"
	"                       `cairn snapshot`\n"
	"      --on exit:crash  with --flight and a command: write at the end only if\n"
	"                       a signal killed it\n"
	"      --on marker:P:N  with --flight: write when a program passes this marker,\n"
	"                       and not at the end\n"
	"      --ring SIZE      buffer of each cpu when streaming (4M; less on many\n"
	"                       cpus)\n"
	"  -d, --duration TIME  stop after TIME (10s, 500ms, 2m)\n"
	"      --rung NAME      bpf, tracefs or perf instead of the best that works\n"
	"  -q, --quiet          no summary\n";

enum { OPTION_ONLY = 256, OPTION_NO_STACKS, OPTION_FLIGHT, OPTION_ON, OPTION_RING, OPTION_RUNG };

static const struct option long_options[] = {
	{"event", required_argument, NULL, 'e'},
	{"exclude", required_argument, NULL, 'x'},
	{"pid", required_argument, NULL, 'p'},
	{"only", no_argument, NULL, OPTION_ONLY},
	{"no-stacks", no_argument, NULL, OPTION_NO_STACKS},
	{"output", required_argument, NULL, 'o'},
	{"flight", required_argument, NULL, OPTION_FLIGHT},
	{"on", required_argument, NULL, OPTION_ON},
	{"ring", required_argument, NULL, OPTION_RING},
	{"duration", required_argument, NULL, 'd'},
	{"rung", required_argument, NULL, OPTION_RUNG},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int set_ring(struct record_options *o, const char *text, bool flight, struct err *e)
{
	unsigned long long bytes;
	if (text_parse_bytes(text, &bytes) < 0)
		return err_set(e, EINVAL, "'%s' is no size (4M, 512k, 1G)", text);
	if (bytes > 2ull << 30)
		return err_set(e, EINVAL, "a ring of %s for each cpu is more than 2G", text);
	size_t size = 4 * RECORDER_SUBBUF_BYTES;
	while (size < bytes)
		size *= 2;
	o->session.ring_bytes = size;
	o->session.flight |= flight;
	return 0;
}

static int add_pid(struct record_options *o, const char *text, struct err *e)
{
	int64_t pid;
	if (text_parse_number(text, 1, PID_MAX, &pid) < 0)
		return err_set(e, EINVAL, "'%s' is no pid", text);
	if (o->pid_count == RECORD_PIDS_MAX)
		return err_set(e, E2BIG, "more than %d pids", RECORD_PIDS_MAX);
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (fd < 0)
		return err_errno(e, "no process %s", text);
	o->pidfds[o->pid_count] = fd;
	o->pids[o->pid_count++] = (pid_t)pid;
	return 0;
}

static int parse_option(struct record_options *o, int option, const char *value, struct err *e)
{
	switch (option) {
	case 'e':
		return selection_include(&o->selection, value, e);
	case 'x':
		return selection_exclude(&o->selection, value, e);
	case 'p':
		return add_pid(o, value, e);
	case 'o':
		o->session.path = value;
		return 0;
	case 'd':
		if (text_parse_duration(value, &o->duration_ns) < 0 || !o->duration_ns)
			return err_set(e, EINVAL, "'%s' is no time (10s, 500ms, 2m)", value);
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case OPTION_ONLY:
		o->session.only_targets = true;
		return 0;
	case OPTION_NO_STACKS:
		o->session.stacks = false;
		return 0;
	case OPTION_FLIGHT:
		return set_ring(o, value, true, e);
	case OPTION_RING:
		return set_ring(o, value, false, e);
	case OPTION_RUNG:
		o->session.rung = value;
		return 0;
	default: /* OPTION_ON */
		if (strcmp(value, "exit:crash") == 0) {
			o->only_crash = true;
			return 0;
		}
		o->only_triggers = true;
		return selection_trigger(&o->selection, value, e);
	}
}

/* Buffers of all cpus together stay within a bound, unless a person asked for more. */
static void choose_ring(struct record_options *o)
{
	enum { RING_BYTES = 4 << 20, RING_TOTAL_BYTES = 256 << 20 };
	if (o->session.ring_bytes)
		return;
	o->session.ring_bytes = RING_BYTES;
	while (o->session.ring_bytes * (size_t)get_nprocs_conf() > RING_TOTAL_BYTES &&
	       o->session.ring_bytes > 4 * RECORDER_SUBBUF_BYTES)
		o->session.ring_bytes /= 2;
}

/* shop.cairn for a command, cairn-TIME.cairn otherwise. */
static void choose_path(struct record_options *o)
{
	if (o->session.path)
		return;
	o->session.fresh_path = true;
	o->session.path = o->default_path;
	char name[200];
	if (o->command) {
		snprintf(name, sizeof(name), "%s", o->command[0]);
		snprintf(o->default_path, sizeof(o->default_path), "%s.cairn", basename(name));
		return;
	}
	time_t now = time(NULL);
	struct tm tm;
	strftime(name, sizeof(name), "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
	snprintf(o->default_path, sizeof(o->default_path), "cairn-%s.cairn", name);
}

int record_options_parse(struct record_options *o, int argc, char **argv)
{
	struct err e;
	*o = (struct record_options){0};
	o->session = (struct session_options){.stacks = true};
	selection_init(&o->selection);
	for (int c; (c = getopt_long(argc, argv, "+e:x:p:o:d:qh", long_options, NULL)) != -1;) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 1 + COMMAND_FINE;
		}
		if (c == '?') {
			fputs(usage, stderr);
			return 1 + COMMAND_USAGE;
		}
		if (parse_option(o, c, optarg, &e) < 0) {
			fprintf(stderr, "cairn record: %s\n", e.text);
			return 1 + COMMAND_USAGE;
		}
	}
	o->command = optind < argc ? argv + optind : NULL;
	if (o->command && o->pid_count) {
		fputs("cairn record: either -p PID or a command, not both\n", stderr);
		return 1 + COMMAND_USAGE;
	}
	if (o->only_crash && !(o->command && o->session.flight)) {
		fputs("cairn record: --on exit:crash goes with --flight SIZE and a command\n",
		      stderr);
		return 1 + COMMAND_USAGE;
	}
	if (o->selection.markers.bytes && !o->command && !o->pid_count) {
		fputs("cairn record: markers of which program? name a command or -p PID\n", stderr);
		return 1 + COMMAND_USAGE;
	}
	if (o->only_triggers && !o->session.flight) {
		fputs("cairn record: --on marker:PROVIDER:NAME goes with --flight SIZE\n", stderr);
		return 1 + COMMAND_USAGE;
	}
	for (int i = optind; i < argc; i++)
		text_print(&o->command_text, "%s%s", i > optind ? " " : "", argv[i]);
	choose_path(o);
	choose_ring(o);
	return 0;
}

void record_options_deinit(struct record_options *o)
{
	selection_deinit(&o->selection);
	text_deinit(&o->command_text);
	for (size_t i = 0; i < o->pid_count && !o->command; i++)
		close(o->pidfds[i]);
}
