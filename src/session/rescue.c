/* SPDX-License-Identifier: MIT */
#include "session/rescue.h"

#include "ctf/ctf_recover.h"
#include "ctf/ctf_write.h"
#include "kernel/bpf_pins.h"
#include "ring/ring_share.h"
#include "session/registry.h"
#include "session/session.h"
#include "session/state.h"
#include "session/user_rings.h"
#include "util/cleanup.h"
#include "util/now.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { NAMES_MAX = 1000 };

struct search {
	const char *path; /* NULL: all */
	void (*tell)(void *context, const struct rescue *rescued);
	void *context;
};

static void hear_nothing(void *context, const struct ctf_recovered *file)
{
	(void)context;
	(void)file;
}

/* PATH, or PATH-2, PATH-3, …: the directory of a snapshot, with its metadata. */
static int make_trace(const struct registry_entry *entry, char path[PATH_MAX], struct err *e)
{
	int made = -1;
	for (int i = 1; made < 0 && i < NAMES_MAX; i++) {
		snprintf(path, PATH_MAX, i > 1 ? "%s-%d" : "%s", entry->trace, i);
		made = mkdir(path, 0700);
		if (made < 0 && errno != EEXIST)
			break;
	}
	CLEANUP(fd) int directory = made < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(fd)
	int fd = directory < 0 ? -1
			       : openat(directory, "metadata",
					O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 ||
	    write(fd, entry->metadata, entry->metadata_bytes) != (ssize_t)entry->metadata_bytes)
		return err_errno(e, "cannot make the trace %s", path);
	return 0;
}

/* Who lives now: most of those the rings speak of. */
static int add_state(struct ctf_write *out, const uint8_t uuid[16], struct err *e)
{
	struct state *state;
	struct packet packet;
	uint64_t now_ns = now_monotonic_ns();
	int status = state_create(&state, e);
	if (status < 0)
		return status;
	status = packet_init(&packet, uuid, RECORDER_STREAM_STATE, 0, ctf_write_packet, out, e);
	state_anchor_clocks(state, now_ns, true);
	if (status == 0)
		status = state_scan(state, now_ns, e);
	if (status == 0)
		status = state_write(state, &packet, true, now_monotonic_ns(), e);
	if (status == 0)
		status = packet_seal(&packet, e);
	packet_deinit(&packet);
	state_destroy(state);
	return status;
}

static int open_trace(const struct registry_entry *entry, char path[PATH_MAX],
		      struct ctf_write **ret, struct err *e)
{
	int status;
	snprintf(path, PATH_MAX, "%s", entry->trace);
	if (entry->metadata_bytes)
		status = make_trace(entry, path, e);
	else
		status = ctf_recover(path, false, hear_nothing, NULL, e);
	return status < 0 ? status
			  : ctf_write_resume(ret, path, session_streams, SESSION_STREAMS, e);
}

/* What a dead recording left: the kernel's rings, those of marked programs, or both. */
struct left {
	struct bpf_pins pins;
	bool has_pins;
	struct user_rings *user; /* or NULL */
};

static bool left_open(struct left *l, const char *name, struct err *e)
{
	struct err absent;
	*l = (struct left){.user = NULL};
	if (user_rings_open(&l->user, name, &absent) < 0)
		l->user = NULL;
	l->has_pins = bpf_pins_open(&l->pins, name, e) == 0;
	if (l->has_pins || l->user)
		*e = (struct err){0};
	return l->has_pins || l->user;
}

static void left_close(struct left *l)
{
	if (l->has_pins)
		bpf_pins_close(&l->pins);
	user_rings_close(l->user);
}

static const uint8_t *left_uuid(const struct left *l)
{
	return l->has_pins ? ((const struct ring_packet *)l->pins.rings.subbufs[0])->uuid
			   : user_rings_share(l->user)->uuid;
}

static int left_copy(struct left *l, struct ctf_write *out, struct err *e)
{
	static const enum recorder_stream streams[] = {RECORDER_STREAM_LIFE,
						       RECORDER_STREAM_EVENTS};
	int status = 0;
	for (size_t i = 0; l->has_pins && i < 2 && status == 0; i++)
		status = bpf_rings_copy(&l->pins.rings, streams[i], ctf_write_packet, out, e);
	if (status < 0 || !l->user)
		return status;
	user_rings_look(l->user);
	return user_rings_drain(l->user, ctf_write_schema(out), true, ctf_write_packet, out, e);
}

static int fill(const struct registry_entry *entry, struct left *left, char path[PATH_MAX],
		struct rescue *r)
{
	struct ctf_write *out;
	struct ctf_write_totals totals;
	struct err *e = &r->trouble;
	int status = open_trace(entry, path, &out, e);
	if (status < 0)
		return status;
	status = left_copy(left, out, e);
	ctf_write_totals(out, &totals);
	r->events = totals.events;
	if (entry->metadata_bytes && status == 0)
		status = add_state(out, left_uuid(left), e);
	if (status == 0)
		r->trouble = totals.trouble;
	ctf_write_destroy(out);
	return status;
}

/* Whatever comes of it, the rings go: they are memory of the kernel that nobody else gives back. */
static bool rescue_one(void *context, const struct registry_entry *entry)
{
	const struct search *s = context;
	struct left left;
	char path[PATH_MAX];
	struct rescue r = {.trace = path};
	if (s->path && strcmp(s->path, entry->trace))
		return false;
	snprintf(path, sizeof(path), "%s", entry->trace);
	if (*path && left_open(&left, entry->name, &r.trouble)) {
		fill(entry, &left, path, &r);
		left_close(&left);
	}
	if (*path && (r.events || r.trouble.code))
		s->tell(s->context, &r);
	bpf_pins_remove(entry->name);
	return true;
}

int rescue_dead(const char *path, void (*tell)(void *context, const struct rescue *rescued),
		void *context, struct err *e)
{
	char located[PATH_MAX];
	struct search s = {.tell = tell, .context = context};
	if (path) {
		int status = registry_locate(path, located, e);
		if (status < 0)
			return status;
		s.path = located;
	}
	return registry_each_dead(rescue_one, &s, e);
}
