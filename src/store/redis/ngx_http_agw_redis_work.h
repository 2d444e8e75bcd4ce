
/*
 * An operation of the administration on its way: a few scripts, one after the
 * other.
 */


#ifndef NGX_HTTP_AGW_REDIS_WORK_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_WORK_H_INCLUDED_


#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_link.h"
#include "ngx_http_agw_store_admin.h"


typedef struct ngx_http_agw_redis_work_s  ngx_http_agw_redis_work_t;


/* what is to be done with the reply of a script, which is an array */

typedef void (*ngx_http_agw_redis_work_pt)(ngx_http_agw_redis_work_t *work,
    const redisReply *reply);


/* from the pool of the operation */

struct ngx_http_agw_redis_work_s {
    ngx_http_agw_redis_command_t   command;
    ngx_http_agw_redis_work_pt     next;
    ngx_http_agw_admin_t          *op;
    ngx_http_agw_redis_worker_t   *worker;
    ngx_array_t                    args;     /* agw_str_t, of the script */
    unsigned                       failed:1; /* no memory for one of them */

    void                          *data;     /* of the steps */
};


/*
 * Begins one on a connection of its own; NULL if memory runs out.  Operations
 * have one of their own, from the first one on: what many records take does
 * not come between the queries of tokens.
 */

ngx_http_agw_redis_work_t *ngx_http_agw_redis_work(
    ngx_http_agw_redis_worker_t *worker, ngx_http_agw_admin_t *op);


/*
 * A script begins: its keys are epoch, stamp and revocations, and those that
 * follow, of which nkeys tells how many; then the arguments.  Texts are
 * borrowed until the script is sent.
 */

void ngx_http_agw_redis_work_script(ngx_http_agw_redis_work_t *work,
    const ngx_str_t *text, ngx_uint_t nkeys);
void ngx_http_agw_redis_work_key(ngx_http_agw_redis_work_t *work,
    const char *name, agw_str_t id);
void ngx_http_agw_redis_work_arg(ngx_http_agw_redis_work_t *work,
    agw_str_t text);
void ngx_http_agw_redis_work_number(ngx_http_agw_redis_work_t *work,
    int64_t number);


/*
 * Sends the script.  If it fails, the operation has ended, logged; else next
 * is called.
 */

void ngx_http_agw_redis_work_send(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_work_pt next);


/* ends the operation: NGX_OK or NGX_ERROR, logged; work is gone then */

void ngx_http_agw_redis_work_end(ngx_http_agw_redis_work_t *work,
    ngx_int_t rc);


/* a reply that no script gives: logged, and the operation has ended */

void ngx_http_agw_redis_work_malformed(ngx_http_agw_redis_work_t *work);


#endif /* NGX_HTTP_AGW_REDIS_WORK_H_INCLUDED_ */
