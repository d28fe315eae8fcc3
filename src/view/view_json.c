/* SPDX-License-Identifier: MIT */
/* The whole story for programs: every figure raw, in ns and bytes. */
#include "analysis/syscalls.h"
#include "view/json_parts.h"
#include "view/words.h"

static void write_histogram(struct json *j, const struct histogram *h)
{
	json_uint(j, "count", h->count);
	json_uint(j, "total_ns", h->total);
	json_uint(j, "p50_ns", histogram_quantile(h, 500));
	json_uint(j, "p90_ns", histogram_quantile(h, 900));
	json_uint(j, "p99_ns", histogram_quantile(h, 990));
	json_uint(j, "max_ns", h->max);
}

static void write_head(struct json *j, const struct scene *s)
{
	const struct story *story = s->story;
	json_string(j, "trace", s->options->path);
	if (s->options->recorder)
		json_string(j, "recorder", s->options->recorder);
	if (s->options->reason)
		json_string(j, "reason", s->options->reason);
	json_bool(j, "damaged", s->options->damaged);
	json_bool(j, "only_targets", s->options->only_targets);
	json_uint(j, "begin_ns", story->begin_ns);
	json_uint(j, "end_ns", story->end_ns);
	json_uint(j, "events", story->events);
	json_open(j, "targets", '[');
	array_each(each, &s->threads->processes) {
		if (!(*each)->asked)
			continue;
		json_open(j, NULL, '{');
		json_int(j, "pid", (*each)->pid);
		json_string(j, "args", (*each)->args);
		json_close(j);
	}
	json_close(j);
	if (!s->cost->known)
		return;
	json_open(j, "cost", '{');
	json_uint(j, "cpu_ns", s->cost->cpu_ns);
	json_uint(j, "probe_ns", s->cost->probe_ns);
	json_uint(j, "wall_ns", s->cost->wall_ns);
	json_uint(j, "misses", s->cost->misses);
	json_close(j);
}

static void write_losses(struct json *j, const struct scene *s)
{
	json_open(j, "lost", '{');
	json_uint(j, "events", s->losses->events);
	json_open(j, "gaps", '[');
	for (size_t cpu = 0; cpu < s->losses->by_cpu.count; cpu++) {
		array_each(gap, &s->losses->by_cpu.items[cpu].list) {
			json_open(j, NULL, '{');
			json_uint(j, "cpu", cpu);
			json_uint(j, "begin_ns", gap->begin_ns);
			json_uint(j, "end_ns", gap->end_ns);
			json_uint(j, "events", gap->events);
			json_close(j);
		}
	}
	json_close(j);
	json_close(j);
}

static void write_cpus(struct json *j, const struct scene *s)
{
	json_open(j, "cpus", '[');
	for (size_t cpu = 0; cpu < s->cpu_times->cpus.count; cpu++) {
		const struct cpu_time *t = &s->cpu_times->cpus.items[cpu];
		if (!t->seen || s->options->only_targets)
			continue;
		json_open(j, NULL, '{');
		json_uint(j, "cpu", cpu);
		json_uint(j, "busy_ns", t->busy_ns);
		json_uint(j, "idle_ns", t->idle_ns);
		json_uint(j, "unknown_ns", t->unknown_ns);
		json_uint(j, "switches", t->switches);
		json_close(j);
	}
	json_close(j);
}

static void write_threads(struct json *j, const struct scene *s)
{
	json_open(j, "threads", '[');
	array_each(each, &s->shown) {
		const struct thread *thread = *each;
		const struct activity *a = states_of(s->states, thread);
		json_open(j, NULL, '{');
		json_int(j, "tid", thread->tid);
		if (thread->process)
			json_int(j, "pid", thread->process->pid);
		json_string(j, "name", thread->comm);
		json_bool(j, "target", thread_is_target(thread));
		json_bool(j, "kernel", thread->kernel);
		json_uint(j, "begin_ns", a->begin_ns);
		json_uint(j, "end_ns", a->end_ns);
		json_uint(j, "run_ns", a->times.state_ns[THREAD_RUNNING]);
		json_uint(j, "queue_ns", a->times.state_ns[THREAD_QUEUED]);
		json_uint(j, "wait_ns", a->times.state_ns[THREAD_BLOCKED]);
		json_uint(j, "unknown_ns", a->times.state_ns[THREAD_UNKNOWN]);
		json_uint(j, "inferred_ns", a->times.inferred_ns);
		json_uint(j, "queue_ns_max", a->times.queue_ns_max);
		json_uint(j, "sleeps", a->times.sleeps);
		json_uint(j, "preemptions", a->times.preemptions);
		json_close(j);
	}
	json_close(j);
}

