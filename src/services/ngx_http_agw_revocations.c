
/*
 * Room in the zone is reserved before an entry is written to the store: a
 * revocation that succeeds is always in the zone, and if there is no room,
 * only that revocation is refused.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_counters.h"
#include "ngx_http_agw_log.h"
#include "ngx_http_agw_revocations.h"
#include "ngx_http_agw_request_query.h"
#include "ngx_http_agw_zone.h"


/* a write to the store, which outlives the request */

typedef struct {
    ngx_http_agw_write_t               write;
    ngx_http_request_t                *request;      /* NULL if it has ended */
    ngx_http_agw_revoked_pt            handler;
    const ngx_http_agw_revocations_t  *revocations;
    ngx_uint_t                        *inside;       /* 0: it was called */
    uint64_t                           from;
    u_char                             text[3 * AGW_ID_MAX];
} ngx_http_agw_pending_t;


static int64_t ngx_http_agw_pending_stamp(
    const ngx_http_agw_pending_t *pending);
static ngx_int_t ngx_http_agw_pending_set(ngx_http_agw_pending_t *pending,
    const agw_revocation_t *revocation);
static u_char *ngx_http_agw_pending_copy(u_char *p, agw_str_t *to,
    agw_str_t from);
static void ngx_http_agw_pending_done(ngx_http_agw_write_t *write,
    ngx_int_t rc);
static void ngx_http_agw_pending_forget(void *data);


agw_reason_t
ngx_http_agw_check_revoked(const ngx_http_agw_revocations_t *revocations,
    const agw_claims_t *claims, const agw_key_t *key, uint64_t *generation)
{
    uint64_t               now;
    ngx_http_agw_zone_t   *zone;
    agw_revoked_token_t    token;
    agw_revoked_lookup_t   answer;

    if (revocations == NULL) {
        return AGW_OK;
    }

    zone = ngx_http_agw_zone(revocations);

    if (!zone->loaded || zone->overflow
        || (revocations->stale && ngx_http_agw_is_stale(revocations)))
    {
        return AGW_STORE_UNAVAILABLE;
    }

    if (agw_revoked_set_generation(zone->set) == *generation) {
        return AGW_OK;
    }

    token.partner_id = claims->partner_id;
    token.business_id = claims->business_id;
    token.jti = claims->jti;
    token.seq = ngx_http_agw_trusted_seq(claims, key);
    token.iat = claims->iat;
    token.ahead = revocations->ahead;

    answer = agw_revoked_set_lookup(zone->set, &token, &now);

    if (answer == AGW_LOOKUP_RETRY_LOCKED) {
        ngx_http_agw_zone_lock(revocations);
        answer = agw_revoked_set_lookup(zone->set, &token, &now);
        ngx_http_agw_zone_unlock(revocations);
    }

    switch (answer) {

    case AGW_LOOKUP_NOT_REVOKED:
        *generation = now;
        return AGW_OK;

    case AGW_LOOKUP_BELOW_FLOOR:
        return AGW_EXPIRED;

    default:
        return AGW_REVOKED;
    }
}


ngx_uint_t
ngx_http_agw_is_stale(const ngx_http_agw_revocations_t *revocations)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    return (ngx_msec_int_t) (ngx_current_msec - zone->heard)
           > (ngx_msec_int_t) revocations->stale;
}


void
ngx_http_agw_watch_stale(const ngx_http_agw_revocations_t *revocations,
    ngx_log_t *log)
{
    ngx_uint_t            stale;
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    if (revocations->stale == 0 || !zone->loaded) {
        return;
    }

    stale = ngx_http_agw_is_stale(revocations);

    if (stale == zone->stale
        || !ngx_atomic_cmp_set(&zone->stale, !stale, stale))
    {
        return;
    }

    if (stale) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: what is revoked has not been read for "
                      "%M ms: no token is accepted "
                      "(auth_gateway_revocations_stale)",
                      ngx_current_msec - zone->heard);
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "auth_gateway: what is revoked is known again");
}


