/* Reads --capture. Refuses to know frames. */
#include "lab/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char lab_shape_words[] = "segments, merged, repeated, ipv4, ipv6, snap=N";

/* Less would cut headers, and no capture has more. */
enum { SNAP_MIN = 96, SNAP_MAX = 262144 };

static bool
read_snap(const char *text, uint32_t *out)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	*out = (uint32_t)v;
	return *text >= '0' && *text <= '9' && *end == '\0' && v >= SNAP_MIN && v <= SNAP_MAX;
}

static bool
read_word(const char *w, struct lab_shape *out)
{
	bool merged = strcmp(w, "merged") == 0, ipv6 = strcmp(w, "ipv6") == 0;

	if (merged || strcmp(w, "segments") == 0)
		out->merged = merged;
	else if (ipv6 || strcmp(w, "ipv4") == 0)
		out->ipv6 = ipv6;
	else if (strcmp(w, "repeated") == 0)
		out->repeated = true;
	else
		return strncmp(w, "snap=", 5) == 0 && read_snap(w + 5, &out->snap);
	return true;
}

bool
lab_shape_parse(const char *text, struct lab_shape *out, char *problem, size_t n)
{
	char copy[200], *rest = NULL;

	*out = (struct lab_shape){.snap = 0};
	if (strlen(text) >= sizeof copy) {
		(void)snprintf(problem, n, "a capture takes less to say than that");
		return false;
	}
	memcpy(copy, text, strlen(text) + 1);
	for (const char *w = strtok_r(copy, ",", &rest); w != NULL; w = strtok_r(NULL, ",", &rest)) {
		if (!read_word(w, out)) {
			(void)snprintf(problem, n, "a capture cannot be '%s'; there are %s, N from %d to %d", w,
				lab_shape_words, SNAP_MIN, SNAP_MAX);
			return false;
		}
	}
	return true;
}
