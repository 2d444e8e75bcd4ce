
/*
 * Every guarded request is checked before it is answered.  The path of any
 * other request is checked, too: it must not reach what is guarded.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_access.h"
#include "ngx_http_agw_access_check.h"
#include "ngx_http_agw_business.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_enforce.h"
#include "ngx_http_agw_headers.h"
#include "ngx_http_agw_log.h"
#include "ngx_http_agw_refusal.h"
#include "ngx_http_agw_refusal_log.h"
#include "ngx_http_agw_request_check.h"
#include "ngx_http_agw_response.h"


#define NGX_HTTP_AGW_LOG_INTERVAL  60        /* seconds */


/* more than most configurations have locations */

#define NGX_HTTP_AGW_LOGGED        1024


/* when this worker last logged a location, by its index modulo the size */

static time_t  ngx_http_agw_logged[NGX_HTTP_AGW_LOGGED];


static ngx_int_t ngx_http_agw_access_unguarded(ngx_http_request_t *r,
    const ngx_http_agw_loc_conf_t *lcf);
static ngx_int_t ngx_http_agw_access_open(ngx_http_request_t *r,
    const ngx_http_agw_loc_conf_t *lcf);
static void ngx_http_agw_log_unguarded(ngx_http_request_t *r,
    const ngx_http_agw_ctx_t *ctx);
static ngx_uint_t ngx_http_agw_logged_lately(
    const ngx_http_agw_loc_conf_t *lcf);
static ngx_uint_t ngx_http_agw_is_preflight(ngx_http_request_t *r);
static ngx_uint_t ngx_http_agw_is_once(ngx_http_request_t *r,
    agw_str_t name);
static ngx_int_t ngx_http_agw_access_preflight(ngx_http_request_t *r);
static agw_reason_t ngx_http_agw_access_owner(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx, agw_str_t business_id);
static void ngx_http_agw_access_owner_found(ngx_http_request_t *r,
    agw_reason_t reason, const agw_business_row_t *row);
static ngx_int_t ngx_http_agw_access_refuse(ngx_http_request_t *r,
    agw_reason_t reason);


ngx_int_t
ngx_http_agw_access_handler(ngx_http_request_t *r)
{
    agw_reason_t                    reason;
    agw_requirement_t               requirement;
    ngx_http_agw_ctx_t             *ctx;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (ngx_http_agw_is_endpoint(r, lcf)) {
        return NGX_DECLINED;
    }

    if (lcf->require == AGW_REQUIRE_OFF) {
        return ngx_http_agw_access_unguarded(r, lcf);
    }

    ctx = ngx_http_agw_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (lcf->pass_preflight && ngx_http_agw_is_preflight(r)) {
        return ngx_http_agw_access_preflight(r);
    }

    reason = ngx_http_agw_check_requirement(r, ctx, &requirement,
                                        ngx_http_agw_access_owner);

    if (ctx->suspended) {
        return NGX_AGAIN;
    }

    if (reason != AGW_OK) {
        return ngx_http_agw_access_refuse(r, reason);
    }

    ngx_http_agw_decide(ctx, AGW_OK);
    ctx->passed = 1;

    ngx_http_agw_forget_challenges(r);

    return NGX_OK;
}


/* a location without a requirement */

static ngx_int_t
ngx_http_agw_access_unguarded(ngx_http_request_t *r,
    const ngx_http_agw_loc_conf_t *lcf)
{
    agw_reason_t  reason;

    reason = ngx_http_agw_check_no_requirement(r);

    return reason == AGW_OK ? ngx_http_agw_access_open(r, lcf)
                            : ngx_http_agw_access_refuse(r, reason);
}


/* what is not refused may have an identity, where that was not known before */

static ngx_int_t
ngx_http_agw_access_open(ngx_http_request_t *r,
    const ngx_http_agw_loc_conf_t *lcf)
{
    ngx_http_agw_ctx_t  *ctx;

    if (lcf->enforce == NGX_HTTP_AGW_ENFORCE_ON) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_agw_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->passed = !ctx->doubtful;

    return NGX_DECLINED;
}


/* an operator must fix this, but no client must be able to fill the log */

static void
ngx_http_agw_log_unguarded(ngx_http_request_t *r,
    const ngx_http_agw_ctx_t *ctx)
{
    ngx_log_t                      *log;
    const char                     *is;
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_core_srv_conf_t       *cscf;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (ngx_http_agw_logged_lately(lcf)) {
        return;
    }

    is = ctx->would_refuse ? "would be" : "is";

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);
    log = ngx_http_agw_log(r);

    if (lcf->place == NGX_HTTP_AGW_NOWHERE) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: the path of a business %s refused: no "
                      "location of server \"%V\" matches it, it must be one "
                      "with an \"auth_gateway_require\" of its own",
                      is, &cscf->server_name);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: the path of a business %s refused in "
                  "location \"%V\" of server \"%V\", which must have an "
                  "\"auth_gateway_require\" of its own to serve it",
                  is, &clcf->name, &cscf->server_name);
}


