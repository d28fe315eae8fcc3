/* SPDX-License-Identifier: MIT */
/* The markers of one program or library in memory: which the session wants, and their ids. */
#include "marker/marker_note.h"
#include "marker/marker_runtime.h"

#include <elf.h>

struct module {
	struct ring_writer *writer;
	struct ring_share first; /* a copy: patterns are not trusted to stay */
};

static uint16_t *id_of(const struct marker_elf_note *note, int32_t word)
{
	return (uint16_t *)(uintptr_t)(note->description + word) + 1;
}

/*
 * Twice over the notes: first ids are given, then what another description of the same name
 * contradicts is switched off, since both sites ask the same word.
 */
static void visit(struct module *m, const struct marker_elf_note *note, bool give)
{
	struct marker_note marker;
	if (!note->is_ours || note->type != MARKER_NOTE_SITE ||
	    !marker_note_parse(&marker, note->description, note->bytes))
		return;
	enum marker_wish wish =
		marker_note_wanted(&marker, m->first.patterns, m->first.pattern_bytes);
	if (wish == MARKER_UNWANTED)
		return;
	int id = ring_share_id(m->writer->share, marker_note_hash(&marker), note->description,
			       (uint32_t)note->bytes);
	if (id > 0 && wish == MARKER_TRIGGERS)
		id |= RING_ID_TRIGGER;
	uint16_t *place = id_of(note, marker.word);
	if (id < 0 || (!give && __atomic_load_n(place, __ATOMIC_RELAXED) != id))
		id = 0;
	__atomic_store_n(place, (uint16_t)id, __ATOMIC_RELEASE);
}

static void visit_segment(struct module *m, const void *notes, size_t bytes)
{
	for (int pass = 0; pass < 2; pass++) {
		struct cursor c = cursor_over(notes, bytes);
		struct marker_elf_note note;
		while (cursor_left(&c) && marker_elf_note_next(&c, &note))
			visit(m, &note, pass == 0);
	}
}

void marker_switch_on(const void *elf_header, struct ring_writer *writer)
{
	const Elf64_Ehdr *elf = elf_header;
	const uint8_t *base = elf_header;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(const void *)(base + elf->e_phoff);
	struct module m = {.writer = writer, .first = *writer->share};
	uint64_t first_address = 0;
	if (!ring_share_check(&m.first, UINT64_MAX))
		return;
	for (unsigned i = elf->e_phnum; i-- > 0;) {
		if (segments[i].p_type == PT_LOAD)
			first_address = segments[i].p_vaddr - segments[i].p_offset;
	}
	for (unsigned i = 0; i < elf->e_phnum; i++) {
		if (segments[i].p_type == PT_NOTE && segments[i].p_align <= 4)
			visit_segment(&m, base + (segments[i].p_vaddr - first_address),
				      segments[i].p_memsz);
	}
}
