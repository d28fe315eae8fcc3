/* SPDX-License-Identifier: MIT */
#include "session/rescue.h"

#include "ctf/ctf_recover.h"
#include "ctf/ctf_write.h"
#include "kernel/bpf_pins.h"
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

/* Of programs that were marked; most recordings have none. */
static int add_markers(struct ctf_write *out, const char *name, struct err *e)
{
	struct user_rings *user;
	struct err absent;
	int status = user_rings_open(&user, name, &absent);
	if (status == -ENOENT)
		return 0;
	if (status < 0)
		return err_set(e, -status, "%s", absent.text);
	user_rings_look(user);
	status = user_rings_drain(user, ctf_write_schema(out), true, ctf_write_packet, out, e);
	user_rings_close(user);
	return status;
}

static int fill(const struct registry_entry *entry, struct bpf_rings *rings, char path[PATH_MAX],
		struct rescue *r)
{
	struct ctf_write *out;
	struct ctf_write_totals totals;
	struct err *e = &r->trouble;
	int status = open_trace(entry, path, &out, e);
	if (status < 0)
		return status;
	status = bpf_rings_copy(rings, RECORDER_STREAM_LIFE, ctf_write_packet, out, e);
	if (status == 0)
		status = bpf_rings_copy(rings, RECORDER_STREAM_EVENTS, ctf_write_packet, out, e);
	if (status == 0)
		status = add_markers(out, entry->name, e);
	ctf_write_totals(out, &totals);
	r->events = totals.events;
	if (entry->metadata_bytes && status == 0)
		status = add_state(out, ((const struct ring_packet *)rings->subbufs[0])->uuid, e);
	if (status == 0)
		r->trouble = totals.trouble;
	ctf_write_destroy(out);
	return status;
}

/* Whatever comes of it, the rings go: they are memory of the kernel that nobody else gives back. */
static bool rescue_one(void *context, const struct registry_entry *entry)
{
	const struct search *s = context;
	struct bpf_pins pins;
	char path[PATH_MAX];
	struct rescue r = {.trace = path};
	if (s->path && strcmp(s->path, entry->trace))
		return false;
	snprintf(path, sizeof(path), "%s", entry->trace);
	if (*path && bpf_pins_open(&pins, entry->name, &r.trouble) == 0) {
		fill(entry, &pins.rings, path, &r);
		bpf_pins_close(&pins);
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
