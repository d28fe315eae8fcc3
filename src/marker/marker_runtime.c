/* SPDX-License-Identifier: MIT */
/*
 * libcairn: what a marker that is on calls, and what a program's start does.
 *
 * No thread, no descriptor kept, no allocation, no lock that anybody waits for. A thread whose
 * generation is not its process's joins first: its first event, its first one after a fork, after
 * the tool has put another session in place.
 */
#include <cairn/marker.h>

#include "marker/marker_runtime.h"
#include "ring/ring_rseq.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { ROUNDS_MAX = 8 };

struct marker_control marker_control = {.version = MARKER_CONTROL_VERSION};
struct marker_page marker_page;

/* Where the tool finds both in a running program. */
__asm__("	.pushsection .note.cairn, \"a\", %note\n"
	"	.balign 4\n"
	"	.long 6, 8, 2\n"
	"	.asciz \"cairn\"\n"
	"	.balign 4\n"
	"1:	.long marker_control - 1b, marker_page - 1b\n"
	"	.popsection\n");

/* No generation is this, so that a new thread asks. */
static __thread __attribute__((tls_model("initial-exec"))) struct ring_thread thread = {
	.rseq = &ring_no_rseq,
	.generation = UINT32_MAX,
};

static void free_or_lose(struct ring_thread *t, int round)
{
	if (round == 0)
		marker_free_lanes(t->writer);
	else
		ring_write_lost(t);
}

/* A site whose session cannot be joined, or is over, switches itself off. */
static __attribute__((noinline, cold)) void emit_slowly(enum ring_status status, uint16_t *id,
							const void *payload, unsigned long bytes)
{
	struct ring_thread *t = &thread;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		if (status != RING_STALE)
			status = ring_write_slowly(status, t, &marker_page.generation, id, payload,
						   bytes);
		if (status == RING_BUSY)
			free_or_lose(t, round);
		bool is_over =
			status == RING_STALE
				? !marker_join(t)
				: status == RING_LOST && __atomic_load_n(&t->writer->share->closed,
									 __ATOMIC_RELAXED);
		if (is_over)
			__atomic_store_n(id, 0, __ATOMIC_RELAXED);
		if (is_over || (status != RING_STALE && (status != RING_BUSY || round)))
			return;
		status = RING_MOVED;
	}
}

__attribute__((visibility("default"))) void cairn_emit(unsigned *word, const void *payload,
						       unsigned long bytes)
{
	uint16_t *id = (uint16_t *)(void *)word + 1;
	enum ring_status status = RING_NO_CPU;
#if defined(__x86_64__)
	status = rseq_event(&thread, &marker_page.generation, id, payload, bytes);
	if (__builtin_expect(status == RING_DONE, 1))
		return;
#endif
	emit_slowly(status, id, payload, bytes);
}

#if defined(__SSE2__)
enum { STEP_BYTES = 16 };

/* Copies a step's bytes; the place of the first NUL among them, or STEP_BYTES. */
static inline unsigned copy_bytes(unsigned char *to, const char *from)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
	_mm_storeu_si128((__m128i *)(void *)to, bytes);
	unsigned ends = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
	return ends ? (unsigned)__builtin_ctz(ends) : STEP_BYTES;
}
#else
enum { STEP_BYTES = 8 };

static inline unsigned copy_bytes(unsigned char *to, const char *from)
{
	const uint64_t ones = 0x0101010101010101, tops = ones << 7;
	uint64_t word;
	memcpy(&word, from, sizeof(word));
	memcpy(to, &word, sizeof(word));
	uint64_t ends = (word - ones) & ~word & tops;
	return ends ? (unsigned)__builtin_ctzll(ends) / 8 : STEP_BYTES;
}
#endif

/*
 * Copies some more of a string, its end included, and goes on to a multiple of 8 of `at`: the ring
 * reads the copy in words of 8 bytes, and waits for one that two stores have made. False when the
 * string has ended.
 */
static inline bool copy_step(unsigned char **at, const char **string)
{
	/* What lies behind the string's end is on the same page, so it can be read. */
	if (__builtin_expect(((uintptr_t)*string & 4095) > 4096 - STEP_BYTES, 0)) {
		**at = (unsigned char)**string;
		*at += 1;
		return *(*string)++ != 0;
	}
	unsigned end = copy_bytes(*at, *string);
	uintptr_t step = end < STEP_BYTES ? end + 1 : STEP_BYTES - ((uintptr_t)*at & 7);
	*at += step;
	*string += step;
	return end == STEP_BYTES;
}

/* One whose end is not among the first bytes, or only at the very last of them. */
static __attribute__((noinline, cold)) unsigned char *cut_text(unsigned char *at,
							       const char *string)
{
	static const char mark[] = "…[cut]";
	unsigned long bytes = strnlen(string, CAIRN_TEXT_BYTES);
	if (bytes < CAIRN_TEXT_BYTES) {
		memcpy(at, string, bytes + 1);
		return at + bytes + 1;
	}
	bytes = CAIRN_TEXT_BYTES - sizeof(mark);
	/* Not through a character of several bytes. */
	while (bytes && ((unsigned char)string[bytes] & 0xc0) == 0x80)
		bytes--;
	memcpy(at, string, bytes);
	memcpy(at + bytes, mark, sizeof(mark));
	return at + bytes + sizeof(mark);
}

__attribute__((visibility("default"))) unsigned char *cairn_put_text(unsigned char *at,
								     const char *string)
{
	if (!string)
		string = "(null)";
	unsigned char *to = at;
	const char *from = string;
	/* Not under a checker of memory, which has no restartable sequences either. */
	bool more = thread.rseq != &ring_no_rseq;
	while (more && to - at <= CAIRN_TEXT_BYTES - STEP_BYTES)
		more = copy_step(&to, &from);
	if (!more && to > at)
		return to;
	return cut_text(at, string);
}

__attribute__((visibility("default"))) unsigned char *cairn_put_bytes(unsigned char *at,
								      const void *data,
								      unsigned long count,
								      unsigned long element_bytes)
{
	if (!data)
		count = 0;
	if (count > CAIRN_TEXT_BYTES / element_bytes)
		count = CAIRN_TEXT_BYTES / element_bytes;
	uint16_t kept = (uint16_t)count;
	memcpy(at, &kept, sizeof(kept));
	if (count)
		memcpy(at + sizeof(kept), data, count * element_bytes);
	return at + sizeof(kept) + count * element_bytes;
}

/* A program with rights that its user has not takes no word of its environment for them. */
static void read_environment(void)
{
	const char *path = getauxval(AT_SECURE) ? NULL : getenv(MARKER_SESSION_VARIABLE);
	size_t bytes = path ? strlen(path) : 0;
	if (bytes && bytes < sizeof(marker_control.path))
		memcpy(marker_control.path, path, bytes + 1);
}

__attribute__((visibility("default"))) void cairn_module_start(const void *elf_header)
{
	static bool asked;
	if (!asked && !marker_control.path[0])
		read_environment();
	asked = true;
	if (elf_header && marker_control.path[0] && marker_join(&thread))
		marker_switch_on(elf_header, thread.writer);
}
