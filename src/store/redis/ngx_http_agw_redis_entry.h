
/*
 * An entry of the stream.
 */


#ifndef NGX_HTTP_AGW_REDIS_ENTRY_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_ENTRY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_revoked_set.h"
#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_link.h"


typedef enum {
    NGX_HTTP_AGW_REDIS_ENTRY_OK = 0,
    NGX_HTTP_AGW_REDIS_ENTRY_FIELDS,         /* not a list of strings */
    NGX_HTTP_AGW_REDIS_ENTRY_NAME,           /* kind or id */
    NGX_HTTP_AGW_REDIS_ENTRY_STAMP,          /* none, or above the entry's id */
    NGX_HTTP_AGW_REDIS_ENTRY_AHEAD,          /* so far, that it is no stamp */
    NGX_HTTP_AGW_REDIS_ENTRY_TIME,
    NGX_HTTP_AGW_REDIS_ENTRIES
} ngx_http_agw_redis_entry_t;


/* zeroed before the first */

typedef struct {
    ngx_uint_t   skipped;
    ngx_msec_t   said[NGX_HTTP_AGW_REDIS_ENTRIES];   /* 0: not yet */
    ngx_msec_t   unread;             /* likewise, of one that is too large */
} ngx_http_agw_redis_skips_t;


/*
 * The id of an entry, which is in the stream's order: stamp and mark of a
 * position.  Returns NGX_OK, or NGX_ERROR if it is no entry.
 */

ngx_int_t ngx_http_agw_redis_entry_id(const redisReply *entry, int64_t *stamp,
    int64_t *mark);


/* of XREAD's { { key, entries } }, or NULL */

const redisReply *ngx_http_agw_redis_entries(const redisReply *reply);


/* tells an entry from another one of the same id */

int64_t ngx_http_agw_redis_entry_tag(const redisReply *entry);


/*
 * Reads an entry, into which *revocation then points; id is the first part of
 * its id, and last a stamp of the store, of a moment ago.
 */

ngx_http_agw_redis_entry_t ngx_http_agw_redis_entry(const redisReply *entry,
    int64_t id, int64_t last, agw_revocation_t *revocation);


/* a cut-off that is dated in the future is of now */

void ngx_http_agw_redis_entry_limit_time(agw_revocation_t *revocation);


/* counts an entry that was skipped, and says so, once a minute a fault */

void ngx_http_agw_redis_entry_skip(ngx_http_agw_redis_skips_t *skips,
    const ngx_str_t *store, const redisReply *entry,
    ngx_http_agw_redis_entry_t fault, ngx_log_t *log);


#endif /* NGX_HTTP_AGW_REDIS_ENTRY_H_INCLUDED_ */
