
/*
 * Configurations are created, merged and checked here.  Nothing changes them
 * afterwards.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif

#include "ngx_http_agw_conf.h"
#include "ngx_http_agw_counters.h"
#include "ngx_http_agw_endpoints.h"
#include "ngx_http_agw_locations.h"
#include "ngx_http_agw_report.h"
#include "ngx_http_agw_scopes.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_zone.h"


#define NGX_HTTP_AGW_MAX_LIFETIME  86400     /* seconds */
#define NGX_HTTP_AGW_LIFETIME      3600      /* seconds */
#define NGX_HTTP_AGW_CACHE_SIZE    4096      /* entries */

/* how long a revocation is kept beyond the longest lifetime of a token */

#define NGX_HTTP_AGW_HORIZON       60        /* seconds */


static ngx_int_t ngx_http_agw_limit_store(ngx_conf_t *cf,
    ngx_http_agw_main_conf_t *mcf);
static ngx_uint_t ngx_http_agw_has_notifications(ngx_conf_t *cf);
static char *ngx_http_agw_create_cache(ngx_conf_t *cf,
    ngx_http_agw_main_conf_t *mcf);
static void ngx_http_agw_free_cache(void *data);
static const void *ngx_http_agw_verified_under(
    const ngx_http_agw_srv_conf_t *prev, const ngx_http_agw_srv_conf_t *conf);
static ngx_int_t ngx_http_agw_prepare_claims(ngx_conf_t *cf,
    ngx_http_agw_srv_conf_t *conf);
static ngx_int_t ngx_http_agw_add_template(ngx_conf_t *cf,
    ngx_http_agw_srv_conf_t *sscf, ngx_http_agw_loc_conf_t *conf);
static char *ngx_http_agw_merge_lifetimes(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *prev, ngx_http_agw_loc_conf_t *conf);
static char *ngx_http_agw_check_guarded(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *conf);


void *
ngx_http_agw_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_agw_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    mcf->leeway = NGX_CONF_UNSET;
    mcf->max_lifetime = NGX_CONF_UNSET;
    mcf->stale = NGX_CONF_UNSET_MSEC;
    mcf->cache_size = NGX_CONF_UNSET;
    mcf->report = NGX_CONF_UNSET;
    mcf->token_type = NGX_CONF_UNSET_UINT;

    return mcf;
}


char *
ngx_http_agw_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_agw_main_conf_t  *mcf = conf;

    static ngx_str_t  request_id = ngx_string("request_id");

    ngx_conf_init_value(mcf->leeway, 0);
    ngx_conf_init_value(mcf->max_lifetime, NGX_HTTP_AGW_MAX_LIFETIME);
    ngx_conf_init_msec_value(mcf->stale, 0);
    ngx_conf_init_value(mcf->cache_size, NGX_HTTP_AGW_CACHE_SIZE);
    ngx_conf_init_value(mcf->report, 0);
    ngx_conf_init_uint_value(mcf->token_type, AGW_TYP_JWT);

    mcf->request_id = ngx_http_get_variable_index(cf, &request_id);

    if (mcf->request_id == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if (mcf->cache_size != 0
        && ngx_http_agw_create_cache(cf, mcf) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_agw_counters_create(cf, mcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (mcf->store == NULL) {
        return NGX_CONF_OK;
    }

    if (ngx_http_agw_limit_store(cf, mcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_agw_zone_create(cf, mcf->zone_size, &mcf->limits,
                                    mcf->store, mcf->stale,
                                    &mcf->revocations);
}


/*
 * The longest lifetime of a token, by any clock, and how far its iat may be
 * ahead of ours.
 */

static ngx_int_t
ngx_http_agw_limit_store(ngx_conf_t *cf, ngx_http_agw_main_conf_t *mcf)
{
    mcf->limits.horizon = mcf->max_lifetime + mcf->leeway
                          + NGX_HTTP_AGW_HORIZON;
    mcf->limits.ahead = ngx_max(mcf->leeway, AGW_IAT_AHEAD);

    if (mcf->limits.thread_pool.len == 0) {
        ngx_str_set(&mcf->limits.thread_pool, "default");
    }

    if (!ngx_http_agw_has_notifications(cf)) {
        ngx_str_null(&mcf->limits.thread_pool);
        return NGX_OK;
    }

#if (NGX_THREADS)

    if (ngx_thread_pool_add(cf, &mcf->limits.thread_pool) == NULL) {
        return NGX_ERROR;
    }

#endif

    return NGX_OK;
}


/*
 * nginx does not start with a thread pool if threads cannot notify its event
 * method.  As long as `events` was not read, it is assumed that they can.
 */

static ngx_uint_t
ngx_http_agw_has_notifications(ngx_conf_t *cf)
{
    ngx_uint_t          i;
    ngx_event_conf_t   *ecf;
    static const char  *methods[] = { "epoll", "kqueue", "eventport" };

    if (ngx_get_conf(cf->cycle->conf_ctx, ngx_events_module) == NULL) {
        return 1;
    }

    ecf = ngx_event_get_conf(cf->cycle->conf_ctx, ngx_event_core_module);

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (ngx_strcmp(ecf->name, methods[i]) == 0) {
            return 1;
        }
    }

    return 0;
}


/*
 * The cache is created empty in the master, and each worker fills its own
 * copy.  It is freed with the configuration, to which its entries refer.
 */

static char *
ngx_http_agw_create_cache(ngx_conf_t *cf, ngx_http_agw_main_conf_t *mcf)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    mcf->cache = agw_token_cache_create(mcf->cache_size);

    if (mcf->cache == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no memory for \"auth_gateway_token_cache %i\"",
                           mcf->cache_size);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_agw_free_cache;
    cln->data = mcf->cache;

    return NGX_CONF_OK;
}


static void
ngx_http_agw_free_cache(void *data)
{
    agw_token_cache_free(data);
}


void *
ngx_http_agw_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_agw_srv_conf_t));
}