static ngx_uint_t
ngx_http_agw_logged_lately(const ngx_http_agw_loc_conf_t *lcf)
{
    time_t  now, *last;

    now = ngx_time();
    last = &ngx_http_agw_logged[lcf->index % NGX_HTTP_AGW_LOGGED];

    if (*last != 0 && now >= *last
        && now - *last < NGX_HTTP_AGW_LOG_INTERVAL)
    {
        return 1;
    }

    *last = now;

    return 0;
}


/*
 * A CORS preflight (Fetch, section 3.3.2): OPTIONS with one Origin and one
 * Access-Control-Request-Method, without Authorization and without a body.  A
 * browser sends it before a request, and never with credentials.
 */

static ngx_uint_t
ngx_http_agw_is_preflight(ngx_http_request_t *r)
{
    static const agw_str_t  origin = agw_string("Origin");
    static const agw_str_t  method =
                                agw_string("Access-Control-Request-Method");

    return r->method == NGX_HTTP_OPTIONS
           && r->headers_in.authorization == NULL
           && r->headers_in.content_length_n <= 0
           && !r->headers_in.chunked
           && ngx_http_agw_is_once(r, origin)
           && ngx_http_agw_is_once(r, method);
}


/* an empty one does not count */

static ngx_uint_t
ngx_http_agw_is_once(ngx_http_request_t *r, agw_str_t name)
{
    ngx_uint_t               n;
    const ngx_table_elt_t   *header;
    ngx_http_agw_headers_t   headers;

    n = 0;
    headers = ngx_http_agw_headers(r);

    do {
        header = ngx_http_agw_next_header(&headers, name);

        if (header != NULL && header->value.len) {
            n++;
        }

    } while (header != NULL);

    return n == 1;
}


/* NGX_DECLINED: it needs no token, and does not satisfy `satisfy any` */

static ngx_int_t
ngx_http_agw_access_preflight(ngx_http_request_t *r)
{
    agw_str_t     business_id;
    agw_reason_t  reason;

    reason = ngx_http_agw_check_guarded_request(r, &business_id);

    if (reason != AGW_OK) {
        return ngx_http_agw_access_refuse(r, reason);
    }

    return NGX_DECLINED;
}


/*
 * A partner token gives access to the businesses that the store says are its
 * partner's.  If the store answers later, the access phase then runs again from
 * its beginning: all else is checked again, and the store is not asked again.
 */

static agw_reason_t
ngx_http_agw_access_owner(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx,
    agw_str_t business_id)
{
    agw_reason_t  reason;

    if (!ctx->owner_queried) {
        ctx->owner_queried = 1;

        reason = ngx_http_agw_find_business(r, ctx->claims->partner_id,
                                            business_id, NULL,
                                            ngx_http_agw_access_owner_found);
        if (reason != AGW_OK) {
            return reason;
        }

        if (!ctx->owner_known) {
            ctx->suspended = 1;

            r->read_event_handler = ngx_http_test_reading;
            r->write_event_handler = ngx_http_request_empty_handler;

            return AGW_NOT_OWNER;
        }
    }

    return ctx->owner_known ? ctx->owner_reason : AGW_INTERNAL_ERROR;
}


static void
ngx_http_agw_access_owner_found(ngx_http_request_t *r, agw_reason_t reason,
    const agw_business_row_t *row)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    ctx->owner_reason = reason;
    ctx->owner_known = 1;

    if (!ctx->suspended) {
        return;
    }

    ctx->suspended = 0;

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


/*
 * If credentials are absent, another module may allow the request under
 * `satisfy any`; any other refusal is final, whatever that module would say.
 * A refusal that is not enforced leaves the request as it is.
 */

static ngx_int_t
ngx_http_agw_access_refuse(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_int_t                       rc;
    ngx_http_agw_ctx_t             *ctx;
    ngx_http_core_loc_conf_t       *clcf;
    const ngx_http_agw_loc_conf_t  *lcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    ctx = ngx_http_agw_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_agw_decide(ctx, reason);

    ctx->would_refuse = ngx_http_agw_is_lenient(r, ctx);

    if (reason == AGW_UNGUARDED_PATH) {
        ngx_http_agw_log_unguarded(r, ctx);
    }

    if (ctx->would_refuse) {
        ngx_http_agw_log_refusal(r, ctx, reason);
        ngx_http_agw_watch_others(r, ctx);
        return NGX_DECLINED;
    }

    if (reason == AGW_NO_CREDENTIALS
        && clcf->satisfy == NGX_HTTP_SATISFY_ANY)
    {
        return ngx_http_agw_unauthorized(r, reason);
    }

    rc = ngx_http_agw_refuse(r, reason, NGX_HTTP_AGW_BEARER);

    /* nginx applies its auth_delay, and sends the response */

    if (lcf->intercept_errors && clcf->satisfy == NGX_HTTP_SATISFY_ALL) {
        return rc;
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}
