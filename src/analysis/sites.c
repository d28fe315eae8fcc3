/* SPDX-License-Identifier: MIT */
#include "analysis/sites.h"

#include <errno.h>
#include <stdlib.h>

enum { SITE_IPS_MAX = 256 };

const struct site *sites_find(const struct sites *s, uint32_t id)
{
	return id ? map_find_pointer(&s->by_id, id) : NULL;
}

static int sites_event(void *state, const struct event *e)
{
	struct sites *s = state;
	uint32_t id = (uint32_t)event_uint(e, SITE_ID);
	size_t count;
	const uint8_t *ips = event_words(e, SITE_IPS, &count);
	if (!id || sites_find(s, id))
		return 0;
	if (count > SITE_IPS_MAX)
		count = SITE_IPS_MAX;
	struct site *site = calloc(1, sizeof(*site) + count * sizeof(uint64_t));
	uint64_t *place = site ? map_put(&s->by_id, id) : NULL;
	if (!place) {
		free(site);
		return -ENOMEM;
	}
	site->id = id;
	site->pid = (int32_t)event_int(e, SITE_PID);
	site->syscall = event_has(e, SITE_SYSCALL) ? (int32_t)event_int(e, SITE_SYSCALL) : -1;
	site->flags = (uint8_t)event_uint(e, SITE_FLAGS);
	site->count = (uint32_t)count;
	if (count)
		memcpy(site->ips, ips, count * sizeof(uint64_t));
	*place = (uintptr_t)site;
	return 0;
}

static void sites_release(void *state)
{
	struct sites *s = state;
	map_each(slot, &s->by_id)
		free((void *)(uintptr_t)slot->value);
	map_deinit(&s->by_id);
}

const struct analysis analysis_sites = {
	.name = "sites",
	.kinds = KIND(SITE),
	.state_bytes = sizeof(struct sites),
	.event = sites_event,
	.release = sites_release,
};
