/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a file of two functions with a gap, and a word and a table of data: what is planned
 * keeps P1 to P4, judged anew from the bytes.
 */
#include "insn/insn_emit.h"
#include "patch/patch_place.h"

#include <stdlib.h>
#include <string.h>

enum { BASE = 0x10000, DATA = 0x80000, DATA_BYTES = 32, PLACES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void must(bool fine)
{
	if (!fine)
		abort();
}

static const struct patch_range *function_of(const struct patch_image *image, uint64_t address)
{
	for (size_t i = 0; i < image->function_count; i++) {
		if (address - image->functions[i].start <
		    image->functions[i].end - image->functions[i].start)
			return &image->functions[i];
	}
	return NULL;
}

/* P1, of what the function itself branches to; P2, that it decodes. */
static void check_function(const struct patch_image *image, const struct patch_range *f,
			   uint64_t from, size_t bytes)
{
	struct insn in;
	bool starts = false;
	for (uint64_t at = f->start; at < f->end; at += in.bytes) {
		must(insn_decode(image->text.data + (at - BASE), f->end - at, at, &in));
		starts |= at == from;
		must(!insn_has_target(&in) || in.target <= from || in.target >= from + bytes);
	}
	must(starts);
	for (size_t i = 0; i < image->target_count; i++)
		must(image->targets[i] <= from || image->targets[i] >= from + bytes);
}

/* P2: behind the function there is padding, up to the next one or the end. */
static void check_padding(const struct patch_image *image, const struct patch_range *f,
			  uint64_t end)
{
	const struct patch_range *last = image->functions + image->function_count - 1;
	uint64_t gap_end = f == last ? BASE + image->text.bytes : f[1].start;
	struct insn in;
	if (end <= f->end)
		return;
	must(end <= gap_end);
	for (uint64_t at = f->end; at < gap_end; at += in.bytes) {
		const uint8_t *code = image->text.data + (at - BASE);
		must(insn_decode(code, gap_end - at, at, &in) && insn_is_padding(&in, code));
	}
}

/* P3: whichever address of the window is chosen, only bytes of the run change. */
static void check_punned(const struct patch_image *image, const struct patch_place *place)
{
	const struct patch_range *window = &place->plan.window;
	size_t bytes = place->plan.run.bytes;
	uint64_t ends[] = {window->start, window->end - 1};
	must(bytes < INSN_JUMP_BYTES && window->end - window->start == UINT64_C(1)
									       << 8 * (bytes - 1));
	for (size_t i = 0; i < 2; i++) {
		uint8_t jump[INSN_JUMP_BYTES];
		struct emit out = emit_into(jump, sizeof(jump), place->address);
		insn_emit_jump(&out, ends[i]);
		must(emit_ok(&out) &&
		     !memcmp(jump + bytes, image->text.data + (place->address - BASE) + bytes,
			     sizeof(jump) - bytes));
	}
}

static void check_place(const struct patch_image *image, const struct patch_place *places, size_t i)
{
	const struct patch_place *place = &places[i];
	const struct patch_range *f = function_of(image, place->address);
	size_t bytes = patch_place_bytes(place);
	for (size_t k = 0; k < i; k++) /* P4 */
		must(!bytes || places[k].address + patch_place_bytes(&places[k]) <= place->address);
	if (place->plan.way == PATCH_SHARED) {
		const struct patch_place *host = &places[place->host];
		must(place->host < i && patch_place_bytes(host) &&
		     place->index < host->plan.run.count);
		must(host->plan.run.insns[place->index].address == place->address);
	}
	if (!bytes)
		return;
	must(f != NULL);
	size_t written = place->plan.way == PATCH_PUNNED ? place->plan.run.bytes : INSN_JUMP_BYTES;
	check_function(image, f, place->address, written);
	check_padding(image, f, place->address + written);
	if (place->plan.way == PATCH_PUNNED)
		check_punned(image, place);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes < DATA_BYTES + 4)
		return 0;
	size_t text_bytes = bytes - DATA_BYTES - 3;
	size_t first = data[0] % text_bytes, gap = data[1] % (text_bytes - first);
	uint64_t target = BASE + data[2] % text_bytes;
	uint8_t *text = malloc(text_bytes); /* so that a read past the end is seen */
	if (!text)
		return 0;
	memcpy(text, data + 3 + DATA_BYTES, text_bytes);
	struct patch_range functions[] = {{BASE, BASE + first},
					  {BASE + first + gap, BASE + text_bytes}};
	struct patch_bytes words = {data + 3, DATA, DATA_BYTES};
	struct patch_image image = {.text = {text, BASE, text_bytes},
				    .functions = functions,
				    .function_count = 2,
				    .targets = &target,
				    .target_count = 1,
				    .data = &words,
				    .data_count = 1,
				    .is_fixed = data[0] & 1};
	struct patch_code *c;
	struct patch_place places[PLACES_MAX];
	size_t count = text_bytes < PLACES_MAX ? text_bytes : PLACES_MAX;
	for (size_t i = 0; i < count; i++)
		places[i] = (struct patch_place){.address = BASE + i * (1 + data[1] % 3)};
	must(!patch_code_create(&image, &c, NULL));
	patch_place_plan(c, data[0] & 2, places, count);
	for (size_t i = 0; i < count; i++)
		check_place(&image, places, i);
	patch_code_destroy(c);
	free(text);
	return 0;
}
