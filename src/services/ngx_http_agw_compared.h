
/*
 * What each check of a request compared, in words.
 */


#ifndef NGX_HTTP_AGW_COMPARED_H_INCLUDED_
#define NGX_HTTP_AGW_COMPARED_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_probe.h"


/* in the order in which they are made */

typedef enum {
    NGX_HTTP_AGW_CHECK_TRANSPORT = 0,
    NGX_HTTP_AGW_CHECK_PATH,
    NGX_HTTP_AGW_CHECK_CREDENTIALS,
    NGX_HTTP_AGW_CHECK_SIZE,
    NGX_HTTP_AGW_CHECK_STRUCTURE,
    NGX_HTTP_AGW_CHECK_KEY,
    NGX_HTTP_AGW_CHECK_ALGORITHM,
    NGX_HTTP_AGW_CHECK_SIGNATURE,
    NGX_HTTP_AGW_CHECK_CLAIMS,
    NGX_HTTP_AGW_CHECK_TIME,
    NGX_HTTP_AGW_CHECK_ISSUER,
    NGX_HTTP_AGW_CHECK_AUDIENCE,
    NGX_HTTP_AGW_CHECK_CERTIFICATE,
    NGX_HTTP_AGW_CHECK_REVOCATION,
    NGX_HTTP_AGW_CHECK_KIND,
    NGX_HTTP_AGW_CHECK_SCOPE,
    NGX_HTTP_AGW_CHECK_BUSINESS,
    NGX_HTTP_AGW_CHECKS                      /* how many; or none of them */
} ngx_http_agw_check_t;


/* what is known of a request after its check */

typedef struct {
    ngx_http_agw_asked_t       asked;
    ngx_http_agw_probe_t       probe;
    ngx_http_agw_ctx_t        *ctx;          /* of the probe */
    agw_requirement_t          requirement;
    agw_reason_t               reason;       /* the result */
    unsigned                   beside:1;     /* of Destination, or of DELETE */
    json_t                    *header;       /* of the token, or NULL */
    json_t                    *claims;       /* if they were read, or NULL */
} ngx_http_agw_facts_t;


/* "transport", ..., of a check, not of NGX_HTTP_AGW_CHECKS */

const char *ngx_http_agw_check_name(ngx_http_agw_check_t check);


/*
 * Writes what a check that was made has compared, up to last; returns the end.
 * Text of the token may have any bytes.
 */

u_char *ngx_http_agw_compared(const ngx_http_agw_facts_t *facts,
    ngx_http_agw_check_t check, u_char *p, u_char *last);


#endif /* NGX_HTTP_AGW_COMPARED_H_INCLUDED_ */
