/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_types.h"

#include <stdlib.h>
#include <string.h>

enum { NS_PER_S = 1000000000 };

void ctf_metadata_destroy(struct ctf_metadata *m)
{
	if (!m)
		return;
	array_each(class, &m->classes)
		map_deinit(&(*class)->events);
	array_free(&m->classes);
	array_free(&m->env);
	schema_destroy(m->schema);
	free(m->warning);
	free(m);
}

struct ctf_class *ctf_class_find(const struct ctf_metadata *m, uint64_t id)
{
	for (size_t i = 0; i < m->classes.count; i++) {
		if (m->classes.items[i]->id == id)
			return m->classes.items[i];
	}
	return NULL;
}

const char *ctf_env_find(const struct ctf_metadata *m, const char *name)
{
	for (size_t i = 0; i < m->env.count; i++) {
		if (!strcmp(m->env.items[i].name, name))
			return m->env.items[i].value;
	}
	return NULL;
}

int64_t ctf_clock_epoch_ns(const struct ctf_clock *c)
{
	__int128 cycles_ns = (__int128)c->offset_cycles * NS_PER_S / (int64_t)c->freq_hz;
	return (int64_t)((__int128)c->offset_s * NS_PER_S + cycles_ns);
}
