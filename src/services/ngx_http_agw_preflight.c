
/*
 * What is no preflight to the letter is an OPTIONS request like any other,
 * which an upstream may act upon.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_grammar.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_preflight.h"


static ngx_uint_t ngx_http_agw_count_headers(ngx_http_request_t *r,
    agw_str_t name);


ngx_int_t
ngx_http_agw_is_preflight(ngx_http_request_t *r)
{
    static const agw_str_t  origin = agw_string("Origin");
    static const agw_str_t  method =
                                agw_string("Access-Control-Request-Method");

    return r->method == NGX_HTTP_OPTIONS
           && r->headers_in.authorization == NULL
           && r->headers_in.content_length_n <= 0
           && !r->headers_in.chunked
           && ngx_http_agw_count_headers(r, origin) == 1
           && ngx_http_agw_count_headers(r, method) == 1;
}


/* an empty one does not count */

static ngx_uint_t
ngx_http_agw_count_headers(ngx_http_request_t *r, agw_str_t name)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (header[i].value.len
                && agw_same_nocase(ngx_http_agw_to_core(header[i].key), name))
            {
                n++;
            }
        }
    }

    return n;
}
