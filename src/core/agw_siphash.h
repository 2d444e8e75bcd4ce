
/*
 * SipHash-2-4 with a result of 128 bits (Aumasson and Bernstein, 2012): a
 * keyed hash that is fast on short input.  Without the key nobody can find
 * collisions.
 */


#ifndef AGW_SIPHASH_H_INCLUDED_
#define AGW_SIPHASH_H_INCLUDED_


#include "agw.h"


typedef struct {
    uint64_t  word[2];
} agw_hash_t;


/* the hash of s under a key of 128 random bits; nothing can fail */

agw_hash_t agw_siphash(const uint64_t key[2], agw_str_t s);


#endif /* AGW_SIPHASH_H_INCLUDED_ */
