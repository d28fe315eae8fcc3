/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#include "kline_store.h"
#include "kline_place.h"

enum { SECTIONS_MAX = 4096, TABLE_BYTES_MAX = 64 << 20 };

struct sections {
	u32 count;
	struct kline_section all[];
};

static DEFINE_MUTEX(store_lock); /* for all who change something */
static LIST_HEAD(tables);
static struct sections __rcu *published;

static struct sections *sections_now(void)
{
	return rcu_dereference_protected(published, lockdep_is_held(&store_lock));
}

static int by_start(const void *a, const void *b)
{
	const struct kline_section *one = a, *other = b;
	return one->start < other->start ? -1 : one->start > other->start;
}

/* A copy without what `is_out` says, with room for as many more. */
static struct sections *sections_copy(bool (*is_out)(const struct kline_section *, const void *),
				      const void *what, u32 more)
{
	const struct sections *now = sections_now();
	u32 count = now ? now->count : 0;
	struct sections *s = kvzalloc(struct_size(s, all, count + more), GFP_KERNEL);
	for (u32 i = 0; s && i < count; i++)
		if (!is_out || !is_out(&now->all[i], what))
			s->all[s->count++] = now->all[i];
	return s;
}

static void sections_publish(struct sections *s)
{
	struct sections *before = sections_now();
	if (s)
		sort(s->all, s->count, sizeof(s->all[0]), by_start, NULL);
	rcu_assign_pointer(published, s);
	synchronize_rcu();
	kvfree(before);
}

const struct kline_section *kline_section_at(unsigned long address)
{
	const struct sections *s = rcu_dereference(published);
	u32 low = 0, count = s ? s->count : 0;
	if (!count)
		return NULL;
	while (count > 1) {
		u32 half = count / 2;
		low += s->all[low + half].start <= address ? half : 0;
		count -= half;
	}
	return address >= s->all[low].start && address < s->all[low].end ? &s->all[low] : NULL;
}

static void section_add(struct sections *s, const struct kline_table *t,
			const struct lines_region *region, const struct module *mod,
			unsigned long start, bool is_init)
{
	s->all[s->count++] = (struct kline_section){
		.start = start,
		.end = start + region->bytes,
		.table = t,
		.region = *region,
		.mod = mod,
		.is_init = is_init,
	};
}

/* Sections that were given back after the kernel's start. */
static bool is_gone(const char *name)
{
	return !strncmp(name, ".init", 5) || !strncmp(name, ".exit", 5) ||
	       !strncmp(name, ".altinstr", 9);
}

static int kernel_add(struct sections *s, const struct kline_table *t,
		      const struct lines_object *object)
{
	struct lines_region region;
	unsigned long slide;
	if (!kline_is_kernel(object))
		return LINES_REPLY_OTHER_KERNEL;
	if (!kline_kernel_slide(&slide))
		return LINES_REPLY_NO_PLACE;
	for (u32 i = 0; i < object->region_count; i++)
		if (lines_region_at(&t->lines, object->first_region + i, &region) &&
		    !is_gone(lines_word(&t->lines, region.name)))
			section_add(s, t, &region, NULL, region.address + slide, false);
	return LINES_REPLY_FINE;
}

static int module_add(struct sections *s, const struct kline_table *t,
		      const struct lines_object *object, const struct module *mod)
{
	struct lines_region region;
	unsigned long start;
	bool is_init;
	if (!kline_is_module(object, mod))
		return LINES_REPLY_OTHER_MODULE;
	if (!t->lines.header.function_count)
		return LINES_REPLY_NO_FUNCTIONS;
	for (u32 i = 0; i < object->region_count; i++)
		if (lines_region_at(&t->lines, object->first_region + i, &region) &&
		    kline_section_find(&t->lines, &region, mod, &start, &is_init))
			section_add(s, t, &region, mod, start, is_init);
	return LINES_REPLY_FINE;
}

/*
 * A loaded module by name, which stays until module_put_found(). Of one that goes, on_module() may
 * have told already: nobody would take its sections out again.
 */
static struct module *module_find(const char *name)
{
	struct kobject *found = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, name);
	struct module *mod = found ? container_of(found, struct module_kobject, kobj)->mod : NULL;
	if (mod && mod->state != MODULE_STATE_GOING)
		return mod;
	kobject_put(found); /* built in, or going */
	return NULL;
}

static void module_put_found(struct module *mod)
{
	if (mod)
		kobject_put(&mod->mkobj.kobj);
}

static int table_place(struct sections *s, const struct kline_table *t, u32 *object_ret)
{
	struct lines_object object;
	int reply = LINES_REPLY_FINE;
	for (u32 i = 0; !reply && lines_object_at(&t->lines, i, &object); i++) {
		*object_ret = i;
		if (!object.is_module) {
			reply = kernel_add(s, t, &object);
			continue;
		}
		struct module *mod = module_find(lines_word(&t->lines, object.name));
		if (mod)
			reply = module_add(s, t, &object, mod);
		module_put_found(mod);
	}
	return reply;
}