/* a server's keys replace those of http: they never merge */

char *
ngx_http_agw_merge_srv_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_agw_srv_conf_t   *prev = parent;
    ngx_http_agw_srv_conf_t   *conf = child;

    ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);

    if (conf->keyring == NULL) {
        conf->keyring = prev->keyring;
    }

    ngx_conf_merge_str_value(conf->issuer, prev->issuer, "");
    ngx_conf_merge_str_value(conf->audience, prev->audience, "");

    conf->rules.issuer = ngx_http_agw_to_core(conf->issuer);
    conf->rules.audience = ngx_http_agw_to_core(conf->audience);
    conf->rules.leeway = mcf->leeway;
    conf->rules.max_lifetime = mcf->max_lifetime;

    conf->verified_under = ngx_http_agw_verified_under(prev, conf);

    if (conf->keyring == NULL) {
        return NGX_CONF_OK;
    }

    agw_keyring_sign_as(conf->keyring, mcf->token_type);

    if (ngx_http_agw_prepare_claims(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (agw_keyring_has_issuer(conf->keyring, conf->rules.issuer)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"issuer=%V\" of an \"auth_gateway_key\" is this "
                           "server's own \"auth_gateway_issuer\", it must be "
                           "another issuer's", &conf->issuer);
        return NGX_CONF_ERROR;
    }

    if (conf->issuer.len == 0) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "without \"auth_gateway_issuer\" the issuer of a "
                           "token is not compared");
    }

    if (conf->audience.len == 0) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "without \"auth_gateway_audience\" the audience "
                           "of a token is not compared");
    }

    return NGX_CONF_OK;
}


/* servers that inherit all of this share cached tokens */

static const void *
ngx_http_agw_verified_under(const ngx_http_agw_srv_conf_t *prev,
    const ngx_http_agw_srv_conf_t *conf)
{
    if (conf->keyring == prev->keyring
        && agw_str_eq(conf->rules.issuer, ngx_http_agw_to_core(prev->issuer))
        && agw_str_eq(conf->rules.audience,
                      ngx_http_agw_to_core(prev->audience)))
    {
        return prev;
    }

    return conf;
}


