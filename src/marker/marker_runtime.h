/* SPDX-License-Identifier: MIT */
/* Inside the in-process library: what its files share. */
#ifndef CAIRN_MARKER_MARKER_RUNTIME_H
#define CAIRN_MARKER_MARKER_RUNTIME_H

#include "marker/marker_control.h"
#include "ring/ring_write.h"

extern struct marker_control marker_control __attribute__((visibility("hidden")));
extern struct marker_page marker_page __attribute__((visibility("hidden")));

/*
 * Makes the thread one of the session in marker_control: maps the rings if nobody has, sets the
 * generation if it is 0. False without a session, or when it is over; then there is none.
 */
bool marker_join(struct ring_thread *t);

/* Gives ids to the markers of one program or library in memory that the session wants. */
void marker_switch_on(const void *elf_header, struct ring_writer *writer);

/* Gives lanes free whose holders died. */
void marker_free_lanes(const struct ring_writer *writer);

#endif