static u32 region_count(const struct lines_table *t)
{
	struct lines_object object;
	u32 count = 0;
	for (u32 i = 0; count <= SECTIONS_MAX && lines_object_at(t, i, &object); i++)
		count += object.region_count;
	return count;
}

static struct kline_table *table_take(const struct lines_load *load)
{
	struct kline_table *t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return ERR_PTR(-ENOMEM);
	t->bytes = load->bytes;
	t->data = vmalloc(load->bytes);
	if (t->data && !copy_from_user(t->data, u64_to_user_ptr(load->data), load->bytes))
		return t;
	int failed = t->data ? -EFAULT : -ENOMEM;
	vfree(t->data);
	kfree(t);
	return ERR_PTR(failed);
}

static int table_publish(struct kline_table *t, struct lines_load *load)
{
	u32 count = region_count(&t->lines);
	const struct sections *now = sections_now();
	if (count + (now ? now->count : 0) > SECTIONS_MAX) {
		load->reply = LINES_REPLY_TOO_MANY;
		return -E2BIG;
	}
	struct sections *s = sections_copy(NULL, NULL, count);
	if (!s)
		return -ENOMEM;
	load->reply = table_place(s, t, &load->object);
	if (load->reply) {
		kvfree(s);
		return -EINVAL;
	}
	list_add_tail(&t->list, &tables);
	sections_publish(s);
	return 0;
}

int kline_store_load(struct lines_load *load)
{
	if (load->bytes < sizeof(struct lines_header) || load->bytes > TABLE_BYTES_MAX) {
		load->reply = LINES_REPLY_DAMAGED;
		return -EBADMSG;
	}
	struct kline_table *t = table_take(load);
	if (IS_ERR(t))
		return PTR_ERR(t);
	int failed = lines_open(&t->lines, t->data, t->bytes);
	if (failed) {
		load->reply = LINES_REPLY_DAMAGED;
	} else {
		mutex_lock(&store_lock);
		failed = table_publish(t, load);
		mutex_unlock(&store_lock);
	}
	if (failed) {
		vfree(t->data);
		kfree(t);
	}
	return failed;
}

void kline_store_unload(void)
{
	struct kline_table *t, *next;
	mutex_lock(&store_lock);
	sections_publish(NULL);
	list_for_each_entry_safe(t, next, &tables, list)
	{
		list_del(&t->list);
		vfree(t->data);
		kfree(t);
	}
	mutex_unlock(&store_lock);
}

void kline_store_status(struct lines_status *ret)
{
	const struct kline_table *t;
	mutex_lock(&store_lock);
	const struct sections *now = sections_now();
	ret->sections = now ? now->count : 0;
	ret->bytes += now ? struct_size(now, all, now->count) : 0;
	list_for_each_entry(t, &tables, list)
	{
		ret->tables++;
		ret->bytes += PAGE_ALIGN(t->bytes) + sizeof(*t);
	}
	mutex_unlock(&store_lock);
}

static void module_came(const struct module *mod)
{
	const struct kline_table *t;
	struct lines_object object;
	list_for_each_entry(t, &tables, list)
	{
		for (u32 i = 0; lines_object_at(&t->lines, i, &object); i++) {
			if (!object.is_module ||
			    strcmp(lines_word(&t->lines, object.name), mod->name))
				continue;
			const struct sections *now = sections_now();
			struct sections *s = NULL;
			if ((now ? now->count : 0) + object.region_count <= SECTIONS_MAX)
				s = sections_copy(NULL, NULL, object.region_count);
			if (!s || module_add(s, t, &object, mod)) {
				pr_warn("cairn_lines: no lines for %s: the table is another "
					"build's\n",
					mod->name);
				kvfree(s);
				continue;
			}
			sections_publish(s);
			return;
		}
	}
}

static bool is_init_of(const struct kline_section *s, const void *mod)
{
	return s->mod == mod && s->is_init;
}

static bool is_of(const struct kline_section *s, const void *mod)
{
	return s->mod == mod;
}

/* Its code is about to go: no trace may find lines for whatever comes there next. */
static void module_went(const struct module *mod, bool only_init)
{
	struct sections *s = sections_copy(only_init ? is_init_of : is_of, mod, 0);
	if (s && s->count == (sections_now() ? sections_now()->count : 0))
		kvfree(s);
	else
		sections_publish(s); /* without memory: no lines at all rather than wrong ones */
}

static int on_module(struct notifier_block *block, unsigned long state, void *data)
{
	mutex_lock(&store_lock);
	if (state == MODULE_STATE_COMING)
		module_came(data);
	else if (state == MODULE_STATE_LIVE || state == MODULE_STATE_GOING)
		module_went(data, state == MODULE_STATE_LIVE);
	mutex_unlock(&store_lock);
	return NOTIFY_OK;
}

static struct notifier_block module_block = {.notifier_call = on_module};

int kline_store_init(void)
{
	return register_module_notifier(&module_block);
}

void kline_store_deinit(void)
{
	unregister_module_notifier(&module_block);
	kline_store_unload();
}
