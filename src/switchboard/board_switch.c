/* SPDX-License-Identifier: MIT */
#include "marker/marker_control.h"
#include "switchboard/board.h"
#include "switchboard/halt.h"

#include <stddef.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_at(const struct board *b, uint64_t at, const void *from, size_t bytes)
{
	return pwrite(b->fd, from, bytes, (off_t)at) == (ssize_t)bytes;
}

/* The session's path for each runtime of the process; a generation of 0 has all threads ask. */
static bool write_runtime(const struct board *b, const struct board_module *m, const char *path)
{
	char text[MARKER_PATH_BYTES] = {0};
	uint32_t version, ask = 0;
	if (!m->control)
		return true;
	if (pread(b->fd, &version, sizeof(version), (off_t)m->control) != sizeof(version) ||
	    version != MARKER_CONTROL_VERSION)
		return false;
	snprintf(text, sizeof(text), "%s", path);
	return write_at(b, m->control + offsetof(struct marker_control, path), text,
			sizeof(text)) &&
	       write_at(b, m->page, &ask, sizeof(ask));
}

/* Only the upper half: the lower one is the kernel's. */
static bool write_id(const struct board *b, struct board_marker *marker, uint16_t id)
{
	marker->id = id;
	return write_at(b, marker->word + 2, &id, sizeof(id));
}

static int id_for(struct ring_share *share, const struct board_marker *marker)
{
	enum marker_wish wish = MARKER_UNWANTED;
	if (share)
		wish = marker_note_wanted(&marker->note, share->patterns, share->pattern_bytes);
	if (wish == MARKER_UNWANTED)
		return 0;
	int id = ring_share_id(share, marker_note_hash(&marker->note), marker->description,
			       (uint32_t)marker->bytes);
	return id > 0 && wish == MARKER_TRIGGERS ? id | RING_ID_TRIGGER : id;
}

/* A word whose sites describe different events gets no id, whichever came first. */
static bool is_contradicted(const struct board_module *m, const struct board_marker *marker,
			    uint64_t hash)
{
	array_each(other, &m->markers) {
		if (other->word == marker->word && marker_note_hash(&other->note) != hash)
			return true;
	}
	return false;
}

static int switch_module(const struct board *b, struct board_module *m, struct ring_share *share,
			 size_t *count)
{
	/* Sites of one word stand together as a rule: asked once. */
	uint64_t word = 0;
	array_each(marker, &m->markers) {
		int id = id_for(share, marker);
		if (marker->word == word)
			continue;
		word = marker->word;
		if (id > 0 && is_contradicted(m, marker, marker_note_hash(&marker->note)))
			id = 0;
		if ((id > 0 || marker->id) && !write_id(b, marker, (uint16_t)(id > 0 ? id : 0)))
			return -1;
		*count += share ? id > 0 : 1;
	}
	return 0;
}

static int switch_all(struct board *b, struct ring_share *share, const char *path, size_t *count,
		      struct err *e)
{
	array_each(m, &b->modules) {
		if (!write_runtime(b, m, share ? path : ""))
			return err_set(e, ENOTSUP,
				       "%s in process %d has another version of cairn's library",
				       m->path, (int)b->pid);
	}
	array_each(m, &b->modules) {
		if (switch_module(b, m, share, count) < 0)
			return err_errno(e, "cannot write into process %d", (int)b->pid);
	}
	return 0;
}

/* The program must be able to open the rings, as whoever it is and from where it is. */
static int check_reach(pid_t pid, const char *path, struct err *e)
{
	char there[PATH_MAX];
	struct stat process, ours, theirs;
	snprintf(there, sizeof(there), "/proc/%d", (int)pid);
	if (stat(there, &process) < 0 || stat(path, &ours) < 0)
		return err_errno(e, "cannot look at process %d", (int)pid);
	if (process.st_uid != ours.st_uid)
		return err_set(e, EPERM,
			       "process %d belongs to user %u, who alone can record its markers "
			       "(sudo -u '#%u' cairn record -x waits …)",
			       (int)pid, (unsigned)process.st_uid, (unsigned)process.st_uid);
	snprintf(there, sizeof(there), "/proc/%d/root%s", (int)pid, path);
	if (stat(there, &theirs) < 0 || theirs.st_ino != ours.st_ino ||
	    theirs.st_dev != ours.st_dev)
		return err_set(e, EXDEV,
			       "process %d has another /dev/shm (a container?) and does not see "
			       "the rings in %s",
			       (int)pid, path);
	return 0;
}

int board_switch(pid_t pid, struct ring_share *share, const char *path, size_t *count_ret,
		 struct err *e)
{
	struct halt halt;
	struct board b;
	size_t count = 0;
	int status = share ? check_reach(pid, path, e) : 0;
	if (status == 0)
		status = halt_begin(&halt, pid, HALT_FOREVER, e);
	if (status < 0)
		return status;
	status = board_open_process(&b, pid, e);
	if (status == 0) {
		status = switch_all(&b, share, path, &count, e);
		board_close(&b);
	}
	halt_end(&halt);
	if (status == 0)
		*count_ret = count;
	return status;
}
