
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_admin_change.h"
#include "ngx_http_agw_admin_event.h"
#include "ngx_http_agw_refusal_log.h"


agw_reason_t
ngx_http_agw_admin_event(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, const agw_record_t *record)
{
    u_char                      *p;
    size_t                       size;
    ngx_str_t                    id;
    ngx_http_agw_admin_t        *op;
    ngx_http_agw_admin_event_t  *event;

    op = &req->adm->op;
    event = &req->adm->event;

    if (ngx_http_agw_admin_keep(op, &op->record) != NGX_OK) {
        return AGW_INTERNAL_ERROR;
    }

    if (req->route->operation == NULL || op->dry_run) {
        return AGW_OK;
    }

    id = ngx_http_agw_request_id(r);
    size = id.len + NGX_HTTP_AGW_ADMIN_OBJECT;

    p = ngx_pnalloc(op->pool, size);
    if (p == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    event->peer = req->peer;
    event->operation = req->route->operation;
    req->adm->counter = req->route->counter;
    event->request_id.data = p;
    event->request_id.len = id.len;
    p = ngx_cpymem(p, id.data, id.len);

    event->object.data = p;

    switch (record->kind) {

    case AGW_RECORD_REVOCATION:
        p = ngx_sprintf(p, "%*s %*s", record->id_kind.len,
                        record->id_kind.data, record->id.len,
                        record->id.data);
        break;

    case AGW_RECORD_NONE:
        p = ngx_sprintf(p, "%ui records", op->nimport);
        break;

    default:
        p = ngx_http_agw_admin_record_path(p, record);
        break;
    }

    event->object.len = p - event->object.data;

    return AGW_OK;
}


u_char *
ngx_http_agw_admin_record_path(u_char *p, const agw_record_t *record)
{
    agw_str_t  business, partner;

    business = record->business_id;
    partner = record->partner_id;

    if (record->kind == AGW_RECORD_BUSINESS) {
        return ngx_sprintf(p, "businesses/%*s", business.len, business.data);
    }

    p = ngx_sprintf(p, "partners/%*s", partner.len, partner.data);

    switch (record->kind) {

    case AGW_RECORD_API_KEY:
        return ngx_sprintf(p, "/keys/%*s", record->key_id.len,
                           record->key_id.data);

    case AGW_RECORD_JWK:
        return ngx_sprintf(p, "/jwks/%*s", record->kid.len, record->kid.data);

    case AGW_RECORD_CERTIFICATE:
        return ngx_sprintf(p, "/certificates/%*s", record->x5t.len,
                           record->x5t.data);

    default:
        return p;
    }
}
