# SPDX-License-Identifier: MIT
# cairn: `make` builds, `make run` shows, `make check` is the inner loop, `make test` is everything.

VERSION := 0.1.0
BUILD   := build
PREFIX  ?= /usr/local
CC      ?= gcc
CLANG   ?= clang
PKGS    := libelf libdw libbpf libzstd

WARN    := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith \
           -Wwrite-strings -Wvla -Wno-missing-field-initializers
CFLAGS  ?= -O2 -g -fno-omit-frame-pointer
ALL_CPPFLAGS := -D_GNU_SOURCE -DCAIRN_VERSION='"$(VERSION)"' -Isrc -Iinclude -I$(BUILD)/gen \
                $(shell pkg-config --cflags $(PKGS) 2>/dev/null) $(CPPFLAGS)
ALL_CFLAGS   := -std=gnu11 $(WARN) $(CFLAGS) $(SANITIZE)
LIBS         := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lZydis -liberty -lm -lpthread

SOURCES := $(filter-out %_test.c %_fuzz.c %_bench.c %.bpf.c %.blob.c, $(wildcard src/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/obj/%.o)
PARTS   := $(filter-out $(BUILD)/obj/src/cli/main.o, $(OBJECTS))
TESTS   := $(patsubst %.c,$(BUILD)/test/%,$(notdir $(wildcard src/*/*_test.c tests/*/*_test.c)))
FUZZERS := $(patsubst %.c,%,$(notdir $(wildcard src/*/*_fuzz.c)))
BENCHES := $(patsubst %.c,$(BUILD)/%,$(wildcard bench/*.c))
EXAMPLES := $(filter-out examples/marked/, $(wildcard examples/*/))
EXAMPLES := $(EXAMPLES:examples/%/=$(BUILD)/examples/%)
SHOP    := $(BUILD)/examples/shop
CXX     ?= g++
MARKED  := marked marked_plugin.so greeter
MARKED  := $(MARKED:%=$(BUILD)/examples/%)
REPLAYS := $(FUZZERS:%=$(BUILD)/replay/%)
HELPERS := $(filter-out replay, $(patsubst tests/%.c,%,$(wildcard tests/*.c)))
HELPERS := $(HELPERS:%=$(BUILD)/helper/%) $(BUILD)/helper/live
BPFS    := $(patsubst src/kernel/%.bpf.c,$(BUILD)/gen/%.bpf.o,$(wildcard src/kernel/*.bpf.c))
FREE    := $(shell awk '$$3 == "free" {print "src/" $$2 "/*.[ch]"}' tools/parts.txt)
FREE    := $(filter-out %_test.c %_test.h %_fuzz.c %_bench.c %.bpf.c %.bpf.h, $(wildcard $(FREE)))
BPF_INCLUDES := $(wildcard src/kernel/*.h src/ring/*.h src/unwind/*.h)

# A line a step; `make V=1` shows the commands.
step = @$(if $(V),set -x,echo '  $1  $(@:$(BUILD)/%=%)');

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all deps run check test tested clean tidy format format-check gate-free gate-inproc \
	gate-payload race race-probe sanitize fuzz fuzzers bench bench-recorder bench-trace \
	bench-server bench-guest bench-ctf bench-stack bench-waits bench-marker bench-lines \
	bench-data bench-probe bench-probe-hit bench-probe-peers bench-attach bench-values \
	install uninstall kmod guest-lines
.DEFAULT_GOAL := all

all: $(BUILD)/cairn $(BUILD)/libcairn.a $(BUILD)/libcairn.so $(EXAMPLES) $(MARKED)

# A missing package is said before a compiler says it worse.
$(BUILD)/.packages: tools/deps.sh Makefile
	@mkdir -p $(@D)
	@tools/deps.sh check && touch $@

deps:
	@tools/deps.sh install

# The first thing to try: a small shop, recorded and told.
run: deps
	@$(MAKE) --no-print-directory all
	rm -rf $(BUILD)/shop.cairn
	$(BUILD)/cairn record -o $(BUILD)/shop.cairn -- $(SHOP) 480 $(BUILD)/shop.journal
	$(BUILD)/cairn report $(BUILD)/shop.cairn
	$(BUILD)/cairn waits $(BUILD)/shop.cairn worker-1

# A program in C, one in C++ and a library, with markers.
MARKED_FLAGS := -O2 -g $(WARN) -Iinclude

$(BUILD)/examples/marked: examples/marked/marked.c include/cairn/marker.h $(BUILD)/libcairn.a
	@mkdir -p $(@D)
	$(call step,CC)$(CC) -std=gnu11 -D_GNU_SOURCE $(MARKED_FLAGS) -o $@ $< \
		$(BUILD)/libcairn.a -lpthread

$(BUILD)/examples/marked_plugin.so: examples/marked/plugin.c $(BUILD)/libcairn.so
	@mkdir -p $(@D)
	$(call step,CC)$(CC) -std=c99 $(MARKED_FLAGS) -fPIC -shared \
		-Wl,-rpath,'$$ORIGIN/..' -o $@ $< $(BUILD)/libcairn.so

$(BUILD)/examples/greeter: examples/marked/greeter.cc include/cairn/marker.h $(BUILD)/libcairn.a
	@mkdir -p $(@D)
	$(call step,CXX)$(CXX) -std=c++11 -O2 -g -Wall -Wextra -Iinclude -o $@ $< \
		$(BUILD)/libcairn.a

# As a distribution builds programs: optimized, no frame pointers, line tables kept.
$(EXAMPLES): $(BUILD)/examples/%: $(wildcard examples/*/*.[ch])
	@mkdir -p $(@D)
	$(call step,CC)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -g -fomit-frame-pointer -o $@ \
		$(wildcard examples/$*/*.c) -lpthread

$(BUILD)/cairn: $(BUILD)/obj/src/cli/main.o $(BUILD)/libparts.a
	$(call step,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Every part in one archive: tests and fuzzers link what they use of it.
$(BUILD)/libparts.a: $(PARTS)
	@rm -f $@
	$(call step,AR)$(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c | $(BUILD)/.packages $(BPFS)
	@mkdir -p $(@D)
	$(call step,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The recorder that runs in the kernel: one CO-RE object, embedded in the tool.
$(BUILD)/obj/src/kernel/recorder_object.o: $(BUILD)/gen/recorder.bpf.o
$(BUILD)/gen/%.bpf.o: src/kernel/%.bpf.c $(BPF_INCLUDES) | $(BUILD)/.packages
	@mkdir -p $(@D)
	$(call step,BPF)$(CLANG) -O2 -g -target bpf -mcpu=v3 -Wall -Wno-missing-declarations -Isrc \
		-I/usr/include/$(shell gcc -print-multiarch) -c -o $@ $<
	@llvm-strip -g $@

# What probes call inside somebody else's process: one stretch of code that runs anywhere.
BLOB := $(wildcard src/payload/*.blob.c) src/ring/ring_write.c src/cell/cell_add.c \
	src/prog/prog_glob.c
BLOB := $(BLOB:%.c=$(BUILD)/blob/%.o)
BLOB_FLAGS := -std=gnu11 -D_GNU_SOURCE $(WARN) -Wconversion -O2 -fpie -fvisibility=hidden \
	-ffreestanding -mgeneral-regs-only -mno-red-zone -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-jump-tables -fno-tree-loop-distribute-patterns \
	-ffunction-sections -fdata-sections -fomit-frame-pointer -fcallgraph-info=su \
	-mmemcpy-strategy=libcall:-1:noalign -mmemset-strategy=libcall:-1:noalign

$(BUILD)/blob/%.o: %.c
	@mkdir -p $(@D)
	$(call step,CC)gcc $(BLOB_FLAGS) -Isrc -MMD -MP -c -o $@ $<

$(BUILD)/gen/payload.elf: src/payload/payload.lds $(BLOB)
	@mkdir -p $(@D)
	$(call step,LD)ld -T $< --gc-sections --no-warn-rwx-segments -e 0 \
		-o $@ $(BLOB)

$(BUILD)/gen/payload.bin: $(BUILD)/gen/payload.elf
	@! nm -u $< | grep .
	@objcopy -O binary -j .payload $< $@

$(BUILD)/obj/src/payload/payload_blob.o: $(BUILD)/gen/payload.bin

# What a program with markers links: one object, an archive of it, a library of it.
INPROC  := $(filter-out %_test.c %_fuzz.c, $(wildcard src/marker/*.c src/ring/*.c))
INPROC  := $(INPROC:%.c=$(BUILD)/inproc/%.o)
INPROC_FLAGS := -std=gnu11 -D_GNU_SOURCE $(WARN) -Wconversion -O2 -g -fPIC -fvisibility=hidden

$(BUILD)/inproc/%.o: %.c
	@mkdir -p $(@D)
	$(call step,CC)$(CC) $(INPROC_FLAGS) -Isrc -Iinclude -MMD -MP -c -o $@ $<

$(BUILD)/libcairn.o: $(INPROC)
	$(call step,LD)$(CC) -r -nostdlib -o $@ $^ && objcopy --localize-hidden $@

# What a program that prints its own stack when it dies links beside it.
CRASH   := $(filter-out %_test.c %_fuzz.c, $(wildcard src/crash/*.c src/lines/*.c))
CRASH   := $(CRASH:%.c=$(BUILD)/inproc/%.o)

$(BUILD)/libcrash.o: $(CRASH)
	$(call step,LD)$(CC) -r -nostdlib -o $@ $^ && objcopy --localize-hidden $@

$(BUILD)/libcairn.a: $(BUILD)/libcairn.o $(BUILD)/libcrash.o
	@rm -f $@
	$(call step,AR)$(AR) rcs $@ $^

# Never unloaded: threads may be inside.
$(BUILD)/libcairn.so: $(BUILD)/libcairn.o $(BUILD)/libcrash.o
	$(call step,LD)$(CC) -shared -Wl,-soname,libcairn.so.0 -Wl,-z,nodelete -o $@ $^
	@ln -sf libcairn.so $(BUILD)/libcairn.so.0

# The ring's writers killed at any moment; `race_unarmed` is the control, which must fail.
RACES := $(BUILD)/race/race $(BUILD)/race/race_unarmed
RACE_SOURCES := tests/race/race.c src/ring/ring_read.c src/ring/ring_share.c src/ring/ring_write.c
$(BUILD)/race/race_unarmed: RACE_FLAGS := -DRING_UNARMED
$(RACES): $(RACE_SOURCES) $(wildcard src/ring/*.h)
	@mkdir -p $(@D)
	$(call step,CC)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -g -DRING_RACE $(RACE_FLAGS) \
		-Isrc -o $@ $(RACE_SOURCES) -lpthread

race: $(RACES)
	@BUILD=$(BUILD) tests/race/run 300

# A busy process with probes going in and out, and the control, which must do harm.
PROBE_RACE := $(BUILD)/race/probe_race
$(PROBE_RACE): $(wildcard tests/probe_race/*.[ch]) $(BUILD)/libparts.a
	@mkdir -p $(@D)
	$(call step,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -o $@ \
		$(filter %.c,$^) $(filter %.a,$^) $(LIBS)

race-probe: $(PROBE_RACE)
	@$< 1000 600

$(BUILD)/test/%_test: $(BUILD)/testobj/%_test.o $(BUILD)/libparts.a
	@mkdir -p $(@D)
	$(call step,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) $(LIBS) -lcmocka

# The machine that makes traces whose truth is known.
SYNTH := $(filter-out %_test.c, $(wildcard tests/synth/*.c))
SYNTH := $(SYNTH:tests/synth/%.c=$(BUILD)/testobj/%.o)
$(BUILD)/test/synth_test $(BUILD)/test/waits_truth_test $(BUILD)/bench/path_speed: $(SYNTH)

# System calls and allocations that this test makes fail.
$(BUILD)/test/ctf_fault_test: LDFLAGS += -Wl,--wrap=pwritev,--wrap=ftruncate,--wrap=openat \
	-Wl,--wrap=write,--wrap=renameat,--wrap=malloc,--wrap=calloc,--wrap=realloc

# Writes to another process's memory, which this test forbids.
$(BUILD)/test/inject_text_test: LDFLAGS += -Wl,--wrap=pwrite

$(BUILD)/replay/%_fuzz: $(BUILD)/testobj/%_fuzz.o $(BUILD)/testobj/replay.o $(BUILD)/libparts.a
	@mkdir -p $(@D)
	$(call step,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# The program that really waits, and logs it.
$(BUILD)/helper/live: $(wildcard tests/live/*.[ch])
	@mkdir -p $(@D)
	$(call step,CC)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -g -fomit-frame-pointer -o $@ \
		$(wildcard tests/live/*.c) -lpthread

# Programs that write what tests read.
$(BUILD)/helper/%: $(BUILD)/testobj/%.o $(BUILD)/libparts.a
	@mkdir -p $(@D)
	$(call step,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

vpath %.c $(wildcard src/*) tests tests/journey tests/synth
vpath walk_%.c tests

$(BUILD)/testobj/%.o: %.c | $(BUILD)/.packages $(BPFS)
	@mkdir -p $(@D)
	$(call step,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

GATES := tidy format-check gate-free gate-inproc gate-payload

check: $(GATES) all $(TESTS) $(REPLAYS) $(HELPERS) $(BENCHES) $(RACES) $(PROBE_RACE)
	@BUILD=$(BUILD) tests/run quick

# Packages first: the second make sees what pkg-config knows by then.
test: deps
	@$(MAKE) --no-print-directory tested

tested: $(GATES) all $(TESTS) $(REPLAYS) $(HELPERS) $(RACES) $(PROBE_RACE)
	@BUILD=$(BUILD) tests/run all

clean:
	rm -rf $(BUILD)

# What a reader would stumble over, and what only a formatter sees.
tidy:
	@tools/tidy

FORMATTED = $(wildcard kmod/*.[ch] src/*/*.[ch] include/*/*.h examples/*/*.[ch] \
	tests/*.c tests/*/*.c \
	bench/*.c bench/*/*.[ch])

format:
	clang-format-14 -i $(FORMATTED)

format-check:
	@clang-format-14 --dry-run -Werror $(FORMATTED)

# The free tier must build without a libc, with small frames, and need no more than a compiler's
# own four functions. Headers are compiled with their inline functions kept.
gate-free: $(FREE:%=$(BUILD)/free/%.o)
	@! nm $^ 2>/dev/null | awk '/^src|:$$/ {file = $$1} $$2 ~ /^[TDBRV]$$/ {has[$$3]} \
		$$1 == "U" && $$2 !~ /^mem(cpy|set|move|cmp)$$/ {need[$$2] = file} \
		END {for (n in need) if (!(n in has)) print need[n], "needs", n}' | grep .

# The library for programs defines nothing but cairn_*, and needs no more of a libc than this.
INPROC_NEEDS := memcpy|memset|memmove|memcmp|strlen|strnlen|getenv|getauxval|clock_gettime
gate-inproc: $(BUILD)/libcairn.o
	@! nm -g $< | awk '$$2 ~ /^[TDBRVW]$$/ && $$3 !~ /^cairn_/ {print "exports " $$3} \
		$$1 == "U" && $$2 !~ /^($(INPROC_NEEDS)|_GLOBAL_.*)$$/ {print "needs " $$2}' \
		| grep .

# The payload runs at any address, leaves vector registers alone and takes little stack.
gate-payload: $(BLOB)
	@tools/payload_gate $$(sed -n 's/.*PAYLOAD_STACK_BYTES = \([0-9]*\),/\1/p' \
		src/payload/payload_abi.h) $(BLOB)

NOLIBC = -ffreestanding -nostdinc -isystem $(shell $(CC) -print-file-name=include)
$(BUILD)/free/%.o: %
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 $(WARN) -Wconversion -Werror -O2 -x c $(NOLIBC) -Isrc -Iinclude \
		-mgeneral-regs-only -fkeep-inline-functions -Wno-unused-function \
		-Wframe-larger-than=512 -MMD -MP -c -o $@ $<

# The inner loop once more, slower and stricter: addresses and undefined behaviour, then threads.
CHECKED := CFLAGS="-O1 -g -fno-omit-frame-pointer"
ASAN    := address,undefined -fno-sanitize-recover=undefined
sanitize:
	$(MAKE) --no-print-directory check BUILD=build/asan $(CHECKED) SANITIZE="-fsanitize=$(ASAN)"
	$(MAKE) --no-print-directory check BUILD=build/tsan $(CHECKED) \
		SANITIZE="-fsanitize=thread -Wno-tsan"

# Every fuzzer for a while.
FUZZ_SECONDS ?= 30
fuzz:
	$(MAKE) --no-print-directory fuzzers BUILD=build/fuzz CC=$(CLANG) $(CHECKED) \
		SANITIZE="-fsanitize=fuzzer-no-link,$(ASAN)"

fuzzers: $(FUZZERS:%=$(BUILD)/bin/%)
	tools/fuzz $(BUILD) $(FUZZ_SECONDS) $(FUZZERS)

$(BUILD)/bin/%_fuzz: $(BUILD)/testobj/%_fuzz.o $(BUILD)/libparts.a
	@mkdir -p $(@D)
	$(call step,LD)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LIBS)

# Every figure that is a promise, with its goal; what this machine cannot show says why.
bench: all $(BENCHES)
	@BUILD=$(BUILD) bench/all

# This kernel's recorders side by side, and a mixed load.
bench-recorder: all $(BUILD)/bench/rungs
	@BUILD=$(BUILD) bench/recorder

# Bytes, bursts, snapshots, clocks.
bench-trace: all $(BUILD)/bench/calls $(BUILD)/bench/snapshots
	@BUILD=$(BUILD) bench/trace

# redis and PostgreSQL, recorded under load.
bench-server: all
	@BUILD=$(BUILD) bench/server

# Instructions per event inside Debian's kernels.
bench-guest: all $(BUILD)/bench/guest_load
	@BUILD=$(BUILD) bench/guest

# Reading speed, beside babeltrace2's.
bench-ctf: all $(BUILD)/bench/read_trace
	@BUILD=$(BUILD) bench/read

# Markers beside rdtsc, LTTng-UST and a plain probe.
bench-marker: all $(BUILD)/bench/marker_toggle
	@BUILD=$(BUILD) bench/marker

# Where probes can be put by a jump, over this system's own programs.
bench-probe: $(BUILD)/bench/probe_places
	@$< $(PROBED)

# What a probe costs a thread each time it comes by.
bench-probe-hit: $(BUILD)/bench/probe_hit
	@$<

# What probes read, beside gdb.
bench-values: all $(BUILD)/helper/probe_reader
	@BUILD=$(BUILD) bench/values

# What a probe costs its program, by those who place one.
bench-probe-peers: all
	@BUILD=$(BUILD) bench/probe_peers

# How long a busy process stands still for probes to be put in.
bench-attach: $(BUILD)/bench/attach_stop
	@$<

# What stacks cost those who sleep.
bench-stack: $(BUILD)/bench/stack_cost
	@$<

# How long explaining takes, up to 50 M events; a database's waits.
bench-waits: all $(BUILD)/bench/path_speed
	@BUILD=$(BUILD) bench/waits

# Line tables of Debian's debug kernel, and the fetching of that.
bench-lines: all $(BUILD)/bench/line_cold $(BUILD)/bench/measure
	@BUILD=$(BUILD) bench/lines

bench-data:
	@bench/debug_kernel

$(BUILD)/bench/%: bench/%.c $(BUILD)/libparts.a
	@mkdir -p $(@D)
	$(call step,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -o $@ \
		$(filter %.c %.o,$^) $(filter %.a,$^) $(LIBS) $(if $(filter %.o,$^),-lcmocka)

# The kernel module, for the running kernel or KDIR: its headers' folder.
KDIR ?= /lib/modules/$(shell uname -r)/build
KMOD := $(wildcard kmod/*.[ch]) kmod/Kbuild
kmod: $(KMOD) $(wildcard src/lines/*.[ch]) src/base/fixed.h
	@mkdir -p $(BUILD)/kmod/lines $(BUILD)/kmod/base
	@cp -u $(KMOD) $(BUILD)/kmod
	@cp -u $(filter-out %_fuzz.c,$(wildcard src/lines/*.[ch])) $(BUILD)/kmod/lines
	@cp -u src/base/fixed.h $(BUILD)/kmod/base
	$(MAKE) -C $(KDIR) M=$(abspath $(BUILD)/kmod) modules

# The kernel's own traces with lines, in a guest: the panic's, and what judged them all.
guest-lines: all bench-data $(BUILD)/helper/damage_tables
	@BUILD=$(BUILD) tests/guest/lines

# What packagers expect: DESTDIR, PREFIX.
BINDIR  = $(PREFIX)/bin
LIBDIR  = $(PREFIX)/lib
INCDIR  = $(PREFIX)/include/cairn
MANDIR  = $(PREFIX)/share/man
COMPDIR = $(PREFIX)/share/bash-completion/completions
PCDIR   = $(PREFIX)/share/pkgconfig
MANS    = $(wildcard docs/man/*.[13])

install: all
	install -D -m 755 $(BUILD)/cairn $(DESTDIR)$(BINDIR)/cairn
	install -D -m 644 tools/completion.bash $(DESTDIR)$(COMPDIR)/cairn
	install -D -m 644 include/cairn/marker.h $(DESTDIR)$(INCDIR)/marker.h
	install -D -m 644 include/cairn/lines.h $(DESTDIR)$(INCDIR)/lines.h
	install -D -m 644 $(BUILD)/libcairn.a $(DESTDIR)$(LIBDIR)/libcairn.a
	install -D -m 755 $(BUILD)/libcairn.so $(DESTDIR)$(LIBDIR)/libcairn.so.0
	ln -sf libcairn.so.0 $(DESTDIR)$(LIBDIR)/libcairn.so
	install -d $(DESTDIR)$(PCDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man3
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' tools/cairn.pc.in \
		>$(DESTDIR)$(PCDIR)/cairn.pc
	install -m 644 docs/man/*.1 $(DESTDIR)$(MANDIR)/man1
	install -m 644 docs/man/*.3 $(DESTDIR)$(MANDIR)/man3

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/cairn $(DESTDIR)$(COMPDIR)/cairn $(DESTDIR)$(PCDIR)/cairn.pc \
		$(DESTDIR)$(INCDIR)/marker.h $(DESTDIR)$(INCDIR)/lines.h \
		$(DESTDIR)$(LIBDIR)/libcairn.* \
		$(patsubst docs/man/%,$(DESTDIR)$(MANDIR)/man1/%,$(filter %.1,$(MANS))) \
		$(patsubst docs/man/%,$(DESTDIR)$(MANDIR)/man3/%,$(filter %.3,$(MANS)))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
