/* SPDX-License-Identifier: MIT */
/* Tables into the running kernel's module cairn_lines, what it has of them, and out again. */
#include "cli/cmd_lines.h"
#include "cli/command.h"
#include "lineinfo/line_reader.h"
#include "lines/lines_device.h"
#include "symbol/symbol_lines.h"
#include "util/array.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

struct wanted {
	const char *path;
	const char *object; /* "": the kernel; NULL: whatever is in it */
	size_t object_bytes;
};

struct loader {
	ARRAY(struct wanted) wanted;
	int fd;
};

static int device_open(int *ret, struct err *e)
{
	*ret = open("/dev/" LINES_DEVICE_NAME, O_RDWR | O_CLOEXEC);
	if (*ret < 0 && errno == ENOENT)
		return err_set(e, ENOENT,
			       "the module cairn_lines is not loaded; `modprobe cairn_lines` loads "
			       "it, where it was built for this kernel and its signature is taken");
	return *ret < 0 ? err_errno(e, "/dev/" LINES_DEVICE_NAME) : 0;
}

static bool has_object(const struct lines_table *t, const struct wanted *w)
{
	struct lines_object object;
	for (uint32_t i = 0; w->object && lines_object_at(t, i, &object); i++) {
		const char *name = lines_word(t, object.name);
		if (!w->object_bytes && !object.is_module)
			return true;
		if (object.is_module && strlen(name) == w->object_bytes &&
		    !memcmp(name, w->object, w->object_bytes))
			return true;
	}
	return !w->object;
}

static int explain(const struct lines_table *t, const struct wanted *w, int code,
		   const struct lines_load *load, struct err *e)
{
	static const char *const reasons[] = {
		[LINES_REPLY_DAMAGED] = "the kernel's module cannot read this version of tables",
		[LINES_REPLY_OTHER_KERNEL] = "is of another kernel than the running one: build it "
					     "from that one's debug information",
		[LINES_REPLY_OTHER_MODULE] = "is of another build than the module that is loaded",
		[LINES_REPLY_NO_FUNCTIONS] = "has no names of functions, which a module's table "
					     "needs: build it without -F",
		[LINES_REPLY_NO_PLACE] = "this kernel does not tell where it was loaded to",
		[LINES_REPLY_TOO_MANY] = "there are too many sections of code in it",
	};
	struct lines_object object;
	const char *name =
		lines_object_at(t, load->object, &object) ? lines_word(t, object.name) : "";
	if (!load->reply || load->reply >= sizeof(reasons) / sizeof(reasons[0]))
		return err_set(e, code, "%s: %s", w->path, strerror(code));
	return err_set(e, code, "%s: %s: %s", w->path, name, reasons[load->reply]);
}

static int load_one(struct loader *l, const struct wanted *w, struct err *e)
{
	struct line_reader reader;
	int failed = line_reader_open(&reader, w->path, e);
	if (!failed && !has_object(&reader.table, w))
		failed = err_set(e, EINVAL, "%s: there is nothing of %.*s in it", w->path,
				 w->object_bytes ? (int)w->object_bytes : 10,
				 w->object_bytes ? w->object : "the kernel");
	if (!failed) {
		struct lines_load load = {.data = (uint64_t)(uintptr_t)reader.table.data,
					  .bytes = reader.table.header.bytes};
		if (ioctl(l->fd, LINES_DEVICE_LOAD, &load))
			failed = explain(&reader.table, w, errno, &load, e);
	}
	line_reader_close(&reader);
	return failed;
}

static int load_all(struct loader *l, struct err *e)
{
	int failed = device_open(&l->fd, e);
	for (size_t i = 0; !failed && i < l->wanted.count; i++)
		failed = load_one(l, &l->wanted.items[i], e);
	if (l->fd >= 0)
		close(l->fd);
	return failed;
}

int lines_load_run(int argc, char **argv)
{
	static const struct option options[] = {{"kernel", required_argument, NULL, 'k'},
						{"module", required_argument, NULL, 'm'},
						{"all", no_argument, NULL, 'a'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct loader l = {.fd = -1};
	char standard[PATH_MAX];
	struct err e;
	int failed = 0;
	for (int c; (c = getopt_long(argc, argv, "k:m:ah", options, NULL)) != -1;) {
		const char *equals = c == 'm' ? strchr(optarg, '=') : NULL;
		struct wanted wanted = {standard, NULL, 0};
		if (c == 'h' || c == '?' || (c == 'm' && (!equals || equals == optarg)))
			return lines_usage(c == 'h' ? stdout : stderr);
		if (c == 'k')
			wanted = (struct wanted){optarg, "", 0};
		else if (c == 'm')
			wanted = (struct wanted){equals + 1, optarg, (size_t)(equals - optarg)};
		else
			symbol_lines_kernel_path(standard, sizeof(standard));
		if (array_push(&l.wanted, wanted))
			failed = err_set(&e, ENOMEM, "no memory");
	}
	if (optind < argc || !l.wanted.count)
		return lines_usage(stderr);
	if (!failed)
		failed = load_all(&l, &e);
	array_free(&l.wanted);
	return failed ? command_fail("lines load", &e) : COMMAND_FINE;
}

static void print_status(const struct lines_status *s)
{
	printf("memory            %" PRIu64 " bytes\n", s->bytes);
	printf("tables            %u, of %u sections of running code\n", s->tables, s->sections);
	printf("traces printed    %" PRIu64 "\n", s->traces);
	printf("frames with line  %" PRIu64 "\n", s->frames);
	printf("look-ups failed   %" PRIu64 "\n", s->failed);
	printf("lines go into     %s%s%s%s\n", s->hooks & 1 ? "call traces " : "",
	       s->hooks & 2 ? "RIP " : "", s->hooks & 4 ? "saved traces" : "",
	       s->hooks ? "" : "nothing: this kernel refuses the hooks, see its log");
}

static int device_run(int argc, char **argv, const char *name, bool is_status)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	CLEANUP(fd) int fd = -1;
	struct lines_status status;
	struct err e;
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
		return lines_usage(c == 'h' ? stdout : stderr);
	if (optind < argc)
		return lines_usage(stderr);
	if (device_open(&fd, &e))
		return command_fail(name, &e);
	if (is_status ? ioctl(fd, LINES_DEVICE_STATUS, &status) : ioctl(fd, LINES_DEVICE_UNLOAD)) {
		err_errno(&e, "/dev/" LINES_DEVICE_NAME);
		return command_fail(name, &e);
	}
	if (is_status)
		print_status(&status);
	return COMMAND_FINE;
}

int lines_status_run(int argc, char **argv)
{
	return device_run(argc, argv, "lines status", true);
}

int lines_unload_run(int argc, char **argv)
{
	return device_run(argc, argv, "lines unload", false);
}
