/* SPDX-License-Identifier: MIT */
/*
 * Markers: signs in a program where something of interest happens.
 *
 *	CAIRN_MARK(shop, order_placed, CAIRN_INT(order, id), CAIRN_TEXT(customer, name));
 *
 * Off, a marker is a compare and a branch that is not taken, and its arguments are not evaluated.
 * `cairn record -e 'marker:shop:*'` switches it on, at a program's start or while it runs. The same
 * site is a SystemTap probe: bpftrace, perf, gdb and stap see it as shop:order_placed.
 * Link with libcairn. C99 and later, C++11 and later, gcc and clang. cairn-marker(3) has the rest.
 *
 *	CAIRN_INT(name, value)           any integer, signed or not as its type says
 *	CAIRN_HEX(name, value)           the same, for people in hexadecimal
 *	CAIRN_PTR(name, pointer)         an address
 *	CAIRN_REAL(name, value)          float or double
 *	CAIRN_BOOL(name, value)
 *	CAIRN_ENUM(name, value, labels)  labels: "idle=0,busy=1"
 *	CAIRN_TEXT(name, string)         up to CAIRN_TEXT_BYTES; what is cut ends in "…[cut]"
 *	CAIRN_BYTES(name, data, count)   up to CAIRN_TEXT_BYTES
 *	CAIRN_ARRAY(name, data, count)   of integers, up to CAIRN_TEXT_BYTES in all
 *
 * At most 12 fields. CAIRN_MARK_LEVEL(level, provider, name, …) gives the marker a level of 0 to
 * 255 to select by (0 without). With CAIRN_OFF defined nothing of a marker is compiled.
 */
#ifndef CAIRN_MARKER_H
#define CAIRN_MARKER_H

#ifdef __GNUC__
#pragma GCC system_header
#endif

#define CAIRN_TEXT_BYTES 256

/* clang-format off */
#define CAIRN_INT(name, value)          (INT, name, value, )
#define CAIRN_HEX(name, value)          (HEX, name, value, )
#define CAIRN_PTR(name, pointer)        (PTR, name, pointer, )
#define CAIRN_REAL(name, value)         (REAL, name, value, )
#define CAIRN_BOOL(name, value)         (BOOL, name, value, )
#define CAIRN_ENUM(name, value, labels) (ENUM, name, value, labels)
#define CAIRN_TEXT(name, string)        (TEXT, name, string, )
#define CAIRN_BYTES(name, data, count)  (BYTES, name, data, count)
#define CAIRN_ARRAY(name, data, count)  (ARRAY, name, data, count)

#if defined(CAIRN_OFF)

#define CAIRN_MARK(...)       do { } while (0)
#define CAIRN_MARK_LEVEL(...) do { } while (0)

#else

#define CAIRN_MARK(...)              CAIRN__MARK_AT(0, __VA_ARGS__)
#define CAIRN_MARK_LEVEL(level, ...) CAIRN__MARK_AT(level, __VA_ARGS__)

#ifdef __cplusplus
extern "C" {
#endif

void cairn_emit(unsigned *word, const void *payload, unsigned long bytes);
unsigned char *cairn_put_text(unsigned char *at, const char *string);
unsigned char *cairn_put_bytes(unsigned char *at, const void *data, unsigned long count,
			       unsigned long element_bytes);
void cairn_module_start(const void *elf_header);

/* Once in each program and library: markers of a recording that is on already. */
extern const char __ehdr_start[] __attribute__((weak, visibility("hidden")));
extern unsigned char cairn__module_started;
__attribute__((weak, visibility("hidden"))) unsigned char cairn__module_started = 0;
__attribute__((weak, visibility("hidden"), constructor(101))) void cairn__module_start(void);
void cairn__module_start(void)
{
	if (!cairn__module_started++)
		cairn_module_start(__ehdr_start);
}

#ifdef __cplusplus
}
#endif

/* Words are named in assembly only: no language's rules for names get between. */
#if defined(__x86_64__)
#define CAIRN__ADDRESS(to, word) __asm__("leaq " word "(%%rip), %0" : "=r"(to))
#if defined(__clang__) && defined(__cplusplus)
/* It takes each label of a function for the aim of every jump in it: a function each, then. */
#define CAIRN__IS_ON(word) [&]() __attribute__((always_inline)) -> bool { \
	__asm__ goto("cmpl $0, " word "(%%rip)\n\tjne %l0" : : : "cc" : cairn__jump); \
	return false; \
cairn__jump: \
	return true; }()
