
/*
 * All that is to be sent is written at the end of the event loop's turn, so
 * that what a turn sends is one write, and no handler is called inside of the
 * function that sends.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <openssl/crypto.h>

#include "ngx_http_agw_redis_pipeline.h"


#define NGX_HTTP_AGW_REDIS_BUFFER      16384     /* of one read */
#define NGX_HTTP_AGW_REDIS_KEPT        (1024 * 1024)     /* for long replies */
#define NGX_HTTP_AGW_REDIS_READS       64        /* in one turn */
#define NGX_HTTP_AGW_REDIS_OUT         4096      /* at first */
#define NGX_HTTP_AGW_REDIS_OUT_MAX     (16 * 1024 * 1024)
#define NGX_HTTP_AGW_REDIS_WAITING     16384     /* commands, at most */


static ngx_int_t ngx_http_agw_redis_pipeline_append(
    ngx_http_agw_redis_conn_t *conn, const char *data, size_t len);
static void ngx_http_agw_redis_pipeline_arm(ngx_http_agw_redis_conn_t *conn,
    ngx_msec_t deadline);
static ngx_int_t ngx_http_agw_redis_pipeline_take(
    ngx_http_agw_redis_conn_t *conn, u_char *buf, size_t n);
static ngx_int_t ngx_http_agw_redis_pipeline_reply(
    ngx_http_agw_redis_conn_t *conn);
static const char *ngx_http_agw_redis_pipeline_hint(
    const ngx_http_agw_redis_conn_t *conn, ngx_uint_t failed);


