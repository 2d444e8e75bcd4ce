
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_report.h"


/* the maximum length of a log line */

#define NGX_HTTP_AGW_REPORT_SIZE  NGX_MAX_ERROR_STR


static u_char *ngx_http_agw_report_place(u_char *p, u_char *last,
    ngx_conf_t *cf, const ngx_http_agw_main_conf_t *mcf,
    const ngx_http_agw_location_t *location);
static ngx_str_t ngx_http_agw_report_server(ngx_conf_t *cf,
    const ngx_http_core_srv_conf_t *cscf);
static const ngx_http_agw_location_t *ngx_http_agw_report_outer(
    const ngx_http_agw_main_conf_t *mcf,
    const ngx_http_agw_location_t *location);
static u_char *ngx_http_agw_report_requirement(u_char *p, u_char *last,
    const ngx_http_agw_main_conf_t *mcf, const ngx_http_agw_loc_conf_t *conf);
static u_char *ngx_http_agw_report_endpoint(u_char *p, u_char *last,
    const ngx_http_agw_main_conf_t *mcf, const ngx_http_agw_loc_conf_t *conf);
static u_char *ngx_http_agw_report_issued(u_char *p, u_char *last,
    const ngx_http_agw_main_conf_t *mcf, const ngx_http_agw_loc_conf_t *conf);
static u_char *ngx_http_agw_report_guarded(u_char *p, u_char *last,
    const ngx_http_agw_loc_conf_t *conf);
static u_char *ngx_http_agw_report_enforce(u_char *p, u_char *last,
    const ngx_http_agw_loc_conf_t *conf);
static u_char *ngx_http_agw_report_https(u_char *p, u_char *last,
    const ngx_http_agw_loc_conf_t *conf);
static u_char *ngx_http_agw_report_client_auth(u_char *p, u_char *last,
    const ngx_http_agw_loc_conf_t *conf);
static u_char *ngx_http_agw_report_certificates(u_char *p, u_char *last,
    const ngx_http_agw_loc_conf_t *conf);
static void ngx_http_agw_report_line(ngx_conf_t *cf, ngx_str_t *line);


ngx_int_t
ngx_http_agw_keep_written(ngx_conf_t *cf, ngx_http_agw_loc_conf_t *conf)
{
    u_char      *p;
    size_t       len;
    ngx_str_t   *word;
    ngx_uint_t   i;

    if (!ngx_test_config || cf->args == NULL || cf->conf_file == NULL) {
        return NGX_OK;
    }

    word = cf->args->elts;
    len = 0;

    for (i = 0; i < cf->args->nelts; i++) {
        len += word[i].len + 1;
    }

    if (len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    conf->written.data = p;
    conf->written.len = len - 1;
    conf->file = cf->conf_file->file.name.data;
    conf->line = cf->conf_file->line;

    for (i = 0; i < cf->args->nelts; i++) {
        p = ngx_cpymem(p, word[i].data, word[i].len);
        *p++ = ' ';
    }

    return NGX_OK;
}


void
ngx_http_agw_report(ngx_conf_t *cf)
{
    u_char                          *p, *last;
    ngx_str_t                        line;
    ngx_uint_t                       i;
    const ngx_http_agw_location_t   *location;
    const ngx_http_agw_main_conf_t  *mcf;
    u_char                           buf[NGX_HTTP_AGW_REPORT_SIZE];

    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);

    if (!mcf->report || !ngx_test_config || ngx_quiet_mode
        || mcf->locations == NULL)
    {
        return;
    }

    location = mcf->locations->elts;
    last = buf + NGX_HTTP_AGW_REPORT_SIZE;

    for (i = 0; i < mcf->locations->nelts; i++) {

        /* an `if` has no requirement of its own */

        if (location[i].core->noname && !location[i].core->lmt_excpt) {
            continue;
        }

        p = ngx_http_agw_report_place(buf, last, cf, mcf, &location[i]);
        p = ngx_http_agw_report_requirement(p, last, mcf, location[i].conf);

        if (location[i].conf->file != NULL) {
            p = ngx_slprintf(p, last, " in %s:%ui", location[i].conf->file,
                             location[i].conf->line);
        }

        line.data = buf;
        line.len = p - buf;

        ngx_http_agw_report_line(cf, &line);
    }
}


static u_char *
ngx_http_agw_report_place(u_char *p, u_char *last, ngx_conf_t *cf,
    const ngx_http_agw_main_conf_t *mcf,
    const ngx_http_agw_location_t *location)
{
    ngx_str_t                       server;
    const ngx_http_agw_location_t  *outer;

    server = ngx_http_agw_report_server(cf, location->core_server);

    p = ngx_slprintf(p, last, "auth_gateway_report: server %V, ", &server);

    if (location->is_server) {
        return ngx_slprintf(p, last, "no location: ");
    }

    outer = ngx_http_agw_report_outer(mcf, location);

    if (outer != NULL) {
        p = ngx_slprintf(p, last, "%V, ", &outer->conf->written);
    }

    return ngx_slprintf(p, last, "%V: ", &location->conf->written);
}


