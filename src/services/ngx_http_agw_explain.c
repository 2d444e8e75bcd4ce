
/*
 * Nothing is decided here.  The check that a reason belongs to is the one that
 * refused, those before it passed, and those after it were not made.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_base64.h"
#include "agw_json.h"
#include "ngx_http_agw_access_check.h"
#include "ngx_http_agw_business.h"
#include "ngx_http_agw_compared.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_explain.h"
#include "ngx_http_agw_notes.h"
#include "ngx_http_agw_refusing_check.h"
#include "ngx_http_agw_request_check.h"
#include "ngx_http_agw_verify.h"


#define NGX_HTTP_AGW_COMPARED_SIZE  2048     /* bytes */


struct ngx_http_agw_explanation_s {
    ngx_http_request_t        *asker;
    ngx_http_agw_explained_pt  handler;
    ngx_http_agw_facts_t       facts;
};


static ngx_int_t ngx_http_agw_explain_prepare(
    ngx_http_agw_explanation_t *e);
static void ngx_http_agw_explain_run(ngx_http_agw_explanation_t *e);
static ngx_uint_t ngx_http_agw_explain_is_beside(
    const ngx_http_agw_facts_t *facts);
static agw_reason_t ngx_http_agw_explain_owner(ngx_http_request_t *pr,
    ngx_http_agw_ctx_t *ctx, agw_str_t business_id);
static void ngx_http_agw_explain_owner_found(ngx_http_request_t *r,
    agw_reason_t reason, const agw_business_row_t *row);
static json_t *ngx_http_agw_explain_result(
    const ngx_http_agw_explanation_t *e);
static json_t *ngx_http_agw_explain_location(
    const ngx_http_agw_explanation_t *e);
static json_t *ngx_http_agw_explain_enforce(
    const ngx_http_agw_explanation_t *e);
static json_t *ngx_http_agw_explain_checks(
    const ngx_http_agw_explanation_t *e);
static ngx_uint_t ngx_http_agw_explain_makes(
    const ngx_http_agw_facts_t *facts, ngx_uint_t check);
static json_t *ngx_http_agw_explain_check(
    const ngx_http_agw_explanation_t *e, ngx_uint_t check,
    const char *result);
static ngx_int_t ngx_http_agw_explain_header(ngx_http_request_t *r,
    agw_str_t token, json_t **json);
static json_t *ngx_http_agw_explain_text(u_char *begin, u_char *end);
static void ngx_http_agw_explain_done(void *data);


agw_reason_t
ngx_http_agw_explain(ngx_http_request_t *r, const ngx_http_agw_asked_t *asked,
    const char **member, ngx_http_agw_explained_pt handler)
{
    ngx_int_t                    rc;
    ngx_pool_cleanup_t          *cln;
    ngx_http_agw_ctx_t          *ctx;
    ngx_http_agw_explanation_t  *e;

    ctx = ngx_http_agw_ctx(r);
    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_agw_explanation_t));

    if (ctx == NULL || cln == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    e = cln->data;
    ngx_memzero(e, sizeof(ngx_http_agw_explanation_t));

    cln->handler = ngx_http_agw_explain_done;
    ctx->explanation = e;

    e->asker = r;
    e->handler = handler;
    e->facts.asked = *asked;

    rc = ngx_http_agw_probe(r, asked, &e->facts.probe, member);

    if (rc == NGX_DECLINED) {
        return AGW_INVALID_REQUEST;
    }

    if (rc != NGX_OK || ngx_http_agw_explain_prepare(e) != NGX_OK) {
        return AGW_INTERNAL_ERROR;
    }

    ngx_http_agw_explain_run(e);

    return AGW_OK;
}


static ngx_int_t
ngx_http_agw_explain_prepare(ngx_http_agw_explanation_t *e)
{
    e->facts.ctx = ngx_http_agw_ctx(e->facts.probe.request);

    if (e->facts.ctx == NULL) {
        return NGX_ERROR;
    }

    e->facts.ctx->explanation = e;
    e->facts.ctx->asked_certificate = &e->facts.asked.certificate;

    return ngx_http_agw_explain_header(e->asker, e->facts.asked.token,
                                       &e->facts.header);
}


/* once, or twice if the store answered later */

static void
ngx_http_agw_explain_run(ngx_http_agw_explanation_t *e)
{
    ngx_http_request_t             *pr;
    ngx_http_agw_facts_t           *facts;
    const ngx_http_agw_loc_conf_t  *lcf;

    facts = &e->facts;
    pr = facts->probe.request;
    lcf = ngx_http_get_module_loc_conf(pr, ngx_http_auth_gateway_module);

    if (ngx_http_agw_is_endpoint(pr, lcf)) {
        facts->reason = AGW_OK;

    } else if (lcf->require == AGW_REQUIRE_OFF) {
        facts->reason = ngx_http_agw_check_no_requirement(pr);

    } else {
        facts->reason = ngx_http_agw_check_requirement(pr, facts->ctx,
                                                 &facts->requirement,
                                                 ngx_http_agw_explain_owner);
        if (facts->ctx->suspended) {
            return;
        }
    }

    facts->beside = ngx_http_agw_explain_is_beside(facts);

    if (facts->ctx->token != NULL) {
        facts->claims = ngx_http_agw_claims_json(pr, facts->ctx);

        if (facts->claims == NULL) {
            e->handler(e->asker, NULL);
            return;
        }
    }

    e->handler(e->asker, ngx_http_agw_explain_result(e));
}


