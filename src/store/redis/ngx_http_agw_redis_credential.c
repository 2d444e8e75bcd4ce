
#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_json.h"
#include "agw_record.h"
#include "ngx_http_agw_redis_credential.h"


/* bytes of an API key's JSON: a longer one would hold the worker */

#define NGX_HTTP_AGW_REDIS_KEY_MAX    65536


static ngx_int_t ngx_http_agw_redis_read_time(const json_t *json,
    const char *name, int64_t *time);


ngx_int_t
ngx_http_agw_redis_keep_jwk(ngx_http_agw_directory_query_t *query,
    agw_str_t text)
{
    u_char  *p;

    /* it cannot be used then, like one that is not JSON */

    if (text.len > AGW_RECORD_JWK_MAX) {
        text.len = 0;
    }

    p = ngx_pnalloc(query->pool, text.len + 1);
    if (p == NULL) {
        return NGX_ABORT;
    }

    ngx_memcpy(p, text.data, text.len);

    query->jwk.data = p;
    query->jwk.len = text.len;

    return NGX_OK;
}


ngx_int_t
ngx_http_agw_redis_read_certificate(agw_str_t text, agw_api_key_row_t *row)
{
    time_t  not_after;

    if (text.len == 0) {
        return NGX_OK;
    }

    not_after = ngx_atotm((u_char *) text.data, text.len);

    if (not_after == NGX_ERROR) {
        return NGX_ERROR;
    }

    row->expires = 1;
    row->expires_at = (int64_t) not_after + 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_agw_redis_read_key(agw_str_t text, agw_api_key_row_t *row)
{
    json_t      *json;
    ngx_int_t    rc, expires;
    const char  *fault;

    if (text.len > NGX_HTTP_AGW_REDIS_KEY_MAX) {
        return NGX_ERROR;
    }

    json = agw_json_object(text, &fault);

    if (json == NULL) {
        return fault == agw_json_no_memory ? NGX_ABORT : NGX_ERROR;
    }

    row->not_before = 0;
    row->expires_at = 0;

    rc = ngx_http_agw_redis_read_time(json, "not_before", &row->not_before);
    expires = ngx_http_agw_redis_read_time(json, "expires_at",
                                           &row->expires_at);

    row->expires = (expires == NGX_OK);

    json_decref(json);

    return rc == NGX_ERROR || expires == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* NGX_DECLINED where it is null or missing */

static ngx_int_t
ngx_http_agw_redis_read_time(const json_t *json, const char *name,
    int64_t *time)
{
    if (json_is_null(json_object_get(json, name))) {
        return NGX_DECLINED;
    }

    switch (agw_json_time(json, name, time)) {

    case 1:

        /* a later time is one of milliseconds */

        return *time <= AGW_RECORD_TIME_MAX ? NGX_OK : NGX_ERROR;

    case 0:
        return NGX_DECLINED;

    default:
        return NGX_ERROR;
    }
}
