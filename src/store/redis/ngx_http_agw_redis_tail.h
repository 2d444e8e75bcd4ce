
/*
 * What is new in the stream while there is much to read: it is at the end, and
 * would not be known before all is read.
 */


#ifndef NGX_HTTP_AGW_REDIS_TAIL_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_TAIL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_added.h"
#include "ngx_http_agw_redis_link.h"
#include "ngx_http_agw_store_revocations.h"


/* zeroed, but for the first one */

typedef struct {
    ngx_http_agw_redis_added_t    *added;
    ngx_http_agw_reading_t        *reading;  /* what is found goes to its
                                                handler; NULL: it is dropped */
    ngx_http_agw_position_t        position; /* what follows is new; stamp 0:
                                                it is not asked for */
    ngx_http_agw_redis_command_t   command;
    ngx_uint_t                     count;    /* entries to ask for */
} ngx_http_agw_redis_tail_t;


/*
 * There is much to read, and what follows that position is new.  If it has
 * begun already, at a later position, it goes on from there.
 */

void ngx_http_agw_redis_tail_begin(ngx_http_agw_redis_tail_t *tail,
    const ngx_http_agw_position_t *position);
void ngx_http_agw_redis_tail_end(ngx_http_agw_redis_tail_t *tail);


/* what was asked for last is dropped, and asked for again */

void ngx_http_agw_redis_tail_cancel(ngx_http_agw_redis_tail_t *tail);


/* asks for some entries, if that is due; as ngx_http_agw_redis_send() */

ngx_int_t ngx_http_agw_redis_tail_send(ngx_http_agw_redis_tail_t *tail,
    ngx_http_agw_redis_link_t *link);


#endif /* NGX_HTTP_AGW_REDIS_TAIL_H_INCLUDED_ */
