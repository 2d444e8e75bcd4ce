
/*
 * The store has the key; then the assertion is verified and checked, and used
 * once: in this nginx by a table in shared memory, which outlives reloads, and
 * on all nodes by the store, if it is one for many.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "agw_assertion.h"
#include "agw_json.h"
#include "agw_once.h"
#include "ngx_http_agw_assertion_auth.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_log.h"
#include "ngx_http_agw_request_query.h"
#include "ngx_http_agw_str.h"


/* pages for the slab allocator itself */

#define NGX_HTTP_AGW_ASSERTIONS_SLACK  8

/*
 * How long past its exp an assertion is remembered, in seconds: the longest
 * leeway, which a reload may bring, and as much for clocks of other nodes
 * that are behind, or for one that is set back.
 */

#define NGX_HTTP_AGW_ASSERTIONS_KEPT   120

/* keys that cannot be used are logged once in so many seconds */

#define NGX_HTTP_AGW_BAD_KEYS_INTERVAL  60
#define NGX_HTTP_AGW_BAD_KEYS           64  /* those told apart */


typedef struct ngx_http_agw_assertion_query_s
    ngx_http_agw_assertion_query_t;

/* the second question to the store */

typedef struct {
    ngx_http_agw_request_query_t     store;  /* must be first */
    ngx_http_agw_assertion_query_t  *asker;
} ngx_http_agw_once_query_t;


struct ngx_http_agw_assertion_query_s {
    ngx_http_agw_request_query_t     store;  /* must be first */
    ngx_http_agw_api_key_auth_t      auth;   /* that of ctx */
    ngx_http_agw_api_key_auth_pt     handler;
    agw_str_t                        text;
    agw_assertion_t                  assertion;
    ngx_http_agw_once_query_t        once;
};


static void ngx_http_agw_assertion_done(void *data);
static void ngx_http_agw_assertion_decide(ngx_http_agw_request_query_t *rq,
    ngx_int_t rc);
static agw_reason_t ngx_http_agw_assertion_no_memory(ngx_http_request_t *r);
static agw_reason_t ngx_http_agw_assertion_judge(
    ngx_http_agw_assertion_query_t *aq);
static const char *ngx_http_agw_assertion_fault(
    ngx_http_agw_assertion_query_t *aq);
static void ngx_http_agw_assertion_log_key(
    const ngx_http_agw_assertion_query_t *aq);
static agw_reason_t ngx_http_agw_assertion_use(
    ngx_http_agw_assertion_query_t *aq, const u_char *digest);
static void ngx_http_agw_assertion_used(ngx_http_agw_request_query_t *rq,
    ngx_int_t rc);
static ngx_int_t ngx_http_agw_assertion_digest(
    const agw_assertion_t *assertion, u_char *digest);
static ngx_int_t ngx_http_agw_assertions_init(ngx_shm_zone_t *zone,
    void *data);


/* of this worker: when it was logged last */

static time_t  ngx_http_agw_bad_keys[NGX_HTTP_AGW_BAD_KEYS];


