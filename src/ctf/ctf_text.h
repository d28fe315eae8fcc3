/* SPDX-License-Identifier: MIT */
/* Metadata as a text: taken out of the packets LTTng writes it in, or as it is. */
#ifndef CAIRN_CTF_CTF_TEXT_H
#define CAIRN_CTF_CTF_TEXT_H

#include "util/err.h"
#include "util/text.h"

enum { CTF_TEXT_MAGIC = 0x75D11D57 };

/* Never leaves `ret->data` NULL. Packets cut short give what they hold. */
int ctf_text_unpack(struct text *ret, const void *data, size_t bytes, struct err *e);

#endif
