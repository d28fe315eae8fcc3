/* SPDX-License-Identifier: MIT */
/* Metadata for the tests and fuzzers of the reader. */
#ifndef CAIRN_CTF_CTF_SAMPLE_H
#define CAIRN_CTF_CTF_SAMPLE_H

/* The layout of ring/ring_abi.h; sched_switch and a text. */
#define OUR_METADATA                                                                               \
	"/* CTF 1.8 */\n"                                                                          \
	"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"               \
	"typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"               \
	"trace { major = 1; minor = 8; byte_order = le;\n"                                         \
	"  packet.header := struct { uint32_t magic; integer { size = 8; } uuid[16];\n"            \
	"    uint32_t stream_id; }; };\n"                                                          \
	"env { hostname = \"here\"; tracer_major = -2; };\n"                                       \
	"clock { name = \"monotonic\"; freq = 1000000000; offset_s = 5; offset = 7; };\n"          \
	"typealias integer { size = 64; align = 8; map = clock.monotonic.value; } := time_t;\n"    \
	"stream { id = 0; packet.context := struct { time_t timestamp_begin;\n"                    \
	"    time_t timestamp_end; uint64_t content_size; uint64_t packet_size;\n"                 \
	"    uint64_t packet_seq_num; uint64_t events_discarded; uint32_t cpu_id;\n"               \
	"    uint32_t tid; };\n"                                                                   \
	"  event.header := struct { integer { size = 16; align = 64; } id;\n"                      \
	"    integer { size = 48; align = 16; map = clock.monotonic.value; } timestamp; };\n"      \
	"};\n"                                                                                     \
	"event { id = 1; stream_id = 0; name = \"sched_switch\"; fields := struct {\n"             \
	"  integer { size = 32; signed = true; } _prev_tid;\n"                                     \
	"  integer { size = 32; signed = true; } _next_tid; }; };\n"                               \
	"event { id = 2; stream_id = 0; name = \"text\"; fields := struct { string _s; }; };\n"

#define LTTNG_TYPES                                                                                \
	"typealias integer { size = 5; align = 1; signed = false; } := uint5_t;\n"                 \
	"typealias integer { size = 27; align = 1; map = clock.m.value; } := uint27_m_t;\n"        \
	"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"               \
	"typealias integer { size = 64; align = 8; map = clock.m.value; } := uint64_m_t;\n"        \
	"struct event_header_compact {\n"                                                          \
	"  enum : uint5_t { compact = 0 ... 30, extended = 31 } id;\n"                             \
	"  variant <id> { struct { uint27_m_t timestamp; } compact;\n"                             \
	"    struct { uint32_t id; uint64_m_t timestamp; } extended; } v;\n"                       \
	"} align(8);\n"

#define LTTNG_STREAM                                                                               \
	"stream { id = 0; packet.context := struct { uint64_m_t timestamp_begin;\n"                \
	"  uint32_t content_size; uint32_t packet_size; uint32_t cpu_id; };\n"                     \
	"  event.header := struct event_header_compact; };\n"                                      \
	"event { id = 3; name = \"small\"; fields := struct {\n"                                   \
	"  integer { size = 3; } _three; integer { size = 13; signed = true; } _rest; }; };\n"     \
	"event { id = 40; name = \"chosen\"; fields := struct {\n"                                 \
	"  enum : integer { size = 8; } { _none = 0, _word = 1, _text = 2 } _tag;\n"               \
	"  variant <_tag> { struct { } none; uint32_t word; string text; } _value;\n"              \
	"  integer { size = 8; } _last; }; };\n"

/* After "byte_order = …; " */
#define LTTNG_HEADER                                                                               \
	"packet.header := struct { uint32_t magic; }; };\n"                                        \
	"clock { name = m; freq = 1000000000; };\n"

#endif
