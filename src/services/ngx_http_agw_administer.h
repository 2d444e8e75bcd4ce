
/*
 * One operation of an administrator on the store.
 */


#ifndef NGX_HTTP_AGW_ADMINISTER_H_INCLUDED_
#define NGX_HTTP_AGW_ADMINISTER_H_INCLUDED_


#include "ngx_http_agw_admin_log.h"
#include "ngx_http_agw_store_admin.h"


typedef struct ngx_http_agw_administration_s  ngx_http_agw_administration_t;

/*
 * Called once, unless the request has ended.  Reasons: AGW_OK, and op.result
 * says what came of it; AGW_STORE_UNAVAILABLE; or AGW_INTERNAL_ERROR: it was
 * done, but could not be logged.  The handler has to finalize the request.
 */

typedef void (*ngx_http_agw_administered_pt)(ngx_http_request_t *r,
    ngx_http_agw_administration_t *adm, agw_reason_t reason);

struct ngx_http_agw_administration_s {
    ngx_http_agw_admin_t           op;       /* must be first */
    ngx_http_agw_administered_pt   handler;
    ngx_http_agw_admin_event_t     event;    /* for a write: operation is set,
                                                strings are of op.pool */
    ngx_uint_t                     counter;  /* likewise */

    /* its own */

    ngx_http_request_t            *request;  /* NULL if it has ended */
    const ngx_http_agw_main_conf_t  *conf;
    agw_revocation_t               room;     /* that is reserved */
    ngx_uint_t                    *inside;
    uint64_t                       from;
    unsigned                       running:1;
};


/*
 * Creates one, with a pool of its own for all that it points to; results live
 * as long as the request.  NULL if memory ran out.
 */

ngx_http_agw_administration_t *ngx_http_agw_administration(
    ngx_http_request_t *r);


/*
 * Runs it.  If it revokes, all workers know that before the handler is called;
 * a write is in the log before.  Both hold even if the request ends meanwhile.
 * Returns AGW_OK if the handler was or will be called; or
 * AGW_STORE_UNAVAILABLE, logged; or AGW_INTERNAL_ERROR if this engine has no
 * administration.
 */

agw_reason_t ngx_http_agw_administer(ngx_http_agw_administration_t *adm);


#endif /* NGX_HTTP_AGW_ADMINISTER_H_INCLUDED_ */