static ngx_int_t
ngx_http_agw_prepare_claims(ngx_conf_t *cf, ngx_http_agw_srv_conf_t *conf)
{
    size_t  size;

    size = AGW_CLAIMS_HEAD_SIZE(conf->issuer.len + conf->audience.len);

    conf->claims_head.data = ngx_pnalloc(cf->pool, size);

    if (conf->claims_head.data == NULL
        || agw_claims_head(conf->rules.issuer, conf->rules.audience,
                           conf->claims_head.data, size,
                           &conf->claims_head.len)
           != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no memory for \"auth_gateway_issuer\" and "
                           "\"auth_gateway_audience\"");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void *
ngx_http_agw_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_agw_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     lcf->scope, business_path, realm = { 0, NULL };
     *     lcf->partner_scope, business_scope = { 0, NULL };
     *     lcf->template = { { 0, NULL }, { 0, NULL } };
     *     lcf->https_value, enforce_value, client_certificate = NULL;
     *     lcf->certificate_header = { 0, NULL };
     *     lcf->endpoint = NULL;
     *     lcf->token_kind = AGW_KIND_PARTNER;
     *     lcf->metadata_paths = NULL;
     *     lcf->admin = NULL;
     *     lcf->document = { { 0, NULL }, { 0, NULL }, { 0, NULL } };
     */

    lcf->require = NGX_CONF_UNSET_UINT;
    lcf->template_index = NGX_CONF_UNSET_UINT;
    lcf->own_template = &agw_no_template;
    lcf->https = NGX_CONF_UNSET_UINT;
    lcf->enforce = NGX_CONF_UNSET_UINT;
    lcf->strict_path = NGX_CONF_UNSET;
    lcf->pass_preflight = NGX_CONF_UNSET;
    lcf->error_format = NGX_CONF_UNSET_UINT;
    lcf->intercept_errors = NGX_CONF_UNSET;
    lcf->partner_lifetime = NGX_CONF_UNSET;
    lcf->business_lifetime = NGX_CONF_UNSET;
    lcf->client_auth = NGX_CONF_UNSET_UINT;
    lcf->bind_tokens = NGX_CONF_UNSET_UINT;

    if (ngx_http_agw_keep_written(cf, lcf) != NGX_OK) {
        return NULL;
    }

    return lcf;
}


