/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "lineinfo/line_build.h"
#include "lineinfo/line_object.h"
#include "lineinfo/line_reader.h"
#include "util/cleanup.h"
#include "util/text.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>

static char folder[] = "/tmp/cairn-lines-XXXXXX";

static const char source_text[] =
	"#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
	"struct cart { int items[16]; int count; };\n"
	"static inline int weigh(const struct cart *c, int i)\n{\n"
	"\tif (c->items[i] < 0)\n\t\tabort();\n\treturn c->items[i] * 3;\n}\n"
	"__attribute__((noinline)) int total(const struct cart *c)\n{\n\tint sum = 0;\n"
	"\tfor (int i = 0; i < c->count; i++)\n\t\tsum += weigh(c, i);\n\treturn sum;\n}\n"
	"__attribute__((noinline, cold)) void fail(const char *why)\n{\n"
	"\tputs(why);\n\texit(1);\n}\n"
	"int main(int argc, char **argv)\n{\n\tstruct cart c = {{0}, argc};\n"
	"\tfor (int i = 0; i < argc && i < 16; i++)\n"
	"\t\tc.items[i] = (int)strlen(argv[i]);\n"
	"\tif (total(&c) > 1000)\n\t\tfail(argv[0]);\n"
	"\tprintf(\"%d\\n\", total(&c) + weigh(&c, 0));\n\treturn 0;\n}\n";

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...)
{
	char command[3 * PATH_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/cart.c", folder);
	CLEANUP(stream) FILE *out = fopen(path, "w");
	return out && fputs(source_text, out) >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	shell("rm -rf %s", folder);
	return 0;
}

/* Compiles the source, after going where it is, so that its name is short; gives the output. */
static const char *compile(const char *name, const char *compiler, const char *flags)
{
	static char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	shell("cd %s && %s %s -o %s cart.c", folder, compiler, flags, name);
	return path;
}

static void build_as(const char *elf, const char *table, enum lines_profile profile,
		     unsigned block_rows)
{
	const struct line_options options = {.profile = profile, .block_rows = block_rows};
	struct line_counts counts;
	struct err e = {0};
	CLEANUP(free) void *data = NULL;
	size_t bytes;
	if (line_build(&elf, 1, &options, &data, &bytes, &counts, &e))
		fail_msg("%s", e.text);
	CLEANUP(stream) FILE *out = fopen(table, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, bytes, out), bytes);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* "cart.c:12" of what eu-addr2line says, which adds a column and perhaps a directory. */
static const char *their_answer(FILE *theirs, char *line, size_t bytes)
{
	assert_non_null(fgets(line, (int)bytes, theirs));
	line[strcspn(line, " \n")] = 0;
	char *colon = strchr(line, ':'), *second = colon ? strchr(colon + 1, ':') : NULL;
	if (second)
		*second = 0;
	if (colon && !strcmp(colon, ":0") && line[0] != '?')
		strcpy(colon, ":?");
	return base_name(line);
}

static FILE *ask_theirs(const char *tool, const char *elf, const char *section,
			const struct line_question *questions, size_t count)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/asked", folder);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%#" PRIx64 "\n",
			questions[i].address - (questions[i].asked == LINE_ASKED_RETURN));
	fclose(out);
	shell("%s %s %s -e %s <%s >%s/%s", tool, section ? "-j" : "", section ? section : "", elf,
	      path, folder, tool);
	snprintf(path, sizeof(path), "%s/%s", folder, tool);
	FILE *theirs = fopen(path, "r");
	assert_non_null(theirs);
	return theirs;
}

/* Whether the address lies in a function of the source, and not between functions or in libc's. */
static bool is_ours(const struct line_reader *r, const struct line_question *q)
{
	char name[LINES_NAME_ROOM];
	struct lines_region region;
	struct lines_symbol symbol;
	return lines_region_at(&r->table, q->region, &region) &&
	       lines_symbol_find(&r->table, &region, q->address, &symbol) &&
	       lines_function_name(&r->table, symbol.function, name) &&
	       (!strncmp(name, "main", 4) || !strncmp(name, "total", 5) || !strcmp(name, "fail"));
}

/*
 * Gives how many answers are a line; every one must be eu-addr2line's. That one gives code without
 * lines between two parts of a unit to the first: ours has none there.
 */
static size_t compare(struct line_reader *r, const char *elf, const char *section,
		      struct line_question *questions, size_t count)
{
	size_t lines = 0, wrong = 0;
	char line[PATH_MAX], ours[PATH_MAX];
	assert_int_equal(line_reader_ask(r, questions, count), 0);
	CLEANUP(stream) FILE *theirs = ask_theirs("eu-addr2line", elf, section, questions, count);
	for (size_t i = 0; i < count; i++) {
		const char *file = line_reader_file(r, questions[i].site.file);
		uint32_t number = questions[i].site.line;
		if (!file)
			snprintf(ours, sizeof(ours), "??:0");
		else if (number)
			snprintf(ours, sizeof(ours), "%s:%u", base_name(file), number);
		else
			snprintf(ours, sizeof(ours), "%s:?", base_name(file));
		const char *their = their_answer(theirs, line, sizeof(line));
		their = !file && !is_ours(r, &questions[i]) ? ours : their;
		assert_true(questions[i].is_exact);
		lines += file != NULL;
		wrong += strcmp(ours, their) != 0;
		if (strcmp(ours, their))
			print_message("%#" PRIx64 ": theirs %s, ours %s\n", questions[i].address,
				      their, ours);
	}
	assert_int_equal(wrong, 0);
	return lines;
}