#else
#define CAIRN__IS_ON(word) __extension__({ \
	__label__ cairn__jump; \
	int cairn__is_on = 1; \
	__asm__ goto("cmpl $0, " word "(%%rip)\n\tjne %l0" : : : "cc" : cairn__jump); \
	cairn__is_on = 0; \
cairn__jump: \
	cairn__is_on; })
#endif
#elif defined(__aarch64__)
#define CAIRN__ADDRESS(to, word) \
	__asm__("adrp %0, " word "\n\tadd %0, %0, :lo12:" word : "=r"(to))
#define CAIRN__IS_ON(word) __extension__({ \
	unsigned *cairn__address; \
	CAIRN__ADDRESS(cairn__address, word); \
	__atomic_load_n(cairn__address, __ATOMIC_RELAXED) != 0; })
#else
#error "cairn/marker.h knows x86-64 and aarch64; define CAIRN_OFF elsewhere"
#endif

static inline __attribute__((always_inline)) unsigned char *
cairn__put(unsigned char *at, const void *value, unsigned long bytes)
{
	__builtin_memcpy(at, value, bytes);
	return at + bytes;
}

#define CAIRN__TEXT_OF(...)  #__VA_ARGS__
#define CAIRN__STRING(x)     CAIRN__TEXT_OF(x)
#define CAIRN__JOIN_(a, b)   a##b
#define CAIRN__JOIN(a, b)    CAIRN__JOIN_(a, b)
#define CAIRN__CALL(op, ...) op(__VA_ARGS__)
#define CAIRN__OPEN(...)     __VA_ARGS__
#define CAIRN__KIND_(kind, name, value, more) kind
#define CAIRN__KIND(field)   CAIRN__KIND_ field

/* op_KIND(index, kind, name, value, more) for a field. */
#define CAIRN__DO(op, i, field) \
	CAIRN__CALL(CAIRN__JOIN(op, CAIRN__KIND(field)), i, CAIRN__OPEN field)

#define CAIRN__EACH_0(op, none)
#define CAIRN__EACH_1(op, a)       CAIRN__DO(op, 1, a)
#define CAIRN__EACH_2(op, a, ...)  CAIRN__DO(op, 2, a) CAIRN__EACH_1(op, __VA_ARGS__)
#define CAIRN__EACH_3(op, a, ...)  CAIRN__DO(op, 3, a) CAIRN__EACH_2(op, __VA_ARGS__)
#define CAIRN__EACH_4(op, a, ...)  CAIRN__DO(op, 4, a) CAIRN__EACH_3(op, __VA_ARGS__)
#define CAIRN__EACH_5(op, a, ...)  CAIRN__DO(op, 5, a) CAIRN__EACH_4(op, __VA_ARGS__)
#define CAIRN__EACH_6(op, a, ...)  CAIRN__DO(op, 6, a) CAIRN__EACH_5(op, __VA_ARGS__)
#define CAIRN__EACH_7(op, a, ...)  CAIRN__DO(op, 7, a) CAIRN__EACH_6(op, __VA_ARGS__)
#define CAIRN__EACH_8(op, a, ...)  CAIRN__DO(op, 8, a) CAIRN__EACH_7(op, __VA_ARGS__)
#define CAIRN__EACH_9(op, a, ...)  CAIRN__DO(op, 9, a) CAIRN__EACH_8(op, __VA_ARGS__)
#define CAIRN__EACH_10(op, a, ...) CAIRN__DO(op, 10, a) CAIRN__EACH_9(op, __VA_ARGS__)
#define CAIRN__EACH_11(op, a, ...) CAIRN__DO(op, 11, a) CAIRN__EACH_10(op, __VA_ARGS__)
#define CAIRN__EACH_12(op, a, ...) CAIRN__DO(op, 12, a) CAIRN__EACH_11(op, __VA_ARGS__)

#define CAIRN__COUNT_(l, p, n, a, b, c, d, e, f, g, h, i, j, k, m, count, ...) count
#define CAIRN__COUNT(...) \
	CAIRN__COUNT_(__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, )

/* Each argument is evaluated once, into cairn__INDEX; an array's count into cairn__nINDEX. */
#define CAIRN__LET(i, v)                 const __typeof__(v) cairn__##i = (v);
#define CAIRN__LET_INT(i, k, n, v, m)    CAIRN__LET(i, v)
#define CAIRN__LET_HEX(i, k, n, v, m)    CAIRN__LET(i, v)
#define CAIRN__LET_ENUM(i, k, n, v, m)   CAIRN__LET(i, v)
#define CAIRN__LET_BOOL(i, k, n, v, m)   const unsigned char cairn__##i = (v) ? 1 : 0;
#define CAIRN__LET_PTR(i, k, n, v, m)    const void *const cairn__##i = (const void *)(v);
#define CAIRN__LET_TEXT(i, k, n, v, m)   const char *const cairn__##i = (v);
#define CAIRN__LET_BYTES(i, k, n, v, m)  const void *const cairn__##i = (v); \
					 const unsigned long cairn__n##i = (m);
