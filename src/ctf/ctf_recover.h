/* SPDX-License-Identifier: MIT */
/*
 * Making a damaged trace directory valid again: after a kill, a power cut, a full or failing disk.
 *
 * Every whole packet stays; of a packet that is cut, its whole events; the rest goes. A directory
 * that is still being recorded into is left alone, and so is a trace of another tool. Recovering
 * twice finds nothing to do the second time.
 */
#ifndef CAIRN_CTF_CTF_RECOVER_H
#define CAIRN_CTF_CTF_RECOVER_H

#include "ctf/ctf_mend.h"

enum ctf_recovered_kind {
	CTF_RECOVERED_INTACT,
	CTF_RECOVERED_MENDED,  /* or would be, in a dry run */
	CTF_RECOVERED_FOREIGN, /* no stream of this trace: other readers refuse the directory */
};

struct ctf_recovered {
	const char *name;
	enum ctf_recovered_kind kind;
	uint64_t bytes, bytes_kept; /* the file's size, before and after */
	const struct ctf_mend *mend;
};

/* Told of every file, in the order of their names. */
typedef void (*ctf_recover_tell)(void *context, const struct ctf_recovered *file);

/*
 * -EBUSY when somebody records into the directory, -EBADMSG when the metadata does not say what
 * its streams are, -EPERM for a trace not written by cairn. `dry_run` changes nothing.
 */
int ctf_recover(const char *path, bool dry_run, ctf_recover_tell tell, void *context,
		struct err *e);

#endif
