/* SPDX-License-Identifier: MIT */
/* Programs are built in every shape Debian ships, and every answer is compared with addr2line's. */
#include "elf/elf_file.h"
#include "lineinfo/line_build.h"
#include "lineinfo/line_embed.h"
#include "symbol/symbol.h"
#include "symbol/kallsyms.h"
#include "symbol/symbol_module.h"
#include "symbol/symbol_lines.h"
#include "symbol/symbol_vdso.h"
#include "util/cleanup.h"
#include "util/test.h"

#include <gelf.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { PID = 77, BASE = 0x40000000, ADDRESSES_MAX = 6000 };

static char folder[] = "/tmp/cairn-symbol-XXXXXX";

static const char source_text[] = "#include <stdio.h>\n"
				  "#include <stdlib.h>\n"
				  "static inline __attribute__((always_inline)) int twice(int x)\n"
				  "{\n"
				  "	return x * 2 + (x > 3 ? rand() : 1);\n"
				  "}\n"
				  "static inline __attribute__((always_inline)) int four(int x)\n"
				  "{\n"
				  "	return twice(twice(x));\n"
				  "}\n"
				  "__attribute__((noinline)) int work(int n)\n"
				  "{\n"
				  "	int sum = 0;\n"
				  "	for (int i = 0; i < n; i++)\n"
				  "		sum += four(i) ^ twice(sum);\n"
				  "	return sum;\n"
				  "}\n"
				  "int main(int argc, char **argv)\n"
				  "{\n"
				  "	printf(\"%d\\n\", work(argc));\n"
				  "	return argv[0] == NULL;\n"
				  "}\n";

static void shell(const char *format, ...)
{
	char command[4 * PATH_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

/* Some real code beside the small program, so that there are thousands of addresses. */
static const char *build(const char *name, const char *flags)
{
	static char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	shell("gcc -std=gnu11 -D_GNU_SOURCE -Isrc -Wl,--build-id %s -o %s %s/app.c src/util/map.c "
	      "src/util/text.c src/util/array.c",
	      flags, path, folder);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/app.c", folder);
	CLEANUP(stream) FILE *out = fopen(path, "w");
	return out && fputs(source_text, out) >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	shell("rm -rf %s", folder);
	return 0;
}

static struct symbol *symbol_for(const char *path, const char *build_id)
{
	struct symbol *s;
	assert_int_equal(symbol_create(&s, NULL), 0);
	const struct symbol_map map = {.pid = PID,
				       .start = BASE,
				       .end = BASE + (64 << 20),
				       .path = path,
				       .build_id = build_id};
	assert_int_equal(symbol_add_map(s, &map, NULL), 0);
	return s;
}

static struct elf_file *open_file(const char *path)
{
	struct err e = {0};
	struct elf_file *f;
	if (elf_file_open(path, &f, &e))
		fail_msg("%s", e.text);
	return f;
}

/*
 * "function\nfile:line (discriminator 3)\n" is what ours says; a file without a line says nothing.
 * addr2line gives the padding behind a function to that function; ours goes by the symbol's size.
 */
static bool same_place(const struct symbol_place *place, char *function, char *line)
{
	char directory[PATH_MAX];
	function[strcspn(function, "\n")] = 0;
	char *colon = strrchr(line, ':');
	*colon = 0;
	unsigned number = (unsigned)strtoul(colon + 1, NULL, 10);
	char *file = symbol_short_path(line, getcwd(directory, sizeof(directory)));
	CLEANUP(free) char *plain = symbol_demangle(function);
	bool same = number == place->line &&
		    (!number || !strcmp(file, place->file ? place->file : "??")) &&
		    (!place->function || !strcmp(plain, place->function));
	if (!same)
		print_message("theirs %s %s:%u, ours %s %s:%u\n", function, file, number,
			      place->function, place->file, place->line);
	free(file);
	return same;
}

static GElf_Shdr text_section(struct elf_file *f)
{
	Elf *elf = elf_file_handle(f);
	GElf_Shdr header;
	size_t names;
	assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));)
		if (gelf_getshdr(section, &header) &&
		    !strcmp(elf_strptr(elf, names, header.sh_name), ".text"))
			return header;
	fail_msg("no .text");
	return (GElf_Shdr){0};
}

