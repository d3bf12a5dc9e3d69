/* Writes pcapng: one Ethernet interface, times in nanoseconds, secrets in front of what they open.
 */
#ifndef BM_LAB_PCAPNG_H
#define BM_LAB_PCAPNG_H

#include "lab/base.h"

/* Frames are kept in PATH.part until the secrets are known, which stand before them. */
struct lab_pcapng {
	char *path, *part;
	FILE *frames;
	bool failed;   /* a write went wrong */
	uint32_t snap; /* octets kept of a frame; 0: all */
	uint64_t last_ns;
};

/* False with errno set. */
bool lab_pcapng_open(struct lab_pcapng *w, const char *path);
/* ns: since 1970. A time before that of the frame before becomes a microsecond after it. */
void lab_pcapng_frame(struct lab_pcapng *w, uint64_t ns, struct bm_view frame);
/* Writes PATH with the key log (may be empty) as a Decryption Secrets Block. False with errno set.
 */
bool lab_pcapng_finish(struct lab_pcapng *w, struct bm_view secrets);
/* Removes the part; also after lab_pcapng_finish. All-zero is allowed. */
void lab_pcapng_close(struct lab_pcapng *w);

#endif
