
/*
 * The context of a request is freed with the request.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_ctx.h"


static ngx_uint_t ngx_http_agw_was_doubted(ngx_http_request_t *r);
static ngx_uint_t ngx_http_agw_outlasts(const ngx_http_agw_ctx_t *ctx,
    const ngx_http_agw_ctx_t *later);
static const ngx_http_agw_ctx_t *ngx_http_agw_pass(ngx_http_request_t *r,
    const ngx_http_agw_ctx_t *later);
static void ngx_http_agw_ctx_done(void *data);


ngx_http_agw_ctx_t *
ngx_http_agw_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    if (ctx != NULL) {
        return ctx;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_agw_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_agw_ctx_t));

    ctx->request = r;

    /* an internal redirect begins another pass */

    ctx->doubtful = r->internal && ngx_http_agw_was_doubted(r);

    cln->handler = ngx_http_agw_ctx_done;

    ngx_http_set_ctx(r, ctx, ngx_http_auth_gateway_module);

    return ctx;
}


/* some pass before this one would have been refused */

static ngx_uint_t
ngx_http_agw_was_doubted(ngx_http_request_t *r)
{
    const ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_agw_pass(r, NULL);

    while (ctx != NULL && !ctx->would_refuse) {
        ctx = ngx_http_agw_pass(r, ctx);
    }

    return ctx != NULL;
}


const ngx_http_agw_ctx_t *
ngx_http_agw_last_decision(ngx_http_request_t *r)
{
    const ngx_http_agw_ctx_t  *ctx, *last;

    last = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    if (last != NULL && last->decided && !last->would_refuse
        && !last->doubtful)
    {
        return last;
    }

    last = NULL;

    ctx = ngx_http_agw_pass(r, NULL);

    while (ctx != NULL) {
        if (ctx->decided
            && (last == NULL || ngx_http_agw_outlasts(ctx, last)))
        {
            last = ctx;
        }

        ctx = ngx_http_agw_pass(r, ctx);
    }

    return last;
}


/*
 * Whether an earlier decision is that on the request: if it should have been a
 * refusal, no later pass would have come, except for an error page.
 */

static ngx_uint_t
ngx_http_agw_outlasts(const ngx_http_agw_ctx_t *ctx,
    const ngx_http_agw_ctx_t *later)
{
    if (ctx->would_refuse) {
        return later->would_refuse || later->result == AGW_OK;
    }

    return ctx->result != AGW_OK && later->would_refuse;
}


ngx_int_t
ngx_http_agw_body_was_taken(ngx_http_request_t *r)
{
    const ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_agw_pass(r, NULL);

    while (ctx != NULL && !ctx->body_taken) {
        ctx = ngx_http_agw_pass(r, ctx);
    }

    return ctx != NULL;
}


/* the context of the pass before later's, or of the last pass if it is NULL */

static const ngx_http_agw_ctx_t *
ngx_http_agw_pass(ngx_http_request_t *r, const ngx_http_agw_ctx_t *later)
{
    ngx_pool_cleanup_t        *cln;
    const ngx_http_agw_ctx_t  *ctx;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_agw_ctx_done) {
            continue;
        }

        ctx = cln->data;

        if (later == NULL && ctx->request == r) {
            return ctx;
        }

        if (ctx == later) {
            later = NULL;
        }
    }

    return NULL;
}


static void
ngx_http_agw_ctx_done(void *data)
{
    ngx_http_agw_ctx_t  *ctx = data;

    json_decref(ctx->json);
    agw_verified_release(ctx->token);
}
