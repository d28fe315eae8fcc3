/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_recover.h"

#include "ctf/ctf_describe.h"
#include "ctf/ctf_types.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct recovery {
	const char *path;
	int directory;
	bool dry_run;
	struct ctf_metadata *metadata;
	struct ctf_layout *layout; /* of the metadata's types */
	ctf_recover_tell tell;
	void *context;
};

struct mapping {
	const uint8_t *data; /* NULL when the file is empty */
	size_t bytes;
};

static int map_file(int fd, struct mapping *ret)
{
	struct stat status;
	void *data = NULL;
	if (fstat(fd, &status))
		return -errno;
	size_t bytes = (size_t)status.st_size;
	if (bytes)
		data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	*ret = (struct mapping){data, bytes};
	return 0;
}

static void unmap(struct mapping *m)
{
	if (m->data)
		munmap((void *)(uintptr_t)m->data, m->bytes);
}

/* Events of types that a cut text no longer tells of would be taken for damage. */
static bool is_all_there(const struct mapping *text)
{
	const size_t end_bytes = sizeof(CTF_DESCRIBE_END) - 1;
	return text->bytes >= end_bytes &&
	       !memcmp(text->data + text->bytes - end_bytes, CTF_DESCRIBE_END, end_bytes);
}

static int learn(struct recovery *r, const struct mapping *text, struct err *e)
{
	struct err why = {0};
	int status = ctf_parse(&r->metadata, text->data ? (const void *)text->data : "",
			       text->bytes, &why);
	const char *tracer = status ? NULL : ctf_env_find(r->metadata, "tracer_name");
	if (tracer && strcmp(tracer, "cairn"))
		status = err_set(e, EPERM, "%s is not a trace that cairn wrote; it is left alone",
				 r->path);
	else if (status || !tracer || !r->metadata->has_uuid || !is_all_there(text))
		status =
			err_set(e, EBADMSG,
				"%s/metadata is damaged, so that nobody can tell events from other "
				"bytes: %s",
				r->path, status ? why.text : "its end is missing");
	else
		status = ctf_layout_create(&r->layout, r->metadata->schema, e);
	return status;
}

static int read_metadata(struct recovery *r, struct err *e)
{
	struct mapping text;
	CLEANUP(fd) int fd = openat(r->directory, "metadata", O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(
			e, EBADMSG,
			"%s has no file `metadata`: it is not a trace, or its recording ended "
			"before it began",
			r->path);
	int status = fd < 0 ? -errno : map_file(fd, &text);
	if (status) {
		errno = -status;
		return err_errno(e, "cannot read %s/metadata", r->path);
	}
	status = learn(r, &text, e);
	unmap(&text);
	return status;
}

static int write_at(int fd, const void *data, size_t bytes, uint64_t at)
{
	while (bytes) {
		ssize_t n = pwrite(fd, data, bytes, (off_t)at);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data = (const char *)data + n;
			bytes -= (size_t)n;
			at += (uint64_t)n;
		}
	}
	return 0;
}

/* Headers first: a cut that does not happen any more is made by the next recovery. */
static int mend(int fd, const struct ctf_mend *plan)
{
	for (size_t i = 0; i < plan->patches.count; i++) {
		const struct ctf_mend_patch *patch = &plan->patches.items[i];
		int r = write_at(fd, &patch->header, sizeof(patch->header),
				 patch->at - plan->front_bytes);
		if (r)
			return r;
	}
	return ftruncate(fd, (off_t)(plan->end - plan->front_bytes)) ? -errno : 0;
}

/* A file cannot lose its front but by a new one in its place. */
static int mend_copy(const struct recovery *r, const char *name, const struct mapping *file,
		     const struct ctf_mend *plan)
{
	char hidden[NAME_MAX + 8];
	snprintf(hidden, sizeof(hidden), ".%s.new", name);
	CLEANUP(fd)
	int fd = openat(r->directory, hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int status = fd < 0 ? -errno
			    : write_at(fd, file->data + plan->front_bytes,
				       plan->end - plan->front_bytes, 0);
	if (!status)
		status = mend(fd, plan);
	if (!status && renameat(r->directory, hidden, r->directory, name))
		status = -errno;
	if (status)
		unlinkat(r->directory, hidden, 0);
	return status;
}

static int recover_stream(struct recovery *r, const char *name, int fd, const struct mapping *file,
			  struct err *e)
{
	struct ctf_mend plan;
	int status = ctf_mend_plan(&plan, r->metadata->uuid, r->layout, file->data, file->bytes, e);
	if (status)
		return err_add(e, "%s/%s", r->path, name);
	struct ctf_recovered file_told = {
		.name = name,
		.kind = ctf_mend_needed(&plan, file->bytes) ? CTF_RECOVERED_MENDED
							    : CTF_RECOVERED_INTACT,
		.bytes = file->bytes,
		.bytes_kept = plan.end - plan.front_bytes,
		.mend = &plan,
	};
	if (!plan.end && !ctf_mend_is_beginning(r->metadata->uuid, file->data, file->bytes))
		file_told.kind = CTF_RECOVERED_FOREIGN;
	if (file_told.kind == CTF_RECOVERED_MENDED && !r->dry_run) {
		status = plan.front_bytes ? mend_copy(r, name, file, &plan) : mend(fd, &plan);
		if (status) {
			errno = -status;
			status = err_errno(e, "cannot mend %s/%s", r->path, name);
		}
	}
	if (!status)
		r->tell(r->context, &file_told);
	ctf_mend_deinit(&plan);
	return status;
}

static int recover_file(struct recovery *r, const char *name, struct err *e)
{
	struct stat status;
	struct mapping file;
	if (fstatat(r->directory, name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISREG(status.st_mode)) {
		r->tell(r->context,
			&(struct ctf_recovered){.name = name, .kind = CTF_RECOVERED_FOREIGN});
		return 0;
	}
	CLEANUP(fd)
	int fd = openat(r->directory, name,
			(r->dry_run ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC);
	int code = fd < 0 ? -errno : map_file(fd, &file);
	if (code) {
		errno = -code;
		return err_errno(e, "cannot open %s/%s", r->path, name);
	}
	code = recover_stream(r, name, fd, &file, e);
	unmap(&file);
	return code;
}

/* What a recording or a recovery left that was killed while it replaced a file. */
static bool is_remnant(const char *name)
{
	size_t bytes = strlen(name);
	return name[0] == '.' && bytes > 5 && !strcmp(name + bytes - 4, ".new");
}

static int recover_files(struct recovery *r, struct err *e)
{
	struct dirent **entries;
	int status = 0;
	int count = scandirat(r->directory, ".", &entries, NULL, alphasort);
	if (count < 0)
		return err_errno(e, "cannot list %s", r->path);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		if (is_remnant(name) && !r->dry_run)
			unlinkat(r->directory, name, 0);
		else if (!status && name[0] != '.' && strcmp(name, "metadata"))
			status = recover_file(r, name, e);
	}
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return status;
}

int ctf_recover(const char *path, bool dry_run, ctf_recover_tell tell, void *context, struct err *e)
{
	CLEANUP(fd) int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct recovery r = {
		.path = path,
		.directory = directory,
		.dry_run = dry_run,
		.tell = tell,
		.context = context,
	};
	if (directory < 0)
		return err_errno(e, "cannot open the trace directory %s", path);
	if (flock(directory, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return err_set(e, EBUSY, "%s is being recorded into; end the recording first",
			       path);
	int status = read_metadata(&r, e);
	if (!status)
		status = recover_files(&r, e);
	ctf_layout_destroy(r.layout);
	ctf_metadata_destroy(r.metadata);
	return status;
}
