/* SPDX-License-Identifier: MIT */
#include "cli/command.h"
#include "cli/record_options.h"
#include "session/control.h"
#include "session/launch.h"
#include "session/rescue.h"
#include "util/cleanup.h"
#include "util/now.h"
#include "view/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct record {
	struct record_options asked;
	struct launch launch;
	struct session *session;
	struct control control;
	int signals;
	int command_status; /* of waitpid(); −1 while it runs */
	bool stop;
};

static int watch_signals(struct record *r, struct err *e)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signals < 0 ? err_errno(e, "cannot watch for signals") : 0;
}

/* What somebody should know before it happens, if there is anything new. */
static void say_notes(struct record *r)
{
	struct text *notes = &r->asked.selection.notes;
	if (notes->bytes)
		fprintf(stderr, "note: %s", notes->data);
	text_clear(notes);
}

static int begin(struct record *r, struct err *e)
{
	int status = watch_signals(r, e);
	rescue_dead(NULL, command_tell_rescue, NULL, NULL);
	if (status == 0)
		status = session_environment(&r->asked.selection, e);
	if (status == 0 && r->asked.command) {
		status = launch_prepare(&r->launch, r->asked.command, e);
		if (status == 0)
			r->asked.pids[r->asked.pid_count++] = r->launch.pid;
	}
	r->asked.session.targets = r->asked.pids;
	r->asked.session.target_count = r->asked.pid_count;
	r->asked.session.command = r->asked.command_text.data;
	r->asked.session.attach = !r->asked.command;
	r->asked.session.selection = &r->asked.selection;
	if (status == 0)
		status = session_open(&r->session, &r->asked.session, e);
	say_notes(r);
	if (status == 0 && r->asked.session.flight)
		status = control_open(&r->control, e);
	if (status == 0)
		status = session_start(r->session, e);
	if (status == 0 && r->asked.command)
		status = launch_go(&r->launch, r->asked.command[0], e);
	return status;
}

/* Somebody who waits at a terminal is told for what. */
static void say_started(const struct record *r)
{
	if (r->asked.quiet || r->asked.command || !isatty(STDERR_FILENO))
		return;
	char until[64] = "the whole system";
	bool ends = r->asked.duration_ns || r->asked.pid_count;
	if (r->asked.duration_ns)
		snprintf(until, sizeof(until), "for %s", unit_ns(r->asked.duration_ns).text);
	else if (ends)
		snprintf(until, sizeof(until), "until the process%s end%s",
			 r->asked.pid_count > 1 ? "es" : "", r->asked.pid_count > 1 ? "" : "s");
	fprintf(stderr, "recording %s; Ctrl-C ends it%s\n", until, ends ? " sooner" : "");
}

static int snapshot(struct record *r, const char *path, struct text *answer, struct err *e)
{
	return session_snapshot(r->session, path && *path ? path : r->asked.session.path, answer,
				e);
}

/* One request a round: who asks again and again must not keep the recorder from its rings. */
static void serve(struct record *r)
{
	char request[4200];
	int asker;
	if (!control_next(&r->control, &asker, request, sizeof(request)))
		return;
	CLEANUP_TEXT struct text answer = {0};
	struct err e;
	int status = -EINVAL;
	if (strncmp(request, "snapshot ", 9) == 0)
		status = snapshot(r, request + 9, &answer, &e);
	else
		err_set(&e, EINVAL, "the recorder does not know the request '%.20s'", request);
	control_answer(asker, status, status < 0 ? e.text : answer.data);
}

static void reap(struct record *r)
{
	int status;
	while (r->asked.command && waitpid(r->launch.pid, &status, WNOHANG) == r->launch.pid) {
		r->command_status = status;
		r->stop = true;
	}
}

static int on_signals(struct record *r, struct err *e)
{
	struct signalfd_siginfo info;
	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			reap(r);
		} else if (info.ssi_signo != SIGUSR1) {
			r->stop = true;
		} else if (r->asked.session.flight) {
			CLEANUP_TEXT struct text path = {0};
			int status = snapshot(r, NULL, &path, e);
			if (status < 0)
				return status;
			if (!r->asked.quiet)
				fprintf(stderr, "snapshot → %s\n", path.data);
		}
	}
	return 0;
}

/* That this one cannot be written, since there is one already, is no reason to stop. */
static void on_trigger(struct record *r)
{
	CLEANUP_TEXT struct text path = {0};
	struct err e;
	int status = snapshot(r, NULL, &path, &e);
	if (status < 0)
		fprintf(stderr, "cairn record: a marker asked for a snapshot: %s\n", e.text);
	else if (!r->asked.quiet)
		fprintf(stderr, "snapshot at a marker → %s\n", path.data);
}