#define CAIRN__LET_ARRAY(i, k, n, v, m)  const __typeof__((v)[0]) *const cairn__##i = (v); \
					 const unsigned long cairn__n##i = (m);
#define CAIRN__LET_REAL(i, k, n, v, m)   CAIRN__LET(i, v) unsigned long cairn__b##i = 0; \
	__builtin_memcpy(&cairn__b##i, &cairn__##i, \
			 sizeof(char[sizeof(cairn__##i) <= 8 ? sizeof(cairn__##i) : -1]));

/* How many bytes a field takes at most. */
#define CAIRN__ROOM_INT(i, k, n, v, m)   + sizeof(cairn__##i)
#define CAIRN__ROOM_HEX(i, k, n, v, m)   + sizeof(cairn__##i)
#define CAIRN__ROOM_ENUM(i, k, n, v, m)  + sizeof(cairn__##i)
#define CAIRN__ROOM_BOOL(i, k, n, v, m)  + 1
#define CAIRN__ROOM_PTR(i, k, n, v, m)   + sizeof(void *)
#define CAIRN__ROOM_REAL(i, k, n, v, m)  + sizeof(cairn__##i)
#define CAIRN__ROOM_TEXT(i, k, n, v, m)  + CAIRN_TEXT_BYTES
#define CAIRN__ROOM_BYTES(i, k, n, v, m) + 2 + CAIRN_TEXT_BYTES
#define CAIRN__ROOM_ARRAY(i, k, n, v, m) + 2 + CAIRN_TEXT_BYTES

/* The field's bytes in the event. */
#define CAIRN__PUT(i) cairn__at = cairn__put(cairn__at, &cairn__##i, sizeof(cairn__##i));
#define CAIRN__PUT_INT(i, k, n, v, m)   CAIRN__PUT(i)
#define CAIRN__PUT_HEX(i, k, n, v, m)   CAIRN__PUT(i)
#define CAIRN__PUT_ENUM(i, k, n, v, m)  CAIRN__PUT(i)
#define CAIRN__PUT_BOOL(i, k, n, v, m)  CAIRN__PUT(i)
#define CAIRN__PUT_PTR(i, k, n, v, m)   CAIRN__PUT(i)
#define CAIRN__PUT_REAL(i, k, n, v, m)  CAIRN__PUT(i)
#define CAIRN__PUT_TEXT(i, k, n, v, m)  cairn__at = cairn_put_text(cairn__at, cairn__##i);
#define CAIRN__PUT_BYTES(i, k, n, v, m) \
	cairn__at = cairn_put_bytes(cairn__at, cairn__##i, cairn__n##i, 1);
#define CAIRN__PUT_ARRAY(i, k, n, v, m) \
	cairn__at = cairn_put_bytes(cairn__at, cairn__##i, cairn__n##i, sizeof(*cairn__##i));

/* Its description: kind, size (negative when signed), name, labels. */
#define CAIRN__NOTE(i, code, n) \
	"\t.byte " code ", %c[cairn_s" #i "]\n\t.asciz \"" CAIRN__STRING(n) "\"\n"
#define CAIRN__NOTE_INT(i, k, n, v, m)   CAIRN__NOTE(i, "1", n)
#define CAIRN__NOTE_HEX(i, k, n, v, m)   CAIRN__NOTE(i, "2", n)
#define CAIRN__NOTE_PTR(i, k, n, v, m)   CAIRN__NOTE(i, "3", n)
#define CAIRN__NOTE_REAL(i, k, n, v, m)  CAIRN__NOTE(i, "4", n)
#define CAIRN__NOTE_BOOL(i, k, n, v, m)  CAIRN__NOTE(i, "5", n)
#define CAIRN__NOTE_ENUM(i, k, n, v, m)  CAIRN__NOTE(i, "6", n) "\t.asciz " CAIRN__STRING(m) "\n"
#define CAIRN__NOTE_TEXT(i, k, n, v, m)  CAIRN__NOTE(i, "7", n)
#define CAIRN__NOTE_BYTES(i, k, n, v, m) CAIRN__NOTE(i, "8", n)
#define CAIRN__NOTE_ARRAY(i, k, n, v, m) CAIRN__NOTE(i, "9", n)

/* The same for SystemTap: what debuggers find where at the site. */
#define CAIRN__SDT(i)     "%c[cairn_s" #i "]@%[cairn_a" #i "] "
#define CAIRN__SDT_AT(i)  "8@%[cairn_a" #i "] "
#define CAIRN__SDT_INT(i, k, n, v, m)   CAIRN__SDT(i)
#define CAIRN__SDT_HEX(i, k, n, v, m)   CAIRN__SDT(i)
#define CAIRN__SDT_ENUM(i, k, n, v, m)  CAIRN__SDT(i)
#define CAIRN__SDT_BOOL(i, k, n, v, m)  CAIRN__SDT(i)
#define CAIRN__SDT_REAL(i, k, n, v, m)  CAIRN__SDT(i)
#define CAIRN__SDT_PTR(i, k, n, v, m)   CAIRN__SDT_AT(i)
#define CAIRN__SDT_TEXT(i, k, n, v, m)  CAIRN__SDT_AT(i)
#define CAIRN__SDT_BYTES(i, k, n, v, m) CAIRN__SDT_AT(i)
#define CAIRN__SDT_ARRAY(i, k, n, v, m) CAIRN__SDT_AT(i)

#define CAIRN__SIGNED(x) ((__typeof__(x))-1 < (__typeof__(x))1)
#define CAIRN__SIZE(x)   (CAIRN__SIGNED(x) ? -(int)sizeof(x) : (int)sizeof(x))
#define CAIRN__USE(i, size, value) , [cairn_s##i] "n"(size), [cairn_a##i] "nor"(value)
#define CAIRN__USE_INT(i, k, n, v, m)   CAIRN__USE(i, CAIRN__SIZE(cairn__##i), cairn__##i)
#define CAIRN__USE_HEX(i, k, n, v, m)   CAIRN__USE(i, CAIRN__SIZE(cairn__##i), cairn__##i)
#define CAIRN__USE_ENUM(i, k, n, v, m)  CAIRN__USE(i, CAIRN__SIZE(cairn__##i), cairn__##i)
#define CAIRN__USE_BOOL(i, k, n, v, m)  CAIRN__USE(i, 1, cairn__##i)
#define CAIRN__USE_PTR(i, k, n, v, m)   CAIRN__USE(i, (int)sizeof(void *), cairn__##i)
#define CAIRN__USE_REAL(i, k, n, v, m)  CAIRN__USE(i, (int)sizeof(cairn__##i), cairn__b##i)
#define CAIRN__USE_TEXT(i, k, n, v, m)  CAIRN__USE(i, 1, cairn__##i)
#define CAIRN__USE_BYTES(i, k, n, v, m) CAIRN__USE(i, 1, cairn__##i)
#define CAIRN__USE_ARRAY(i, k, n, v, m) CAIRN__USE(i, CAIRN__SIZE(*cairn__##i), cairn__##i)

/*
 * The word: its lower half counts tracers of the SystemTap kind, its upper half is cairn's id of
 * the event. One for all sites of a name in a program or library.
 */
#define CAIRN__WORD(word) \
	"\t.ifndef " word "\n" \
	"\t.pushsection .probes, \"awG\", %%progbits, " word ", comdat\n" \
	"\t.weak " word "\n\t.hidden " word "\n\t.balign 4\n" \
	"\t.type " word ", %%object\n\t.size " word ", 4\n" \
	word ":\t.long 0\n\t.popsection\n\t.endif\n"

#define CAIRN__SDT_NOTE(provider, name, word, args) \
	"\t.pushsection .note.stapsdt, \"?\", \"note\"\n" \
	"\t.balign 4\n\t.long 992f - 991f, 994f - 993f, 3\n" \
	"991:\t.asciz \"stapsdt\"\n992:\t.balign 4\n" \
	"993:\t.quad 990b, _.stapsdt.base, " word "\n" \
	"\t.asciz \"" provider "\"\n\t.asciz \"" name "\"\n\t.asciz \"" args "\"\n" \
	"994:\t.balign 4\n\t.popsection\n" \
	"\t.ifndef _.stapsdt.base\n" \
	"\t.pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n" \
	"\t.weak _.stapsdt.base\n\t.hidden _.stapsdt.base\n" \
	"_.stapsdt.base:\t.space 1\n\t.size _.stapsdt.base, 1\n\t.popsection\n\t.endif\n"

/* src/marker/marker_note.h reads it. Loaded with the program, all places relative. */
#define CAIRN__OWN_NOTE(level, provider, name, word, count, fields) \
	"\t.pushsection .note.cairn, \"a?\", \"note\"\n" \
	"\t.balign 4\n\t.long 6, 996f - 995f, 1\n\t.asciz \"cairn\"\n\t.balign 4\n" \
	"995:\t.short 1\n\t.byte " CAIRN__STRING(level) ", " #count "\n" \
	"\t.long " CAIRN__STRING(__LINE__) ", " word " - 995b, 990b - 995b\n" \
	"\t.asciz \"" provider "\"\n\t.asciz \"" name "\"\n\t.asciz \"" __FILE__ "\"\n" fields \
	"996:\t.balign 4\n\t.popsection\n"

/* A 1-byte nop: a longer one would become a call, which overwrites what leaf functions keep. */
#define CAIRN__SITE(count, level, p, n, provider, name, word, ...) \
	__asm__ volatile("990:\tnop\n" CAIRN__WORD(word) \
		CAIRN__SDT_NOTE(provider, name, word, \
				CAIRN__JOIN(CAIRN__EACH_, count)(CAIRN__SDT_, __VA_ARGS__)) \
		CAIRN__OWN_NOTE(level, provider, name, word, count, \
				CAIRN__JOIN(CAIRN__EACH_, count)(CAIRN__NOTE_, __VA_ARGS__)) \
		: : "i"(0) CAIRN__JOIN(CAIRN__EACH_, count)(CAIRN__USE_, __VA_ARGS__) : "memory")

#define CAIRN__MARK_AT(...) CAIRN__MARK_(CAIRN__COUNT(__VA_ARGS__), __VA_ARGS__)
#define CAIRN__MARK_(count, ...) CAIRN__JOIN(CAIRN__MARK_OF_, count)(count, __VA_ARGS__)
#define CAIRN__WORD_NAME(p, n) "cairn_word_" #p "__" #n

#define CAIRN__MARK_OF_0(count, level, p, n) do { \
	if (__builtin_expect(CAIRN__IS_ON(CAIRN__WORD_NAME(p, n)), 0)) { \
		unsigned *cairn__word; \
		CAIRN__SITE(0, level, p, n, #p, #n, CAIRN__WORD_NAME(p, n), ); \
		CAIRN__ADDRESS(cairn__word, CAIRN__WORD_NAME(p, n)); \
		cairn_emit(cairn__word, 0, 0); \
	} \
} while (0)

#define CAIRN__MARK_OF(count, level, p, n, ...) do { \
	if (__builtin_expect(CAIRN__IS_ON(CAIRN__WORD_NAME(p, n)), 0)) { \
		unsigned *cairn__word; \
		CAIRN__JOIN(CAIRN__EACH_, count)(CAIRN__LET_, __VA_ARGS__) \
		__attribute__((aligned(8))) unsigned char cairn__payload[ \
			(15 CAIRN__JOIN(CAIRN__EACH_, count)(CAIRN__ROOM_, __VA_ARGS__)) & ~15ul]; \
		unsigned char *cairn__at = cairn__payload; \
		CAIRN__SITE(count, level, p, n, #p, #n, CAIRN__WORD_NAME(p, n), __VA_ARGS__); \
		CAIRN__JOIN(CAIRN__EACH_, count)(CAIRN__PUT_, __VA_ARGS__) \
		CAIRN__ADDRESS(cairn__word, CAIRN__WORD_NAME(p, n)); \
		cairn_emit(cairn__word, cairn__payload, \
			   (unsigned long)(cairn__at - cairn__payload)); \
	} \
} while (0)
#define CAIRN__MARK_OF_1 CAIRN__MARK_OF
#define CAIRN__MARK_OF_2 CAIRN__MARK_OF
#define CAIRN__MARK_OF_3 CAIRN__MARK_OF
#define CAIRN__MARK_OF_4 CAIRN__MARK_OF
#define CAIRN__MARK_OF_5 CAIRN__MARK_OF
#define CAIRN__MARK_OF_6 CAIRN__MARK_OF
#define CAIRN__MARK_OF_7 CAIRN__MARK_OF
#define CAIRN__MARK_OF_8 CAIRN__MARK_OF
#define CAIRN__MARK_OF_9 CAIRN__MARK_OF
#define CAIRN__MARK_OF_10 CAIRN__MARK_OF
#define CAIRN__MARK_OF_11 CAIRN__MARK_OF
#define CAIRN__MARK_OF_12 CAIRN__MARK_OF

#endif /* CAIRN_OFF */
/* clang-format on */

#endif
