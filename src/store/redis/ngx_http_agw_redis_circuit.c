
/*
 * The times are of nginx's monotonic clock, which is the same in all workers.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis_circuit.h"
#include "ngx_http_agw_redis_pipeline.h"


#define NGX_HTTP_AGW_REDIS_HEARD    16       /* ms; not written more often */
#define NGX_HTTP_AGW_REDIS_WATCH    250      /* ms between two looks */
#define NGX_HTTP_AGW_REDIS_CLOSELY  25       /* ms, while somebody waits */
#define NGX_HTTP_AGW_REDIS_DOUBT    550      /* ms without a reply */


static ngx_uint_t ngx_http_agw_redis_circuit_has_heard(
    const ngx_http_agw_redis_circuit_t *circuit, ngx_msec_int_t since);
static void ngx_http_agw_redis_circuit_look(ngx_event_t *ev);
static void ngx_http_agw_redis_circuit_probe(
    ngx_http_agw_redis_circuit_t *circuit);
static void ngx_http_agw_redis_circuit_probed(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);


void
ngx_http_agw_redis_circuit_heard(ngx_http_agw_redis_circuit_t *circuit)
{
    ngx_http_agw_store_shared_t  *shared;

    shared = circuit->shared;

    if (ngx_current_msec - shared->heard >= NGX_HTTP_AGW_REDIS_HEARD) {
        shared->heard = ngx_current_msec;
    }

    if (shared->silent) {
        shared->silent = 0;
    }
}


void
ngx_http_agw_redis_circuit_silent(ngx_http_agw_redis_circuit_t *circuit)
{
    ngx_http_agw_store_shared_t  *shared;

    shared = circuit->shared;

    if (!ngx_http_agw_redis_circuit_has_heard(circuit,
                                              NGX_HTTP_AGW_REDIS_SILENCE)
        && ngx_atomic_cmp_set(&shared->silent, 0, 1))
    {
        (void) ngx_atomic_fetch_add(&shared->outages, 1);
    }
}


/* whether any worker has, in the last ms */

static ngx_uint_t
ngx_http_agw_redis_circuit_has_heard(
    const ngx_http_agw_redis_circuit_t *circuit, ngx_msec_int_t since)
{
    ngx_atomic_uint_t  heard;

    heard = circuit->shared->heard;

    return heard != 0 && (ngx_msec_int_t) (ngx_current_msec - heard) < since;
}


ngx_uint_t
ngx_http_agw_redis_circuit_is_open(const ngx_http_agw_redis_circuit_t *circuit)
{
    return circuit->shared->silent != 0;
}


void
ngx_http_agw_redis_circuit_watch(ngx_http_agw_redis_circuit_t *circuit,
    ngx_log_t *log)
{
    circuit->event.handler = ngx_http_agw_redis_circuit_look;
    circuit->event.data = circuit;
    circuit->event.log = log;
    circuit->event.cancelable = 1;
    circuit->outages = circuit->shared->outages;

    ngx_add_timer(&circuit->event, NGX_HTTP_AGW_REDIS_WATCH);
}


/*
 * A connection that is idle is tried before it is needed, also after an outage
 * that is over.  A handshake, which always waits for a reply, is left alone.
 */

static void
ngx_http_agw_redis_circuit_look(ngx_event_t *ev)
{
    ngx_uint_t                     open;
    ngx_http_agw_redis_circuit_t  *circuit = ev->data;

    open = ngx_http_agw_redis_circuit_is_open(circuit);

    /* those that are answered may send again */

    circuit->closely = 1;
    circuit->closely = circuit->look(circuit->data, open);

    if (open || circuit->outages != circuit->shared->outages
        || !ngx_http_agw_redis_circuit_has_heard(circuit,
                                                 NGX_HTTP_AGW_REDIS_DOUBT))
    {
        circuit->outages = circuit->shared->outages;
        ngx_http_agw_redis_circuit_probe(circuit);
    }

    ngx_add_timer(ev, circuit->closely ? NGX_HTTP_AGW_REDIS_CLOSELY
                                       : NGX_HTTP_AGW_REDIS_WATCH);
}


static void
ngx_http_agw_redis_circuit_probe(ngx_http_agw_redis_circuit_t *circuit)
{
    const size_t        len = sizeof("PING") - 1;
    static const char  *ping = "PING";

    if (!circuit->conn->ready || circuit->conn->nwaiting != 0) {
        return;
    }

    circuit->probe.handler = ngx_http_agw_redis_circuit_probed;
    circuit->probe.idle = 1;

    (void) ngx_http_agw_redis_pipeline_send(circuit->conn, &circuit->probe, 1,
                                            &ping, &len);
}


static void
ngx_http_agw_redis_circuit_probed(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    /* conn->replied() was called */
}


/* ngx_add_timer() would leave one that is only a little later */

void
ngx_http_agw_redis_circuit_watch_closely(
    ngx_http_agw_redis_circuit_t *circuit)
{
    if (circuit->closely) {
        return;
    }

    circuit->closely = 1;

    ngx_del_timer(&circuit->event);
    ngx_add_timer(&circuit->event, NGX_HTTP_AGW_REDIS_CLOSELY);
}


void
ngx_http_agw_redis_circuit_unwatch(ngx_http_agw_redis_circuit_t *circuit)
{
    if (circuit->event.timer_set) {
        ngx_del_timer(&circuit->event);
    }
}
