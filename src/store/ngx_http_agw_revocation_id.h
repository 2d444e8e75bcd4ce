
/*
 * The kind and the id of a revocation, as an engine writes them.
 */


#ifndef NGX_HTTP_AGW_REVOCATION_ID_H_INCLUDED_
#define NGX_HTTP_AGW_REVOCATION_ID_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw.h"
#include "agw_revoked_set.h"


#define NGX_HTTP_AGW_REVOCATION_ID_MAX   (2 * AGW_ID_MAX + 1)


/* "token", "owner", "partner" or "business"; static */

agw_str_t ngx_http_agw_revocation_kind(agw_revocation_kind_t kind);


/*
 * Returns the id of a revocation.  It may be written into buf, of
 * NGX_HTTP_AGW_REVOCATION_ID_MAX bytes.  It is empty if a part of it is too
 * long.
 */

agw_str_t ngx_http_agw_revocation_id(const agw_revocation_t *revocation,
    u_char *buf);


/* likewise, "<first>:<second>" */

agw_str_t ngx_http_agw_revocation_pair(agw_str_t first, agw_str_t second,
    u_char *buf);


/*
 * Sets the kind of *revocation, which is zeroed before, and the ids that are
 * parts of id and point into it.  Returns NGX_OK, or NGX_DECLINED if kind or
 * id is not one that this module writes.
 */

ngx_int_t ngx_http_agw_revocation_parse_id(agw_str_t kind, agw_str_t id,
    agw_revocation_t *revocation);


#endif /* NGX_HTTP_AGW_REVOCATION_ID_H_INCLUDED_ */
