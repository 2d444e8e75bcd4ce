
/*
 * The two spellings of an ECDSA signature: r and s side by side, as a JWS
 * has them (RFC 7518, section 3.4), and the DER that OpenSSL speaks.
 */


#ifndef AGW_ECDSA_H_INCLUDED_
#define AGW_ECDSA_H_INCLUDED_


#include "agw_alg.h"


/* a SEQUENCE of two INTEGERs, each with a byte for its sign */

#define AGW_ECDSA_DER_MAX   (2 * (AGW_FIELD_MAX + 3) + 3)


/*
 * raw is r and s, each as long as order, the big-endian order of the curve's
 * group.  der has AGW_ECDSA_DER_MAX bytes.  Returns 0 and sets *len, or -1:
 * a wrong length, r or s that is zero or not below the order, or memory ran
 * out.
 */

int agw_ecdsa_to_der(agw_str_t raw, agw_str_t order, unsigned char *der,
    size_t *len);


/*
 * The reverse.  raw has room for two numbers of size bytes each.  Returns 0,
 * or -1 where der is no such signature or memory ran out.
 */

int agw_ecdsa_from_der(agw_str_t der, size_t size, unsigned char *raw);


#endif /* AGW_ECDSA_H_INCLUDED_ */
