/* SPDX-License-Identifier: MIT */
/*
 * The restartable sequences of the writer, x86-64, and ring_write() for who has no time for a call.
 *
 * Each is: arm (the kernel now restarts the thread at 4 whenever it was away between 1 and 2),
 * look where the event goes, write, commit with one store. Arming again is part of a restart.
 * After a thread's `tries` restarts a sequence gives up: a debugger's single steps would never let
 * it end.
 */
#ifndef CAIRN_RING_RING_RSEQ_H
#define CAIRN_RING_RING_RSEQ_H

#include "ring/ring_write.h"

#if defined(__x86_64__)

/* clang-format off */
/* Assembly text takes numbers only as text: here they are, and beside them what they must be. */
#define RSEQ_CPU_ID    "4"
#define RSEQ_CS        "8"
#define W_LINES        "8"
#define W_DATA         "16"
#define W_RING_BYTES   "24"
#define W_RING_MASK    "32"
#define W_SUBBUF_BYTES "40"
#define W_CPUS         "56"
#define T_OWNER        "8"
#define T_RSEQ         "16"
#define T_GENERATION   "24"
#define T_TRIES        "28"
#define LINE_OWNER     "8"
#define LINE_LOST      "16"
#define PACKET_BEGIN   "24"
#define PACKET_END     "32"
#define PACKET_CONTENT "40"
#define P_NEXT_HEAD    "16"
#define P_LAST         "24"
#define P_LAST_BITS    "32"
#define P_NEXT         "40"
#define P_HEADER       "48"

