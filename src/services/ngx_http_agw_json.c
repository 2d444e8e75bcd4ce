
/*
 * jansson's own allocator, and a count beside it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <jansson.h>

#include "ngx_http_agw_json.h"


static void *ngx_http_agw_json_malloc(size_t size);


static ngx_uint_t  ngx_http_agw_json_count;


void
ngx_http_agw_json_watch(void)
{
    json_set_alloc_funcs(ngx_http_agw_json_malloc, free);
}


ngx_uint_t
ngx_http_agw_json_refused(void)
{
    return ngx_http_agw_json_count;
}


static void *
ngx_http_agw_json_malloc(size_t size)
{
    void  *p;

    p = malloc(size);

    if (p == NULL) {
        ngx_http_agw_json_count++;
    }

    return p;
}
