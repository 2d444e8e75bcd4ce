
/*
 * r->headers_in has fields for some headers only, and nginx keeps one header in
 * each.  So the list of all headers is searched.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_headers.h"


static ngx_uint_t ngx_http_agw_is_header(const ngx_table_elt_t *header,
    agw_str_t name);


const ngx_table_elt_t *
ngx_http_agw_next_header(ngx_http_agw_headers_t *headers, agw_str_t name)
{
    const ngx_table_elt_t  *header;

    while (headers->part != NULL) {
        header = headers->part->elts;

        while (headers->next < headers->part->nelts) {
            if (ngx_http_agw_is_header(&header[headers->next++], name)) {
                return &header[headers->next - 1];
            }
        }

        headers->part = headers->part->next;
        headers->next = 0;
    }

    return NULL;
}


static ngx_uint_t
ngx_http_agw_is_header(const ngx_table_elt_t *header, agw_str_t name)
{
    size_t  i;
    u_char  c, wanted;

    if (header->key.len != name.len) {
        return 0;
    }

    for (i = 0; i < name.len; i++) {
        c = ngx_tolower(header->key.data[i]);
        wanted = ngx_tolower(name.data[i]);

        if (c != wanted && !(c == '-' && wanted == '_')) {
            return 0;
        }
    }

    return 1;
}