/* Asks addr2line of every address of the section, up to a limit; gives its output. */
static FILE *ask_addr2line(const char *program, const GElf_Shdr *text)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/addresses", folder);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	for (uint64_t i = 0; i < text->sh_size && i < ADDRESSES_MAX; i++)
		fprintf(out, "%#" PRIx64 "\n", text->sh_addr + i);
	fclose(out);
	shell("addr2line -a -f -i -e %s <%s >%s/answers && echo 0xend >>%s/answers", program, path,
	      folder, folder);
	snprintf(path, sizeof(path), "%s/answers", folder);
	FILE *answers = fopen(path, "r");
	assert_non_null(answers);
	return answers;
}

/*
 * addr2line reads `asked`, the trace names `path`: they differ when one is stripped. At least so
 * many addresses are compared, and of a thousand no more lie between functions.
 */
static void compare(const char *asked, const char *path, size_t least, size_t unnamed_most)
{
	char line[PATH_MAX], function[PATH_MAX];
	struct elf_file *f = open_file(path);
	struct symbol *s = symbol_for(path, elf_file_build_id(f));
	GElf_Shdr text = text_section(f);
	CLEANUP(stream) FILE *theirs = ask_addr2line(asked, &text);
	size_t asked_count = 0, wrong = 0, unnamed = 0;
	assert_non_null(fgets(line, sizeof(line), theirs));
	while (strncmp(line, "0xend", 5)) {
		struct symbol_place places[SYMBOL_INLINE_MAX];
		uint64_t address = strtoull(line, NULL, 16), back;
		uint64_t offset = address - text.sh_addr + text.sh_offset;
		assert_true(elf_file_address(f, offset, &back));
		assert_int_equal(back, address);
		size_t depth = 0, count = symbol_find_all(s, PID, 0, BASE + offset, false, places,
							  SYMBOL_INLINE_MAX);
		bool same = true;
		while (fgets(function, sizeof(function), theirs) && strncmp(function, "0x", 2)) {
			assert_non_null(fgets(line, sizeof(line), theirs));
			same &= depth < count && same_place(&places[depth], function, line);
			depth++;
		}
		strcpy(line, function);
		unnamed += !places[0].function;
		wrong += !same || depth != count;
		asked_count++;
	}
	assert_true(asked_count >= least);
	assert_int_equal(wrong, 0);
	assert_true(unnamed * 1000 <= asked_count * unnamed_most);
	symbol_destroy(s);
	elf_file_close(f);
}

static void agrees_with_addr2line_dwarf5_pie(void **state)
{
	(void)state;
	const char *path = build("five", "-O2 -g -gdwarf-5 -pie");
	compare(path, path, 2000, 80);
}

static void agrees_with_addr2line_dwarf4_fixed(void **state)
{
	(void)state;
	const char *path = build("four", "-O2 -g -gdwarf-4 -no-pie");
	compare(path, path, 2000, 80);
}

static void agrees_with_addr2line_static(void **state)
{
	(void)state;
	const char *path = build("static", "-O1 -g -static -ffunction-sections");
	compare(path, path, ADDRESSES_MAX, 30);
}

static void agrees_with_addr2line_cplusplus(void **state)
{
	(void)state;
	if (system("command -v g++ >/dev/null"))
		skip();
	char source[PATH_MAX], path[PATH_MAX];
	snprintf(source, sizeof(source), "%s/cart.cc", folder);
	snprintf(path, sizeof(path), "%s/cart", folder);
	FILE *out = fopen(source, "w");
	assert_non_null(out);
	fputs("namespace shop {\n"
	      "template <typename T> __attribute__((noinline)) T most(T a, T b)\n"
	      "{\n\treturn a < b ? b : a;\n}\n"
	      "struct cart {\n\tint items[64];\n\tint count;\n"
	      "\tvoid add(int item) { items[count++ % 64] = item; }\n"
	      "\tint sum() const;\n};\n"
	      "int cart::sum() const\n{\n\tint sum = 0;\n"
	      "\tfor (int item : items)\n\t\tsum = most(sum, item) + sum * 3;\n"
	      "\treturn sum;\n}\n}\n"
	      "int main(int argc, char **argv)\n{\n\tshop::cart c = {};\n"
	      "\tfor (int i = 0; i < argc * 40; i++)\n\t\tc.add(argv[0][i % 4]);\n"
	      "\treturn c.sum() + (int)shop::most(1.5 * argc, 2.0);\n}\n",
	      out);
	fclose(out);
	shell("g++ -O1 -g -Wl,--build-id -o %s %s", path, source);
	compare(path, path, 300, 60);
}

