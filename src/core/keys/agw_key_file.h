
/*
 * Key files: a PEM key, a JWK, a JWK Set (RFC 7517), or a raw secret.
 */


#ifndef AGW_KEY_FILE_H_INCLUDED_
#define AGW_KEY_FILE_H_INCLUDED_


#include "agw_keyring.h"


/*
 * What agw_key_file_load() reports about a file, or about one key of a JWK
 * Set; kid is borrowed during the call.
 */

typedef enum {
    AGW_KEY_ERROR = 0,               /* why nothing was loaded */
    AGW_KEY_SKIPPED,                 /* why that key of a set was not */
    AGW_KEY_WARNING,                 /* what an operator should look at */
    AGW_KEY_TAKEN                    /* what the file was taken for */
} agw_key_remark_kind_t;

typedef struct {
    agw_key_remark_kind_t   kind;
    const char             *text;    /* static */
    size_t                  place;   /* in a JWK Set, from 1; 0: the file */
    agw_str_t               kid;     /* empty if it has none to print */
} agw_key_remark_t;

typedef void (*agw_key_report_pt)(void *data, const agw_key_remark_t *remark);


/*
 * Adds every key that the source holds: a PEM key, a JWK, a JWK Set (RFC
 * 7517, section 5), or, where its algorithm is HMAC, a raw secret.  Keys of a
 * set that are weak, broken, unknown or not for signatures are skipped.
 * Errors are: a kid that another key has, also a weak or broken one; an
 * algorithm that the source names and the key does not fit; no key left.
 * Returns 0, or -1, and the ring is as it was.  report, which may be NULL, is
 * called with data for each remark; there is one AGW_KEY_ERROR if -1 is
 * returned, else one AGW_KEY_TAKEN.
 */

int agw_key_file_load(agw_keyring_t *ring, const agw_key_source_t *source,
    agw_key_report_pt report, void *data);


/*
 * A key that verifies, of a JWK that is public and fit for signatures, with
 * its kid and algorithm.  If it names none, and the default of its type is also
 * called alg, which may be empty, that is the key's.  Returns NULL for any
 * other, or if memory runs out.
 */

agw_key_t *agw_key_from_public_jwk(const json_t *json, agw_str_t alg);


#endif /* AGW_KEY_FILE_H_INCLUDED_ */
