
/*
 * What XREAD gives: a page of the stream, which is not believed blindly.
 */


#ifndef NGX_HTTP_AGW_REDIS_PAGE_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_PAGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_link.h"
#include "ngx_http_agw_store_revocations.h"


/* entries is NULL if there were no news */

typedef struct {
    const redisReply          *entries;
    ngx_http_agw_position_t    next;         /* behind the page */
    unsigned                   whole:1;      /* it reaches to the end */
} ngx_http_agw_redis_page_t;


/*
 * Reads the reply to an XREAD of up to count entries behind from.  The look
 * before it gave end, the position of the last entry, and last, the last
 * stamp.  Returns NGX_OK, or NGX_ERROR if the reply is malformed: nothing of
 * it is to be used.
 */

ngx_int_t ngx_http_agw_redis_page(const redisReply *reply,
    const ngx_http_agw_position_t *from, const ngx_http_agw_position_t *end,
    int64_t last, ngx_uint_t count, ngx_http_agw_redis_page_t *page);


/*
 * Whether position includes all up to the other one, which is of the same store
 * then, or the beginning.
 */

ngx_uint_t ngx_http_agw_redis_page_reaches(
    const ngx_http_agw_position_t *position,
    const ngx_http_agw_position_t *to);


/* ngx_http_agw_redis_entry() of an entry of the page */

ngx_http_agw_redis_entry_t ngx_http_agw_redis_page_entry(
    const redisReply *entry, int64_t last, agw_revocation_t *revocation);


/*
 * Tells the malformed entries of a page from others: of one entry, and of what
 * was returned for those before it, or 0.  The result is not 0.
 */

uint64_t ngx_http_agw_redis_page_doubt(uint64_t doubt,
    const redisReply *entry);


/* says that the first entry behind a position is not read */

void ngx_http_agw_redis_page_unread(const ngx_http_agw_position_t *position,
    ngx_http_agw_redis_skips_t *skips, const ngx_str_t *store, ngx_log_t *log);


/* counts the malformed entries, and says that they are skipped */

void ngx_http_agw_redis_page_skip(const redisReply *entries, int64_t last,
    ngx_http_agw_redis_skips_t *skips, const ngx_str_t *store, ngx_log_t *log);


#endif /* NGX_HTTP_AGW_REDIS_PAGE_H_INCLUDED_ */
