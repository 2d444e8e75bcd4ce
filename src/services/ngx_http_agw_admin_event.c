
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

    if (req->route->operation == NULL || req->dry_run) {
        return AGW_OK;
    }

    id = ngx_http_agw_request_id(r);
    size = id.len + sizeof("partners//certificates/") + 4 * AGW_ID_MAX;

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

    case AGW_RECORD_PARTNER:
        p = ngx_sprintf(p, "partners/%*s", record->partner_id.len,
                        record->partner_id.data);
        break;

    case AGW_RECORD_API_KEY:
        p = ngx_sprintf(p, "partners/%*s/keys/%*s", record->partner_id.len,
                        record->partner_id.data, record->key_id.len,
                        record->key_id.data);
        break;

    case AGW_RECORD_JWK:
        p = ngx_sprintf(p, "partners/%*s/jwks/%*s", record->partner_id.len,
                        record->partner_id.data, record->kid.len,
                        record->kid.data);
        break;

    case AGW_RECORD_CERTIFICATE:
        p = ngx_sprintf(p, "partners/%*s/certificates/%*s",
                        record->partner_id.len, record->partner_id.data,
                        record->x5t.len, record->x5t.data);
        break;

    case AGW_RECORD_BUSINESS:
        p = ngx_sprintf(p, "businesses/%*s", record->business_id.len,
                        record->business_id.data);
        break;

    case AGW_RECORD_REVOCATION:
        p = ngx_sprintf(p, "%*s %*s", record->id_kind.len,
                        record->id_kind.data, record->id.len,
                        record->id.data);
        break;

    default:
        p = ngx_sprintf(p, "%ui records", op->nimport);
        break;
    }

    event->object.len = p - event->object.data;

    return AGW_OK;
}
