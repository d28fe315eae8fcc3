/* SPDX-License-Identifier: MIT */
/* Any text as a line of a log: every place lies in it, and they come one behind the other. */
#include "lineinfo/line_frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static bool is_inside(const struct line_word *w, const char *line, const char *end)
{
	return !w->bytes || (w->text >= line && w->text + w->bytes <= end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *line = malloc(bytes + 1);
	if (!line)
		return 0;
	memcpy(line, data, bytes);
	line[bytes] = 0;
	const char *at = line, *end = line + strlen(line);
	struct line_frame frame;
	enum line_mood mood = line_mood_after(LINE_MOOD_SAMPLE, line);
	while (line_frame_next(line, at, mood, &frame)) {
		if (frame.end <= at || frame.end > end || !is_inside(&frame.function, line, end) ||
		    !is_inside(&frame.object, line, end))
			abort();
		at = frame.end;
	}
	free(line);
	return 0;
}