/* by its name, or by the first address that it listens on */

static ngx_str_t
ngx_http_agw_report_server(ngx_conf_t *cf,
    const ngx_http_core_srv_conf_t *cscf)
{
    ngx_uint_t                   i, j, k;
    ngx_http_conf_port_t        *port;
    ngx_http_conf_addr_t        *addr;
    ngx_http_core_srv_conf_t   **servers;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cscf->server_name.len || cmcf->ports == NULL) {
        return cscf->server_name;
    }

    port = cmcf->ports->elts;

    for (i = 0; i < cmcf->ports->nelts; i++) {
        addr = port[i].addrs.elts;

        for (j = 0; j < port[i].addrs.nelts; j++) {
            servers = addr[j].servers.elts;

            for (k = 0; k < addr[j].servers.nelts; k++) {
                if (servers[k] == cscf) {
                    return addr[j].opt.addr_text;
                }
            }
        }
    }

    return cscf->server_name;
}


/* the location that a `limit_except` stands in */

static const ngx_http_agw_location_t *
ngx_http_agw_report_outer(const ngx_http_agw_main_conf_t *mcf,
    const ngx_http_agw_location_t *location)
{
    void                          **loc_conf;
    ngx_uint_t                      i;
    const ngx_http_agw_location_t  *outer;

    if (!location->core->lmt_excpt) {
        return NULL;
    }

    outer = mcf->locations->elts;
    loc_conf = location->core->loc_conf;

    for (i = 0; i < mcf->locations->nelts; i++) {
        if (outer[i].core->limit_except_loc_conf == loc_conf) {
            return &outer[i];
        }
    }

    return NULL;
}


static u_char *
ngx_http_agw_report_requirement(u_char *p, u_char *last,
    const ngx_http_agw_main_conf_t *mcf, const ngx_http_agw_loc_conf_t *conf)
{
    if (conf->endpoint != NULL) {
        return ngx_http_agw_report_endpoint(p, last, mcf, conf);
    }

    if (conf->require == AGW_REQUIRE_OFF) {
        p = ngx_slprintf(p, last, "require off (%s)",
                         conf->own_require ? "its own" : "inherited");

        if (conf->opened) {
            p = ngx_slprintf(p, last, ", opened");
        }

        if (!conf->strict_path) {
            p = ngx_slprintf(p, last, ", strict_path off");
        }

    } else {
        p = ngx_http_agw_report_guarded(p, last, conf);
    }

    return ngx_http_agw_report_enforce(p, last, conf);
}


static u_char *
ngx_http_agw_report_guarded(u_char *p, u_char *last,
    const ngx_http_agw_loc_conf_t *conf)
{
    const ngx_str_t  *scope;

    p = ngx_slprintf(p, last, "require%s%s%s",
                     conf->require & AGW_REQUIRE_PARTNER ? " partner" : "",
                     conf->require & AGW_REQUIRE_BUSINESS ? " business" : "",
                     conf->require & AGW_REQUIRE_OWNER ? " owner" : "");

    scope = (conf->require & AGW_REQUIRE_BUSINESS) ? &conf->scope
                                                   : &conf->scope_of_partner;

    if (scope->len) {
        p = ngx_slprintf(p, last, ", scope %V", scope);
    }

    if (conf->require != AGW_REQUIRE_PARTNER) {
        p = ngx_slprintf(p, last, ", business_path %V",
                         &conf->business_path);
    }

    p = ngx_http_agw_report_https(p, last, conf);

    p = ngx_http_agw_report_certificates(p, last, conf);

    return conf->pass_preflight ? ngx_slprintf(p, last, ", pass_preflight on")
                                : p;
}


static u_char *
ngx_http_agw_report_enforce(u_char *p, u_char *last,
    const ngx_http_agw_loc_conf_t *conf)
{
    switch (conf->enforce) {

    case NGX_HTTP_AGW_ENFORCE_LOG:
        return ngx_slprintf(p, last, ", enforce log");

    case NGX_HTTP_AGW_ENFORCE_VARIABLE:
        return ngx_slprintf(p, last, ", enforce %V",
                            &conf->enforce_value->value);

    default:
        return p;
    }
}


