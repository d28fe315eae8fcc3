/* SPDX-License-Identifier: MIT */
/* What several JSON pages have in common: threads, stacks, causes. */
#ifndef CAIRN_VIEW_JSON_PARTS_H
#define CAIRN_VIEW_JSON_PARTS_H

#include "util/json.h"
#include "view/scene.h"

/* Nothing for NULL. */
void json_thread(struct json *j, const char *key, const struct thread *thread);

/* Nothing where no stack is known. */
void json_stack(struct json *j, const struct scene *s, const char *key, uint32_t site,
		uint64_t time_ns);

/* A disk request's members, into the object that is open. */
void json_request(struct json *j, const struct scene *s, const struct disk_request *r);

/* What ended a sleep, as "cause". */
void json_cause(struct json *j, const struct scene *s, const struct sleep *sleep);

#endif
