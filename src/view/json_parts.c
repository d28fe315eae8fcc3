/* SPDX-License-Identifier: MIT */
#include "view/json_parts.h"
#include "view/words.h"

static void write_place(struct json *j, const struct view_place *place, uint64_t ip)
{
	json_open(j, NULL, '{');
	json_uint(j, "ip", ip);
	if (place->function)
		json_string(j, "function", place->function);
	if (place->file) {
		json_string(j, "file", place->file);
		json_uint(j, "line", place->line);
	}
	if (place->module) {
		json_string(j, "module", place->module);
		json_uint(j, "offset", place->offset);
	}
	json_close(j);
}

void json_stack(struct json *j, const struct scene *s, const char *key, uint32_t site,
		uint64_t time_ns)
{
	struct stack stack;
	stack_init(&stack, s, site, time_ns);
	if (!stack.count)
		return;
	if (stack.probable)
		json_bool(j, "stack_inferred", true);
	json_open(j, key, '[');
	for (size_t i = 0; i < stack.count; i++)
		write_place(j, &stack.places[i], stack.ips[i]);
	json_close(j);
}

void json_thread(struct json *j, const char *key, const struct thread *thread)
{
	if (!thread)
		return;
	json_open(j, key, '{');
	json_int(j, "tid", thread->tid);
	if (thread->process)
		json_int(j, "pid", thread->process->pid);
	json_string(j, "name", thread->comm);
	json_close(j);
}

void json_request(struct json *j, const struct scene *s, const struct disk_request *r)
{
	json_uint(j, "dev", r->dev);
	json_string(j, "disk", inventory_disk(s->inventory, r->dev));
	json_string(j, "op", disk_op_name(r->op));
	json_uint(j, "bytes", r->bytes);
	json_uint(j, "issue_ns", r->issue_ns);
	json_uint(j, "done_ns", r->done_ns);
}

void json_cause(struct json *j, const struct scene *s, const struct sleep *sleep)
{
	static const char *const kinds[CAUSE_KINDS] = {"unknown", "task",      "timer",
						       "disk",    "interrupt", "softirq"};
	const struct cause *cause = &sleep->cause;
	json_open(j, "cause", '{');
	json_string(j, "kind", kinds[cause->kind]);
	if (cause->number >= 0)
		json_int(j, "number", cause->number);
	json_thread(j, "thread", cause->thread);
	json_thread(j, "queuer", cause->queuer);
	if (cause->function)
		json_uint(j, "function", cause->function);
	json_stack(j, s, "stack", cause->site, sleep->woken_ns);
	if (cause->kind == CAUSE_DISK) {
		const struct disk_request *r = &cause->request;
		json_request(j, s, r);
		json_thread(j, "issuer", r->issuer);
	}
	json_close(j);
}
