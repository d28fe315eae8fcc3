/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#include "kline_text.h"
#include "kline_store.h"

enum {
	NESTED_MAX = 4,      /* a task, a softirq, an interrupt, an NMI */
	STACK_NEEDED = 3072, /* by us and what prints the line */
	NUMBER_ROOM = 16,    /* "…~ (" ":4294967295)" */
};

struct counts {
	u64 traces, frames, failed;
	unsigned long last; /* printk formats every line twice: to measure it and to keep it */
	int nested;
};

static DEFINE_PER_CPU(struct counts, counts);

void kline_count_trace(void)
{
	this_cpu_inc(counts.traces);
}

/* On the task's own stack; the others are deep enough. */
static bool stack_has_room(void)
{
	unsigned long here = (unsigned long)__builtin_frame_address(0);
	unsigned long stack = (unsigned long)task_stack_page(current);
	return here - stack >= THREAD_SIZE || here - stack > STACK_NEEDED;
}

static noinline bool site_find(const struct kline_section *s, unsigned long address,
			       struct lines_site *ret)
{
	struct lines_answer answer;
	u64 asked = address - s->start + s->region.address;
	if (!lines_find(&s->table->lines, &s->region, asked, &answer) ||
	    answer.site.file == LINES_NO_FILE)
		return false;
	*ret = answer.site;
	return true;
}

/* The name's end is what tells: what does not fit goes in front. */
static noinline unsigned int site_print(const struct lines_table *t, const struct lines_site *site,
					bool is_near, char *text, unsigned int used,
					unsigned int room)
{
	char name[LINES_NAME_ROOM];
	u32 bytes = lines_file_name(t, site->file, name);
	if (!bytes || used + NUMBER_ROOM >= room)
		return used;
	u32 most = room - used - NUMBER_ROOM;
	const char *from = bytes > most ? name + (bytes - most) : name;
	return used + scnprintf(text + used, room - used, " (%s%s:%u)", is_near ? "~" : "", from,
				site->line);
}

/* What lies on a stack and looks like a return address may be a function's: no call before it. */
static bool is_behind_call(unsigned long address)
{
	u8 code[7];
	if (copy_from_kernel_nofault(code, (void *)(address - sizeof(code)), sizeof(code)))
		return true;
	bool is_call = code[2] == 0xe8;
	for (unsigned int i = 0; i < 6; i++) /* through a register or memory, of any length */
		is_call |= code[i] == 0xff && (code[i + 1] & 0x38) == 0x10;
	return is_call;
}

/* A table made for crashes knows faults and traps; what was interrupted may be anywhere. */
static bool is_near(const struct kline_section *s, unsigned long address, bool is_return)
{
	u16 code = 0;
	u8 profile = s->table->lines.header.profile;
	if (profile == LINES_BYTE)
		return false;
	if (is_return)
		return !is_behind_call(address);
	if (!copy_from_kernel_nofault(&code, (void *)address, 2) && code == 0x0b0f)
		return false;
	return profile == LINES_RETURN || in_nmi() || in_hardirq();
}

static unsigned int append(char *text, unsigned int used, unsigned int room, unsigned long address,
			   bool is_return)
{
	unsigned long byte = address - is_return;
	const struct kline_section *s = kline_section_at(byte);
	struct lines_site site;
	if (!s)
		return used;
	bool is_second = this_cpu_xchg(counts.last, address) == address;
	if (is_second)
		this_cpu_write(counts.last, 0);
	if (!site_find(s, byte, &site)) {
		if (!is_second)
			this_cpu_inc(counts.failed);
		return used;
	}
	if (!is_second)
		this_cpu_inc(counts.frames);
	return site_print(&s->table->lines, &site, is_near(s, address, is_return), text, used,
			  room);
}

unsigned int kline_append(char *text, unsigned int used, unsigned int room, unsigned long address,
			  bool is_return)
{
	preempt_disable_notrace();
	if (this_cpu_inc_return(counts.nested) <= NESTED_MAX && stack_has_room()) {
		rcu_read_lock();
		used = append(text, used, room, address, is_return);
		rcu_read_unlock();
	}
	this_cpu_dec(counts.nested);
	preempt_enable_notrace();
	return used;
}

void kline_text_status(struct lines_status *ret)
{
	int cpu;
	for_each_possible_cpu(cpu)
	{
		const struct counts *c = per_cpu_ptr(&counts, cpu);
		ret->traces += c->traces;
		ret->frames += c->frames;
		ret->failed += c->failed;
	}
}
