
/*
 * What one script is to change, all or nothing.
 */


#ifndef NGX_HTTP_AGW_REDIS_TODO_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_TODO_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "agw_record.h"
#include "agw_revoked_set.h"
#include "ngx_http_agw_redis_hashes.h"


/* zeroed before it is created; failed: no memory for a part of it */

typedef struct {
    json_t    *json;
    unsigned   failed:1;
} ngx_http_agw_redis_todo_t;


/* json is NULL if memory runs out: it is freed all the same */

void ngx_http_agw_redis_todo_create(ngx_http_agw_redis_todo_t *todo);
void ngx_http_agw_redis_todo_free(ngx_http_agw_redis_todo_t *todo);


/* the hash must still be what was read */

void ngx_http_agw_redis_todo_same(ngx_http_agw_redis_todo_t *todo,
    const ngx_http_agw_redis_hash_t *hash);


/* a record becomes another one; stored may be NULL */

void ngx_http_agw_redis_todo_put(ngx_http_agw_redis_todo_t *todo,
    ngx_http_agw_redis_hashes_t *hashes, const agw_record_t *stored,
    const agw_record_t *made);


/* a credential is removed */

void ngx_http_agw_redis_todo_delete(ngx_http_agw_redis_todo_t *todo,
    ngx_http_agw_redis_hashes_t *hashes, const agw_record_t *stored);


/* an entry of the stream */

void ngx_http_agw_redis_todo_revoke(ngx_http_agw_redis_todo_t *todo,
    const agw_revocation_t *revocation);


/* the argument of the script, to be given to free(); NULL if it failed */

char *ngx_http_agw_redis_todo_text(ngx_http_agw_redis_todo_t *todo);


#endif /* NGX_HTTP_AGW_REDIS_TODO_H_INCLUDED_ */
