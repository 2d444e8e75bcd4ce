
/*
 * JSON that is read while memory runs out.  jansson may then return a string
 * that lacks a byte, and no error: a result during which an allocation failed
 * must not be used.
 */


#ifndef NGX_HTTP_AGW_JSON_H_INCLUDED_
#define NGX_HTTP_AGW_JSON_H_INCLUDED_


#include "ngx_http_agw.h"
#include "agw_json.h"


/* from now on the failed allocations of jansson are counted in this process */

void ngx_http_agw_json_watch(void);


/* how many failed until now */

ngx_uint_t ngx_http_agw_json_failed(void);


/* agw_json_wiping_begin(), whose failed allocations are counted too */

void ngx_http_agw_json_wiping_begin(agw_json_allocator_t *former);


#endif /* NGX_HTTP_AGW_JSON_H_INCLUDED_ */