/*
 * Whether the path and the token alone would be allowed, and the refusal is of
 * the Destination, or of a DELETE of what lies below the path.
 */

static ngx_uint_t
ngx_http_agw_explain_is_beside(const ngx_http_agw_facts_t *facts)
{
    agw_str_t                       business_id;
    ngx_http_request_t             *pr;
    const ngx_http_agw_loc_conf_t  *lcf;

    pr = facts->probe.request;
    lcf = ngx_http_get_module_loc_conf(pr, ngx_http_auth_gateway_module);

    switch (facts->reason) {

    case AGW_AMBIGUOUS_PATH:
    case AGW_UNGUARDED_PATH:
        return (lcf->require == AGW_REQUIRE_OFF
                ? ngx_http_agw_check_unguarded_request(pr)
                : ngx_http_agw_check_guarded_request(pr, &business_id))
               == AGW_OK;

    case AGW_WRONG_BUSINESS:
    case AGW_WRONG_KIND:
        return lcf->require == AGW_REQUIRE_OFF
               || (facts->ctx->claims != NULL
                   && agw_policy_access(facts->ctx->claims,
                                        &facts->requirement)
                      == AGW_OK);

    default:
        return 0;
    }
}


/* the store is asked for the request that wants to know */

static agw_reason_t
ngx_http_agw_explain_owner(ngx_http_request_t *pr, ngx_http_agw_ctx_t *ctx,
    agw_str_t business_id)
{
    agw_reason_t         reason;
    ngx_http_request_t  *r;

    if (ctx->owner_known) {
        return ctx->owner_reason;
    }

    ctx->owner_queried = 1;

    r = ctx->explanation->asker;

    reason = ngx_http_agw_find_business(r, ctx->claims->partner_id,
                                        business_id, NULL,
                                        ngx_http_agw_explain_owner_found);
    if (reason != AGW_OK) {
        return reason;
    }

    if (ctx->owner_known) {
        return ctx->owner_reason;
    }

    ctx->suspended = 1;

    return AGW_NOT_OWNER;
}


static void
ngx_http_agw_explain_owner_found(ngx_http_request_t *r, agw_reason_t reason,
    const agw_business_row_t *row)
{
    ngx_http_agw_ctx_t          *ctx;
    ngx_http_agw_explanation_t  *e;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    e = ctx->explanation;
    ctx = e->facts.ctx;

    ctx->owner_reason = reason;
    ctx->owner_known = 1;

    if (ctx->suspended) {
        ctx->suspended = 0;

        ngx_http_agw_explain_run(e);
    }
}


static json_t *
ngx_http_agw_explain_result(const ngx_http_agw_explanation_t *e)
{
    json_t                          *server;
    const ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_get_module_srv_conf(e->facts.probe.request,
                                        ngx_http_core_module);

    server = ngx_http_agw_explain_text(cscf->server_name.data,
                                       cscf->server_name.data
                                       + cscf->server_name.len);

    return json_pack("{s:b, s:s, s:o, s:o, s:o, s:o, s:o}",
                     "allowed", e->facts.reason == AGW_OK,
                     "reason", agw_reason_info(e->facts.reason)->name,
                     "server", server,
                     "location", ngx_http_agw_explain_location(e),
                     "enforce", ngx_http_agw_explain_enforce(e),
                     "notes", ngx_http_agw_notes(&e->facts),
                     "checks", ngx_http_agw_explain_checks(e));
}


/* nearly as it is written: whether a regular expression is "~*" is not kept */

static json_t *
ngx_http_agw_explain_location(const ngx_http_agw_explanation_t *e)
{
    u_char                          *p, buf[NGX_HTTP_AGW_COMPARED_SIZE];
    const char                      *modifier;
    const ngx_http_core_loc_conf_t  *clcf;

    if (!e->facts.probe.found) {
        return json_null();
    }

    clcf = ngx_http_get_module_loc_conf(e->facts.probe.request,
                                        ngx_http_core_module);

    modifier = clcf->exact_match ? "= " : clcf->noregex ? "^~ " : "";

#if (NGX_PCRE)
    if (clcf->regex != NULL) {
        modifier = "~ ";
    }
#endif

    p = ngx_slprintf(buf, buf + NGX_HTTP_AGW_COMPARED_SIZE, "%s%V%s",
                     modifier, &clcf->name,
                     clcf->lmt_excpt ? ", limit_except" : "");

    return ngx_http_agw_explain_text(buf, p);
}