int64_t
ngx_http_agw_trusted_seq(const agw_claims_t *claims, const agw_key_t *key)
{
    return agw_key_issuer(key).len == 0 ? claims->seq : AGW_SEQ_NONE;
}


ngx_uint_t
ngx_http_agw_long_expired(const ngx_http_agw_revocations_t *revocations,
    const agw_claims_t *claims, const agw_key_t *key)
{
    int64_t               seq;
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);
    seq = ngx_http_agw_trusted_seq(claims, key);

    if (seq < 0) {
        return claims->exp + ngx_max(revocations->horizon, zone->horizon)
               < ngx_time();
    }

    return seq < agw_revoked_set_floor(zone->set);
}


agw_reason_t
ngx_http_agw_revoke(ngx_http_request_t *r,
    const agw_revocation_t *revocation, ngx_http_agw_revoked_pt handler)
{
    ngx_uint_t                       inside;
    ngx_pool_cleanup_t              *cln;
    ngx_http_agw_pending_t          *pending;
    const ngx_http_agw_main_conf_t  *mcf;

    if (!ngx_http_agw_store_may_wait(r)) {
        return AGW_STORE_UNAVAILABLE;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    pending = ngx_calloc(sizeof(ngx_http_agw_pending_t), ngx_cycle->log);
    if (pending == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    pending->revocations = mcf->revocations;

    if (ngx_http_agw_pending_set(pending, revocation) != NGX_OK
        || ngx_http_agw_reserve_room(mcf->revocations,
                                     &pending->write.revocation,
                                     ngx_http_agw_log(r))
           != NGX_OK)
    {
        ngx_free(pending);
        return AGW_STORE_UNAVAILABLE;
    }

    pending->write.known_stamp = ngx_http_agw_pending_stamp(pending);

    cln->handler = ngx_http_agw_pending_forget;
    cln->data = pending;

    inside = 1;

    pending->request = r;
    pending->handler = handler;
    pending->inside = &inside;
    pending->write.handler = ngx_http_agw_pending_done;
    pending->write.data = cln;

    pending->from = ngx_http_agw_count_from();

    ngx_http_agw_count_waiting(1);
    ngx_http_agw_store_revoke(mcf->store, &pending->write);

    if (inside) {
        pending->inside = NULL;
    }

    return AGW_OK;
}


ngx_int_t
ngx_http_agw_revocations_add(const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *entries, ngx_uint_t n)
{
    ngx_http_agw_zone_t   *zone;
    agw_revoked_result_t   result;

    zone = ngx_http_agw_zone(revocations);

    ngx_http_agw_zone_lock(revocations);
    result = agw_revoked_set_add_some(zone->set, entries, n);
    ngx_http_agw_zone_unlock(revocations);

    return result == AGW_REVOKED_SET_OK ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_agw_reserve_room(const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *revocation, ngx_log_t *log)
{
    ngx_http_agw_zone_t   *zone;
    agw_revoked_result_t   result;

    zone = ngx_http_agw_zone(revocations);

    ngx_http_agw_zone_lock(revocations);
    result = agw_revoked_set_reserve(zone->set, revocation, ngx_process_slot);
    ngx_http_agw_zone_unlock(revocations);

    switch (result) {

    case AGW_REVOKED_SET_OK:
        return NGX_OK;

    case AGW_REVOKED_SET_SHARE_USED:
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: revoked businesses of one partner fill a "
                      "quarter of the zone, and no more are revoked for it; "
                      "increase \"auth_gateway_zone\"");
        return NGX_DECLINED;

    default:
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "auth_gateway: the zone is full, and nothing more is "
                      "revoked; increase \"auth_gateway_zone\"");
        return NGX_DECLINED;
    }
}


/*
 * The stamp of a token's entry must be above the seq of the token, even if the
 * store's last stamp is below it: the store may be an older copy of the one
 * that gave the seq.
 */

static int64_t
ngx_http_agw_pending_stamp(const ngx_http_agw_pending_t *pending)
{
    int64_t                  stamp;
    ngx_http_agw_zone_t     *zone;
    const agw_revocation_t  *revocation;

    zone = ngx_http_agw_zone(pending->revocations);
    stamp = agw_revoked_set_stamp(zone->set);
    revocation = &pending->write.revocation;

    if (revocation->seq_known && revocation->seq > stamp
        && revocation->seq - stamp <= AGW_STAMP_AHEAD_MAX)
    {
        stamp = revocation->seq;
    }

    return stamp;
}


static ngx_int_t
ngx_http_agw_pending_set(ngx_http_agw_pending_t *pending,
    const agw_revocation_t *revocation)
{
    u_char            *p;
    agw_revocation_t  *to;

    if (revocation->partner_id.len > AGW_ID_MAX
        || revocation->business_id.len > AGW_ID_MAX
        || revocation->jti.len > AGW_ID_MAX)
    {
        return NGX_ERROR;
    }

    to = &pending->write.revocation;
    *to = *revocation;

    p = ngx_http_agw_pending_copy(pending->text, &to->partner_id,
                                  revocation->partner_id);
    p = ngx_http_agw_pending_copy(p, &to->business_id,
                                  revocation->business_id);
    (void) ngx_http_agw_pending_copy(p, &to->jti, revocation->jti);

    return NGX_OK;
}


static u_char *
ngx_http_agw_pending_copy(u_char *p, agw_str_t *to, agw_str_t from)
{
    to->data = p;
    to->len = from.len;

    return from.len ? ngx_cpymem(p, from.data, from.len) : p;
}


/* adds the entry to the zone, also if the request has ended; then responds */

static void
ngx_http_agw_pending_done(ngx_http_agw_write_t *write, ngx_int_t rc)
{
    ngx_uint_t               late;
    ngx_connection_t        *c;
    ngx_pool_cleanup_t      *cln = write->data;
    ngx_http_request_t      *r;
    ngx_http_agw_zone_t     *zone;
    agw_revoked_result_t     result;
    ngx_http_agw_pending_t  *pending;

    pending = (ngx_http_agw_pending_t *) write;
    zone = ngx_http_agw_zone(pending->revocations);
    result = AGW_REVOKED_SET_OK;

    ngx_http_agw_count_waiting(-1);
    ngx_http_agw_count_store(NGX_HTTP_AGW_STORE_REVOKE, pending->from, rc);

    if (rc == NGX_OK) {
        ngx_http_agw_count(NGX_HTTP_AGW_COUNT_REVOKED
                           + write->revocation.kind);
    }

    ngx_http_agw_zone_lock(pending->revocations);

    agw_revoked_set_release(zone->set, &write->revocation,
                            ngx_process_slot);

    if (rc == NGX_OK) {
        result = agw_revoked_set_add(zone->set, &write->revocation);
    }

    ngx_http_agw_zone_unlock(pending->revocations);

    if (result != AGW_REVOKED_SET_OK) {
        ngx_http_agw_no_room(pending->revocations);
    }

    r = pending->request;
    late = (pending->inside == NULL);

    if (!late) {
        *pending->inside = 0;
    }

    if (r == NULL) {
        ngx_free(pending);
        return;
    }

    cln->handler = NULL;
    c = r->connection;

    pending->handler(r, rc == NGX_OK ? AGW_OK : AGW_STORE_UNAVAILABLE);

    ngx_free(pending);

    if (late) {
        ngx_http_run_posted_requests(c);
    }
}


void
ngx_http_agw_no_room(const ngx_http_agw_revocations_t *revocations)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    (void) ngx_atomic_fetch_add(&zone->overflow, 1);

    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                  "auth_gateway: the zone has no room for a revocation: no "
                  "token is accepted until it has; increase "
                  "\"auth_gateway_zone\"");
}


static void
ngx_http_agw_pending_forget(void *data)
{
    ngx_http_agw_pending_t  *pending = data;

    pending->request = NULL;
    pending->write.abandoned = 1;
}
