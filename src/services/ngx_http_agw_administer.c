
/*
 * An operation outlives its request: what was begun is finished, the zone
 * learns what was revoked, and the log says it, though nobody waits any more.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_administer.h"
#include "ngx_http_agw_counters.h"
#include "ngx_http_agw_log.h"
#include "ngx_http_agw_revocations.h"
#include "ngx_http_agw_zone.h"


static void ngx_http_agw_administration_forget(void *data);
static void ngx_http_agw_administer_expect(ngx_http_agw_administration_t *adm);
static agw_reason_t ngx_http_agw_administer_reserve(
    ngx_http_agw_administration_t *adm);
static void ngx_http_agw_administer_give_back(
    ngx_http_agw_administration_t *adm);
static void ngx_http_agw_administer_release(
    ngx_http_agw_administration_t *adm);
static void ngx_http_agw_administer_done(ngx_http_agw_admin_t *op,
    ngx_int_t rc);
static void ngx_http_agw_administer_learn(ngx_http_agw_administration_t *adm);
static ngx_int_t ngx_http_agw_administer_begun(
    ngx_http_agw_administration_t *adm);
static agw_reason_t ngx_http_agw_administer_log(
    ngx_http_agw_administration_t *adm, ngx_int_t rc);


ngx_http_agw_administration_t *
ngx_http_agw_administration(ngx_http_request_t *r)
{
    ngx_pool_t                     *pool;
    ngx_pool_cleanup_t             *cln;
    ngx_http_agw_administration_t  *adm;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    adm = ngx_pcalloc(pool, sizeof(ngx_http_agw_administration_t));
    if (adm == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    cln->handler = ngx_http_agw_administration_forget;
    cln->data = adm;

    adm->op.pool = pool;
    adm->op.handler = ngx_http_agw_administer_done;
    adm->op.now = ngx_time();
    adm->request = r;
    adm->conf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    return adm;
}


static void
ngx_http_agw_administration_forget(void *data)
{
    ngx_http_agw_administration_t  *adm = data;

    if (adm->running) {
        adm->request = NULL;
        adm->op.write.abandoned = 1;
        return;
    }

    ngx_destroy_pool(adm->op.pool);
}


agw_reason_t
ngx_http_agw_administer(ngx_http_agw_administration_t *adm)
{
    ngx_int_t             rc;
    ngx_uint_t            inside;
    agw_reason_t          reason;
    ngx_http_agw_zone_t  *zone;

    ngx_http_agw_administer_expect(adm);

    reason = ngx_http_agw_administer_reserve(adm);
    if (reason != AGW_OK) {
        return reason;
    }

    if (ngx_http_agw_administer_begun(adm) != NGX_OK) {
        ngx_http_agw_administer_give_back(adm);
        return AGW_STORE_UNAVAILABLE;
    }

    zone = ngx_http_agw_zone(adm->conf->revocations);

    adm->op.write.known_stamp = agw_revoked_set_stamp(zone->set);

    ngx_http_agw_store_know(adm->conf->store, adm->op.write.known_stamp);

    inside = 1;

    /* cppcheck-suppress autoVariables */
    adm->inside = &inside;
    adm->running = 1;
    adm->from = ngx_http_agw_count_from();

    ngx_http_agw_count_waiting(1);

    rc = ngx_http_agw_store_administer(adm->conf->store, &adm->op);

    if (rc == NGX_DECLINED) {
        adm->running = 0;

        ngx_http_agw_count_waiting(-1);
        ngx_http_agw_administer_give_back(adm);

        return AGW_INTERNAL_ERROR;
    }

    if (inside) {
        adm->inside = NULL;
    }

    return AGW_OK;
}


/*
 * What it may revoke.  Of a business that is moved or archived, the entry will
 * be that of the owner it has now, who is not known yet; another entry's room
 * serves as well.  An import reserves nothing: as when the rows of others are
 * read, the node accepts no token while something does not fit.
 */

static void
ngx_http_agw_administer_expect(ngx_http_agw_administration_t *adm)
{
    const agw_record_t    *record;
    ngx_http_agw_admin_t  *op;

    op = &adm->op;
    record = &op->record;

    switch (op->what) {

    case NGX_HTTP_AGW_ADMIN_REVOKE:
        adm->room = op->write.revocation;

        if (adm->room.partner_id.len == 0) {
            adm->room.partner_id = adm->room.business_id;
        }

        return;

    case NGX_HTTP_AGW_ADMIN_PUT:
    case NGX_HTTP_AGW_ADMIN_PATCH:

        if (record->kind == AGW_RECORD_BUSINESS && !op->new) {
            adm->room.kind = AGW_REVOCATION_OWNER;
            adm->room.partner_id = record->has & AGW_MEMBER_PARTNER_ID
                                   ? record->partner_id
                                   : record->business_id;
            adm->room.business_id = record->business_id;
            return;
        }

        if (record->kind != AGW_RECORD_PARTNER || record->active || op->new
            || !(record->has & AGW_MEMBER_STATUS))
        {
            return;
        }

        /* fall through */

    case NGX_HTTP_AGW_ADMIN_END:
        adm->room.kind = AGW_REVOCATION_PARTNER;
        adm->room.partner_id = record->partner_id;
        return;

    default:
        return;
    }
}


