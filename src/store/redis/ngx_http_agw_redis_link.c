
/*
 * A link is always in one of five states.  A round tries each address of each
 * host once; if none will do, the circuit is open: commands are declined until
 * a later round succeeds.
 *
 * Each link has such a circuit of its own, and the node has one, which a link
 * opens only as its own does: rounds that go on failing do not open it again.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis_circuit.h"
#include "ngx_http_agw_redis_early.h"
#include "ngx_http_agw_redis_error.h"
#include "ngx_http_agw_redis_handshake.h"
#include "ngx_http_agw_redis_link.h"
#include "ngx_http_agw_redis_outage.h"
#include "ngx_http_agw_redis_peer.h"
#include "ngx_http_agw_redis_pipeline.h"


#define NGX_HTTP_AGW_REDIS_PAUSE_MIN   50        /* ms, between rounds */
#define NGX_HTTP_AGW_REDIS_PAUSE_MAX   250
#define NGX_HTTP_AGW_REDIS_STEADY      1000      /* ms, of a good connection */
#define NGX_HTTP_AGW_REDIS_LOG         5000      /* ms, between lines */


typedef enum {
    NGX_HTTP_AGW_REDIS_PAUSING = 0,
    NGX_HTTP_AGW_REDIS_FINDING,
    NGX_HTTP_AGW_REDIS_CONNECTING,
    NGX_HTTP_AGW_REDIS_SHAKING,
    NGX_HTTP_AGW_REDIS_READY,
    NGX_HTTP_AGW_REDIS_CLOSED
} ngx_http_agw_redis_state_t;


struct ngx_http_agw_redis_link_s {
    ngx_http_agw_redis_worker_t     *worker;
    const char                      *purpose;
    ngx_http_agw_redis_link_pt       on_ready;
    void                            *data;
    ngx_log_t                       *log;

    ngx_http_agw_redis_state_t       state;
    ngx_http_agw_redis_conn_t        conn;
    ngx_http_agw_redis_peer_t        peer;
    ngx_http_agw_redis_handshake_t   handshake;
    ngx_http_agw_redis_outage_t      outage;

    ngx_http_agw_redis_early_t       early;

    ngx_event_t                      timer;      /* of the pause */
    ngx_event_t                      reset;      /* posted */
    ngx_msec_t                       pause;
    ngx_msec_t                       ready_at;
    ngx_msec_t                       closed_logged;
    u_char                           closed_why[256];    /* likewise */
    ngx_http_agw_redis_circuit_t     circuit;    /* the node's */
    unsigned                         shared:1;   /* obeys the node's circuit */
    unsigned                         open:1;     /* its own circuit is */
    unsigned                         moved:1;    /* in this round */
    unsigned                         another:1;  /* begin at the next host */
    unsigned                         resetting:1;
};


static void ngx_http_agw_redis_link_round(ngx_http_agw_redis_link_t *link);
static void ngx_http_agw_redis_link_connect(ngx_http_agw_redis_link_t *link);
static void ngx_http_agw_redis_link_found(ngx_http_agw_redis_peer_t *peer,
    ngx_int_t rc);
static void ngx_http_agw_redis_link_skipped(ngx_http_agw_redis_peer_t *peer,
    const ngx_str_t *host, const u_char *why);
static ngx_int_t ngx_http_agw_redis_link_try(ngx_http_agw_redis_link_t *link);
static void ngx_http_agw_redis_link_opened(ngx_http_agw_redis_conn_t *conn);
static void ngx_http_agw_redis_link_closed(ngx_http_agw_redis_conn_t *conn);
static void ngx_http_agw_redis_link_replied(ngx_http_agw_redis_conn_t *conn);
static void ngx_http_agw_redis_link_shaken(
    ngx_http_agw_redis_handshake_t *handshake, ngx_int_t rc);
static void ngx_http_agw_redis_link_ready(ngx_http_agw_redis_link_t *link);
static void ngx_http_agw_redis_link_pause(ngx_http_agw_redis_link_t *link);
static void ngx_http_agw_redis_link_timed_out(ngx_http_agw_redis_link_t *link);
static void ngx_http_agw_redis_link_open_circuit(
    ngx_http_agw_redis_link_t *link);
static ngx_uint_t ngx_http_agw_redis_link_look(void *data, ngx_uint_t open);
static void ngx_http_agw_redis_link_timer(ngx_event_t *ev);
static void ngx_http_agw_redis_link_do_reset(ngx_event_t *ev);
static void ngx_http_agw_redis_link_lost(ngx_http_agw_redis_link_t *link);