static void separate_debug_file_by_link(void **state)
{
	(void)state;
	char whole[2 * PATH_MAX], path[PATH_MAX];
	snprintf(path, sizeof(path), "%s", build("linked", "-O2 -g"));
	snprintf(whole, sizeof(whole), "%s/linked.debug", folder);
	shell("cp %s %s.whole && objcopy --only-keep-debug %s %s && strip %s && "
	      "objcopy --add-gnu-debuglink=%s %s",
	      path, path, path, whole, path, whole, path);
	snprintf(whole, sizeof(whole), "%s.whole", path);
	compare(whole, path, 2000, 80);
}

static void separate_debug_file_by_build_id(void **state)
{
	(void)state;
	char path[PATH_MAX], root[PATH_MAX];
	snprintf(path, sizeof(path), "%s", build("stripped", "-O2 -g"));
	snprintf(root, sizeof(root), "%s/debug", folder);
	struct elf_file *f = open_file(path);
	const char *id = elf_file_build_id(f);
	assert_int_equal(strlen(id), 40);
	GElf_Shdr text = text_section(f);
	shell("mkdir -p %s/.build-id/%.2s && objcopy --only-keep-debug %s "
	      "%s/.build-id/%.2s/%s.debug"
	      " && strip %s",
	      root, id, path, root, id, id + 2, path);
	struct symbol *s = symbol_for(path, id);
	assert_int_equal(symbol_set_debug_root(s, root, NULL), 0);
	struct symbol_place place;
	assert_true(symbol_find(s, PID, 0, BASE + text.sh_offset, false, &place));
	assert_string_equal(place.function, "main");
	assert_int_equal(place.line, 19);
	assert_null(place.reason);
	symbol_destroy(s);
	elf_file_close(f);
}

/* Debug information gone, the table stays: lines, functions, what was inlined. */
static void a_table_in_the_program_tells_lines(void **state)
{
	(void)state;
	char path[PATH_MAX], whole[PATH_MAX + 8];
	snprintf(path, sizeof(path), "%s", build("carrier", "-O2 -g"));
	snprintf(whole, sizeof(whole), "%s.whole", path);
	const struct line_options options = {
		.profile = LINES_BYTE, .block_rows = 64, .with_chains = true};
	const char *paths[] = {path};
	struct line_counts counts;
	struct err e = {0};
	CLEANUP(free) void *data = NULL;
	size_t bytes;
	shell("cp %s %s", path, whole);
	if (line_build(paths, 1, &options, &data, &bytes, &counts, &e) ||
	    line_embed(path, data, bytes, &e))
		fail_msg("%s", e.text);
	shell("strip %s", path);
	compare(whole, path, 1000, 1000);

	const char *file = NULL;
	uint32_t line = 0;
	struct elf_file *f = open_file(path);
	struct line_reader *r = symbol_lines_of_program(path, elf_file_build_id(f));
	assert_non_null(r);
	assert_true(symbol_lines_find_function(r, "main", 0, false, &file, &line));
	assert_int_equal(line, 19);
	assert_false(symbol_lines_find_function(r, "no_such", 0, false, &file, &line));
	symbol_lines_destroy(r);
	assert_null(symbol_lines_of_program(path, "00112233445566778899"));
	assert_null(symbol_lines_of_program(whole, elf_file_build_id(f)));
	elf_file_close(f);
}

