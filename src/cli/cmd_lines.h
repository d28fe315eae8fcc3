/* SPDX-License-Identifier: MIT */
/* The subcommands of `cairn lines`; each gets argv[0] = "cairn lines NAME". */
#ifndef CAIRN_CLI_CMD_LINES_H
#define CAIRN_CLI_CMD_LINES_H

#include <stdio.h>

/* Prints the usage; the exit status that belongs to it. */
int lines_usage(FILE *out);

int lines_build_run(int argc, char **argv);
int lines_find_run(int argc, char **argv);
int lines_decode_run(int argc, char **argv);
int lines_embed_run(int argc, char **argv);
int lines_info_run(int argc, char **argv);
int lines_load_run(int argc, char **argv);
int lines_unload_run(int argc, char **argv);
int lines_status_run(int argc, char **argv);

#endif