static bool targets_gone(const struct record *r)
{
	for (size_t i = 0; i < r->asked.pid_count; i++) {
		struct pollfd p = {.fd = r->asked.pidfds[i], .events = POLLIN};
		if (poll(&p, 1, 0) == 0)
			return false;
	}
	return r->asked.pid_count && !r->asked.command;
}

static int run(struct record *r, struct err *e)
{
	uint64_t start_ns = now_monotonic_ns();
	int wait_ms = 0;
	while (!r->stop) {
		struct pollfd fds[2] = {{.fd = r->signals, .events = POLLIN},
					{.fd = r->control.fd, .events = POLLIN}};
		poll(fds, 2, wait_ms);
		int status = on_signals(r, e);
		if (status == 0)
			status = session_step(r->session, &wait_ms, e);
		if (status < 0)
			return status;
		serve(r);
		if (session_triggered(r->session))
			on_trigger(r);
		uint64_t gone_ns = now_monotonic_ns() - start_ns;
		if ((r->asked.duration_ns && gone_ns >= r->asked.duration_ns) || targets_gone(r))
			r->stop = true;
	}
	return 0;
}

static bool crashed(const struct record *r)
{
	return r->asked.command && r->command_status >= 0 && WIFSIGNALED(r->command_status);
}

static int finish(struct record *r, struct err *e)
{
	if (session_triggered(r->session))
		on_trigger(r);
	bool only = r->asked.only_crash || r->asked.only_triggers;
	bool keep = !r->asked.session.flight || !only || (r->asked.only_crash && crashed(r));
	return session_stop(r->session, keep, e);
}

static void say_totals(const struct record *r, const struct session_totals *t)
{
	uint64_t lost = t->lost + t->misses + t->lost_on_disk;
	if (!t->trace_bytes && r->asked.only_triggers) {
		fputs("nothing kept: no program passed the marker\n", stderr);
		return;
	}
	if (!t->trace_bytes && r->asked.only_crash) {
		fprintf(stderr, "nothing kept: %s did not crash\n", r->asked.command[0]);
		return;
	}
	fprintf(stderr, "recorded %s on %u cpu%s: ", unit_ns(t->wall_ns).text, t->cpus,
		t->cpus == 1 ? "" : "s");
	if (t->events)
		fprintf(stderr, "%s events, ", unit_count(t->events).text);
	if (t->marker_events)
		fprintf(stderr, "markers' times within %llu ns, ",
			(unsigned long long)t->marker_clock_error_ns);
	fprintf(stderr, "%s, %s lost, recorder %s of one cpu → %s\n",
		unit_bytes(t->trace_bytes).text, lost ? unit_count(lost).text : "nothing",
		unit_share(t->tool_cpu_ns + t->probe_ns, t->wall_ns).text,
		session_path(r->session));
}

static void summarize(struct record *r)
{
	struct session_totals t;
	session_totals(r->session, &t);
	say_notes(r);
	if (*t.rung_reasons)
		fprintf(stderr, "recorded by %s (%s)\n", t.rung, t.rung_reasons);
	if (t.disk_trouble.code)
		fprintf(stderr, "%s events did not get into the trace: %s\n",
			unit_count(t.lost_on_disk).text, t.disk_trouble.text);
	if (crashed(r))
		fprintf(stderr, "%s was killed by signal %d (%s)\n", r->asked.command[0],
			WTERMSIG(r->command_status), strsignal(WTERMSIG(r->command_status)));
	if (!r->asked.quiet)
		say_totals(r, &t);
}

static void end(struct record *r)
{
	launch_cancel(&r->launch);
	session_close(r->session);
	control_close(&r->control);
	record_options_deinit(&r->asked);
	if (r->signals >= 0)
		close(r->signals);
}

int cmd_record(int argc, char **argv)
{
	struct err e;
	struct record r = {.launch = {.gate = -1, .verdict = -1},
			   .control = {.fd = -1},
			   .signals = -1,
			   .command_status = -1};
	int parsed = record_options_parse(&r.asked, argc, argv);
	int status = parsed ? parsed - 1 : COMMAND_FINE;
	if (!parsed) {
		int failed = begin(&r, &e);
		if (failed == 0) {
			say_started(&r);
			failed = run(&r, &e) < 0 || finish(&r, &e) < 0;
		}
		if (failed)
			status = command_fail("record", &e);
		else
			summarize(&r);
	}
	end(&r);
	return status;
}
