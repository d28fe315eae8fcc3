/* SPDX-License-Identifier: MIT */
#include "kernel/stack_builder.h"

#include "util/array.h"
#include "util/cleanup.h"
#include "util/now.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
	SHARE = 20, /* a twentieth of one cpu for strangers */
	ACCOUNT_MAX_NS = 100000000,
	ENTRY_NS = 2000, /* a first guess; then as it was so far */
};

struct job {
	uint32_t file;
	int fd;
	bool urgent;
	uint64_t entries;
	char *name;
};

struct stack_builder {
	struct stack_source source;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t work, done;
	ARRAY(struct job) jobs;
	ARRAY(struct stack_built) built;
	struct job current; /* name NULL = idle */
	bool end;
	bool everything; /* somebody waits: strangers' files, too, at once */
	uint64_t filled_ns;
	int64_t account_ns; /* strangers' */
	uint64_t spent_ns, spent_entries;
};

int stack_builder_open(struct stack_builder **ret, const struct stack_source *source, struct err *e)
{
	struct stack_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return err_set(e, ENOMEM, "no memory for the builder of unwind tables");
	b->source = *source;
	b->filled_ns = now_monotonic_ns();
	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&b->work, NULL);
	pthread_cond_init(&b->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	*ret = b;
	return 0;
}

static void free_job(struct job *job)
{
	close(job->fd);
	free(job->name);
	job->name = NULL;
}

void stack_builder_close(struct stack_builder *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->lock);
	b->end = true;
	pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
	if (b->running)
		pthread_join(b->thread, NULL);
	array_each(job, &b->jobs)
		free_job(job);
	array_each(built, &b->built) {
		free(built->name);
		free(built->image.words);
	}
	array_free(&b->jobs);
	array_free(&b->built);
	pthread_cond_destroy(&b->work);
	pthread_cond_destroy(&b->done);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static bool comes_before(const struct job *a, const struct job *b)
{
	return a->urgent != b->urgent ? a->urgent : a->entries < b->entries;
}

static bool affordable(struct stack_builder *b, const struct job *job)
{
	uint64_t now = now_monotonic_ns();
	uint64_t each_ns = b->spent_entries ? b->spent_ns / b->spent_entries : ENTRY_NS;

	b->account_ns += (int64_t)((now - b->filled_ns) / SHARE);
	b->filled_ns = now;
	if (b->account_ns > ACCOUNT_MAX_NS)
		b->account_ns = ACCOUNT_MAX_NS;
	return job->urgent || b->everything || b->account_ns == ACCOUNT_MAX_NS ||
	       b->account_ns >= (int64_t)(job->entries * each_ns);
}

/* Makes the first of the jobs current; false when there is none, or none to be done now. */
static bool choose_job(struct stack_builder *b)
{
	size_t first = 0;

	if (b->jobs.count == 0)
		return false;
	for (size_t i = 1; i < b->jobs.count; i++)
		if (comes_before(&b->jobs.items[i], &b->jobs.items[first]))
			first = i;
	if (!affordable(b, &b->jobs.items[first]))
		return false;
	b->current = b->jobs.items[first];
	b->jobs.items[first] = b->jobs.items[--b->jobs.count];
	return true;
}

static void do_job(struct stack_builder *b)
{
	struct stack_built built = {.file = b->current.file};
	uint64_t start_ns = now_clock_ns(CLOCK_THREAD_CPUTIME_ID);

	pthread_mutex_unlock(&b->lock);
	built.status = b->source.build(b->source.context, &built.image, b->current.fd,
				       b->current.name, &built.refusal);
	pthread_mutex_lock(&b->lock);
	uint64_t took_ns = now_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
	b->spent_ns += took_ns;
	b->spent_entries += b->current.entries;
	if (!b->current.urgent)
		b->account_ns -= (int64_t)took_ns;
	built.name = TAKE(b->current.name, NULL);
	free_job(&b->current);
	/* There is room since the job was added. */
	b->built.items[b->built.count++] = built;
	pthread_cond_signal(&b->done);
}

static void *work(void *context)
{
	struct stack_builder *b = context;

	pthread_mutex_lock(&b->lock);
	while (!b->end) {
		if (choose_job(b))
			do_job(b);
		else
			pthread_cond_wait(&b->work, &b->lock);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* Signals stay with the thread that records. */
static int start_thread(struct stack_builder *b)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int status = pthread_create(&b->thread, NULL, work, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	b->running = status == 0;
	return -status;
}

static int push_job(struct stack_builder *b, struct job *job)
{
	size_t room = b->built.count + b->jobs.count + 2; /* and the current one */

	if (array_reserve(&b->built, room) || array_push(&b->jobs, *job))
		return -ENOMEM;
	return b->running ? 0 : start_thread(b);
}

int stack_builder_add(struct stack_builder *b, uint32_t file, int fd, const char *name,
		      uint64_t entries, bool urgent)
{
	struct job job = {file, fcntl(fd, F_DUPFD_CLOEXEC, 3), urgent, entries, strdup(name)};

	if (job.fd < 0 || !job.name) {
		free_job(&job);
		return -ENOMEM;
	}
	pthread_mutex_lock(&b->lock);
	size_t before = b->jobs.count;
	int status = push_job(b, &job);
	if (status < 0) {
		b->jobs.count = before;
		free_job(&job);
	}
	pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
	return status;
}

void stack_builder_urge(struct stack_builder *b, uint32_t file)
{
	pthread_mutex_lock(&b->lock);
	array_each(job, &b->jobs)
		job->urgent |= job->file == file;
	pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
}

void stack_builder_step(struct stack_builder *b)
{
	pthread_mutex_lock(&b->lock);
	if (b->jobs.count && !b->current.name)
		pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
}

bool stack_builder_take(struct stack_builder *b, struct stack_built *ret)
{
	pthread_mutex_lock(&b->lock);
	bool any = b->built.count > 0;
	if (any)
		*ret = b->built.items[--b->built.count];
	pthread_mutex_unlock(&b->lock);
	return any;
}

static bool busy(struct stack_builder *b, bool all)
{
	if (b->current.name && (all || b->current.urgent))
		return true;
	array_each(job, &b->jobs)
		if (all || job->urgent)
			return true;
	return false;
}

void stack_builder_wait(struct stack_builder *b, bool all, unsigned max_ms)
{
	uint64_t end_ns = now_monotonic_ns() + max_ms * 1000000ull;
	struct timespec end = {(time_t)(end_ns / 1000000000u), (long)(end_ns % 1000000000u)};

	pthread_mutex_lock(&b->lock);
	b->everything = all;
	pthread_cond_signal(&b->work);
	while (busy(b, all) && pthread_cond_timedwait(&b->done, &b->lock, &end) == 0)
		;
	b->everything = false;
	pthread_mutex_unlock(&b->lock);
}

uint64_t stack_builder_spent_ns(struct stack_builder *b)
{
	pthread_mutex_lock(&b->lock);
	uint64_t spent_ns = b->spent_ns;
	pthread_mutex_unlock(&b->lock);
	return spent_ns;
}