static void says_why_it_does_not_know(void **state)
{
	(void)state;
	char path[PATH_MAX];
	struct symbol_place place;
	snprintf(path, sizeof(path), "%s", build("replaced", "-O2 -g"));
	struct symbol *s = symbol_for(path, "00112233445566778899");
	assert_false(symbol_find(s, PID, 0, BASE + 0x1100, false, &place));
	assert_null(place.function);
	assert_string_equal(place.module, "replaced");
	assert_int_equal(place.module_offset, 0x1100);
	assert_non_null(strstr(place.reason, "was replaced since"));
	size_t at = 0;
	assert_non_null(strstr(symbol_next_problem(s, &at), "was replaced since"));
	assert_null(symbol_next_problem(s, &at));
	assert_false(symbol_find(s, PID + 1, 0, BASE, false, &place));
	assert_non_null(strstr(place.reason, "no file was mapped there"));
	symbol_destroy(s);

	snprintf(path, sizeof(path), "%s/app.c", folder);
	s = symbol_for(path, "");
	assert_false(symbol_find(s, PID, 0, BASE, false, &place));
	assert_non_null(strstr(place.reason, "is not an ELF file"));
	symbol_destroy(s);
}

static void survives_truncated_files(void **state)
{
	(void)state;
	char path[PATH_MAX], cut[PATH_MAX];
	snprintf(path, sizeof(path), "%s", build("whole", "-O2 -g"));
	snprintf(cut, sizeof(cut), "%s/cut", folder);
	struct elf_file *f = open_file(path);
	for (unsigned kept = 1; kept < 30; kept++) {
		shell("head -c %u %s >%s", kept * 1531, path, cut);
		struct symbol *s = symbol_for(cut, elf_file_build_id(f));
		struct symbol_place place;
		for (uint64_t at = 0; at < 0x2000; at += 7)
			symbol_find(s, PID, 0, BASE + at, false, &place);
		symbol_destroy(s);
	}
	elf_file_close(f);
}