static json_t *
ngx_http_agw_explain_enforce(const ngx_http_agw_explanation_t *e)
{
    const ngx_str_t                *value;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(e->facts.probe.request,
                                       ngx_http_auth_gateway_module);

    if (lcf->enforce != NGX_HTTP_AGW_ENFORCE_VARIABLE) {
        return json_string(lcf->enforce == NGX_HTTP_AGW_ENFORCE_ON ? "on"
                                                                   : "log");
    }

    value = &lcf->enforce_value->value;

    return ngx_http_agw_explain_text(value->data, value->data + value->len);
}


static json_t *
ngx_http_agw_explain_checks(const ngx_http_agw_explanation_t *e)
{
    int                    rc;
    json_t                *checks;
    ngx_uint_t             check, made;
    const char            *result;
    ngx_http_agw_check_t   refusing;

    checks = json_array();
    rc = checks ? 0 : -1;

    refusing = ngx_http_agw_refusing_check(&e->facts);

    /* it failed in none of them: nothing is known of those before */

    made = e->facts.reason == AGW_OK || refusing != NGX_HTTP_AGW_CHECKS;

    for (check = 0; check < NGX_HTTP_AGW_CHECKS; check++) {

        if (check == refusing) {
            result = "refused";

        } else if (made && check < refusing
                   && ngx_http_agw_explain_makes(&e->facts, check))
        {
            result = "ok";

        } else {
            result = NULL;
        }

        rc |= json_array_append_new(checks,
                          ngx_http_agw_explain_check(e, check, result));
    }

    if (rc != 0) {
        json_decref(checks);
        return NULL;
    }

    return checks;
}


/* whether the location makes that check */

static ngx_uint_t
ngx_http_agw_explain_makes(const ngx_http_agw_facts_t *facts,
    ngx_uint_t check)
{
    const ngx_http_request_t       *pr;
    const ngx_http_agw_loc_conf_t  *lcf;
    const ngx_http_agw_srv_conf_t  *sscf;

    pr = facts->probe.request;
    lcf = ngx_http_get_module_loc_conf(pr, ngx_http_auth_gateway_module);
    sscf = ngx_http_get_module_srv_conf(pr, ngx_http_auth_gateway_module);

    if (ngx_http_agw_is_endpoint(pr, lcf)) {
        return 0;
    }

    if (lcf->require != AGW_REQUIRE_OFF) {
        return check != NGX_HTTP_AGW_CHECK_TRANSPORT
               || lcf->https != NGX_HTTP_AGW_HTTPS_OFF;
    }

    return check == NGX_HTTP_AGW_CHECK_PATH && sscf->guarded
           && (lcf->strict_path || !lcf->opened);
}


/* without a result it was skipped, and has compared nothing */

static json_t *
ngx_http_agw_explain_check(const ngx_http_agw_explanation_t *e,
    ngx_uint_t check, const char *result)
{
    u_char  *p;
    u_char   buf[NGX_HTTP_AGW_COMPARED_SIZE];

    if (result == NULL) {
        return json_pack("{s:s, s:s, s:n}", "check",
                         ngx_http_agw_check_name(check), "result", "skipped",
                         "compared");
    }

    p = ngx_http_agw_compared(&e->facts, check, buf,
                              buf + NGX_HTTP_AGW_COMPARED_SIZE);

    return json_pack("{s:s, s:s, s:o}", "check",
                     ngx_http_agw_check_name(check), "result", result,
                     "compared", ngx_http_agw_explain_text(buf, p));
}


/* printable ASCII, whatever the path has */

static json_t *
ngx_http_agw_explain_text(u_char *begin, u_char *end)
{
    u_char  *p, buf[NGX_HTTP_AGW_COMPARED_SIZE];

    for (p = buf; begin < end && p < buf + sizeof(buf); begin++) {
        *p++ = *begin < 0x20 || *begin > 0x7e ? '?' : *begin;
    }

    return json_stringn((char *) buf, p - buf);
}


/*
 * The header as the token has it, to show what was compared: NULL if it is
 * none.  What is decided does not depend on it.  NGX_ERROR if memory ran out.
 */

static ngx_int_t
ngx_http_agw_explain_header(ngx_http_request_t *r, agw_str_t token,
    json_t **json)
{
    u_char        *buf;
    size_t         n;
    agw_str_t      header;
    const char    *fault;
    const u_char  *dot;

    *json = NULL;

    dot = token.len ? memchr(token.data, '.', token.len) : NULL;

    if (dot == NULL || token.len > AGW_TOKEN_MAX) {
        return NGX_OK;
    }

    header.data = token.data;
    header.len = dot - token.data;

    buf = ngx_pnalloc(r->pool, AGW_BASE64_DECODED(header.len) + 1);

    if (buf == NULL) {
        return NGX_ERROR;
    }

    if (agw_base64url_decode(header, buf, &n) != 0) {
        return NGX_OK;
    }

    header.data = buf;
    header.len = n;

    *json = agw_json_object(header, &fault);

    return *json == NULL && fault == agw_json_no_memory ? NGX_ERROR : NGX_OK;
}


static void
ngx_http_agw_explain_done(void *data)
{
    ngx_http_agw_explanation_t  *e = data;

    json_decref(e->facts.header);
}
