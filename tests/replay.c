/* SPDX-License-Identifier: MIT */
/* Runs a fuzzer's entry point over the files named, without a fuzz engine. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *in = fopen(argv[i], "rb");
		if (!in) {
			perror(argv[i]);
			return 1;
		}
		fseek(in, 0, SEEK_END);
		long bytes = ftell(in);
		rewind(in);
		uint8_t *data = malloc(bytes > 0 ? (size_t)bytes : 1);
		size_t got = data ? fread(data, 1, (size_t)bytes, in) : 0;
		fclose(in);
		LLVMFuzzerTestOneInput(data, got);
		free(data);
	}
	return 0;
}
