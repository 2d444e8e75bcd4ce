
/*
 * Reads from the store what others revoked: other nginx instances on the same
 * store, operators, triggers.
 */


#ifndef NGX_HTTP_AGW_REVOCATION_SYNC_H_INCLUDED_
#define NGX_HTTP_AGW_REVOCATION_SYNC_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Called in a worker after it opened its store: reads all revocations before
 * the first request, and from then on reads new ones.
 */

void ngx_http_agw_revocation_sync_open(
    ngx_http_agw_revocations_t *revocations, ngx_log_t *log);


/* when the worker exits */

void ngx_http_agw_revocation_sync_close(
    ngx_http_agw_revocations_t *revocations);


#endif /* NGX_HTTP_AGW_REVOCATION_SYNC_H_INCLUDED_ */