ngx_http_agw_redis_link_t *
ngx_http_agw_redis_link_create(ngx_http_agw_redis_worker_t *worker,
    const char *purpose, ngx_http_agw_redis_link_pt on_ready, void *data,
    ngx_log_t *log)
{
    ngx_http_agw_redis_link_t  *link;

    link = ngx_pcalloc(worker->pool, sizeof(ngx_http_agw_redis_link_t));
    if (link == NULL) {
        return NULL;
    }

    link->worker = worker;
    link->purpose = purpose;
    link->on_ready = on_ready;
    link->data = data;
    link->log = log;

    link->conn.opened = ngx_http_agw_redis_link_opened;
    link->conn.closed = ngx_http_agw_redis_link_closed;
    link->conn.replied = ngx_http_agw_redis_link_replied;
    link->conn.data = link;
    link->conn.conf = worker->conf;
    link->conn.log = log;

    link->peer.conf = worker->conf;
    link->peer.log = log;
    link->peer.found = ngx_http_agw_redis_link_found;
    link->peer.skipped = ngx_http_agw_redis_link_skipped;
    link->peer.data = link;

    link->handshake.handler = ngx_http_agw_redis_link_shaken;
    link->handshake.data = link;
    link->handshake.conn = &link->conn;
    link->handshake.worker = worker;

    link->outage.worker = worker;
    link->outage.purpose = purpose;
    link->outage.log = log;

    link->timer.handler = ngx_http_agw_redis_link_timer;
    link->timer.data = link;
    link->timer.log = log;
    link->timer.cancelable = 1;

    link->circuit.shared = worker->shared;
    link->circuit.conn = &link->conn;
    link->circuit.look = ngx_http_agw_redis_link_look;
    link->circuit.data = link;

    link->reset.handler = ngx_http_agw_redis_link_do_reset;
    link->reset.data = link;
    link->reset.log = log;

    ngx_http_agw_redis_early_init(&link->early, log);

    ngx_http_agw_redis_link_round(link);

    return link;
}


void
ngx_http_agw_redis_link_share(ngx_http_agw_redis_link_t *link)
{
    link->shared = 1;

    ngx_http_agw_redis_circuit_watch(&link->circuit, link->log);
}


static void
ngx_http_agw_redis_link_round(ngx_http_agw_redis_link_t *link)
{
    link->moved = 0;

    ngx_http_agw_redis_outage_round(&link->outage);

    ngx_http_agw_redis_peer_begin(&link->peer, link->another);

    link->another = 0;

    /* of an outage, nginx's own messages are those of the first round */

    link->conn.quiet = link->open;
    link->peer.quiet = link->open;

    ngx_http_agw_redis_link_connect(link);
}


static void
ngx_http_agw_redis_link_connect(ngx_http_agw_redis_link_t *link)
{
    ngx_int_t  rc;

    do {
        link->state = NGX_HTTP_AGW_REDIS_FINDING;

        rc = ngx_http_agw_redis_peer_next(&link->peer);

        if (rc == NGX_AGAIN) {
            return;
        }

        if (rc != NGX_OK) {
            ngx_http_agw_redis_link_pause(link);
            return;
        }

    } while (ngx_http_agw_redis_link_try(link) != NGX_OK);
}


static void
ngx_http_agw_redis_link_found(ngx_http_agw_redis_peer_t *peer, ngx_int_t rc)
{
    ngx_http_agw_redis_link_t *link = peer->data;

    if (rc != NGX_OK) {
        ngx_http_agw_redis_link_pause(link);
        return;
    }

    if (ngx_http_agw_redis_link_try(link) != NGX_OK) {
        ngx_http_agw_redis_link_connect(link);
    }
}


static void
ngx_http_agw_redis_link_skipped(ngx_http_agw_redis_peer_t *peer,
    const ngx_str_t *host, const u_char *why)
{
    ngx_http_agw_redis_link_t *link = peer->data;

    ngx_http_agw_redis_outage_because(&link->outage, host, why);
}


static ngx_int_t
ngx_http_agw_redis_link_try(ngx_http_agw_redis_link_t *link)
{
    if (ngx_http_agw_redis_conn_open(&link->conn, link->peer.host,
                                     link->peer.addr)
        != NGX_OK)
    {
        ngx_http_agw_redis_outage_because(&link->outage,
                                          &link->peer.host->text,
                                          link->conn.why);
        return NGX_ERROR;
    }

    link->state = NGX_HTTP_AGW_REDIS_CONNECTING;

    return NGX_OK;
}


static void
ngx_http_agw_redis_link_opened(ngx_http_agw_redis_conn_t *conn)
{
    ngx_http_agw_redis_link_t *link = conn->data;

    link->state = NGX_HTTP_AGW_REDIS_SHAKING;

    if (ngx_http_agw_redis_handshake_start(&link->handshake) != NGX_OK) {
        ngx_http_agw_redis_link_shaken(&link->handshake, NGX_ERROR);
    }
}


