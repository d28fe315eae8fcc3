/* SPDX-License-Identifier: MIT */
/* Names out of their groups: at most LINES_NAME_GROUP of them are decoded for one. */
#include "lines/lines_name.h"
#include "lines/lines_table.h"

/* The stream of a group, and the one behind it. */
static bool group_find(const struct lines_table *t, enum lines_part_kind groups,
		       enum lines_part_kind names, uint32_t group, struct lines_coder *c)
{
	const struct lines_part *index = &t->header.parts[groups], *part = &t->header.parts[names];
	struct lines_model model = {t->data + t->header.parts[LINES_MODEL].offset,
				    t->header.slot_bits};
	uint32_t place[2] = {0, part->bytes};
	if (group >= index->bytes / 4)
		return false;
	uint32_t left = index->bytes / 4 - group;
	__builtin_memcpy(place, t->data + index->offset + 4ull * group, left > 1 ? 8 : 4);
	if (place[0] > part->bytes || place[1] > part->bytes || place[0] > place[1])
		return false;
	const uint8_t *streams = t->data + part->offset;
	lines_coder_init(c, &model, streams + place[0], streams + place[1]);
	return true;
}

static uint32_t name_find(const struct lines_table *t, enum lines_part_kind groups,
			  enum lines_part_kind names, uint32_t number, char *ret)
{
	struct lines_coder coder;
	uint32_t bytes = 0;
	if (!group_find(t, groups, names, number / LINES_NAME_GROUP, &coder))
		return 0;
	for (uint32_t i = 0; i <= number % LINES_NAME_GROUP; i++)
		bytes = lines_code_name(&coder, ret, bytes, 0, 0);
	ret[bytes] = 0;
	return bytes;
}

uint32_t lines_file_name(const struct lines_table *t, uint32_t file, char *ret)
{
	if (file >= t->header.file_count)
		return 0;
	return name_find(t, LINES_FILE_GROUPS, LINES_FILES, file, ret);
}

uint32_t lines_function_name(const struct lines_table *t, uint32_t function, char *ret)
{
	if (function >= t->header.function_count)
		return 0;
	return name_find(t, LINES_FUNCTION_GROUPS, LINES_FUNCTIONS, function, ret);
}
