/* SPDX-License-Identifier: MIT */
/*
 * The machine inside: time, cpus, tasks, interrupts. Scenarios are written against this.
 *
 * All happens in alarms, in the order of time. A cpu has a stack: its thread, above it softirq,
 * hrtimer and irq frames, each with time left until its next step; what is below stands still.
 * A step is instantaneous: it acts (wakes, locks, issues), writes events at sim->now_ns, and says
 * how long until the next. `sim->here` is the cpu whose step it is.
 */
#ifndef CAIRN_TESTS_SYNTH_SIM_H
#define CAIRN_TESTS_SYNTH_SIM_H

#include "kernel/recorder_abi.h"
#include "synth_truth.h"

enum { SIM_SOFTIRQS = 10, SIM_FRAMES_MAX = 6, SIM_PAYLOAD_BYTES = 128, SIM_WORKERS = 3 };
enum { SIM_BEGIN_NS = 1000000000, SIM_US = 1000, SIM_MS = 1000000 };
enum {
	SIM_PRIO_STOP = 0,
	SIM_PRIO_RT = 50,
	SIM_PRIO_HIGH = 100,
	SIM_PRIO = 120,
	SIM_PRIO_LOW = 130
};

enum sim_vec {
	VEC_TIMER = 1,
	VEC_NET_RX = 3,
	VEC_BLOCK = 4,
	VEC_TASKLET = 6,
	VEC_SCHED = 7,
};

/* Beyond the recorder's own records. */
enum sim_event { SIM_EVENT_THREAD = RECORDER_EVENTS, SIM_EVENT_DISK, SIM_EVENTS };

struct sim;
struct sim_task;
struct sim_cpu;
struct disk;
struct journal;

enum sim_life {
	SIM_ASLEEP,
	SIM_QUEUED,
	SIM_RUNNING,
	SIM_DEAD,
};

struct sim_task {
	struct synth_thread who;
	enum sim_life life;
	int prio;
	int pinned;   /* to this cpu, or −1 */
	int cpu;      /* it is or was on */
	bool kernel;  /* has no sites */
	bool falling; /* has decided to sleep, still runs */
	bool woken;   /* meanwhile */
	uint16_t sleep_state;
	struct truth_piece sleep;
	uint64_t left_ns;           /* of cpu time, to its next step */
	uint64_t dispatched_ns;     /* got its cpu */
	struct sim_task *next;      /* in a cpu's queue */
	struct sim_task *wait_next; /* in a lock's line */
	bool contends;              /* since its last try at a lock */
	uint32_t truth;
	int32_t syscall; /* it is in; −1 none */
	uint64_t arg;    /* of that */
	/* Its script: acts, then calls one of sim_run(), sim_sleep(), sim_exit(). */
	void (*step)(struct sim *sim, struct sim_task *task);
	int stage;
	int count;
	void *role;
};

enum sim_frame_kind { SIM_IRQ, SIM_HRTIMER, SIM_SOFTIRQ };

struct sim_frame {
	enum sim_frame_kind kind;
	uint64_t number;   /* irq, vector, or the timer's address */
	uint64_t function; /* of a timer */
	/* Acts; gives the time to its next step, 0 when it is done. */
	uint64_t (*step)(struct sim *sim, struct sim_frame *frame);
	void *arg;
	int stage;
	uint64_t left_ns;
};

struct sim_call {
	void (*call)(struct sim *sim, void *arg);
	void *arg;
};

struct sim_calls {
	ARRAY(struct sim_call) list;
	size_t called;
};

struct sim_pool;

struct sim_cpu {
	int index;
	bool online;
	bool ticking;             /* time passes for the top of the stack */
	bool resched;             /* choose again who runs */
	bool deferred;            /* softirqs are left to ksoftirqd */
	bool settled;             /* never defers again: about to go offline */
	struct sim_task *current; /* NULL: idle */
	struct sim_task *queue;   /* by priority, then by arrival */
	unsigned queued;
	struct sim_frame stack[SIM_FRAMES_MAX];
	unsigned depth;
	uint64_t resumed_ns, tag;     /* of the alarm at the end of the top's time */
	ARRAY(struct sim_frame) irqs; /* waiting for the one under way */
	unsigned softirqs;            /* pending, bit by vector */
	struct sim_calls calls[SIM_SOFTIRQS];
	struct sim_task *ksoftirqd, *stopper;
	struct sim_pool *pool;
	uint32_t truth;
};

struct sim_alarm {
	uint64_t at_ns, order;
	void (*ring)(struct sim *sim, void *arg, uint64_t tag);
	void *arg;
	uint64_t tag;
};

struct sim_out {
	uint64_t time_ns;
	const struct event_type *type;
	int32_t cpu, tid;
	uint32_t bytes;
	uint8_t payload[SIM_PAYLOAD_BYTES];
};

struct sim {
	struct source source; /* first: the simulation is one */
	struct synth_options options;
	uint64_t now_ns, end_ns, random;
	uint64_t given; /* events, the state dump apart */
	struct schema *schema;
	const struct event_type *types[SIM_EVENTS];
	ARRAY(struct sim_alarm) alarms; /* a heap */
	uint64_t alarm_order;
	ARRAY(struct sim_out) out;
	size_t out_next;
	struct sim_cpu *cpus;
	struct sim_cpu *here; /* NULL outside of steps */
	ARRAY(struct sim_task *) tasks;
	ARRAY(struct disk *) disks;
	ARRAY(struct journal *) journals;
	ARRAY(void *) blocks; /* of sim_alloc() */
	uint32_t outside;     /* whose truth is TRUTH_IRQ for ever */
	struct map sites;
	uint64_t next_address;
	struct truth truth;
};

