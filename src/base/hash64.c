/* See hash64.h. Long input goes to the shared library, which knows the processor's widest vectors;
 * what is compiled into here knows the oldest ones. */
#include "base/hash64.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#ifdef BM_XXH_DISPATCH
XXH64_hash_t XXH3_64bits_withSeed_dispatch(const void *input, size_t n, XXH64_hash_t seed);
#endif

uint64_t
bm_hash64(struct bm_view v, uint64_t seed)
{
#ifdef BM_XXH_DISPATCH
	enum { LONG = 256 };
	if (v.n > LONG)
		return XXH3_64bits_withSeed_dispatch(v.p, v.n, seed);
#endif
	return XXH3_64bits_withSeed(v.p, v.n, seed);
}
