
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_log.h"


ngx_log_t *
ngx_http_agw_log(ngx_http_request_t *r)
{
    ngx_log_t  *log;

    log = ngx_palloc(r->pool, sizeof(ngx_log_t));
    if (log == NULL) {
        return ngx_cycle->log;
    }

    *log = *r->connection->log;

    log->handler = NULL;
    log->data = NULL;

    return log;
}
