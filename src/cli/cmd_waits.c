/* SPDX-License-Identifier: MIT */
/* `cairn waits`: who waited for whom, through what. */
#include "analysis/history.h"
#include "cli/command.h"
#include "cli/moment.h"
#include "cli/page.h"
#include "ctf/ctf_read.h"
#include "event/watch.h"
#include "view/unit.h"
#include "view/waits_view.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMESAKES_SHOWN = 8 };

static const char usage[] =
	"usage: cairn waits [OPTION…] DIR [THREAD]\n"
	"\n"
	"Whom or what a recording's threads waited for, in the end: a lock's holder who\n"
	"waits for a disk passes the blame on. With a THREAD (a name or a tid) where its\n"
	"time went, as a tree in which each wait's parts add up to it.\n"
	"\n"
	"      --from WHEN     from this time on (12.345 as `cairn dump` prints it, +1.5s\n"
	"      --to WHEN       from the start), or from one event of this name to the\n"
	"                      next of that: the longest such interval is told\n"
	"  -p, --pid PID       of all threads: only those of this process\n"
	"  -c, --comm NAME     only threads of this name; * and ? match as in a shell\n"
	"      --by WHAT       all waits by syscall, lock, file or peer, not by whom or\n"
	"                      what they were for in the end (blame)\n"
	"      --idle          idle waits too: by choice, for a child, for work to do\n"
	"  -n, --top N         rows of the table, or lines of the tree\n"
	"  -j, --json          all segments, for programs; times in ns\n"
	"      --folded        stacks for flame graphs\n"
	"  -w, --width N       columns of the page (the terminal's, else 80)\n"
	"      --color WHEN    auto, always or never\n"
	"\n"
	"Without THREAD, --pid and --comm: the threads of the command or process that was\n"
	"recorded, else all.\n";

struct waits_command {
	const char *directory;
	const char *thread; /* as typed, NULL without */
	const char *from, *to;
	uint64_t from_ns, to_ns;
	bool from_is_time, to_is_time;
	struct watch watch;
	const struct waits_view *view;
	struct view_options options;
	struct waits_question question;
	struct text interval;
};

static int parse_by(const char *word, enum waits_by *ret)
{
	static const char *const words[] = {"blame", "syscall", "lock", "file", "peer"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(word, words[i])) {
			*ret = (enum waits_by)i;
			return 0;
		}
	}
	return -1;
}

static int take(void *context, int option, const char *argument)
{
	struct waits_command *w = context;
	switch (option) {
	case 'F':
		w->from = argument;
		return 0;
	case 'T':
		w->to = argument;
		return 0;
	case 'b':
		return parse_by(argument, &w->question.by);
	case 'i':
		w->question.idle = true;
		return 0;
	case 'j':
		w->view = &waits_json;
		return 0;
	case 'f':
		w->view = &waits_folded;
		return 0;
	default:
		return page_option(&w->options, option, argument);
	}
}

static const struct option options[] = {{"from", required_argument, NULL, 'F'},
					{"to", required_argument, NULL, 'T'},
					{"pid", required_argument, NULL, 'p'},
					{"comm", required_argument, NULL, 'c'},
					{"by", required_argument, NULL, 'b'},
					{"idle", no_argument, NULL, 'i'},
					{"top", required_argument, NULL, 'n'},
					{"json", no_argument, NULL, 'j'},
					{"folded", no_argument, NULL, 'f'},
					{"width", required_argument, NULL, 'w'},
					{"color", required_argument, NULL, 'C'},
					{"help", no_argument, NULL, 'h'},
					{0}};

static const struct page_syntax syntax = {
	"waits", usage, "p:c:n:jw:h", options, take, 1, 2,
};

/* A number is a time, everything else an event's name. */
static void parse_ends(struct waits_command *w, uint64_t begin_ns)
{
	if (w->from)
		w->from_is_time = !moment_parse(w->from, begin_ns, &w->from_ns);
	if (w->to)
		w->to_is_time = !moment_parse(w->to, begin_ns, &w->to_ns);
	w->watch.from = w->from_is_time ? NULL : w->from;
	w->watch.to = w->to_is_time ? NULL : w->to;
}

static int too_many(const struct waits_command *w, const struct threads *threads, struct err *e)
{
	struct text list CLEANUP_TEXT = {0};
	unsigned told = 0;
	array_each(thread, &threads->all) {
		if (strcmp((*thread)->comm, w->thread) != 0)
			continue;
		if (told++ == NAMESAKES_SHOWN) {
			text_print(&list, ", …");
			break;
		}
		text_print(&list, "%s%d", told > 1 ? ", " : "", (*thread)->tid);
	}
	return err_set(e, EINVAL, "several threads are called %s: give one by its tid (%s)",
		       w->thread, list.data);
}

