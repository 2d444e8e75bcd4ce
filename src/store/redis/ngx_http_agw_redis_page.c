
/*
 * A reply that was damaged on its way may be well formed all the same.  Where
 * it says that there is less than there is, something of it does not fit: ids
 * grow from the position on, none is years ahead, and a page that seems to be
 * the last one has to reach to the last entry of the stream.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_page.h"
#include "ngx_http_agw_redis_reply.h"


#define NGX_HTTP_AGW_REDIS_UNREAD  60000     /* ms between lines */


static ngx_uint_t ngx_http_agw_redis_page_is_behind(int64_t stamp,
    int64_t mark, const ngx_http_agw_position_t *position);


ngx_int_t
ngx_http_agw_redis_page(const redisReply *reply,
    const ngx_http_agw_position_t *from, const ngx_http_agw_position_t *end,
    int64_t last, ngx_uint_t count, ngx_http_agw_redis_page_t *page)
{
    int64_t                   stamp, mark;
    ngx_uint_t                i;
    const redisReply         *entry;
    ngx_http_agw_position_t  *next;

    entry = NULL;
    next = &page->next;

    *next = *from;
    page->entries = NULL;
    page->whole = 1;

    if (!ngx_http_agw_redis_is_nil(reply)) {
        page->entries = ngx_http_agw_redis_entries(reply);

        if (page->entries == NULL || page->entries->elements > count) {
            return NGX_ERROR;
        }

        page->whole = (page->entries->elements < count);
    }

    for (i = 0; page->entries && i < page->entries->elements; i++) {
        entry = page->entries->element[i];

        if (ngx_http_agw_redis_entry_id(entry, &stamp, &mark) != NGX_OK
            || !ngx_http_agw_redis_page_is_behind(stamp, mark, next)
            || stamp - last > AGW_STAMP_AHEAD_MAX)
        {
            return NGX_ERROR;
        }

        next->stamp = stamp;
        next->mark = mark;
    }

    if (entry != NULL) {
        next->mark_tag = ngx_http_agw_redis_entry_tag(entry);
    }

    if (ngx_http_agw_redis_page_is_behind(end->stamp, end->mark, next)) {
        page->whole = 0;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_agw_redis_page_is_behind(int64_t stamp, int64_t mark,
    const ngx_http_agw_position_t *position)
{
    return stamp > position->stamp
           || (stamp == position->stamp && mark > position->mark);
}


ngx_uint_t
ngx_http_agw_redis_page_reaches(const ngx_http_agw_position_t *position,
    const ngx_http_agw_position_t *to)
{
    return (to->stamp == 0 && to->mark == 0)
           || (to->store_id == position->store_id
               && !ngx_http_agw_redis_page_is_behind(to->stamp, to->mark,
                                                     position));
}


ngx_http_agw_redis_entry_t
ngx_http_agw_redis_page_entry(const redisReply *entry, int64_t last,
    agw_revocation_t *revocation)
{
    int64_t  stamp, mark;

    if (ngx_http_agw_redis_entry_id(entry, &stamp, &mark) != NGX_OK) {
        return NGX_HTTP_AGW_REDIS_ENTRY_FIELDS;
    }

    return ngx_http_agw_redis_entry(entry, stamp, last, revocation);
}


uint64_t
ngx_http_agw_redis_page_doubt(uint64_t doubt, const redisReply *entry)
{
    int64_t  stamp, mark;

    stamp = 0;
    mark = 0;

    (void) ngx_http_agw_redis_entry_id(entry, &stamp, &mark);

    doubt = (doubt ^ (uint64_t) stamp) * 1099511628211ULL;
    doubt = (doubt ^ (uint64_t) mark) * 1099511628211ULL;
    doubt = (doubt ^ (uint64_t) ngx_http_agw_redis_entry_tag(entry))
            * 1099511628211ULL;

    return doubt ? doubt : 1;
}


void
ngx_http_agw_redis_page_skip(const redisReply *entries, int64_t last,
    ngx_http_agw_redis_skips_t *skips, const ngx_str_t *store, ngx_log_t *log)
{
    ngx_uint_t                   i;
    agw_revocation_t             revocation;
    ngx_http_agw_redis_entry_t   fault;

    for (i = 0; i < entries->elements; i++) {
        fault = ngx_http_agw_redis_page_entry(entries->element[i], last,
                                              &revocation);

        if (fault != NGX_HTTP_AGW_REDIS_ENTRY_OK) {
            ngx_http_agw_redis_entry_skip(skips, store, entries->element[i],
                                          fault, log);
        }
    }
}


/* it was asked for alone, and its reply is none, or too late */

void
ngx_http_agw_redis_page_unread(const ngx_http_agw_position_t *position,
    ngx_http_agw_redis_skips_t *skips, const ngx_str_t *store, ngx_log_t *log)
{
    if (skips->unread != 0
        && ngx_current_msec - skips->unread < NGX_HTTP_AGW_REDIS_UNREAD)
    {
        return;
    }

    skips->unread = ngx_max(ngx_current_msec, 1);

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: store \"%V\": the entry of its revocations "
                  "behind %L-%L is not read, it may be too large: look for it "
                  "(XRANGE) and remove it (XDEL)",
                  store, position->stamp, position->mark);
}
