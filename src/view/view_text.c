/* SPDX-License-Identifier: MIT */
/* The report: one page that begins with what was recorded and ends with how sure all this is. */
#include "view/table.h"
#include "view/text_page.h"
#include "view/words.h"

#include <string.h>

static void print_losses(struct page *p)
{
	const struct losses *l = p->scene.losses;
	unsigned told = 0, lossy = 0;
	array_each(gaps, &l->by_cpu)
		lossy += gaps->list.count > 0;
	for (size_t cpu = 0; cpu < l->by_cpu.count; cpu++) {
		const struct gaps *gaps = &l->by_cpu.items[cpu];
		uint64_t events = 0;
		if (!gaps->list.count)
			continue;
		if (told++ == PAGE_LOSSY_CPUS) {
			page_line(p, "LOST on %u more cpus too", lossy - PAGE_LOSSY_CPUS);
			break;
		}
		array_each(gap, &gaps->list)
			events += gap->events;
		const struct gap *last = &gaps->list.items[gaps->list.count - 1];
		uint64_t first_ns = gaps->list.items[0].begin_ns,
			 begin_ns = p->scene.story->begin_ns;
		page_paint(p, PAINT_WARN);
		page_line(p, "LOST %s events on cpu %zu in %zu gap%s of %s in all, from %s on",
			  unit_count(events).text, cpu, gaps->list.count,
			  gaps->list.count == 1 ? "" : "s", unit_ns(last->until_ns).text,
			  unit_ns(first_ns > begin_ns ? first_ns - begin_ns : 0).text);
		page_paint(p, PAINT_NONE);
	}
}

static void print_cost(struct page *p)
{
	const struct cost *c = p->scene.cost;
	const struct view_options *o = p->scene.options;
	struct text line = {0};
	text_print(&line, "recorder: %s", o->recorder ? o->recorder : "unknown");
	if (o->reason)
		text_print(&line, " (%s)", o->reason);
	if (c->known) {
		text_print(&line, ", took %s of cpu", unit_ns(c->cpu_ns).text);
		if (c->wall_ns)
			text_print(&line, " (%s of one)", unit_share(c->cpu_ns, c->wall_ns).text);
		if (c->probe_ns)
			text_print(&line, " and %s in its probes", unit_ns(c->probe_ns).text);
		if (c->misses)
			text_print(&line, "; %s events not seen (nested)",
				   unit_count(c->misses).text);
	}
	if (o->recorder || c->known)
		page_line(p, "%s", line.data);
	text_deinit(&line);
}

static void print_targets(struct page *p)
{
	unsigned told = 0;
	array_each(each, &p->scene.threads->processes) {
		const struct process *process = *each;
		if (!process->asked)
			continue;
		if (told++ == PAGE_TARGETS) {
			page_line(p, "target: and more");
			break;
		}
		page_line(p, "target: %s (pid %d)", process->args ? process->args : "process",
			  process->pid);
	}
}

static void print_head(struct page *p)
{
	const struct story *story = p->scene.story;
	const struct losses *l = p->scene.losses;
	uint64_t busy_ns = 0, idle_ns = 0, unknown_ns = 0;
	size_t cpus = 0;
	array_each(cpu, &p->scene.cpu_times->cpus) {
		cpus += cpu->seen;
		busy_ns += cpu->seen ? cpu->busy_ns : 0;
		idle_ns += cpu->seen ? cpu->idle_ns : 0;
		unknown_ns += cpu->seen ? cpu->unknown_ns : 0;
	}
	page_paint(p, PAINT_TITLE);
	if (!story->events)
		page_line(p, "%s: no events", p->scene.options->path);
	else
		page_line(p, "%s: %s on %zu cpu%s, %s events, %s%s", p->scene.options->path,
			  unit_ns(story->end_ns - story->begin_ns).text, cpus, cpus == 1 ? "" : "s",
			  unit_count(story->events).text,
			  l->events ? unit_count(l->events).text : "nothing", " lost");
	page_paint(p, PAINT_NONE);
	if (p->scene.options->damaged) {
		page_paint(p, PAINT_WARN);
		page_line(p,
			  "DAMAGED: parts of the trace cannot be read, and what is told of their "
			  "time may be wrong");
		page_paint(p, PAINT_NONE);
	}
	print_targets(p);
	print_cost(p);
	print_losses(p);
	uint64_t all_ns = busy_ns + idle_ns + unknown_ns;
	if (p->scene.options->only_targets)
		page_line(p, "recorded of the target only: cpus and other threads are not known");
	else if (all_ns)
		page_line(p, "cpus: busy %s, idle %s%s%s", unit_share(busy_ns, all_ns).text,
			  unit_share(idle_ns, all_ns).text, unknown_ns ? ", unknown " : "",
			  unknown_ns ? unit_share(unknown_ns, all_ns).text : "");
}

static void latency_row(struct page *p, struct table *t, const char *whose,
			const struct histogram *h, const struct thread *longest)
{
	if (!h->count)
		return;
	table_cell(t, "%s", whose);
	table_cell(t, "%s", unit_count(h->count).text);
	page_quantiles(t, h);
	struct text name = {0};
	if (longest)
		scene_name(&p->scene, longest, &name);
	table_cell(t, "%s", name.data ? name.data : "");
	text_deinit(&name);
}