ngx_int_t
ngx_http_agw_redis_pipeline_begin(ngx_http_agw_redis_conn_t *conn)
{
    conn->answered = 0;
    conn->nwaiting = 0;
    conn->held = 0;
    conn->out_sent = 0;
    conn->out_len = 0;

    ngx_memzero(&conn->resp, sizeof(agw_resp_t));
    ngx_queue_init(&conn->waiting);

    conn->objects.log = conn->log;
    conn->reader = ngx_http_agw_redis_objects_reader(&conn->objects);

    return conn->reader ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_agw_redis_pipeline_send(ngx_http_agw_redis_conn_t *conn,
    ngx_http_agw_redis_command_t *command, ngx_uint_t argc, const char **argv,
    const size_t *argvlen)
{
    ngx_http_agw_redis_slot_t  *slot;

    if (!conn->ready) {
        return NGX_DECLINED;
    }

    slot = ngx_http_agw_redis_slot_create(command, argc, argv, argvlen,
                                          conn->log);
    if (slot == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_http_agw_redis_pipeline_push(conn, slot) != NGX_OK) {
        ngx_http_agw_redis_cancel(command);
        ngx_http_agw_redis_slot_finish(slot, NULL);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_agw_redis_pipeline_push(ngx_http_agw_redis_conn_t *conn,
    ngx_http_agw_redis_slot_t *slot)
{
    if (!conn->ready || conn->nwaiting >= NGX_HTTP_AGW_REDIS_WAITING
        || ngx_http_agw_redis_pipeline_append(conn, slot->text, slot->len)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_agw_redis_slot_sent(slot);
    ngx_http_agw_redis_slot_push(slot, &conn->waiting, &conn->held);

    conn->nwaiting++;

    ngx_http_agw_redis_pipeline_arm(conn, slot->deadline);

    ngx_post_event(conn->connection->write, &ngx_posted_events);

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_redis_pipeline_append(ngx_http_agw_redis_conn_t *conn,
    const char *data, size_t len)
{
    size_t   size;
    u_char  *out;

    if (len > NGX_HTTP_AGW_REDIS_OUT_MAX - conn->out_len) {
        return NGX_DECLINED;
    }

    if (len > conn->out_size - conn->out_len) {
        size = ngx_max(2 * conn->out_size, conn->out_len + len);
        size = ngx_max(size, NGX_HTTP_AGW_REDIS_OUT);

        out = ngx_alloc(size, conn->log);
        if (out == NULL) {
            return NGX_DECLINED;
        }

        if (conn->out) {
            ngx_memcpy(out, conn->out, conn->out_len);
            OPENSSL_cleanse(conn->out, conn->out_len);
            ngx_free(conn->out);
        }

        conn->out = out;
        conn->out_size = size;
    }

    ngx_memcpy(conn->out + conn->out_len, data, len);
    conn->out_len += len;

    return NGX_OK;
}


/* another slot keeps the place of each, without a command; see _cancel() */

void
ngx_http_agw_redis_pipeline_release(ngx_http_agw_redis_conn_t *conn)
{
    ngx_queue_t                *q, *next, released;
    ngx_http_agw_redis_slot_t  *slot, *place;

    if (!conn->ready) {
        return;
    }

    ngx_queue_init(&released);

    for (q = ngx_queue_head(&conn->waiting);
         q != ngx_queue_sentinel(&conn->waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        slot = ngx_queue_data(q, ngx_http_agw_redis_slot_t, queue);

        if (slot->command == NULL) {
            continue;
        }

        /* without memory, the others wait until their deadlines */

        place = ngx_calloc(sizeof(ngx_http_agw_redis_slot_t), conn->log);
        if (place == NULL) {
            break;
        }

        place->deadline = slot->deadline;

        ngx_queue_insert_after(q, &place->queue);
        ngx_http_agw_redis_slot_remove(slot);
        ngx_queue_insert_tail(&released, &slot->queue);
    }

    conn->timer.cancelable = conn->held == 0;

    ngx_http_agw_redis_slots_end(&released, 0);
}


/* one timer for all that waits: when it expires, it looks for the earliest */

static void
ngx_http_agw_redis_pipeline_arm(ngx_http_agw_redis_conn_t *conn,
    ngx_msec_t deadline)
{
    ngx_msec_int_t  left;

    conn->timer.cancelable = conn->held == 0;

    if (conn->timer.timer_set) {
        if ((ngx_msec_int_t) (deadline - conn->timer.timer.key) >= 0) {
            return;
        }

        /* ngx_add_timer() would leave one that is only a little later */

        ngx_del_timer(&conn->timer);
    }

    left = (ngx_msec_int_t) (deadline - ngx_current_msec);

    ngx_add_timer(&conn->timer, left > 0 ? (ngx_msec_t) left : 0);
}


ngx_int_t
ngx_http_agw_redis_pipeline_expire(ngx_http_agw_redis_conn_t *conn)
{
    ngx_msec_t                  deadline;
    ngx_queue_t                *q;
    ngx_http_agw_redis_slot_t  *slot;

    if (ngx_queue_empty(&conn->waiting)) {
        return NGX_OK;
    }

    q = ngx_queue_head(&conn->waiting);
    slot = ngx_queue_data(q, ngx_http_agw_redis_slot_t, queue);
    deadline = slot->deadline;

    for ( ;; ) {
        q = ngx_queue_next(q);

        if (q == ngx_queue_sentinel(&conn->waiting)) {
            break;
        }

        slot = ngx_queue_data(q, ngx_http_agw_redis_slot_t, queue);

        if ((ngx_msec_int_t) (slot->deadline - deadline) < 0) {
            deadline = slot->deadline;
        }
    }

    if ((ngx_msec_int_t) (deadline - ngx_current_msec) > 0) {
        ngx_http_agw_redis_pipeline_arm(conn, deadline);
        return NGX_OK;
    }

    ngx_http_agw_redis_pipeline_fault(conn, 0,
                                      "a command had no reply in time");

    return NGX_ERROR;
}


ngx_int_t
ngx_http_agw_redis_pipeline_write(ngx_http_agw_redis_conn_t *conn)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = conn->connection;

    while (conn->out_sent < conn->out_len && c->write->ready) {
        n = c->send(c, conn->out + conn->out_sent,
                    conn->out_len - conn->out_sent);

        if (n == NGX_ERROR) {
            ngx_http_agw_redis_pipeline_fault(conn, ngx_socket_errno,
                                  "send() failed%s",
                                  ngx_http_agw_redis_pipeline_hint(conn, 1));
            return NGX_ERROR;
        }

        if (n == NGX_AGAIN || n == 0) {
            break;
        }

        conn->out_sent += n;
    }

    if (conn->out_sent == conn->out_len && conn->out_len) {
        OPENSSL_cleanse(conn->out, conn->out_len);

        conn->out_sent = 0;
        conn->out_len = 0;

        if (conn->out_size > NGX_HTTP_AGW_REDIS_BUFFER) {
            ngx_free(conn->out);
            conn->out = NULL;
            conn->out_size = 0;
        }
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_http_agw_redis_pipeline_fault(conn, 0, "an event was refused");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_agw_redis_pipeline_read(ngx_http_agw_redis_conn_t *conn)
{
    u_char             buf[NGX_HTTP_AGW_REDIS_BUFFER];
    ssize_t            n;
    ngx_int_t          rc;
    ngx_uint_t         reads;
    ngx_connection_t  *c;

    c = conn->connection;

    for (reads = 0; c->read->ready; reads++) {

        if (reads == NGX_HTTP_AGW_REDIS_READS) {
            ngx_post_event(c->read, &ngx_posted_next_events);
            break;
        }

        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == 0) {
            conn->malformed = agw_resp_is_inside(&conn->resp);
            ngx_http_agw_redis_pipeline_fault(conn, 0,
                                  "the server closed the connection%s%s",
                                  agw_resp_is_inside(&conn->resp)
                                  ? " within a reply" : "",
                                  ngx_http_agw_redis_pipeline_hint(conn, 0));
            return NGX_ERROR;
        }

        if (n == NGX_ERROR) {
            ngx_http_agw_redis_pipeline_fault(conn, ngx_socket_errno,
                                  "recv() failed%s",
                                  ngx_http_agw_redis_pipeline_hint(conn, 1));
            return NGX_ERROR;
        }

        rc = ngx_http_agw_redis_pipeline_take(conn, buf, n);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_agw_redis_pipeline_fault(conn, 0, "an event was refused");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* NGX_DONE: a handler has closed the connection */

static ngx_int_t
ngx_http_agw_redis_pipeline_take(ngx_http_agw_redis_conn_t *conn, u_char *buf,
    size_t n)
{
    size_t       replies;
    ngx_int_t    rc;
    const char  *why;

    replies = 0;
    why = agw_resp_scan(&conn->resp, buf, n, &replies);

    /* hiredis frees an empty buffer that is longer */

    conn->reader->maxbuf = ngx_http_agw_redis_objects_are_many(&conn->objects)
                           ? NGX_HTTP_AGW_REDIS_KEPT : REDIS_READER_MAX_BUF;

    if (why == NULL
        && redisReaderFeed(conn->reader, (char *) buf, n) != REDIS_OK)
    {
        why = conn->reader->errstr;
    }

    if (why) {
        conn->malformed = 1;
        ngx_http_agw_redis_pipeline_fault(conn, 0, "%s", why);
        return NGX_ERROR;
    }

    while (replies--) {
        rc = ngx_http_agw_redis_pipeline_reply(conn);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_redis_pipeline_reply(ngx_http_agw_redis_conn_t *conn)
{
    void                          *reply;
    ngx_uint_t                     number;
    ngx_queue_t                   *q;
    ngx_http_agw_redis_slot_t     *slot;
    ngx_http_agw_redis_objects_t   objects;

    reply = NULL;

    if (redisReaderGetReply(conn->reader, &reply) != REDIS_OK
        || reply == NULL)
    {
        conn->malformed = 1;
        ngx_http_agw_redis_pipeline_fault(conn, 0, "a malformed reply: %s",
                                          conn->reader->errstr);
        return NGX_ERROR;
    }

    if (ngx_queue_empty(&conn->waiting)) {
        conn->malformed = 1;
        ngx_http_agw_redis_pipeline_fault(conn, 0,
                                          "a reply that nothing had asked for");
        return NGX_ERROR;
    }

    q = ngx_queue_head(&conn->waiting);
    slot = ngx_queue_data(q, ngx_http_agw_redis_slot_t, queue);

    ngx_http_agw_redis_slot_remove(slot);

    if (--conn->nwaiting == 0 && conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }

    conn->timer.cancelable = conn->held == 0;

    conn->answered = 1;
    number = conn->number;

    /* the handler may end the connection, and still use the reply */

    objects = conn->objects;
    conn->objects.first = NULL;
    conn->objects.current = NULL;

    if (conn->replied && ((redisReply *) reply)->type != REDIS_REPLY_ERROR) {
        conn->replied(conn);
    }

    ngx_http_agw_redis_slot_finish(slot, reply);

    if (conn->number != number) {
        ngx_http_agw_redis_objects_free(&objects);
        return NGX_DONE;
    }

    conn->objects = objects;
    ngx_http_agw_redis_objects_clear(&conn->objects);

    return NGX_OK;
}


/* what may be wrong where the first command has no reply */

static const char *
ngx_http_agw_redis_pipeline_hint(const ngx_http_agw_redis_conn_t *conn,
    ngx_uint_t failed)
{
    if (conn->answered) {
        return "";
    }

    if (conn->conf->ssl) {
        return ", it may want another \"certificate=\"";
    }

    return failed ? "" : ", it may want TLS: \"rediss:\"";
}


void
ngx_http_agw_redis_pipeline_fault(ngx_http_agw_redis_conn_t *conn,
    ngx_err_t err, const char *fmt, ...)
{
    u_char   *p, *last;
    va_list   args;

    last = conn->why + sizeof(conn->why) - 1;

    va_start(args, fmt);
    p = ngx_vslprintf(conn->why, last, fmt, args);
    va_end(args);

    if (err && last - p > 8) {
        p = ngx_slprintf(p, last, " (%d: ", err);
        p = ngx_strerror(err, p, last - p);
        p = ngx_slprintf(p, last, ")");
    }

    *p = '\0';
}


void
ngx_http_agw_redis_pipeline_end(ngx_http_agw_redis_conn_t *conn,
    ngx_uint_t forget)
{
    if (conn->reader) {
        redisReaderFree(conn->reader);
        conn->reader = NULL;
    }

    ngx_http_agw_redis_objects_free(&conn->objects);

    if (conn->out) {
        OPENSSL_cleanse(conn->out, conn->out_len);
        ngx_free(conn->out);
        conn->out = NULL;
        conn->out_size = 0;
    }

    if (conn->waiting.next) {
        ngx_http_agw_redis_slots_end(&conn->waiting, forget);
    }
}
