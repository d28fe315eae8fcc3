/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_text.h"
#include "base/cursor.h"

#include <string.h>

/* A metadata packet's header, in the byte order its magic shows. */
struct text_packet {
	uint32_t content_bytes, packet_bytes; /* both with the header */
	uint8_t compression, encryption;
};

enum { TEXT_HEADER_BYTES = 37 };

static uint32_t packet_u32(struct cursor *c, bool big_endian)
{
	uint32_t value = cursor_u32(c);
	return big_endian ? __builtin_bswap32(value) : value;
}

static int packet_header(struct cursor *c, struct text_packet *ret, struct err *e)
{
	const size_t left = cursor_left(c);
	uint32_t magic = cursor_u32(c);
	bool big_endian = magic == __builtin_bswap32(CTF_TEXT_MAGIC);
	if (magic != CTF_TEXT_MAGIC && !big_endian)
		return err_set(e, EINVAL, "a metadata packet begins with %#x instead of %#x", magic,
			       CTF_TEXT_MAGIC);
	cursor_take(c, 16 + 4); /* uuid, checksum */
	uint32_t content_bits = packet_u32(c, big_endian);
	uint32_t packet_bits = packet_u32(c, big_endian);
	ret->compression = cursor_u8(c);
	ret->encryption = cursor_u8(c);
	cursor_take(c, 3); /* checksum scheme, version */
	ret->content_bytes = content_bits / 8;
	ret->packet_bytes = packet_bits / 8;
	if (!cursor_ok(c) || ret->content_bytes < TEXT_HEADER_BYTES ||
	    ret->packet_bytes < ret->content_bytes)
		return err_set(e, EINVAL, "a metadata packet is damaged, %zu bytes before its end",
			       left);
	if (ret->compression || ret->encryption)
		return err_set(e, ENOTSUP, "the metadata is compressed or encrypted");
	return 0;
}

static bool is_packeted(const void *data, size_t bytes)
{
	uint32_t magic;
	if (bytes < sizeof(magic))
		return false;
	memcpy(&magic, data, sizeof(magic));
	return magic == CTF_TEXT_MAGIC || magic == __builtin_bswap32(CTF_TEXT_MAGIC);
}

int ctf_text_unpack(struct text *ret, const void *data, size_t bytes, struct err *e)
{
	text_append(ret, "", 0);
	if (!is_packeted(data, bytes)) {
		if (bytes)
			text_append(ret, data, bytes);
		return ret->failed ? err_set(e, ENOMEM, "no memory for the metadata") : 0;
	}
	struct cursor c = cursor_over(data, bytes);
	while (cursor_left(&c)) {
		struct text_packet packet = {0};
		const uint8_t *start = c.at;
		size_t left = cursor_left(&c);
		int code = packet_header(&c, &packet, e);
		if (code && ret->bytes)
			break; /* a tail that was never finished */
		if (code)
			return code;
		size_t content = packet.content_bytes < left ? packet.content_bytes : left;
		text_append(ret, start + TEXT_HEADER_BYTES, content - TEXT_HEADER_BYTES);
		c.at = start + (packet.packet_bytes < left ? packet.packet_bytes : left);
	}
	return ret->failed ? err_set(e, ENOMEM, "no memory for the metadata") : 0;
}
