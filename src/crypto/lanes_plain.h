/* The logic of the rounds for vectors without instructions of their own for it. */
#ifndef BM_CRYPTO_LANES_PLAIN_H
#define BM_CRYPTO_LANES_PLAIN_H

#define SELECT(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define MAJORITY(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))
#define PARITY(x, y, z) ((x) ^ (y) ^ (z))
#define MD5_I(x, y, z) ((y) ^ ((x) | ~(z)))
#define ROTL32(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define ROTR32(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define ROTR64(x, n) ((x) >> (n) | (x) << (64 - (n)))

#endif