static void print_latency(struct page *p)
{
	static const struct table_column columns[] = {
		{"WOKEN UNTIL RUNNING", false, 12},
		{"TIMES", true, 0},
		{"P50", true, 0},
		{"P90", true, 0},
		{"P99", true, 0},
		{"MAX", true, 0},
		{"OF", false, 6},
	};
	const struct latency *l = p->scene.latency;
	struct table t;
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	latency_row(p, &t, "the target's threads", &l->targets, l->longest_target.thread);
	if (!p->scene.options->only_targets)
		latency_row(p, &t, "all threads", &l->all, l->longest.thread);
	page_table(p, &t);
	table_deinit(&t);
}

static void disk_row(struct page *p, struct table *t, const struct disk *disk, enum disk_op op)
{
	const struct histogram *h = &disk->ops[op].latency_ns;
	struct text name = {0}, issuer = {0};
	words_disk(&p->scene, disk->dev, &name);
	table_cell(t, "%s %s", name.data ? name.data : "", disk_op_name(op));
	text_deinit(&name);
	table_cell(t, "%s", unit_count(h->count).text);
	table_cell(t, "%s", disk->ops[op].bytes ? unit_bytes(disk->ops[op].bytes).text : "");
	page_quantiles(t, h);
	if (disk->ops[op].longest.issuer)
		scene_name(&p->scene, disk->ops[op].longest.issuer, &issuer);
	table_cell(t, "%s", issuer.data ? issuer.data : "");
	text_deinit(&issuer);
}

static void print_disks(struct page *p)
{
	static const struct table_column columns[] = {
		{"DISK", false, 8}, {"TIMES", true, 0}, {"DATA", true, 0}, {"P50", true, 0},
		{"P90", true, 0},   {"P99", true, 0},   {"MAX", true, 0},  {"BY", false, 6},
	};
	struct table t;
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	array_each(disk, &p->scene.disks->all) {
		for (enum disk_op op = 0; op < DISK_OPS; op++) {
			if ((*disk)->ops[op].latency_ns.count)
				disk_row(p, &t, *disk, op);
		}
	}
	page_table(p, &t);
	table_deinit(&t);
}

static int compare_interrupts(const void *a, const void *b)
{
	const struct interrupt *x = *(const struct interrupt *const *)a;
	const struct interrupt *y = *(const struct interrupt *const *)b;
	if (x->took_ns.total != y->took_ns.total)
		return x->took_ns.total < y->took_ns.total ? 1 : -1;
	return x->number - y->number;
}

static void interrupt_row(struct page *p, struct table *t, const struct interrupt *i)
{
	const char *name =
		i->softirq ? softirq_name(i->number) : inventory_irq(p->scene.inventory, i->number);
	if (i->softirq)
		table_cell(t, "softirq %s", name);
	else
		table_cell(t, "irq %d%s%s", i->number, name ? " " : "", name ? name : "");
	table_cell(t, "%s", unit_count(i->took_ns.count).text);
	table_cell(t, "%s", unit_ns(i->took_ns.total).text);
	page_quantiles(t, &i->took_ns);
}

static void print_interrupts(struct page *p)
{
	static const struct table_column columns[] = {
		{"INTERRUPT", false, 10}, {"TIMES", true, 0}, {"IN ALL", true, 0}, {"P50", true, 0},
		{"P90", true, 0},         {"P99", true, 0},   {"MAX", true, 0},
	};
	const struct interrupts *i = p->scene.interrupts;
	ARRAY(const struct interrupt *) sorted = {0};
	struct table t;
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	array_each(each, &i->all) {
		if (array_push(&sorted, *each))
			p->scene.failed = true;
	}
	if (sorted.count)
		qsort(sorted.items, sorted.count, sizeof(*sorted.items), compare_interrupts);
	for (size_t k = 0; k < sorted.count && k < page_rows(p, PAGE_INTERRUPTS); k++)
		interrupt_row(p, &t, sorted.items[k]);
	page_table(p, &t);
	table_deinit(&t);
	array_free(&sorted);
}

/* How sure: of the time of the threads shown. */
static void print_certainty(struct page *p)
{
	uint64_t exact_ns = 0, inferred_ns = 0, unknown_ns = 0;
	scene_certainty(&p->scene, &exact_ns, &inferred_ns, &unknown_ns);
	uint64_t all_ns = exact_ns + inferred_ns + unknown_ns;
	if (!all_ns)
		return;
	text_append(p->out, "\n", 1);
	page_paint(p, unknown_ns * 20 > all_ns ? PAINT_WARN : PAINT_NONE);
	page_line(p, "of the threads' time: exact %s, inferred %s, unknown %s",
		  unit_share(exact_ns, all_ns).text, unit_share(inferred_ns, all_ns).text,
		  unit_share(unknown_ns, all_ns).text);
	page_paint(p, PAINT_NONE);
}

static void text_print_story(const struct story *story, const struct view_options *options,
			     struct text *out)
{
	struct page p = {.out = out};
	scene_init(&p.scene, story, options);
	print_head(&p);
	page_threads(&p);
	page_waits(&p);
	print_latency(&p);
	print_disks(&p);
	print_interrupts(&p);
	print_certainty(&p);
	if (p.scene.failed)
		out->failed = true;
	scene_deinit(&p.scene);
}

const struct view view_text = {.name = "text", .print = text_print_story};

const struct view *const view_all[] = {&view_text, &view_json, NULL};