static void
ngx_http_agw_redis_link_closed(ngx_http_agw_redis_conn_t *conn)
{
    ngx_http_agw_redis_link_t *link = conn->data;

    if (link->state == NGX_HTTP_AGW_REDIS_READY) {
        ngx_http_agw_redis_link_lost(link);
        return;
    }

    ngx_http_agw_redis_outage_because(&link->outage, &link->peer.host->text,
                                      conn->why);

    /* one that does not answer has made its callers wait already */

    if (conn->timed_out) {
        ngx_http_agw_redis_link_timed_out(link);
    }

    ngx_http_agw_redis_link_connect(link);
}


static void
ngx_http_agw_redis_link_replied(ngx_http_agw_redis_conn_t *conn)
{
    ngx_http_agw_redis_link_t *link = conn->data;

    if (link->state == NGX_HTTP_AGW_REDIS_READY && !link->resetting) {
        ngx_http_agw_redis_circuit_heard(&link->circuit);
    }
}


static void
ngx_http_agw_redis_link_shaken(ngx_http_agw_redis_handshake_t *handshake,
    ngx_int_t rc)
{
    u_char                     *moved;
    ngx_http_agw_redis_link_t  *link = handshake->data;

    if (rc == NGX_OK) {
        ngx_http_agw_redis_link_ready(link);
        return;
    }

    ngx_http_agw_redis_conn_close(&link->conn, 1);

    moved = handshake->moved;

    if (*moved && !link->moved
        && ngx_http_agw_redis_peer_moved(&link->peer, (char *) moved,
                                         ngx_strlen(moved))
           == NGX_OK)
    {
        link->moved = 1;

    } else {
        ngx_http_agw_redis_outage_because(&link->outage,
                                          &link->peer.host->text,
                                          handshake->why);
    }

    ngx_http_agw_redis_link_connect(link);
}


static void
ngx_http_agw_redis_link_ready(ngx_http_agw_redis_link_t *link)
{
    link->state = NGX_HTTP_AGW_REDIS_READY;
    link->open = 0;
    link->ready_at = ngx_current_msec;

    ngx_http_agw_redis_circuit_heard(&link->circuit);
    ngx_http_agw_redis_outage_end(&link->outage, &link->peer.host->text);

    if (link->on_ready) {
        link->on_ready(link->data);
    }

    ngx_http_agw_redis_early_send(&link->early, &link->conn);
}


static void
ngx_http_agw_redis_link_pause(ngx_http_agw_redis_link_t *link)
{
    ngx_msec_t  pause;

    ngx_http_agw_redis_peer_stop(&link->peer);

    link->state = NGX_HTTP_AGW_REDIS_PAUSING;

    link->pause = ngx_min(2 * link->pause, NGX_HTTP_AGW_REDIS_PAUSE_MAX);
    link->pause = ngx_max(link->pause, NGX_HTTP_AGW_REDIS_PAUSE_MIN);

    /* workers that lost it together do not come back together */

    pause = link->pause + (ngx_msec_t) ngx_random() % link->pause;

    ngx_add_timer(&link->timer, pause);

    ngx_http_agw_redis_link_open_circuit(link);
}


static void
ngx_http_agw_redis_link_timed_out(ngx_http_agw_redis_link_t *link)
{
    if (!link->open) {
        ngx_http_agw_redis_circuit_silent(&link->circuit);
    }

    ngx_http_agw_redis_link_open_circuit(link);
}


static void
ngx_http_agw_redis_link_open_circuit(ngx_http_agw_redis_link_t *link)
{
    link->open = 1;

    ngx_http_agw_redis_outage_begin(&link->outage);

    ngx_http_agw_redis_early_end(&link->early, 0);
}


static void
ngx_http_agw_redis_link_timer(ngx_event_t *ev)
{
    ngx_http_agw_redis_link_round(ev->data);
}


/* while the node's circuit is open, nobody waits; a handshake goes on */

static ngx_uint_t
ngx_http_agw_redis_link_look(void *data, ngx_uint_t open)
{
    ngx_http_agw_redis_link_t *link = data;

    if (open) {
        ngx_http_agw_redis_early_end(&link->early, 0);
    }

    if (open && link->state == NGX_HTTP_AGW_REDIS_READY) {
        ngx_http_agw_redis_pipeline_release(&link->conn);
    }

    return link->early.held != 0 || link->conn.held != 0;
}