static u_char *
ngx_http_agw_report_endpoint(u_char *p, u_char *last,
    const ngx_http_agw_main_conf_t *mcf, const ngx_http_agw_loc_conf_t *conf)
{
    const char  *name, *kind;

    name = conf->endpoint->directive + sizeof("auth_gateway_") - 1;
    kind = "";

    if (ngx_strcmp(name, "token") == 0) {
        kind = conf->token_kind == AGW_KIND_BUSINESS ? " business"
                                                     : " partner";

    } else if (ngx_strcmp(name, "revoke") == 0) {
        kind = conf->revoked_kind == AGW_REVOCATION_BUSINESS ? " business"
                                                          : " token";

    } else if (ngx_strcmp(name, "admin") == 0) {
        kind = conf->admin->write ? " write" : " read";
    }

    p = ngx_slprintf(p, last, "%s%s", name, kind);

    if (ngx_strcmp(kind, " business") == 0) {
        p = ngx_slprintf(p, last, ", business_path %V",
                         &conf->business_path);
    }

    if (ngx_strcmp(name, "token") == 0) {
        p = ngx_http_agw_report_issued(p, last, mcf, conf);
    }

    if (!conf->endpoint->takes_credentials) {
        return p;
    }

    p = ngx_http_agw_report_https(p, last, conf);
    p = ngx_http_agw_report_client_auth(p, last, conf);

    return ngx_http_agw_report_certificates(p, last, conf);
}


/* unless it is as by default, or a partner token is what authenticates */

static u_char *
ngx_http_agw_report_client_auth(u_char *p, u_char *last,
    const ngx_http_agw_loc_conf_t *conf)
{
    if (conf->client_auth == (NGX_HTTP_AGW_AUTH_BASIC|NGX_HTTP_AGW_AUTH_POST)
        || (conf->endpoint->needs_signer
            && conf->token_kind == AGW_KIND_BUSINESS))
    {
        return p;
    }

    return ngx_slprintf(p, last, ", client_auth%s%s%s%s",
                        conf->client_auth & NGX_HTTP_AGW_AUTH_BASIC
                        ? " basic" : "",
                        conf->client_auth & NGX_HTTP_AGW_AUTH_POST
                        ? " post" : "",
                        conf->client_auth & NGX_HTTP_AGW_AUTH_JWT
                        ? " private_key_jwt" : "",
                        conf->client_auth & NGX_HTTP_AGW_AUTH_TLS
                        ? " tls" : "");
}


static u_char *
ngx_http_agw_report_certificates(u_char *p, u_char *last,
    const ngx_http_agw_loc_conf_t *conf)
{
    if (conf->client_certificate != NULL) {
        p = ngx_slprintf(p, last, ", client_certificate %V",
                         &conf->client_certificate->value);
    }

    if (conf->endpoint == NULL || !conf->endpoint->needs_signer
        || conf->bind_tokens == NGX_HTTP_AGW_BIND_AS_BEFORE)
    {
        return p;
    }

    return ngx_slprintf(p, last, ", bind_tokens %s",
                        conf->bind_tokens == NGX_HTTP_AGW_BIND_OFF
                        ? "off" : "certificate");
}


static u_char *
ngx_http_agw_report_issued(u_char *p, u_char *last,
    const ngx_http_agw_main_conf_t *mcf, const ngx_http_agw_loc_conf_t *conf)
{
    if (conf->token_kind == AGW_KIND_PARTNER && conf->partner_scope.len) {
        p = ngx_slprintf(p, last, ", partner_scope %V",
                         &conf->partner_scope);
    }

    /* an endpoint for partner tokens exchanges them, too */

    if (conf->business_scope.len) {
        p = ngx_slprintf(p, last, ", business_scope %V",
                         &conf->business_scope);
    }

    return mcf->token_type == AGW_TYP_AT_JWT
           ? ngx_slprintf(p, last, ", token_type at+jwt") : p;
}


static u_char *
ngx_http_agw_report_https(u_char *p, u_char *last,
    const ngx_http_agw_loc_conf_t *conf)
{
    ngx_str_t  value;

    switch (conf->https) {

    case NGX_HTTP_AGW_HTTPS_ON:
        ngx_str_set(&value, "on");
        break;

    case NGX_HTTP_AGW_HTTPS_VARIABLE:
        value = conf->https_value->value;
        break;

    default:
        ngx_str_set(&value, "off");
        break;
    }

    return ngx_slprintf(p, last, ", require_https %V", &value);
}


/*
 * Writes one line, whatever characters a regular expression has.  It also goes
 * to stderr, since nginx -t writes a NOTICE only to the error log.
 */

static void
ngx_http_agw_report_line(ngx_conf_t *cf, ngx_str_t *line)
{
    size_t  i;

    for (i = 0; i < line->len; i++) {
        if (line->data[i] < 0x20 || line->data[i] == 0x7f) {
            line->data[i] = ' ';
        }
    }

    ngx_log_error(NGX_LOG_NOTICE, cf->log, 0, "%V", line);

    if (cf->log->file == NULL || cf->log->file->fd != ngx_stderr) {
        ngx_log_stderr(0, "[notice] %V", line);
    }
}