/* The thread the user means: of those that did anything. */
static int find_thread(struct waits_command *w, const struct story *story, struct err *e)
{
	const struct threads *threads = story_state(story, &analysis_threads);
	const struct history *history = story_state(story, &analysis_history);
	int64_t tid = 0;
	bool by_tid = !text_parse_number(w->thread, 1, INT32_MAX, &tid);
	struct thread *found = NULL;
	array_each(each, &threads->all) {
		struct thread *thread = *each;
		if (by_tid ? thread->tid != tid : strcmp(thread->comm, w->thread) != 0)
			continue;
		if (!history_of(history, thread))
			continue;
		if (found && !by_tid)
			return too_many(w, threads, e);
		found = thread;
	}
	if (!found)
		return err_set(e, ENOENT,
			       "the recording has no thread %s; `cairn report %s` names them",
			       w->thread, w->directory);
	w->question.thread = found;
	return 0;
}

/* By events: the longest interval between them. */
static int find_interval(struct waits_command *w, const struct story *story, struct err *e)
{
	const struct threads *threads = story_state(story, &analysis_threads);
	struct watch_interval found;
	struct thread *thread = w->question.thread;
	if (!watch_longest(&w->watch, w->question.from_ns, w->question.to_ns,
			   thread ? thread->tid : 0, &found))
		return err_set(e, ENOENT, "the recording has no interval from %s to %s%s%s",
			       w->from ? w->from : "its start", w->to ? w->to : "its end",
			       w->thread ? " of thread " : "", w->thread ? w->thread : "");
	if (!thread)
		thread = threads_find(threads, found.tid);
	if (!thread)
		return err_set(e, ENOENT,
			       "nobody's time is known at %s: name the thread to look at",
			       w->to ? w->to : w->from);
	w->question.thread = thread;
	w->question.from_ns = found.from_ns;
	w->question.to_ns = found.to_ns;
	text_print(&w->interval, "from %s to %s", w->from ? w->from : "the start",
		   w->to ? w->to : "the end");
	if (found.count > 1)
		text_print(&w->interval, ", the longest of %s such intervals",
			   unit_count(found.count).text);
	if (w->watch.unkept)
		text_print(&w->interval, " (%s later events were not looked at)",
			   unit_count(w->watch.unkept).text);
	return 0;
}

static int find_question(struct waits_command *w, const struct story *story, struct err *e)
{
	struct waits_question *q = &w->question;
	int rc = w->thread ? find_thread(w, story, e) : 0;
	q->from_ns = w->from_is_time ? w->from_ns : story->begin_ns;
	q->to_ns = w->to_is_time ? w->to_ns : story->end_ns;
	if (!rc && q->to_ns <= q->from_ns && story->events)
		rc = err_set(e, EINVAL, "the interval ends before it begins");
	if (!rc && (w->watch.from || w->watch.to))
		rc = find_interval(w, story, e);
	else if (!rc && (w->from || w->to))
		text_print(&w->interval, "from %s to %s", w->from ? w->from : "the start",
			   w->to ? w->to : "the end");
	q->interval = w->interval.data;
	return rc;
}

static int print_answer(void *context, const struct story *story, struct err *e)
{
	struct waits_command *w = context;
	struct text page = {0};
	int rc = find_question(w, story, e);
	if (!rc) {
		w->view->print(story, &w->options, &w->question, &page);
		rc = page_write(&page, e);
	}
	text_deinit(&page);
	return rc;
}

static int waits(struct waits_command *w, struct err *e)
{
	struct source *trace = NULL, *source = NULL;
	int rc = ctf_open(&trace, w->directory, NULL, e);
	if (rc < 0)
		return rc;
	parse_ends(w, moment_trace_begin(trace));
	rc = watch_open(&source, trace, &w->watch, e);
	return rc ? rc : page_tell("waits", trace, source, &w->options, print_answer, w, e);
}

int cmd_waits(int argc, char **argv)
{
	struct err e = {0};
	struct waits_command w = {
		.view = &waits_text,
		.options = {.width = page_width(), .color = isatty(STDOUT_FILENO)},
	};
	int parsed = page_parse(&syntax, argc, argv, &w);
	if (parsed)
		return parsed < 0 ? COMMAND_FINE : parsed;
	w.directory = w.options.path = argv[optind];
	w.thread = argv[optind + 1];
	int rc = waits(&w, &e);
	watch_deinit(&w.watch);
	text_deinit(&w.interval);
	return rc ? command_fail("waits", &e) : COMMAND_FINE;
}
