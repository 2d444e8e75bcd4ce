
/*
 * An endpoint answers in the precontent phase, before try_files and mirror
 * could send the request, and its credentials, elsewhere.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_endpoint.h"


ngx_int_t
ngx_http_agw_endpoint_handler(ngx_http_request_t *r)
{
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (lcf->endpoint == NULL
        || r->content_handler != lcf->endpoint->handler)
    {
        return NGX_DECLINED;
    }

    /* as ngx_http_core_content_phase() does */

    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_finalize_request(r, r->content_handler(r));

    return NGX_DONE;
}
