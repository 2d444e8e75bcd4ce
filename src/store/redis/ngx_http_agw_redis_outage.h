
/*
 * How an outage is logged: once by each worker when it begins, whatever its
 * links, and once when it is over.
 */


#ifndef NGX_HTTP_AGW_REDIS_OUTAGE_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_OUTAGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis.h"


/* of one link; the owner sets the first fields, and zeroes the rest */

typedef struct {
    ngx_http_agw_redis_worker_t  *worker;
    const char                   *purpose;
    ngx_log_t                    *log;

    u_char                        why[1024];     /* of this round */
    size_t                        len;
    ngx_uint_t                    down;
} ngx_http_agw_redis_outage_t;


/* forgets the reasons, and adds one */

void ngx_http_agw_redis_outage_round(ngx_http_agw_redis_outage_t *outage);
void ngx_http_agw_redis_outage_because(ngx_http_agw_redis_outage_t *outage,
    const ngx_str_t *host, const u_char *why);


/*
 * The link's circuit is open: logged if no other link of the worker is down,
 * or if the reason is another than before.
 */

void ngx_http_agw_redis_outage_begin(ngx_http_agw_redis_outage_t *outage);


/* the link is ready: logged if it was down and no other link is */

void ngx_http_agw_redis_outage_end(ngx_http_agw_redis_outage_t *outage,
    const ngx_str_t *host);


#endif /* NGX_HTTP_AGW_REDIS_OUTAGE_H_INCLUDED_ */
