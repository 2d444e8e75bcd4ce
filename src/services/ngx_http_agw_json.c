
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_json.h"


static void *ngx_http_agw_json_malloc(size_t size);
static void *ngx_http_agw_json_wiping_malloc(size_t size);
static void *ngx_http_agw_json_counted(void *p);


/* of this process; jansson is used in its main thread alone */

static ngx_uint_t  ngx_http_agw_json_failures;


void
ngx_http_agw_json_watch(void)
{
    json_set_alloc_funcs(ngx_http_agw_json_malloc, free);
}


ngx_uint_t
ngx_http_agw_json_failed(void)
{
    return ngx_http_agw_json_failures;
}


void
ngx_http_agw_json_wiping_begin(agw_json_allocator_t *former)
{
    agw_json_wiping_begin(former);
    json_set_alloc_funcs(ngx_http_agw_json_wiping_malloc,
                         agw_json_wiping_free);
}


static void *
ngx_http_agw_json_malloc(size_t size)
{
    return ngx_http_agw_json_counted(malloc(size));
}


static void *
ngx_http_agw_json_wiping_malloc(size_t size)
{
    return ngx_http_agw_json_counted(agw_json_wiping_malloc(size));
}


static void *
ngx_http_agw_json_counted(void *p)
{
    if (p == NULL) {
        ngx_http_agw_json_failures++;
    }

    return p;
}
