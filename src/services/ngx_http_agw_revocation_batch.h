
/*
 * Entries that are read from the store and wait to be added to the zone: some
 * together take the mutex once, and less time.
 */


#ifndef NGX_HTTP_AGW_REVOCATION_BATCH_H_INCLUDED_
#define NGX_HTTP_AGW_REVOCATION_BATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_revocations.h"


#define NGX_HTTP_AGW_BATCH  16

/* zeroed before the first entry */

typedef struct {
    ngx_uint_t         n;
    agw_revocation_t   entries[NGX_HTTP_AGW_BATCH];
    u_char             text[NGX_HTTP_AGW_BATCH][3 * AGW_ID_MAX];
} ngx_http_agw_batch_t;


/*
 * Adds a copy of the entry, which may be in the zone only after _flush().
 * Returns NGX_OK; or NGX_DECLINED if the zone had no room for one of those
 * that waited.
 */

ngx_int_t ngx_http_agw_batch_add(ngx_http_agw_batch_t *batch,
    const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *revocation);


/* adds what waits; returns the same */

ngx_int_t ngx_http_agw_batch_flush(ngx_http_agw_batch_t *batch,
    const ngx_http_agw_revocations_t *revocations);


#endif /* NGX_HTTP_AGW_REVOCATION_BATCH_H_INCLUDED_ */
