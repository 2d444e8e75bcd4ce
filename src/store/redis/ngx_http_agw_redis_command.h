
/*
 * A command that waits for its reply, on a connection or for one.
 */


#ifndef NGX_HTTP_AGW_REDIS_COMMAND_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_COMMAND_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <hiredis/hiredis.h>


#define NGX_HTTP_AGW_REDIS_TIMEOUT  1000     /* ms, to connect, for a reply */


typedef struct ngx_http_agw_redis_command_s  ngx_http_agw_redis_command_t;
typedef struct ngx_http_agw_redis_slot_s     ngx_http_agw_redis_slot_t;


/*
 * Called exactly once for each command that was taken (NGX_OK) and was not
 * cancelled, and never inside of the call that took it: with the reply, which
 * is valid during the call and may be a REDIS_REPLY_ERROR; or with NULL if none
 * came, since the connection ended or the deadline passed: the command may have
 * been carried out all the same.  It may send, cancel, reset and close.
 *
 * A reply is of the types of RESP2, and its depth, elements and bytes are
 * within the limits of agw_resp.h; its shape is the server's: check each type.
 */

typedef void (*ngx_http_agw_redis_reply_pt)(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);


/*
 * The caller owns a command, zeroes it, sets the first fields, and keeps it
 * until the handler is called or the command is cancelled; then it may be
 * used again, in the handler already.
 */

struct ngx_http_agw_redis_command_s {
    ngx_http_agw_redis_reply_pt   handler;
    void                         *data;      /* the handler's */
    ngx_msec_t                    timeout;   /* 0: NGX_HTTP_AGW_REDIS_TIMEOUT */
    unsigned                      idle:1;    /* a worker that exits gracefully
                                                does not wait for its reply */
    /* private */

    ngx_http_agw_redis_slot_t    *slot;      /* NULL: it is not waiting */
};


/*
 * The place of a command in a queue, which stays when the command is
 * cancelled, since its reply will come.  Only the connection and the link use
 * it.
 */

struct ngx_http_agw_redis_slot_s {
    ngx_queue_t                    queue;
    ngx_http_agw_redis_command_t  *command;  /* NULL: cancelled */
    ngx_msec_t                     deadline;
    char                          *text;     /* until it is sent, or NULL */
    size_t                         len;
    ngx_uint_t                    *held;     /* counts those that are not idle,
                                                of the queue; or NULL */
};


/*
 * The reply will be dropped: the handler is not called, and the command is the
 * caller's at once.  It may be carried out all the same.  A command that is not
 * waiting is left alone.
 */

void ngx_http_agw_redis_cancel(ngx_http_agw_redis_command_t *command);


/* formats a command, and copies its arguments; NULL if memory runs out */

ngx_http_agw_redis_slot_t *ngx_http_agw_redis_slot_create(
    ngx_http_agw_redis_command_t *command, ngx_uint_t argc, const char **argv,
    const size_t *argvlen, ngx_log_t *log);


/* puts a slot into a queue, and takes it out */

void ngx_http_agw_redis_slot_push(ngx_http_agw_redis_slot_t *slot,
    ngx_queue_t *queue, ngx_uint_t *held);
void ngx_http_agw_redis_slot_remove(ngx_http_agw_redis_slot_t *slot);


/* wipes and frees the text of a command that is sent */

void ngx_http_agw_redis_slot_sent(ngx_http_agw_redis_slot_t *slot);


/* frees a slot that is in no queue, and calls the handler of its command */

void ngx_http_agw_redis_slot_finish(ngx_http_agw_redis_slot_t *slot,
    const redisReply *reply);


/*
 * Finishes all of a queue with NULL, or frees them without calling a handler;
 * what a handler queues is left.
 */

void ngx_http_agw_redis_slots_end(ngx_queue_t *queue, ngx_uint_t forget);


#endif /* NGX_HTTP_AGW_REDIS_COMMAND_H_INCLUDED_ */
