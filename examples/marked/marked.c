/* SPDX-License-Identifier: MIT */
/*
 * A program with markers that says what it did, so that a trace can be compared with it.
 *
 *	marked orders N THREADS [PLUGIN]   N orders in each thread; PLUGIN is loaded half way
 *	marked ping N                      two threads wake each other N times
 *	marked reload N PLUGIN             the plugin comes and goes N times (0: without end)
 *	marked forever THREADS [PLUGIN]    orders without end, a thousand a second in each thread
 */
#include <cairn/marker.h>

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum state { STATE_NEW, STATE_PAID };

struct work {
	long count; /* 0: without end */
	unsigned thread;
	void (*pulse)(long number);
};

static void place_order(unsigned thread, long number)
{
	enum state state = number % 3 ? STATE_PAID : STATE_NEW;
	CAIRN_MARK(marked, order, CAIRN_INT(thread, thread), CAIRN_INT(number, number),
		   CAIRN_ENUM(state, state, "new=0,paid=1"),
		   CAIRN_TEXT(customer, number % 2 ? "Ada" : "Grace"));
}

static void *place_orders(void *argument)
{
	const struct work *w = argument;
	for (long i = 0; !w->count || i < w->count; i++) {
		place_order(w->thread, i);
		if (w->pulse)
			w->pulse(i);
		if (!w->count)
			usleep(1000);
	}
	return NULL;
}

static void *open_plugin(const char *path)
{
	void *plugin = dlopen(path, RTLD_NOW);
	if (!plugin) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	return plugin;
}

static void (*pulse_of(void *plugin))(long)
{
	return (void (*)(long))dlsym(plugin, "plugin_pulse");
}

static int reload(long count, const char *path)
{
	for (long i = 0; !count || i < count; i++) {
		void *plugin = open_plugin(path);
		pulse_of(plugin)(i);
		dlclose(plugin);
	}
	printf("plugin:pulse %ld\n", count);
	return 0;
}

static int run_orders(long count, unsigned threads, const char *plugin)
{
	struct work work[64];
	pthread_t ids[64];
	void (*pulse)(long) = plugin ? pulse_of(open_plugin(plugin)) : NULL;
	CAIRN_MARK_LEVEL(1, marked, open, CAIRN_INT(threads, threads));
	for (unsigned i = 0; i < threads && i < 64; i++) {
		work[i] = (struct work){count, i, pulse};
		pthread_create(&ids[i], NULL, place_orders, &work[i]);
	}
	for (unsigned i = 0; i < threads && i < 64; i++)
		pthread_join(ids[i], NULL);
	CAIRN_MARK_LEVEL(1, marked, close);
	printf("marked:open 1\nmarked:order %ld\nmarked:close 1\n", count * (long)threads);
	if (pulse)
		printf("plugin:pulse %ld\n", count * (long)threads);
	return 0;
}

static sem_t ball[2];

static void *play(void *argument)
{
	long me = (long)(intptr_t)argument & 1, count = (long)(intptr_t)argument >> 1;
	for (long i = 0; i < count; i++) {
		sem_wait(&ball[me]);
		CAIRN_MARK(ping, got, CAIRN_INT(player, (int)me), CAIRN_INT(ball, i));
		CAIRN_MARK(ping, sends, CAIRN_INT(player, (int)me), CAIRN_INT(ball, i));
		sem_post(&ball[1 - me]);
	}
	return NULL;
}

static int play_ping(long count)
{
	pthread_t players[2];
	for (unsigned i = 0; i < 2; i++)
		sem_init(&ball[i], 0, i == 0);
	for (long i = 0; i < 2; i++)
		pthread_create(&players[i], NULL, play, (void *)(intptr_t)(count << 1 | i));
	for (int i = 0; i < 2; i++)
		pthread_join(players[i], NULL);
	printf("ping:got %ld\nping:sends %ld\n", 2 * count, 2 * count);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && !strcmp(argv[1], "orders"))
		return run_orders(atol(argv[2]), (unsigned)atoi(argv[3]),
				  argc > 4 ? argv[4] : NULL);
	if (argc >= 3 && !strcmp(argv[1], "ping"))
		return play_ping(atol(argv[2]));
	if (argc >= 4 && !strcmp(argv[1], "reload"))
		return reload(atol(argv[2]), argv[3]);
	if (argc >= 3 && !strcmp(argv[1], "forever"))
		return run_orders(0, (unsigned)atoi(argv[2]), argc > 3 ? argv[3] : NULL);
	fprintf(stderr, "usage: marked orders N THREADS [PLUGIN] | ping N | reload N PLUGIN | "
			"forever THREADS "
			"[PLUGIN]\n");
	return 2;
}