static void write_wait(struct json *j, const struct scene *s, const struct wait_group *g)
{
	static const char *const certainties[] = {"exact", "inferred", "unknown"};
	const struct sleep *sleep = &g->longest;
	struct stack stack;
	struct text words = {0};
	stack_init(&stack, s, sleep->site, sleep->from_ns);
	words_wait(s, sleep, &stack, &words);
	json_open(j, NULL, '{');
	json_thread(j, "thread", g->thread);
	json_string(j, "for", words.data);
	json_int(j, "syscall", g->syscall);
	json_string(j, "syscall_name", syscall_name(g->syscall));
	json_uint(j, "arg", sleep->arg);
	json_uint(j, "site", g->site);
	json_uint(j, "count", g->count);
	json_uint(j, "total_ns", g->total_ns);
	json_uint(j, "queue_ns", g->queue_ns);
	json_open(j, "longest", '{');
	json_uint(j, "from_ns", sleep->from_ns);
	json_uint(j, "woken_ns", sleep->woken_ns);
	json_uint(j, "run_ns", sleep->run_ns);
	json_bool(j, "open", sleep->open);
	json_string(j, "certainty", certainties[sleep->certainty]);
	json_stack(j, s, "stack", sleep->site, sleep->from_ns);
	json_cause(j, s, sleep);
	json_close(j);
	json_close(j);
	text_deinit(&words);
}

static void write_waits(struct json *j, const struct scene *s)
{
	json_open(j, "waits", '[');
	array_each(g, &s->waits->groups) {
		if (scene_shows(s, g->thread))
			write_wait(j, s, g);
	}
	json_close(j);
	json_uint(j, "waits_left_out", s->waits->ungrouped);
}

static void write_latency(struct json *j, const struct scene *s)
{
	json_open(j, "woken_until_running", '{');
	json_open(j, "all", '{');
	write_histogram(j, &s->latency->all);
	json_thread(j, "longest", s->latency->longest.thread);
	json_close(j);
	json_open(j, "targets", '{');
	write_histogram(j, &s->latency->targets);
	json_thread(j, "longest", s->latency->longest_target.thread);
	json_close(j);
	json_close(j);
}

static void write_disks(struct json *j, const struct scene *s)
{
	json_open(j, "disks", '[');
	array_each(each, &s->disks->all) {
		for (enum disk_op op = 0; op < DISK_OPS; op++) {
			if (!(*each)->ops[op].latency_ns.count)
				continue;
			json_open(j, NULL, '{');
			json_uint(j, "dev", (*each)->dev);
			json_string(j, "name", inventory_disk(s->inventory, (*each)->dev));
			json_string(j, "op", disk_op_name(op));
			json_uint(j, "bytes", (*each)->ops[op].bytes);
			write_histogram(j, &(*each)->ops[op].latency_ns);
			json_thread(j, "longest_issuer", (*each)->ops[op].longest.issuer);
			json_close(j);
		}
	}
	json_close(j);
}

static void write_interrupts(struct json *j, const struct scene *s)
{
	json_open(j, "interrupts", '[');
	array_each(each, &s->interrupts->all) {
		const struct interrupt *i = *each;
		json_open(j, NULL, '{');
		json_string(j, "kind", i->softirq ? "softirq" : "irq");
		json_int(j, "number", i->number);
		json_string(j, "name",
			    i->softirq ? softirq_name(i->number)
				       : inventory_irq(s->inventory, i->number));
		write_histogram(j, &i->took_ns);
		json_close(j);
	}
	json_close(j);
}

static void json_print_story(const struct story *story, const struct view_options *options,
			     struct text *out)
{
	struct scene s;
	struct json j = {.out = out};
	uint64_t exact_ns, inferred_ns, unknown_ns;
	scene_init(&s, story, options);
	json_open(&j, NULL, '{');
	write_head(&j, &s);
	write_losses(&j, &s);
	write_cpus(&j, &s);
	write_threads(&j, &s);
	write_waits(&j, &s);
	write_latency(&j, &s);
	write_disks(&j, &s);
	write_interrupts(&j, &s);
	scene_certainty(&s, &exact_ns, &inferred_ns, &unknown_ns);
	json_open(&j, "certainty", '{');
	json_uint(&j, "exact_ns", exact_ns);
	json_uint(&j, "inferred_ns", inferred_ns);
	json_uint(&j, "unknown_ns", unknown_ns);
	json_close(&j);
	json_close(&j);
	if (s.failed)
		out->failed = true;
	scene_deinit(&s);
}

const struct view view_json = {.name = "json", .print = json_print_story};