/* Every byte of every section of code. */
static size_t compare_bytes(const char *elf, const char *section, unsigned block_rows)
{
	char table[PATH_MAX];
	struct line_reader reader;
	struct lines_region region;
	struct err e;
	size_t lines = 0;
	snprintf(table, sizeof(table), "%s/table", folder);
	build_as(elf, table, LINES_BYTE, block_rows);
	assert_int_equal(line_reader_open(&reader, table, &e), 0);
	for (uint32_t i = 0; lines_region_at(&reader.table, i, &region); i++) {
		if (section && strcmp(section, lines_word(&reader.table, region.name)))
			continue;
		struct line_question *questions = calloc(region.bytes, sizeof(*questions));
		assert_non_null(questions);
		for (uint64_t at = 0; at < region.bytes; at++)
			questions[at] =
				(struct line_question){.region = i, .address = region.address + at};
		lines += compare(&reader, elf, section, questions, region.bytes);
		free(questions);
	}
	line_reader_close(&reader);
	return lines;
}

static void every_byte_as_eu_addr2line_dwarf5(void **state)
{
	(void)state;
	assert_true(compare_bytes(compile("five", "gcc", "-O2 -g -gdwarf-5"), NULL, 256) > 200);
}

static void every_byte_as_eu_addr2line_dwarf4_fixed(void **state)
{
	(void)state;
	const char *path = compile("four", "gcc", "-O2 -g -gdwarf-4 -no-pie");
	assert_true(compare_bytes(path, NULL, 64) > 200);
}

static void every_byte_as_eu_addr2line_dwarf3_compressed(void **state)
{
	(void)state;
	const char *path = compile("three", "gcc", "-O1 -g -gdwarf-3 -gstrict-dwarf -gz");
	assert_true(compare_bytes(path, NULL, 64) > 200);
}

static void every_byte_as_eu_addr2line_lto_sections(void **state)
{
	(void)state;
	const char *path = compile("lto", "gcc", "-O2 -g -flto -ffunction-sections");
	assert_true(compare_bytes(path, NULL, 128) > 200);
}

static void every_byte_as_eu_addr2line_clang(void **state)
{
	(void)state;
	if (system("command -v clang >/dev/null")) {
		print_message("clang is missing\n");
		skip();
	}
	assert_true(compare_bytes(compile("clang", "clang", "-O2 -g -gdwarf-aranges"), NULL, 256) >
		    200);
}

/* A kernel module: sections that all begin at 0, relocations not applied. */
static void every_byte_as_eu_addr2line_relocatable(void **state)
{
	(void)state;
	const char *path = compile("cart.ko", "gcc", "-O2 -g -c");
	assert_true(compare_bytes(path, ".text", 256) > 40);
	assert_true(compare_bytes(path, ".text.startup", 256) > 100);
	assert_true(compare_bytes(path, ".text.unlikely", 256) > 8);
}

static void separate_debug_file_is_found(void **state)
{
	(void)state;
	char path[PATH_MAX], whole[PATH_MAX + 8];
	snprintf(path, sizeof(path), "%s", compile("separate", "gcc", "-O2 -g"));
	snprintf(whole, sizeof(whole), "%s.whole", path);
	shell("cd %s && cp separate separate.whole && objcopy --only-keep-debug separate s.debug "
	      "&& "
	      "strip separate && objcopy --add-gnu-debuglink=s.debug separate",
	      folder);
	char table[PATH_MAX];
	struct line_reader reader;
	struct lines_region region;
	snprintf(table, sizeof(table), "%s/table", folder);
	build_as(path, table, LINES_BYTE, 256);
	assert_int_equal(line_reader_open(&reader, table, NULL), 0);
	uint32_t text = 0;
	while (lines_region_at(&reader.table, text, &region) &&
	       strcmp(lines_word(&reader.table, region.name), ".text"))
		text++;
	struct line_question question = {.region = text, .address = region.address};
	assert_true(compare(&reader, whole, NULL, &question, 1) == 1);
	line_reader_close(&reader);
}

/* The return addresses of calls, as objdump sees them. */
static size_t list_returns(const char *elf, struct line_question *questions, size_t max)
{
	char command[2 * PATH_MAX], line[512];
	size_t count = 0;
	bool is_behind_call = false;
	snprintf(command, sizeof(command), "objdump -d --no-show-raw-insn -j .text %s", elf);
	FILE *in = popen(command, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in) && count < max) {
		char *end;
		uint64_t address = strtoull(line, &end, 16);
		if (*end != ':' || line[0] != ' ')
			continue;
		if (is_behind_call)
			questions[count++] = (struct line_question){.asked = LINE_ASKED_RETURN,
								    .address = address};
		is_behind_call = strstr(line, "\tcall") != NULL;
	}
	pclose(in);
	return count;
}

