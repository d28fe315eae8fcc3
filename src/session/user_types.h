/* SPDX-License-Identifier: MIT */
/* Markers' descriptions as event types. */
#ifndef CAIRN_SESSION_USER_TYPES_H
#define CAIRN_SESSION_USER_TYPES_H

#include "event/schema.h"

/*
 * Adds the event type of a description (marker/marker_note.h) to a stream class. What is no
 * description is an error of code EBADMSG.
 */
int user_type_add(struct schema *schema, uint32_t stream_id, uint32_t id, const void *description,
		  size_t bytes, struct err *e);

#endif
