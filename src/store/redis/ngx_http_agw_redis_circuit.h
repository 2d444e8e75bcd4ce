
/*
 * Whether the store is silent to this node, which its workers find out
 * together.
 *
 * The rule: the circuit opens if a worker has no reply within its deadline and
 * no other worker has had one for NGX_HTTP_AGW_REDIS_SILENCE, and the next
 * reply closes it, whichever worker has it: one that comes late, that of a
 * probe, or a new connection's.  So a connection that is broken is the trouble
 * of its worker alone, and a store that was slow once is asked again as soon as
 * it replies.  The feed has a reply every 500 ms; if there is none for a little
 * longer, idle connections are probed, so that no single one decides.
 *
 * There is no lock, and two workers may cross: a circuit that opens as another
 * worker hears is closed by what that hears next.
 */


#ifndef NGX_HTTP_AGW_REDIS_CIRCUIT_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_CIRCUIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis_conn.h"
#include "ngx_http_agw_store.h"


#define NGX_HTTP_AGW_REDIS_SILENCE  900      /* ms; below any deadline */


/* of one link; the owner sets the first fields, and zeroes the rest */

typedef struct {
    ngx_http_agw_store_shared_t   *shared;
    ngx_http_agw_redis_conn_t     *conn;     /* that is probed */

    /* see ngx_http_agw_redis_circuit_watch() */

    ngx_uint_t                   (*look)(void *data, ngx_uint_t open);
    void                          *data;

    ngx_event_t                    event;
    ngx_uint_t                     closely;
    ngx_atomic_uint_t              outages;  /* so many were seen */
    ngx_http_agw_redis_command_t   probe;
} ngx_http_agw_redis_circuit_t;


/* a primary has replied, and with no error */

void ngx_http_agw_redis_circuit_heard(ngx_http_agw_redis_circuit_t *circuit);


/* a deadline has passed: opens the circuit, unless another worker has heard */

void ngx_http_agw_redis_circuit_silent(ngx_http_agw_redis_circuit_t *circuit);


/* whether it is, for any worker of the node */

ngx_uint_t ngx_http_agw_redis_circuit_is_open(
    const ngx_http_agw_redis_circuit_t *circuit);


/*
 * From now on look() is called several times a second, with whether the circuit
 * is open, and returns whether somebody waits for the store; then, and after
 * watch_closely(), it is called again soon enough for them.  A connection that
 * is idle is probed while there is doubt about the store, and once after that.
 */

void ngx_http_agw_redis_circuit_watch(ngx_http_agw_redis_circuit_t *circuit,
    ngx_log_t *log);
void ngx_http_agw_redis_circuit_watch_closely(
    ngx_http_agw_redis_circuit_t *circuit);
void ngx_http_agw_redis_circuit_unwatch(
    ngx_http_agw_redis_circuit_t *circuit);


#endif /* NGX_HTTP_AGW_REDIS_CIRCUIT_H_INCLUDED_ */