#define RSEQ_AT(type, member, number) \
	_Static_assert(offsetof(struct type, member) == number, #type "." #member)
RSEQ_AT(ring_writer, lines, 8);
RSEQ_AT(ring_writer, data, 16);
RSEQ_AT(ring_writer, ring_bytes, 24);
RSEQ_AT(ring_writer, ring_mask, 32);
RSEQ_AT(ring_writer, subbuf_bytes, 40);
RSEQ_AT(ring_writer, cpus, 56);
RSEQ_AT(ring_thread, owner, 8);
RSEQ_AT(ring_thread, rseq, 16);
RSEQ_AT(ring_thread, generation, 24);
RSEQ_AT(ring_thread, tries, 28);
RSEQ_AT(ring_line, head, 0);
RSEQ_AT(ring_line, owner, 8);
RSEQ_AT(ring_line, lost, 16);
RSEQ_AT(ring_packet, begin_ns, 24);
RSEQ_AT(ring_packet, end_ns, 32);
RSEQ_AT(ring_packet, content_bits, 40);
_Static_assert(sizeof(struct ring_packet) == 80 && sizeof(struct ring_line) == 128, "sizes");
_Static_assert(RING_DONE == 0 && RING_STALE == 1 && RING_OFF == 2 && RING_FULL == 5, "statuses");
_Static_assert(RING_OWNER == 6 && RING_NO_CPU == 7 && RING_ABORTED == 8 && RING_MOVED == 9, "");

/* Places where a race test makes a thread linger; nothing otherwise. `%%rax` is free there. */
#ifdef RING_RACE
extern uint32_t ring_pause[4];
#define RING_PAUSE(n) \
	"	movl ring_pause + 4 * " #n "(%%rip), %%eax\n" \
	"71:	testl %%eax, %%eax\n" \
	"	jz 72f\n" \
	"	pause\n" \
	"	decl %%eax\n" \
	"	jmp 71b\n" \
	"72:\n"
#else
#define RING_PAUSE(n)
#endif

/* The control of the race test: what happens when nobody restarts. */
#ifdef RING_UNARMED
#define RSEQ_ARM "	movq $0, " RSEQ_CS "(%[line])\n"
#else
#define RSEQ_ARM "	movq %%rax, " RSEQ_CS "(%[line])\n"
#endif

/* [line] is the thread's rseq area until RSEQ_LINE. */
#define RSEQ_BEGIN \
	"	.pushsection __rseq_cs, \"aw\"\n" \
	"	.balign 32\n" \
	"3:	.long 0, 0\n" \
	"	.quad 1f, 2f - 1f, 4f\n" \
	"	.popsection\n" \
	"	.pushsection __rseq_cs_ptr_array, \"aw\"\n" \
	"	.quad 3b\n" \
	"	.popsection\n" \
	"5:	leaq 3b(%%rip), %%rax\n" \
	"	movq " T_RSEQ "(%[t]), %[line]\n" RSEQ_ARM "1:\n"

/* Ends at 2 with a status in %eax. The restarted come back to 5, or leave too. */
#define RSEQ_END \
	"2:	movq " T_RSEQ "(%[t]), %%rdx\n" \
	"	movq $0, " RSEQ_CS "(%%rdx)\n" \
	"	.pushsection __rseq_failure, \"ax\"\n" \
	"	.byte 0x0f, 0xb9, 0x3d\n" /* the signature, as an invalid instruction */ \
	"	.long 0x53053053\n" \
	"4:	decl " T_TRIES "(%[t])\n" \
	"	jnz 5b\n" \
	"	movl $8, %%eax\n" \
	"	jmp 2b\n" \
	"	.popsection\n"

/* The writer in %rdx, then [line] and [ring] of this cpu. */
#define RSEQ_LINE \
	"	movq (%[t]), %%rdx\n" \
	"	movl " RSEQ_CPU_ID "(%[line]), %k[ring]\n" \
	"	cmpq " W_CPUS "(%%rdx), %[ring]\n" \
	"	jae 81f\n" \
	"	movq %[ring], %[line]\n" \
	"	shlq $7, %[line]\n" \
	"	addq " W_LINES "(%%rdx), %[line]\n" \
	"	imulq " W_RING_BYTES "(%%rdx), %[ring]\n" \
	"	addq " W_DATA "(%%rdx), %[ring]\n"

/* [start] of the next event, and whether it ends in this sub-buffer, copied in whole steps. */
#define RSEQ_PLACE \
	"	movq (%[line]), %%rax\n" \
	"	leaq 7(%%rax), %[start]\n" \
	"	andq $-8, %[start]\n" \
	"	leaq 23(%[start], %[bytes]), %[id]\n" \
	"	xorq %%rax, %[id]\n" \
	"	cmpq " W_SUBBUF_BYTES "(%%rdx), %[id]\n" \
	"	jae 82f\n" \
	"	movq " W_RING_MASK "(%%rdx), %%rax\n" \
	"	andq %[start], %%rax\n" \
	"	addq %%rax, %[ring]\n" \
	"	leaq 8(%[start], %[bytes]), %[start]\n"

/* The event's word, its payload in steps of 16 bytes, then the commit: [start] is the new head. */
#define RSEQ_WRITE \
	RING_PAUSE(0) \
	"	rdtsc\n" \
	"	shlq $32, %%rdx\n" \
	"	orq %%rdx, %%rax\n" \
	"	shlq $16, %%rax\n" \
	"	orq %%rax, %[id]\n" \
	"	movq %[id], (%[ring])\n" \
	"	xorl %%eax, %%eax\n" \
	"	testq %[bytes], %[bytes]\n" \
	"	jz 7f\n" \
	"6:	movq (%[payload], %%rax), %%rdx\n" \
	"	movq 8(%[payload], %%rax), %[id]\n" \
	"	movq %%rdx, 8(%[ring], %%rax)\n" \
	"	movq %[id], 16(%[ring], %%rax)\n" \
	"	addq $16, %%rax\n" \
	"	cmpq %[bytes], %%rax\n" \
	"	jb 6b\n" \
	"7:\n" RING_PAUSE(1) \
	"	xorl %%eax, %%eax\n" \
	"	movq %[start], (%[line])\n"

/* How a sequence is left without having written: a status each. */
#define RSEQ_LEAVE(label, status) #label ":	movl $" #status ", %%eax\n	jmp 2b\n"
#define RSEQ_LEAVES \
	"	.pushsection .text.unlikely, \"ax\"\n" \
	RSEQ_LEAVE(81, 7) RSEQ_LEAVE(82, 5) RSEQ_LEAVE(83, 6) \
	RSEQ_LEAVE(84, 1) RSEQ_LEAVE(85, 2) RSEQ_LEAVE(86, 9) \
	"	.popsection\n"

/* This cpu's line, if it is still `expected` and nobody has written there since. */
#define RSEQ_SAME_PLACE \
	RSEQ_LINE \
	"	cmpq %[expected], %[line]\n" \
	"	jne 86f\n" \
	"	cmpq %[head], (%[line])\n" \
	"	jne 86f\n"
/* clang-format on */

/*
 * One event of the thread that wrote last on this cpu. Few registers, so that a caller who only
 * returns after it needs to keep none.
 */
static inline __attribute__((always_inline)) enum ring_status rseq_event(struct ring_thread *t,
									 const uint32_t *generation,
									 const uint16_t *id_place,
									 const void *payload,
									 uint64_t bytes)
{
	uint64_t line, ring, start, id;
	enum ring_status status;
	__asm__ volatile(
		RSEQ_BEGIN
		"	movl %[generation], %%eax\n"
		"	cmpl %%eax, " T_GENERATION "(%[t])\n"
		"	jne 84f\n" RSEQ_LINE "	movq " T_OWNER "(%[t]), %%rax\n"
		"	cmpq %%rax, " LINE_OWNER "(%[line])\n"
		"	jne 83f\n" RSEQ_PLACE
		"	movswl (%[id_place]), %k[id]\n" /* with RING_ID_TRIGGER it is negative */
		"	testl %k[id], %k[id]\n"
		"	jle 85f\n" RSEQ_WRITE RSEQ_END RSEQ_LEAVES
		: "=&a"(status), [line] "=&r"(line), [ring] "=&r"(ring), [start] "=&r"(start),
		  [id] "=&r"(id)
		: [t] "r"(t), [payload] "r"(payload), [bytes] "r"(bytes),
		  [generation] "m"(*generation), [id_place] "r"(id_place)
		: "rdx", "memory", "cc");
	return status;
}

/*
 * The event that says whose events follow. The line has no owner from before the event until
 * rseq_own(), so that nobody takes it for his in between (R2). On success `*line_ret` and
 * `*head_ret` are where it ends.
 */
static inline enum ring_status rseq_announce(struct ring_thread *t, const void *payload,
					     uint64_t bytes, struct ring_line **line_ret,
					     uint64_t *head_ret)
{
	uint64_t line, ring, start, id;
	enum ring_status status;
	__asm__ volatile(RSEQ_BEGIN RSEQ_LINE RSEQ_PLACE
			 "	movl $1, %k[id]\n"
			 "	movq $0, " LINE_OWNER "(%[line])\n" RSEQ_WRITE RSEQ_END RSEQ_LEAVES
			 : "=&a"(status), [line] "=&r"(line), [ring] "=&r"(ring),
			   [start] "=&r"(start), [id] "=&r"(id)
			 : [t] "r"(t), [payload] "r"(payload), [bytes] "r"(bytes)
			 : "rdx", "memory", "cc");
	*line_ret = (struct ring_line *)line;
	*head_ret = start;
	return status;
}

/* The line is the thread's from here on. */
static inline enum ring_status rseq_own(struct ring_thread *t, struct ring_line *expected,
					uint64_t head)
{
	uint64_t line, ring;
	enum ring_status status;
	__asm__ volatile(
		RSEQ_BEGIN RSEQ_SAME_PLACE "	xorl %%eax, %%eax\n"
					   "	movq %[mine], " LINE_OWNER
					   "(%[line])\n" RSEQ_END RSEQ_LEAVES
		: "=&a"(status), [line] "=&r"(line), [ring] "=&r"(ring)
		: [t] "r"(t), [expected] "r"(expected), [head] "r"(head), [mine] "r"(t->owner)
		: "rdx", "memory", "cc");
	return status;
}

static inline enum ring_status rseq_lose(struct ring_thread *t)
{
	uint64_t line, ring;
	enum ring_status status;
	__asm__ volatile(RSEQ_BEGIN RSEQ_LINE "	xorl %%eax, %%eax\n"
					      "	incq " LINE_LOST "(%[line])\n" RSEQ_END RSEQ_LEAVES
			 : "=&a"(status), [line] "=&r"(line), [ring] "=&r"(ring)
			 : [t] "r"(t)
			 : "rdx", "memory", "cc");
	return status;
}

/* What a line's next packet begins with, and what its last one ends with. */
struct rseq_packet {
	struct ring_line *line;
	uint64_t head;      /* where the last one ends */
	uint64_t next_head; /* behind the next one's header */
	struct ring_packet *last;
	uint64_t last_bits;
	struct ring_packet *next;
	struct ring_packet header; /* of the next one; without times */
};

RSEQ_AT(rseq_packet, next_head, 16);
RSEQ_AT(rseq_packet, last, 24);
RSEQ_AT(rseq_packet, last_bits, 32);
RSEQ_AT(rseq_packet, next, 40);
RSEQ_AT(rseq_packet, header, 48);

/* Seals the last packet, begins the next. A kill in between leaves both to who comes after. */
static inline enum ring_status rseq_enter(struct ring_thread *t, const struct rseq_packet *p)
{
	uint64_t line, ring, step;
	enum ring_status status;
	__asm__ volatile(RSEQ_BEGIN RSEQ_SAME_PLACE
			 "	rdtsc\n"
			 "	shlq $32, %%rdx\n"
			 "	orq %%rax, %%rdx\n"
			 "	movq " P_LAST "(%[p]), %[ring]\n"
			 "	movq %%rdx, " PACKET_END "(%[ring])\n"
			 "	movq " P_LAST_BITS "(%[p]), %%rax\n"
			 "	movq %%rax, " PACKET_CONTENT "(%[ring])\n"
			 "	movq " P_NEXT "(%[p]), %[ring]\n"
			 "	xorl %%eax, %%eax\n"
			 "8:	movq " P_HEADER "(%[p], %%rax), %[step]\n"
			 "	movq %[step], (%[ring], %%rax)\n"
			 "	addq $8, %%rax\n"
			 "	cmpq $80, %%rax\n"
			 "	jb 8b\n"
			 "	movq %%rdx, " PACKET_BEGIN "(%[ring])\n"
			 "	movq %%rdx, " PACKET_END "(%[ring])\n" RING_PAUSE(
				 2) "	movq " P_NEXT_HEAD "(%[p]), %%rdx\n"
				    "	xorl %%eax, %%eax\n"
				    "	movq %%rdx, (%[line])\n" RSEQ_END RSEQ_LEAVES
			 : "=&a"(status), [line] "=&r"(line), [ring] "=&r"(ring), [step] "=&r"(step)
			 : [t] "r"(t), [expected] "r"(p->line), [head] "r"(p->head), [p] "r"(p)
			 : "rdx", "memory", "cc");
	return status;
}

#endif /* __x86_64__ */

#endif