agw_reason_t
ngx_http_agw_authenticate_assertion(ngx_http_request_t *r,
    agw_str_t assertion, agw_str_t type, agw_str_t client_id,
    ngx_http_agw_api_key_auth_pt handler)
{
    ngx_pool_cleanup_t              *cln;
    ngx_http_agw_ctx_t              *ctx;
    ngx_http_agw_assertion_query_t  *aq;
    static const agw_str_t           jwt_bearer =
                                         agw_string(AGW_ASSERTION_TYPE);

    ctx = ngx_http_agw_ctx(r);
    cln = ngx_pool_cleanup_add(r->pool,
                               sizeof(ngx_http_agw_assertion_query_t));

    if (ctx == NULL || cln == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    aq = cln->data;
    ngx_memzero(aq, sizeof(ngx_http_agw_assertion_query_t));

    cln->handler = ngx_http_agw_assertion_done;

    aq->handler = handler;
    aq->text = assertion;

    if (!agw_str_eq(type, jwt_bearer)) {
        ctx->fault = "client_assertion_type: not jwt-bearer";
        return AGW_INVALID_CLIENT;
    }

    ctx->fault = agw_assertion_read(&aq->assertion, assertion);

    if (ctx->fault == agw_json_no_memory) {
        return ngx_http_agw_assertion_no_memory(r);
    }

    if (ctx->fault != NULL) {
        return AGW_INVALID_CLIENT;
    }

    if (client_id.len
        && !agw_str_eq(client_id, aq->assertion.partner_id))
    {
        ctx->fault = "client_id: not that of the assertion";
        return AGW_INVALID_CLIENT;
    }

    ctx->api_key_auth = &aq->auth;

    aq->auth.queried_at = ngx_time();

    aq->store.query.nkeys = 1;
    aq->store.query.keys[0].partner_id = aq->assertion.partner_id;
    aq->store.query.now = aq->auth.queried_at;
    aq->store.query.kid = aq->assertion.kid;

    ngx_http_agw_request_query(r, &aq->store, ngx_http_agw_store_find_api_keys,
                               ngx_http_agw_assertion_decide);

    return AGW_OK;
}


static agw_reason_t
ngx_http_agw_assertion_no_memory(ngx_http_request_t *r)
{
    ngx_log_t  *log;

    log = ngx_http_agw_log(r);

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: no memory to read a token");

    return AGW_INTERNAL_ERROR;
}


static void
ngx_http_agw_assertion_done(void *data)
{
    ngx_http_agw_assertion_query_t  *aq = data;

    agw_assertion_done(&aq->assertion);
}


static void
ngx_http_agw_assertion_decide(ngx_http_agw_request_query_t *rq, ngx_int_t rc)
{
    agw_reason_t                     reason;
    ngx_http_agw_assertion_query_t  *aq;

    aq = (ngx_http_agw_assertion_query_t *) rq;

    reason = rc == NGX_OK ? ngx_http_agw_assertion_judge(aq)
                          : AGW_STORE_UNAVAILABLE;

    if (reason != AGW_OK) {
        aq->handler(rq->request, reason);
    }
}


/* AGW_OK if the handler was or will be called */

static agw_reason_t
ngx_http_agw_assertion_judge(ngx_http_agw_assertion_query_t *aq)
{
    u_char                    digest[EVP_MAX_MD_SIZE];
    ngx_http_agw_ctx_t       *ctx;
    ngx_http_request_t       *r;
    const agw_api_key_row_t  *row;

    r = aq->store.request;
    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    row = &aq->store.query.api_keys[0];

    if (row->partner_found) {
        ctx->partner_id =
                     ngx_http_agw_from_core(aq->assertion.partner_id);
    }

    if (row->state != AGW_API_KEY_GOOD) {
        ctx->fault = row->state == AGW_API_KEY_WRONG
                     ? "unknown JWK" : agw_api_key_state_text(row->state);
        return AGW_INVALID_CLIENT;
    }

    ctx->fault = ngx_http_agw_assertion_fault(aq);

    if (ctx->fault == agw_json_no_memory) {
        return ngx_http_agw_assertion_no_memory(r);
    }

    if (ctx->fault == agw_assertion_no_key) {
        ngx_http_agw_assertion_log_key(aq);
    }

    if (ctx->fault != NULL) {
        return AGW_INVALID_CLIENT;
    }

    if (ngx_http_agw_assertion_digest(&aq->assertion, digest) != NGX_OK) {
        return AGW_INTERNAL_ERROR;
    }

    aq->auth.stamp = row->stamp;
    aq->auth.limited = row->limited;
    aq->auth.scopes = row->scopes;

    return ngx_http_agw_assertion_use(aq, digest);
}


static const char *
ngx_http_agw_assertion_fault(ngx_http_agw_assertion_query_t *aq)
{
    const char                      *fault;
    agw_assertion_rules_t            rules;
    const ngx_http_agw_srv_conf_t   *sscf;
    const ngx_http_agw_main_conf_t  *mcf;

    sscf = ngx_http_get_module_srv_conf(aq->store.request,
                                        ngx_http_auth_gateway_module);
    mcf = ngx_http_get_module_main_conf(aq->store.request,
                                        ngx_http_auth_gateway_module);

    fault = agw_assertion_verify(&aq->assertion, aq->text,
                                 aq->store.query.jwk);

    if (fault != NULL) {
        return fault;
    }

    rules.issuer = ngx_http_agw_to_core(sscf->issuer);
    rules.token_url = ngx_http_agw_to_core(sscf->token_url);
    rules.leeway = mcf->leeway;

    return agw_assertion_check(&aq->assertion, &rules, ngx_time());
}


/*
 * An operator must fix this, but no client must be able to fill the log.  The
 * store has both ids: they are no text of the client's.
 */

static void
ngx_http_agw_assertion_log_key(const ngx_http_agw_assertion_query_t *aq)
{
    time_t     now, *last;
    uint32_t   hash;
    ngx_log_t  *log;
    ngx_str_t  kid, partner;

    kid = ngx_http_agw_from_core(aq->assertion.kid);
    partner = ngx_http_agw_from_core(aq->assertion.partner_id);

    hash = ngx_murmur_hash2(kid.data, kid.len)
           ^ ngx_murmur_hash2(partner.data, partner.len);

    now = ngx_time();
    last = &ngx_http_agw_bad_keys[hash % NGX_HTTP_AGW_BAD_KEYS];

    if (*last != 0 && now >= *last
        && now - *last < NGX_HTTP_AGW_BAD_KEYS_INTERVAL)
    {
        return;
    }

    *last = now;

    log = ngx_http_agw_log(aq->store.request);

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: JWK \"%V\" of partner \"%V\" cannot be used: "
                  "it must be a public key for signatures, of an algorithm "
                  "and a size that keys of the gateway may have", &kid,
                  &partner);
}


/* until nobody accepts it any more, whatever its clock */

