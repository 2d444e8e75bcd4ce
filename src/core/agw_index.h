
/*
 * Which tokens have been revoked: an index in memory that several processes
 * share.  One of them at a time changes it, under a lock that is the
 * caller's; any reads it meanwhile, without one.  What is in it is never
 * evicted.  A process that dies while it changes something leaves an index
 * that readers understand, and the next change puts in order.
 */


#ifndef AGW_INDEX_H_INCLUDED_
#define AGW_INDEX_H_INCLUDED_


#include "agw.h"


typedef struct agw_index_s  agw_index_t;


typedef enum {
    AGW_REVOKED_TOKEN = 1,           /* that one, whatever its iat */
    AGW_REVOKED_BUSINESS,            /* those with iat at or before cutoff */
    AGW_REVOKED_PARTNER
} agw_revoked_t;


/* times are Unix seconds; the ids are those of tokens */

typedef struct {
    agw_revoked_t   kind;
    agw_str_t       partner_id;      /* of a token or a partner */
    agw_str_t       business_id;     /* of a business; of a token or empty */
    agw_str_t       jti;             /* of a token */
    int64_t         cutoff;          /* of a token: its iat, or later */
    int64_t         expires_at;      /* nothing it refuses lives on then */
} agw_revocation_t;


typedef enum {
    AGW_INDEX_OK = 0,
    AGW_INDEX_FULL,
    AGW_INDEX_SHARE_SPENT            /* a quarter is one partner's tokens */
} agw_index_result_t;


/* what a token is looked up by; an empty business_id is none */

typedef struct {
    agw_str_t       partner_id;
    agw_str_t       business_id;
    agw_str_t       jti;
    int64_t         iat;
} agw_index_token_t;


/* how many entries an index of that many bytes holds; 0 where too small */

size_t agw_index_capacity(size_t size);


/*
 * Makes an empty index of size bytes at p, aligned for any type, with 128
 * random bits for its hash.  The capacity must not be 0.
 */

agw_index_t *agw_index_create(void *p, size_t size, const uint64_t key[2]);


/* whether p is an index of this layout and size, made by some process */

int agw_index_is_valid(const void *p, size_t size);


/*
 * Whether an entry that a client asks for would find room, within the share
 * that the tokens of one partner may take.  Expired and absorbed entries are
 * removed first where room is short.  Locked.
 */

agw_index_result_t agw_index_admits(agw_index_t *index,
    const agw_revocation_t *revocation, int64_t now);


/*
 * A sixteenth of the entries is for cut-offs alone.
 *
 * Adds an entry, whoever asked for it, or raises the times of the one there
 * is: they never fall.  Makes room likewise.  Returns AGW_INDEX_OK, or
 * AGW_INDEX_FULL, and no entry has been added.  Locked.
 */

agw_index_result_t agw_index_add(agw_index_t *index,
    const agw_revocation_t *revocation, int64_t now);


/*
 * Removes what has expired, and tokens that a cut-off refuses as well and as
 * long.  Locked.
 */

void agw_index_purge(agw_index_t *index, int64_t now);


/* how many entries there are, and how many there can be; not locked */

size_t agw_index_count(const agw_index_t *index);
size_t agw_index_size(const agw_index_t *index);


/*
 * A number that changes before agw_index_add() returns, if that changed
 * anything: a token that was not revoked still is not while it stays the
 * same.  Not locked.
 */

uint64_t agw_index_generation(const agw_index_t *index);


/*
 * Whether a token is revoked: 1 or 0, or -1 where others kept changing the
 * index, and the caller is to ask again with the lock.  Not locked.
 */

int agw_index_refuses(const agw_index_t *index,
    const agw_index_token_t *token);


/*
 * The latest cut-off of the partner or the business, -1 where there is none,
 * into *cutoff: a token that is to live is issued after it.  Returns 0, or
 * -1 as agw_index_refuses() does.  Not locked.
 */

int agw_index_cutoff(const agw_index_t *index, agw_str_t partner_id,
    agw_str_t business_id, int64_t *cutoff);


#endif /* AGW_INDEX_H_INCLUDED_ */