static void every_return_address_in_every_profile(void **state)
{
	(void)state;
	static struct line_question questions[256];
	char path[PATH_MAX], table[PATH_MAX];
	snprintf(path, sizeof(path), "%s", compile("returns", "gcc", "-O2 -g -no-pie"));
	snprintf(table, sizeof(table), "%s/table", folder);
	for (int profile = LINES_RETURN; profile <= LINES_BYTE; profile++) {
		struct line_reader reader;
		build_as(path, table, (enum lines_profile)profile, 64);
		assert_int_equal(line_reader_open(&reader, table, NULL), 0);
		size_t count = list_returns(path, questions, 256);
		for (size_t i = 0; i < count; i++)
			assert_true(line_reader_region(&reader, questions[i].address,
						       &questions[i].region));
		assert_true(compare(&reader, path, NULL, questions, count) >= 8);
		/* The same as any addresses: only the largest profile vouches for them. */
		questions[0].asked = LINE_ASKED_ANY;
		assert_int_equal(line_reader_ask(&reader, questions, 1), 0);
		assert_int_equal(questions[0].is_exact, profile == LINES_BYTE);
		line_reader_close(&reader);
	}
}

static void functions_are_found_by_name_and_address(void **state)
{
	(void)state;
	char table[PATH_MAX], name[LINES_NAME_ROOM];
	struct line_reader reader;
	struct lines_symbol symbol, again;
	struct lines_region region;
	uint32_t function, at = 0, number;
	snprintf(table, sizeof(table), "%s/table", folder);
	build_as(compile("named", "gcc", "-O2 -g"), table, LINES_CRASH, 256);
	assert_int_equal(line_reader_open(&reader, table, NULL), 0);
	assert_false(line_reader_function(&reader, "no_such", &function));
	assert_true(line_reader_function(&reader, "total", &function));
	assert_true(line_reader_next_symbol(&reader, function, &at, &symbol, &number));
	assert_true(lines_region_at(&reader.table, number, &region));
	assert_true(lines_symbol_find(&reader.table, &region, region.address + symbol.address + 5,
				      &again));
	assert_int_equal(again.function, function);
	assert_int_equal(lines_function_name(&reader.table, function, name), 5);
	assert_string_equal(name, "total");
	assert_false(line_reader_next_symbol(&reader, function, &at, &symbol, &number));
	line_reader_close(&reader);
}

/* Every changed byte, every cut, every extension is noticed. */
static void damage_is_noticed(void **state)
{
	(void)state;
	char table[PATH_MAX];
	struct lines_table t;
	snprintf(table, sizeof(table), "%s/table", folder);
	build_as(compile("damaged", "gcc", "-O2 -g"), table, LINES_BYTE, 256);
	CLEANUP(stream) FILE *in = fopen(table, "r");
	static uint8_t data[1 << 16];
	size_t bytes = fread(data, 1, sizeof(data) - 8, in);
	assert_int_equal(lines_open(&t, data, bytes), 0);
	for (size_t i = 0; i < bytes; i++) {
		data[i] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(lines_open(&t, data, bytes), LINES_DAMAGED);
		data[i] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t cut = 0; cut < bytes; cut += 7)
		assert_int_equal(lines_open(&t, data, cut), LINES_DAMAGED);
	for (size_t more = 1; more < 8; more++)
		assert_int_equal(lines_open(&t, data, bytes + more), LINES_DAMAGED);
}

static void no_lines_is_said(void **state)
{
	(void)state;
	struct line_counts counts;
	const struct line_options options = {.profile = LINES_BYTE, .block_rows = 256};
	struct err e;
	void *data;
	size_t bytes;
	const char *path = compile("bare", "gcc", "-O2");
	assert_int_equal(line_build(&path, 1, &options, &data, &bytes, &counts, &e), -ENODATA);
	assert_non_null(strstr(e.text, "no debug information"));
	path = "/nowhere/at/all";
	assert_int_equal(line_build(&path, 1, &options, &data, &bytes, &counts, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_as_eu_addr2line_dwarf5),
		cmocka_unit_test(every_byte_as_eu_addr2line_dwarf4_fixed),
		cmocka_unit_test(every_byte_as_eu_addr2line_dwarf3_compressed),
		cmocka_unit_test(every_byte_as_eu_addr2line_lto_sections),
		cmocka_unit_test(every_byte_as_eu_addr2line_clang),
		cmocka_unit_test(every_byte_as_eu_addr2line_relocatable),
		cmocka_unit_test(separate_debug_file_is_found),
		cmocka_unit_test(every_return_address_in_every_profile),
		cmocka_unit_test(functions_are_found_by_name_and_address),
		cmocka_unit_test(damage_is_noticed),
		cmocka_unit_test(no_lines_is_said),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