static agw_reason_t
ngx_http_agw_assertion_use(ngx_http_agw_assertion_query_t *aq,
    const u_char *digest)
{
    u_char                          *p;
    int64_t                          until;
    uint32_t                         owner;
    ngx_log_t                       *log;
    ngx_slab_pool_t                 *pool;
    agw_once_result_t                result;
    ngx_http_agw_ctx_t              *ctx;
    const ngx_http_agw_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(aq->store.request,
                                  ngx_http_auth_gateway_module);
    mcf = ngx_http_get_module_main_conf(aq->store.request,
                                        ngx_http_auth_gateway_module);

    until = aq->assertion.exp + NGX_HTTP_AGW_ASSERTIONS_KEPT;
    owner = ngx_murmur_hash2((u_char *) aq->assertion.partner_id.data,
                             aq->assertion.partner_id.len);
    pool = (ngx_slab_pool_t *) mcf->assertions->shm.addr;

    ngx_shmtx_lock(&pool->mutex);
    result = agw_once_use(pool->data, digest, owner, until, ngx_time());
    ngx_shmtx_unlock(&pool->mutex);

    if (result == AGW_ONCE_AGAIN) {
        ctx->fault = "jti: used before";
        return AGW_INVALID_CLIENT;
    }

    if (result == AGW_ONCE_FULL) {
        log = ngx_http_agw_log(aq->store.request);

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: no room for another assertion: partners "
                      "use more of them than are kept until they expire");
        return AGW_STORE_UNAVAILABLE;
    }

    p = ngx_pnalloc(aq->store.request->pool, 2 * AGW_ONCE_DIGEST);
    if (p == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    aq->once.asker = aq;
    aq->once.store.query.once.data = p;
    aq->once.store.query.once.len =
                       ngx_hex_dump(p, (u_char *) digest, AGW_ONCE_DIGEST) - p;
    aq->once.store.query.once_for = until - ngx_time() + 1;

    ngx_http_agw_request_query(aq->store.request, &aq->once.store,
                               ngx_http_agw_store_use_once,
                               ngx_http_agw_assertion_used);
    return AGW_OK;
}


static void
ngx_http_agw_assertion_used(ngx_http_agw_request_query_t *rq, ngx_int_t rc)
{
    agw_reason_t                     reason;
    ngx_http_agw_ctx_t              *ctx;
    ngx_http_agw_assertion_query_t  *aq;

    aq = ((ngx_http_agw_once_query_t *) rq)->asker;
    ctx = ngx_http_get_module_ctx(rq->request, ngx_http_auth_gateway_module);

    if (rc != NGX_OK) {
        reason = AGW_STORE_UNAVAILABLE;

    } else if (!rq->query.first) {
        ctx->fault = "jti: used before";
        reason = AGW_INVALID_CLIENT;

    } else {
        aq->auth.partner_id = ctx->partner_id;
        reason = AGW_OK;
    }

    aq->handler(rq->request, reason);
}


/* of a partner, and a jti of its own */

static ngx_int_t
ngx_http_agw_assertion_digest(const agw_assertion_t *assertion,
    u_char *digest)
{
    int          ok;
    EVP_MD_CTX  *md;

    md = EVP_MD_CTX_new();

    ok = md != NULL
         && EVP_DigestInit_ex(md, EVP_sha256(), NULL)
         && EVP_DigestUpdate(md, assertion->partner_id.data,
                             assertion->partner_id.len)
         && EVP_DigestUpdate(md, ":", 1)
         && EVP_DigestUpdate(md, assertion->jti.data, assertion->jti.len)
         && EVP_DigestFinal_ex(md, digest, NULL);

    EVP_MD_CTX_free(md);

    if (!ok) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_agw_assertions_create(ngx_conf_t *cf, ngx_http_agw_main_conf_t *mcf)
{
    size_t            size;
    static ngx_str_t  name = ngx_string("auth_gateway_assertions");

    if (mcf->assertions != NULL) {
        return NGX_OK;
    }

    size = ngx_align(sizeof(agw_once_t), ngx_pagesize)
           + NGX_HTTP_AGW_ASSERTIONS_SLACK * ngx_pagesize;

    mcf->assertions = ngx_shared_memory_add(cf, &name, size,
                                            &ngx_http_auth_gateway_module);
    if (mcf->assertions == NULL) {
        return NGX_ERROR;
    }

    mcf->assertions->init = ngx_http_agw_assertions_init;
    mcf->assertions->data = mcf;

    return NGX_OK;
}


/* after a reload, what old workers have used is in it */

static ngx_int_t
ngx_http_agw_assertions_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t  *pool;

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (data != NULL || zone->shm.exists) {
        return NGX_OK;
    }

    pool->data = ngx_slab_calloc(pool, sizeof(agw_once_t));

    if (pool->data == NULL) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "auth_gateway: the memory of assertions could not be "
                      "set up");
        return NGX_ERROR;
    }

    return NGX_OK;
}
