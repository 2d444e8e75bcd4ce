
/*
 * What is revoked elsewhere: by other nginx instances on the same store, by
 * operators, by the store's own triggers.
 */


#ifndef NGX_HTTP_AGW_REVOCATION_SYNC_H_INCLUDED_
#define NGX_HTTP_AGW_REVOCATION_SYNC_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * In a worker, once its store is open: reads back what is revoked, before
 * the first request, and follows the store from then on.
 */

void ngx_http_agw_revocation_sync_open(
    ngx_http_agw_revocations_t *revocations, ngx_log_t *log);


/* when the worker exits */

void ngx_http_agw_revocation_sync_close(
    ngx_http_agw_revocations_t *revocations);


#endif /* NGX_HTTP_AGW_REVOCATION_SYNC_H_INCLUDED_ */