/* synth.c */
struct sim *sim_create(const struct synth_options *options, bool blind, struct err *e);
void sim_destroy(struct sim *sim);
void *sim_alloc(struct sim *sim, size_t bytes); /* zeroed, lives as long as the simulation */

/* synth_time.c */
uint64_t sim_random(struct sim *sim, uint64_t low, uint64_t high); /* both may come */
bool sim_chance(struct sim *sim, unsigned per_mille);
void sim_alarm(struct sim *sim, uint64_t at_ns,
	       void (*ring)(struct sim *sim, void *arg, uint64_t tag), void *arg, uint64_t tag);
bool sim_advance(struct sim *sim); /* the next alarm; false when none is left before the end */

/* synth_emit.c: event by event what recorder_abi.h has, at sim->here */
int sim_schema(struct sim *sim, struct err *e);
void emit_switch(struct sim *sim, const struct sim_task *prev, const struct sim_task *next,
		 uint16_t prev_state);
void emit_waking(struct sim *sim, const struct sim_task *task, enum waking_context context);
void emit_wakeup_new(struct sim *sim, const struct sim_task *task);
void emit_frame(struct sim *sim, const struct sim_frame *frame, bool entry);
void emit_raise(struct sim *sim, enum sim_vec vec);
void emit_timer(struct sim *sim, uint64_t timer, uint64_t function, bool entry);
void emit_work(struct sim *sim, enum recorder_event id, uint64_t work, uint64_t function);
void emit_issue(struct sim *sim, const struct recorder_block_issue *issue);
void emit_done(struct sim *sim, const struct recorder_block_done *done);
void emit_signal(struct sim *sim, const struct sim_task *task, int sig);
void emit_contention(struct sim *sim, uint64_t lock, bool begin);
void emit_fork(struct sim *sim, const struct sim_task *parent, const struct sim_task *child);
void emit_exec(struct sim *sim, const struct sim_task *task);
void emit_exit(struct sim *sim, const struct sim_task *task);
void emit_state_thread(struct sim *sim, const struct sim_task *task);
void emit_state_disk(struct sim *sim, uint32_t dev, const char *name);

/* synth_sched.c */
void sched_put(struct sim *sim, struct sim_task *task);  /* on some cpu's queue */
void sched_choose(struct sim *sim, struct sim_cpu *cpu); /* who runs next */
void sched_leave(struct sim *sim, struct sim_cpu *cpu);  /* its threads, for good */

/* synth_cpu.c */
void cpus_init(struct sim *sim);
void cpus_deinit(struct sim *sim);
void cpu_pause(struct sim *sim, struct sim_cpu *cpu);
void cpu_settle(struct sim *sim, struct sim_cpu *cpu); /* go on with what is to be done first */
void sim_interrupt(struct sim *sim, int cpu, struct sim_frame frame);
enum waking_context sim_context(const struct sim *sim);

/*
 * Raises a softirq here: `call` will run in it. True when it was left to ksoftirqd, with this
 * chance, or because that one is not done yet; otherwise it follows at once.
 */
bool sim_raise(struct sim *sim, enum sim_vec vec, unsigned defer_per_mille, struct sim_call call);

/* synth_task.c: for scripts */
struct sim_comm {
	char text[16];
};
struct sim_comm sim_comm(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct sim_task *sim_spawn(struct sim *sim, unsigned scenario, const char *comm, int prio,
			   void (*step)(struct sim *, struct sim_task *), void *role);
struct sim_task *sim_spawn_kernel(struct sim *sim, const char *comm, int prio, int pinned,
				  void (*step)(struct sim *, struct sim_task *), void *role);
struct sim_task *sim_fork(struct sim *sim, struct sim_task *parent, const char *comm,
			  void (*step)(struct sim *, struct sim_task *), void *role);
void sim_exec(struct sim *sim, struct sim_task *task, const char *comm);
void sim_exit(struct sim *sim, struct sim_task *task);
void sim_run(struct sim *sim, struct sim_task *task, uint64_t low_ns, uint64_t high_ns);
void sim_sleep(struct sim *sim, struct sim_task *task, uint16_t state, struct truth_piece why);
void sim_sleep_on(struct sim *sim, struct sim_task *task, uint32_t thing); /* and follow it */
void sim_nap(struct sim *sim, struct sim_task *task, uint64_t low_ns, uint64_t high_ns);
void sim_wake(struct sim *sim, struct sim_task *task);

/* The system call it is in from now on, for the sites of its sleeps and wakings. */
static inline void sim_call_in(struct sim_task *task, int32_t syscall, uint64_t arg)
{
	task->syscall = syscall;
	task->arg = arg;
}

static inline void truth_now(struct sim *sim, uint32_t thing, struct truth_piece piece)
{
	truth_set(&sim->truth, thing, sim->now_ns, piece);
}

#define TRUTH_AS(thing) ((struct truth_piece){.kind = TRUTH_FOLLOW, .ref = (thing)})
#define TRUTH_IS(what, which)                                                                      \
	((struct truth_piece){.kind = TRUTH_##what, .detail = (uint64_t)(which)})
#define TRUTH_UNTIL_NEXT ((struct truth_piece){.kind = TRUTH_NEXT})

#endif