/* Which file an address is in depends on the time: exec replaces the maps, fork copies them. */
static void follows_fork_and_exec(void **state)
{
	(void)state;
	struct symbol *s;
	struct symbol_place place;
	assert_int_equal(symbol_create(&s, NULL), 0);
	struct symbol_map map = {PID, 150, BASE, BASE + 4096, 0, "/old", ""};
	assert_int_equal(symbol_add_map(s, &map, NULL), 0);
	map = (struct symbol_map){PID, 350, BASE, BASE + 4096, 0, "/new", ""};
	assert_int_equal(symbol_add_map(s, &map, NULL), 0);
	assert_int_equal(symbol_add_exec(s, PID, 300, NULL), 0);
	assert_int_equal(symbol_add_fork(s, PID, PID + 1, 200, NULL), 0);
	assert_int_equal(symbol_add_fork(s, PID + 1, PID + 2, 310, NULL), 0);
	static const struct {
		int32_t pid;
		uint64_t time_ns;
		const char *module;
	} cases[] = {{PID, 100, "old"}, {PID, 299, "old"},     {PID, 300, "new"},
		     {PID, 900, "new"}, {PID + 1, 900, "old"}, {PID + 2, 320, "old"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		symbol_find(s, cases[i].pid, cases[i].time_ns, BASE, false, &place);
		assert_string_equal(place.module, cases[i].module);
	}
	symbol_destroy(s);
}

static void kernel_and_vdso(void **state)
{
	(void)state;
	struct symbol *s;
	struct symbol_place place;
	struct err e;
	assert_int_equal(symbol_create(&s, NULL), 0);
	assert_int_equal(symbol_add_kernel(s, 0xffffffff81000010, "tick", 16, NULL), 0);
	assert_true(symbol_find(s, PID, 0, 0xffffffff81000010, false, &place));
	assert_string_equal(place.function, "tick");
	assert_int_equal(place.module_offset, 16);
	assert_false(symbol_find(s, PID, 0, 0xffffffff81000011, false, &place));
	assert_non_null(place.reason);
	assert_int_equal(symbol_use_running_kernel(s, "another boot", &e), -ESTALE);
	assert_string_equal(e.text, "the machine was booted again since the recording");

	struct elf_file *vdso;
	assert_int_equal(symbol_vdso_open(&vdso, NULL), 0);
	GElf_Shdr text = text_section(vdso);
	const struct symbol_map map = {
		PID, 0, BASE, BASE + 8192, 0, "[vdso]", elf_file_build_id(vdso)};
	assert_int_equal(symbol_add_map(s, &map, NULL), 0);
	unsigned named = 0;
	for (uint64_t at = text.sh_offset; at < text.sh_offset + text.sh_size; at += 16)
		named += symbol_find(s, PID, 0, BASE + at, false, &place);
	assert_true(named > 20);
	elf_file_close(vdso);
	symbol_destroy(s);
}

static void names_as_people_write_them(void **state)
{
	(void)state;
	static const char *const names[][2] = {
		{"main", "main"},
		{"_ZN4shop4cart3addEi", "shop::cart::add"},
		{"_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place"},
		{"_RNvC6_123foo3bar", "123foo::bar"},
		{"_Zbroken", "_Zbroken"},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CLEANUP(free) char *plain = symbol_demangle(names[i][0]);
		assert_string_equal(plain, names[i][1]);
	}
	static const char *const paths[][3] = {
		{"/b/src/./x.c", "/b", "src/x.c"}, {"/b/../usr/x.h", "/b/", "/usr/x.h"},
		{"../a/x.c", NULL, "../a/x.c"},    {"/../x.c", "/", "/x.c"},
		{"../../x.c", "/b", "../../x.c"},  {"/bb/x.c", "/b", "/bb/x.c"},
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		CLEANUP(free) char *path = symbol_short_path(paths[i][0], paths[i][1]);
		assert_string_equal(path, paths[i][2]);
	}
}

static void kallsyms_finds_functions(void **state)
{
	(void)state;
	static const char text[] = "ffffffff81000000 T _text\n"
				   "ffffffff81000000 T startup\n"
				   "garbage\n"
				   "ffffffff81000100 t tick\n"
				   "ffffffff81000180 D data\n"
				   "ffffffff81000200 T _etext\n"
				   "ffffffffc0000000 t mod_run\t[shop]\n";
	struct kallsyms *k;
	struct kallsyms_symbol symbol;
	struct err e = {0};
	assert_int_equal(kallsyms_parse(text, sizeof(text) - 1, &k, &e), 0);
	assert_true(kallsyms_find(k, 0xffffffff81000010, &symbol));
	assert_string_equal(symbol.name, "startup");
	assert_true(kallsyms_find(k, 0xffffffff810001ff, &symbol));
	assert_string_equal(symbol.name, "tick");
	assert_false(kallsyms_find(k, 0xffffffff81000200, &symbol));
	assert_true(kallsyms_find(k, 0xffffffffc0000001, &symbol));
	assert_string_equal(symbol.module, "shop");
	kallsyms_close(k);
	static const char hidden[] = "0000000000000000 T startup\n0000000000000000 t tick\n";
	assert_int_equal(kallsyms_parse(hidden, sizeof(hidden) - 1, &k, &e), -EPERM);
	assert_int_equal(kallsyms_parse("", 0, &k, &e), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_addr2line_dwarf5_pie),
		cmocka_unit_test(agrees_with_addr2line_dwarf4_fixed),
		cmocka_unit_test(agrees_with_addr2line_static),
		cmocka_unit_test(agrees_with_addr2line_cplusplus),
		cmocka_unit_test(separate_debug_file_by_link),
		cmocka_unit_test(separate_debug_file_by_build_id),
		cmocka_unit_test(a_table_in_the_program_tells_lines),
		cmocka_unit_test(says_why_it_does_not_know),
		cmocka_unit_test(survives_truncated_files),
		cmocka_unit_test(follows_fork_and_exec),
		cmocka_unit_test(kernel_and_vdso),
		cmocka_unit_test(names_as_people_write_them),
		cmocka_unit_test(kallsyms_finds_functions),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
