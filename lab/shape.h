/* How recordings look, as --capture says it. */
#ifndef BM_LAB_SHAPE_H
#define BM_LAB_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lab_shape {
	bool merged;   /* as the hosts' kernels show frames, not the wire */
	bool repeated; /* segments that hold damage were sent twice, with the same octets */
	bool ipv6;
	uint32_t snap; /* octets kept of a frame; 0: all */
};

/* Reads WORD[,WORD...]. False, and a sentence in problem. */
bool lab_shape_parse(const char *text, struct lab_shape *out, char *problem, size_t n);
/* The words, for a person. */
extern const char lab_shape_words[];

#endif