ngx_int_t
ngx_http_agw_redis_send(ngx_http_agw_redis_link_t *link,
    ngx_http_agw_redis_command_t *command, ngx_uint_t argc, const char **argv,
    const size_t *argvlen)
{
    if (link == NULL || link->open || link->resetting
        || link->state == NGX_HTTP_AGW_REDIS_CLOSED
        || (link->shared
            && ngx_http_agw_redis_circuit_is_open(&link->circuit)))
    {
        return NGX_DECLINED;
    }

    if (link->shared) {
        ngx_http_agw_redis_circuit_watch_closely(&link->circuit);
    }

    if (link->state == NGX_HTTP_AGW_REDIS_READY) {
        return ngx_http_agw_redis_pipeline_send(&link->conn, command, argc,
                                                argv, argvlen);
    }

    return ngx_http_agw_redis_early_push(&link->early, command, argc, argv,
                                         argvlen);
}


ngx_uint_t
ngx_http_agw_redis_link_refused(ngx_http_agw_redis_link_t *link,
    const redisReply *reply)
{
    const char  *meaning;

    meaning = ngx_http_agw_redis_error_of_server(reply);

    if (meaning == NULL) {
        return 0;
    }

    ngx_http_agw_redis_link_reset(link, meaning);

    return 1;
}


/* not at once: the caller may be in the middle of its own work */

void
ngx_http_agw_redis_link_reset(ngx_http_agw_redis_link_t *link, const char *why)
{
    if (link->state != NGX_HTTP_AGW_REDIS_READY || link->resetting) {
        return;
    }

    (void) ngx_cpystrn(link->conn.why, (u_char *) why,
                       sizeof(link->conn.why));

    link->resetting = 1;

    ngx_post_event(&link->reset, &ngx_posted_events);
}


static void
ngx_http_agw_redis_link_do_reset(ngx_event_t *ev)
{
    ngx_http_agw_redis_link_t *link = ev->data;

    if (!link->resetting) {
        return;
    }

    link->another = 1;

    ngx_http_agw_redis_conn_close(&link->conn, 0);
    ngx_http_agw_redis_link_lost(link);
}


static void
ngx_http_agw_redis_link_lost(ngx_http_agw_redis_link_t *link)
{
    ngx_uint_t  pause;

    if (!link->resetting && !link->conn.malformed) {
        ngx_log_error(NGX_LOG_INFO, link->log, 0,
                      "auth_gateway: the connection for %s to store \"%V\" "
                      "ended, %V: %s", link->purpose,
                      &link->worker->conf->shown, &link->peer.host->text,
                      link->conn.why);

    } else if (ngx_strcmp(link->closed_why, link->conn.why) != 0
               || ngx_current_msec - link->closed_logged
                  > NGX_HTTP_AGW_REDIS_LOG)
    {
        link->closed_logged = ngx_current_msec;
        (void) ngx_cpystrn(link->closed_why, link->conn.why,
                           sizeof(link->closed_why));

        ngx_log_error(NGX_LOG_WARN, link->log, 0,
                      "auth_gateway: the connection for %s to store \"%V\" is "
                      "closed, %V: %s", link->purpose,
                      &link->worker->conf->shown, &link->peer.host->text,
                      link->conn.why);
    }

    link->resetting = 0;
    link->state = NGX_HTTP_AGW_REDIS_FINDING;

    ngx_http_agw_redis_outage_round(&link->outage);
    ngx_http_agw_redis_outage_because(&link->outage, &link->peer.host->text,
                                      link->conn.why);

    /* one that ends again and again is not tried again at once */

    pause = ngx_current_msec - link->ready_at < NGX_HTTP_AGW_REDIS_STEADY;

    if (!pause) {
        link->pause = 0;
    }

    if (link->conn.timed_out) {
        ngx_http_agw_redis_link_timed_out(link);
    }

    if (pause) {
        ngx_http_agw_redis_link_pause(link);

    } else {
        ngx_http_agw_redis_link_round(link);
    }
}


void
ngx_http_agw_redis_link_close(ngx_http_agw_redis_link_t *link)
{
    if (link == NULL || link->state == NGX_HTTP_AGW_REDIS_CLOSED) {
        return;
    }

    link->state = NGX_HTTP_AGW_REDIS_CLOSED;
    link->resetting = 0;

    ngx_http_agw_redis_peer_stop(&link->peer);
    ngx_http_agw_redis_conn_close(&link->conn, 1);
    ngx_http_agw_redis_early_end(&link->early, 1);

    if (link->timer.timer_set) {
        ngx_del_timer(&link->timer);
    }

    ngx_http_agw_redis_circuit_unwatch(&link->circuit);

    if (link->reset.posted) {
        ngx_delete_posted_event(&link->reset);
    }
}