static agw_reason_t
ngx_http_agw_administer_reserve(ngx_http_agw_administration_t *adm)
{
    if (adm->room.kind == 0) {
        return AGW_OK;
    }

    if (ngx_http_agw_reserve_room(adm->conf->revocations, &adm->room,
                                  ngx_http_agw_log(adm->request))
        != NGX_OK)
    {
        adm->room.kind = 0;
        return AGW_STORE_UNAVAILABLE;
    }

    return AGW_OK;
}


static void
ngx_http_agw_administer_give_back(ngx_http_agw_administration_t *adm)
{
    ngx_http_agw_zone_lock(adm->conf->revocations);
    ngx_http_agw_administer_release(adm);
    ngx_http_agw_zone_unlock(adm->conf->revocations);
}


/* while the zone is locked */

static void
ngx_http_agw_administer_release(ngx_http_agw_administration_t *adm)
{
    ngx_http_agw_zone_t  *zone;

    if (adm->room.kind != 0) {
        zone = ngx_http_agw_zone(adm->conf->revocations);
        agw_revoked_set_release(zone->set, &adm->room, ngx_process_slot);
    }
}


static void
ngx_http_agw_administer_done(ngx_http_agw_admin_t *op, ngx_int_t rc)
{
    ngx_uint_t                      late;
    agw_reason_t                    reason;
    ngx_connection_t               *c;
    ngx_http_request_t             *r;
    ngx_http_agw_administration_t  *adm;

    adm = (ngx_http_agw_administration_t *) op;

    adm->running = 0;

    ngx_http_agw_count_waiting(-1);
    ngx_http_agw_count_store(NGX_HTTP_AGW_STORE_ADMIN, adm->from, rc);

    if (rc != NGX_OK) {
        op->revocations.nelts = 0;
    }

    ngx_http_agw_administer_learn(adm);

    reason = ngx_http_agw_administer_log(adm, rc);

    r = adm->request;
    late = (adm->inside == NULL);

    if (!late) {
        *adm->inside = 0;
    }

    if (r == NULL) {
        ngx_destroy_pool(op->pool);
        return;
    }

    c = r->connection;

    adm->handler(r, adm, reason);

    if (late) {
        ngx_http_run_posted_requests(c);
    }
}


/* gives the room back, and fills it, under the same lock */

static void
ngx_http_agw_administer_learn(ngx_http_agw_administration_t *adm)
{
    ngx_uint_t             i;
    agw_revocation_t      *revocation;
    ngx_http_agw_zone_t   *zone;
    agw_revoked_result_t   result;

    if (adm->room.kind == 0 && adm->op.revocations.nelts == 0) {
        return;
    }

    zone = ngx_http_agw_zone(adm->conf->revocations);
    revocation = adm->op.revocations.elts;
    result = AGW_REVOKED_SET_OK;

    ngx_http_agw_zone_lock(adm->conf->revocations);

    ngx_http_agw_administer_release(adm);

    for (i = 0; i < adm->op.revocations.nelts; i++) {
        ngx_http_agw_count(NGX_HTTP_AGW_COUNT_REVOKED + revocation[i].kind);

        if (agw_revoked_set_add(zone->set, &revocation[i])
            != AGW_REVOKED_SET_OK)
        {
            result = AGW_REVOKED_SET_FULL;
        }
    }

    ngx_http_agw_zone_unlock(adm->conf->revocations);

    if (result != AGW_REVOKED_SET_OK) {
        ngx_http_agw_no_room(adm->conf->revocations);
    }
}


/* what cannot be logged is not done */

static ngx_int_t
ngx_http_agw_administer_begun(ngx_http_agw_administration_t *adm)
{
    if (adm->event.operation == NULL) {
        return NGX_OK;
    }

    adm->event.result = "begun";

    return ngx_http_agw_admin_log(adm->conf, &adm->event);
}


static agw_reason_t
ngx_http_agw_administer_log(ngx_http_agw_administration_t *adm, ngx_int_t rc)
{
    static const char  *results[] = {
        [NGX_HTTP_AGW_ADMIN_DONE] = "done",
        [NGX_HTTP_AGW_ADMIN_CREATED] = "created",
        [NGX_HTTP_AGW_ADMIN_NOT_FOUND] = "not found",
        [NGX_HTTP_AGW_ADMIN_CHANGED] = "precondition failed",
        [NGX_HTTP_AGW_ADMIN_NO_PARTNER] = "no such partner",
        [NGX_HTTP_AGW_ADMIN_TAKEN] = "refused",
        [NGX_HTTP_AGW_ADMIN_TOO_LARGE] = "refused",
        [NGX_HTTP_AGW_ADMIN_INVALID] = "refused"
    };

    if (adm->event.operation == NULL) {
        return rc == NGX_OK ? AGW_OK : AGW_STORE_UNAVAILABLE;
    }

    adm->event.result = rc == NGX_OK ? results[adm->op.result] : "failed";

    if (rc == NGX_OK && adm->op.result <= NGX_HTTP_AGW_ADMIN_CREATED) {
        ngx_http_agw_count(NGX_HTTP_AGW_COUNT_ADMIN_WRITES + adm->counter
                           + (adm->op.what == NGX_HTTP_AGW_ADMIN_PUT
                              && adm->op.result == NGX_HTTP_AGW_ADMIN_DONE));
    }

    if (ngx_http_agw_admin_log(adm->conf, &adm->event) != NGX_OK) {
        return AGW_INTERNAL_ERROR;
    }

    return rc == NGX_OK ? AGW_OK : AGW_STORE_UNAVAILABLE;
}