char *
ngx_http_agw_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_agw_loc_conf_t  *prev = parent;
    ngx_http_agw_loc_conf_t  *conf = child;

    ngx_uint_t                explicit_require;
    ngx_http_agw_srv_conf_t  *sscf;

    if (ngx_http_agw_add_location(cf, prev, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    explicit_require = (conf->require != NGX_CONF_UNSET_UINT);

    if (conf->https == NGX_CONF_UNSET_UINT) {
        conf->https_value = prev->https_value;
        conf->https_header = prev->https_header;
    }

    if (conf->enforce == NGX_CONF_UNSET_UINT) {
        conf->enforce_value = prev->enforce_value;
    }

    if (conf->client_certificate == NULL) {
        conf->client_certificate = prev->client_certificate;
        conf->certificate_header = prev->certificate_header;
    }

    if (conf->business_path.data == NULL) {
        conf->template = prev->template;

    } else {
        conf->own_path = 1;
    }

    ngx_conf_merge_uint_value(conf->require, prev->require, AGW_REQUIRE_OFF);
    ngx_conf_merge_str_value(conf->business_path, prev->business_path, "");
    ngx_conf_merge_uint_value(conf->https, prev->https,
                              NGX_HTTP_AGW_HTTPS_ON);
    ngx_conf_merge_uint_value(conf->enforce, prev->enforce,
                              NGX_HTTP_AGW_ENFORCE_ON);
    ngx_conf_merge_value(conf->strict_path, prev->strict_path, 1);
    ngx_conf_merge_value(conf->pass_preflight, prev->pass_preflight, 0);
    ngx_conf_merge_uint_value(conf->error_format, prev->error_format,
                              NGX_HTTP_AGW_FORMAT_OAUTH2);
    ngx_conf_merge_value(conf->intercept_errors, prev->intercept_errors, 0);
    ngx_conf_merge_str_value(conf->realm, prev->realm, "auth gateway");

    ngx_conf_merge_uint_value(conf->client_auth, prev->client_auth,
                              NGX_HTTP_AGW_AUTH_BASIC|NGX_HTTP_AGW_AUTH_POST);
    ngx_conf_merge_uint_value(conf->bind_tokens, prev->bind_tokens,
                              NGX_HTTP_AGW_BIND_AS_BEFORE);

    if (ngx_http_agw_merge_scopes(cf, prev, conf) != NGX_OK
        || ngx_http_agw_merge_lifetimes(cf, prev, conf) != NGX_CONF_OK
        || ngx_http_agw_merge_endpoint(cf, prev, conf, explicit_require)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->endpoint != NULL) {
        return ngx_http_agw_prepare_endpoint(cf, conf);
    }

    if (conf->require == AGW_REQUIRE_OFF) {
        return NGX_CONF_OK;
    }

    sscf = ngx_http_conf_get_module_srv_conf(cf,
                                             ngx_http_auth_gateway_module);
    sscf->guarded = 1;

    if (conf->template.prefix.len
        && ngx_http_agw_add_template(cf, sscf, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_agw_check_guarded(cf, conf);
}


static ngx_int_t
ngx_http_agw_add_template(ngx_conf_t *cf, ngx_http_agw_srv_conf_t *sscf,
    ngx_http_agw_loc_conf_t *conf)
{
    ngx_uint_t       i;
    agw_template_t  *t;

    if (sscf->templates == NULL) {
        sscf->templates = ngx_array_create(cf->pool, 4,
                                           sizeof(agw_template_t));
        if (sscf->templates == NULL) {
            return NGX_ERROR;
        }
    }

    t = sscf->templates->elts;

    for (i = 0; i < sscf->templates->nelts; i++) {
        if (agw_str_eq(t[i].prefix, conf->template.prefix)
            && agw_str_eq(t[i].suffix, conf->template.suffix))
        {
            conf->template_index = i;
            return NGX_OK;
        }
    }

    t = ngx_array_push(sscf->templates);
    if (t == NULL) {
        return NGX_ERROR;
    }

    *t = conf->template;

    conf->template_index = i;

    return NGX_OK;
}


static char *
ngx_http_agw_merge_lifetimes(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *prev, ngx_http_agw_loc_conf_t *conf)
{
    time_t                           lifetime;
    const char                      *name;
    const ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);

    lifetime = ngx_min(NGX_HTTP_AGW_LIFETIME, mcf->max_lifetime);

    ngx_conf_merge_sec_value(conf->partner_lifetime, prev->partner_lifetime,
                             lifetime);
    ngx_conf_merge_sec_value(conf->business_lifetime,
                             prev->business_lifetime, lifetime);

    name = NULL;

    if (conf->partner_lifetime > mcf->max_lifetime) {
        name = "auth_gateway_partner_lifetime";
        lifetime = conf->partner_lifetime;

    } else if (conf->business_lifetime > mcf->max_lifetime) {
        name = "auth_gateway_business_lifetime";
        lifetime = conf->business_lifetime;
    }

    if (name != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" of \"%Ts\" is over "
                           "\"auth_gateway_max_lifetime\", it must be at most "
                           "\"%Ts\"", name, lifetime,
                           mcf->max_lifetime);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * The configuration that applies if no location matches has no name.  It may
 * lack what only a location can have, and then refuses every request, which is
 * safe.
 */

static char *
ngx_http_agw_check_guarded(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *conf)
{
    ngx_http_agw_srv_conf_t   *sscf;
    ngx_http_agw_main_conf_t  *mcf;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    sscf = ngx_http_conf_get_module_srv_conf(cf,
                                             ngx_http_auth_gateway_module);
    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);

    if (!conf->strict_path) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_gateway_strict_path off\" applies to the "
                           "guarded location \"%V\", it must be \"on\" there",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (clcf->name.len == 0) {
        return NGX_CONF_OK;
    }

    if (sscf->keyring == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_gateway_require\" in location \"%V\" "
                           "needs an \"auth_gateway_key\"", &clcf->name);
        return NGX_CONF_ERROR;
    }

    if ((conf->require & AGW_REQUIRE_OWNER) && mcf->store == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_gateway_require owner\" in location "
                           "\"%V\" needs an \"auth_gateway_store\"",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (conf->require != AGW_REQUIRE_PARTNER
        && conf->template.prefix.len == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_gateway_require\" with \"business\" or "
                           "\"owner\" in location \"%V\" needs an "
                           "\"auth_gateway_business_path\"", &clcf->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
