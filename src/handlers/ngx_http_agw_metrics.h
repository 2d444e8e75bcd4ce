
#ifndef NGX_HTTP_AGW_METRICS_H_INCLUDED_
#define NGX_HTTP_AGW_METRICS_H_INCLUDED_


#include "ngx_http_agw.h"


/* `auth_gateway_metrics`: counters and gauges, as Prometheus reads them */

extern const ngx_http_agw_endpoint_t  ngx_http_agw_metrics_endpoint;


#endif /* NGX_HTTP_AGW_METRICS_H_INCLUDED_ */
