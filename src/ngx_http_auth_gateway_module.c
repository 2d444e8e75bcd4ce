
/*
 * The module: its tables of directives and contexts, phases, and workers.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_access.h"
#include "ngx_http_agw_admin_conf.h"
#include "ngx_http_agw_auth_basic.h"
#include "ngx_http_agw_challenge_filter.h"
#include "ngx_http_agw_client_conf.h"
#include "ngx_http_agw_conf.h"
#include "ngx_http_agw_counted.h"
#include "ngx_http_agw_counters.h"
#include "ngx_http_agw_directives.h"
#include "ngx_http_agw_endpoint.h"
#include "ngx_http_agw_endpoints.h"
#include "ngx_http_agw_key_list.h"
#include "ngx_http_agw_keys.h"
#include "ngx_http_agw_locations.h"
#include "ngx_http_agw_report.h"
#include "ngx_http_agw_revocation_sync.h"
#include "ngx_http_agw_scopes.h"
#include "ngx_http_agw_variables.h"
#include "ngx_http_agw_zone.h"


#define NGX_HTTP_AGW_LEVELS                                                   \
    NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF


static ngx_int_t ngx_http_agw_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_agw_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_agw_init_process(ngx_cycle_t *cycle);
static void ngx_http_agw_exit_process(ngx_cycle_t *cycle);
static ngx_http_agw_main_conf_t *ngx_http_agw_worker_conf(
    ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_agw_commands[] = {

    { ngx_string("auth_gateway_store"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_agw_set_store,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_thread_pool"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_thread_pool,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_key"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_1MORE,
      ngx_http_agw_set_key,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_token_type"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_token_type,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_issuer"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_text,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_agw_srv_conf_t, issuer),
      NULL },

    { ngx_string("auth_gateway_audience"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_text,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_agw_srv_conf_t, audience),
      NULL },

    { ngx_string("auth_gateway_leeway"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_leeway,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_max_lifetime"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_lifetime,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_agw_main_conf_t, max_lifetime),
      NULL },

    { ngx_string("auth_gateway_token_cache"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_token_cache,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_revocations_stale"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_stale,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_admin_log"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_admin_log,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_report"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_agw_main_conf_t, report),
      NULL },

    { ngx_string("auth_gateway_require"),
      NGX_HTTP_AGW_LEVELS|NGX_HTTP_LMT_CONF|NGX_CONF_1MORE,
      ngx_http_agw_set_require,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_scope"),
      NGX_HTTP_AGW_LEVELS|NGX_HTTP_LMT_CONF|NGX_CONF_1MORE,
      ngx_http_agw_set_scope,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_agw_loc_conf_t, scope),
      NULL },

    { ngx_string("auth_gateway_business_path"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_TAKE1,
      ngx_http_agw_set_business_path,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_enforce"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_TAKE1,
      ngx_http_agw_set_enforce,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_require_https"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_TAKE1,
      ngx_http_agw_set_require_https,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_strict_path"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_agw_loc_conf_t, strict_path),
      NULL },

    { ngx_string("auth_gateway_pass_preflight"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_agw_loc_conf_t, pass_preflight),
      NULL },

    { ngx_string("auth_gateway_error_format"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_TAKE1,
      ngx_http_agw_set_error_format,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_intercept_errors"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_agw_loc_conf_t, intercept_errors),
      NULL },

    { ngx_string("auth_gateway_realm"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_TAKE1,
      ngx_http_agw_set_realm,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_token"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_token,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_revoke"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_agw_set_revoke,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_introspect"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_agw_set_introspect,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_jwks"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_agw_set_jwks,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_metadata"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_agw_set_metadata,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_resource_metadata"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_agw_set_resource_metadata,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_agw_set_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_agw_set_metrics,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_admin"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_agw_set_admin,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_partner_lifetime"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_TAKE1,
      ngx_http_agw_set_lifetime,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_agw_loc_conf_t, partner_lifetime),
      NULL },

    { ngx_string("auth_gateway_business_lifetime"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_TAKE1,
      ngx_http_agw_set_lifetime,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_agw_loc_conf_t, business_lifetime),
      NULL },

    { ngx_string("auth_gateway_partner_scope"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_1MORE,
      ngx_http_agw_set_scope,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_agw_loc_conf_t, partner_scope),
      NULL },

    { ngx_string("auth_gateway_business_scope"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_1MORE,
      ngx_http_agw_set_business_scope,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_agw_loc_conf_t, business_scope),
      NULL },

    { ngx_string("auth_gateway_client_auth"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_1MORE,
      ngx_http_agw_set_client_auth,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_bind_tokens"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_TAKE1,
      ngx_http_agw_set_bind_tokens,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_gateway_client_certificate"),
      NGX_HTTP_AGW_LEVELS|NGX_CONF_TAKE1,
      ngx_http_agw_set_client_certificate,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_auth_gateway_module_ctx = {
    ngx_http_agw_add_variables,      /* preconfiguration */
    ngx_http_agw_init,               /* postconfiguration */

    ngx_http_agw_create_main_conf,   /* create main configuration */
    ngx_http_agw_init_main_conf,     /* init main configuration */

    ngx_http_agw_create_srv_conf,    /* create server configuration */
    ngx_http_agw_merge_srv_conf,     /* merge server configuration */

    ngx_http_agw_create_loc_conf,    /* create location configuration */
    ngx_http_agw_merge_loc_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_auth_gateway_module = {
    NGX_MODULE_V1,
    &ngx_http_auth_gateway_module_ctx,      /* module context */
    ngx_http_agw_commands,                  /* module directives */
    NGX_HTTP_MODULE,                        /* module type */
    NULL,                                   /* init master */
    ngx_http_agw_init_module,               /* init module */
    ngx_http_agw_init_process,              /* init process */
    NULL,                                   /* init thread */
    NULL,                                   /* exit thread */
    ngx_http_agw_exit_process,              /* exit process */
    NULL,                                   /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_agw_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_agw_main_conf_t   *mcf;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_agw_access_handler;

    /*
     * A phase runs its handlers from the last that was added to the first,
     * and nginx adds those of its own modules before ours, linked statically
     * or not: this one comes before try_files and mirror.
     */

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_agw_endpoint_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_agw_counted_handler;

    ngx_http_agw_challenge_filter_init();

    if (ngx_http_agw_check_endpoints(cf) != NGX_OK
        || ngx_http_agw_check_admin(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);

    if (mcf->store != NULL
        && ngx_http_agw_store_complete(cf, mcf->store) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_agw_list_keys(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_agw_warn_of_auth_basic(cf);

    if (ngx_http_agw_check_locations(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_agw_report(cf);

    return NGX_OK;
}


/*
 * An error here would end a master that reloads, so if the store cannot be
 * created, the workers try again.  If nginx runs without a master, it has the
 * store open when it reloads.
 */

static ngx_int_t
ngx_http_agw_init_module(ngx_cycle_t *cycle)
{
    ngx_http_agw_main_conf_t  *mcf;

    if (ngx_test_config
        || (ngx_process == NGX_PROCESS_SINGLE
            && !ngx_is_init_cycle(cycle->old_cycle)))
    {
        return NGX_OK;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_auth_gateway_module);

    if (mcf != NULL && mcf->store != NULL) {
        ngx_http_agw_store_make(mcf->store, &mcf->limits, cycle);
    }

    return NGX_OK;
}


/* all revocations are read before the first request is served */

static ngx_int_t
ngx_http_agw_init_process(ngx_cycle_t *cycle)
{
    ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_agw_worker_conf(cycle);

    if (mcf != NULL) {
        ngx_http_agw_counters_open(mcf);
    }

    if (mcf != NULL && mcf->store != NULL) {
        ngx_http_agw_store_open(mcf->store, &mcf->limits,
                                &ngx_http_agw_zone(mcf->revocations)->shared,
                                cycle);
        ngx_http_agw_revocation_sync_open(mcf->revocations, cycle->log);
    }

    return NGX_OK;
}


static void
ngx_http_agw_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_agw_worker_conf(cycle);

    if (mcf == NULL) {
        return;
    }

    if (mcf->store != NULL) {
        ngx_http_agw_revocation_sync_close(mcf->revocations);
        ngx_http_agw_store_close(mcf->store);
    }

    ngx_http_agw_counters_close();
}


/* cache manager and cache loader call this too */

static ngx_http_agw_main_conf_t *
ngx_http_agw_worker_conf(ngx_cycle_t *cycle)
{
    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NULL;
    }

    return ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_auth_gateway_module);
}
