
/*
 * A token is named "<partner_id>:<jti>" and an owner
 * "<partner_id>:<business_id>"; no id has a colon in it.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_grammar.h"
#include "ngx_http_agw_sqlite_id.h"


static ngx_int_t ngx_http_agw_sqlite_split(agw_str_t id, agw_str_t *first,
    agw_str_t *second);


static const agw_str_t  ngx_http_agw_sqlite_kinds[AGW_REVOCATION_KINDS] = {
    [AGW_REVOCATION_TOKEN] = agw_string("token"),
    [AGW_REVOCATION_OWNER] = agw_string("owner"),
    [AGW_REVOCATION_BUSINESS] = agw_string("business"),
    [AGW_REVOCATION_PARTNER] = agw_string("partner")
};


agw_str_t
ngx_http_agw_sqlite_kind(agw_revocation_kind_t kind)
{
    return ngx_http_agw_sqlite_kinds[kind];
}


agw_str_t
ngx_http_agw_sqlite_id(const agw_revocation_t *revocation, u_char *buf)
{
    switch (revocation->kind) {

    case AGW_REVOCATION_TOKEN:
        return ngx_http_agw_sqlite_pair(revocation->partner_id,
                                        revocation->jti, buf);

    case AGW_REVOCATION_OWNER:
        return ngx_http_agw_sqlite_pair(revocation->partner_id,
                                        revocation->business_id, buf);

    case AGW_REVOCATION_BUSINESS:
        return revocation->business_id;

    default:
        return revocation->partner_id;
    }
}


agw_str_t
ngx_http_agw_sqlite_pair(agw_str_t first, agw_str_t second, u_char *buf)
{
    u_char     *p;
    agw_str_t   id;

    id.data = buf;
    id.len = 0;

    if (first.len <= AGW_ID_MAX && second.len <= AGW_ID_MAX) {
        p = ngx_cpymem(buf, first.data, first.len);
        *p++ = ':';
        p = ngx_cpymem(p, second.data, second.len);

        id.len = p - buf;
    }

    return id;
}


ngx_int_t
ngx_http_agw_sqlite_parse_id(agw_str_t kind, agw_str_t id,
    agw_revocation_t *revocation)
{
    agw_str_t    rest;
    ngx_uint_t   i;

    for (i = AGW_REVOCATION_TOKEN; i < AGW_REVOCATION_KINDS; i++) {
        if (agw_str_eq(kind, ngx_http_agw_sqlite_kinds[i])) {
            revocation->kind = i;
        }
    }

    switch (revocation->kind) {

    case AGW_REVOCATION_TOKEN:

        if (ngx_http_agw_sqlite_split(id, &revocation->partner_id, &rest)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        /* older versions of this module append ":" and a business */

        (void) ngx_http_agw_sqlite_split(rest, &revocation->jti, &id);

        return agw_is_id(revocation->partner_id)
               && agw_is_id(revocation->jti) ? NGX_OK : NGX_DECLINED;

    case AGW_REVOCATION_OWNER:

        if (ngx_http_agw_sqlite_split(id, &revocation->partner_id,
                                      &revocation->business_id)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        return agw_is_id(revocation->partner_id)
               && agw_is_id(revocation->business_id) ? NGX_OK : NGX_DECLINED;

    case AGW_REVOCATION_BUSINESS:
        revocation->business_id = id;

        return agw_is_id(id) ? NGX_OK : NGX_DECLINED;

    case AGW_REVOCATION_PARTNER:
        revocation->partner_id = id;

        return agw_is_id(id) ? NGX_OK : NGX_DECLINED;

    default:
        return NGX_DECLINED;
    }
}


/* at the first colon; NGX_DECLINED without one: then *first is all of id */

static ngx_int_t
ngx_http_agw_sqlite_split(agw_str_t id, agw_str_t *first, agw_str_t *second)
{
    const u_char  *colon;

    *first = id;

    colon = id.len ? memchr(id.data, ':', id.len) : NULL;

    if (colon == NULL) {
        return NGX_DECLINED;
    }

    first->len = colon - id.data;

    second->data = colon + 1;
    second->len = id.len - first->len - 1;

    return NGX_OK;
}
