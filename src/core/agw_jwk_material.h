
/*
 * What a JWK is made of, by its type (RFC 7518, section 6; RFC 8037, section
 * 2).
 */


#ifndef AGW_JWK_MATERIAL_H_INCLUDED_
#define AGW_JWK_MATERIAL_H_INCLUDED_


#include "agw_jwk.h"


/*
 * Each reads its members into jwk's secret or pkey, and sets is_private.
 * Returns 0, or -1 where a member is missing or broken, or memory ran out;
 * jwk then still holds what was read, and OpenSSL's error queue may not be
 * empty.  A curve is one that is known here.
 */

int agw_jwk_oct(agw_jwk_t *jwk, const json_t *json);
int agw_jwk_rsa(agw_jwk_t *jwk, const json_t *json);
int agw_jwk_ec(agw_jwk_t *jwk, const json_t *json);
int agw_jwk_okp(agw_jwk_t *jwk, const json_t *json);


#endif /* AGW_JWK_MATERIAL_H_INCLUDED_ */
