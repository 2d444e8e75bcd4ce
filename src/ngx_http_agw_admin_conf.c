
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <pwd.h>

#include "agw_base64.h"
#include "ngx_http_agw_admin.h"
#include "ngx_http_agw_admin_conf.h"
#include "ngx_http_agw_admin_peer.h"
#include "ngx_http_agw_endpoints.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_values.h"


/* the owner writes, the group reads */

#define NGX_HTTP_AGW_ADMIN_LOG_ACCESS  0640


static void ngx_http_agw_create_admin_log(ngx_open_file_t *file,
    ngx_log_t *log);
static char *ngx_http_agw_add_admin_uid(ngx_conf_t *cf,
    ngx_http_agw_admin_conf_t *admin, ngx_str_t *word, ngx_str_t name);
static char *ngx_http_agw_add_admin_certificate(ngx_conf_t *cf,
    ngx_http_agw_admin_conf_t *admin, ngx_str_t *word, ngx_str_t thumbprint);
static ngx_int_t ngx_http_agw_check_admin_location(ngx_conf_t *cf,
    const ngx_http_agw_location_t *location);
static void ngx_http_agw_warn_of_worker(ngx_conf_t *cf,
    const ngx_http_agw_location_t *location);
static ngx_uint_t ngx_http_agw_admin_is_reached(ngx_conf_t *cf,
    const ngx_http_agw_location_t *location);
static ngx_uint_t ngx_http_agw_admin_listens(
    const ngx_http_agw_location_t *location,
    const ngx_http_conf_addr_t *addr);
static ngx_uint_t ngx_http_agw_admin_verifies(
    const ngx_http_agw_location_t *location,
    const ngx_http_conf_addr_t *addr);


char *
ngx_http_agw_set_admin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    char                       *rv;
    ngx_str_t                  *word, value;
    ngx_uint_t                  i;
    ngx_http_agw_admin_conf_t  *admin;

    admin = ngx_pcalloc(cf->pool, sizeof(ngx_http_agw_admin_conf_t));

    if (admin == NULL
        || ngx_array_init(&admin->uids, cf->pool, 4, sizeof(uid_t)) != NGX_OK
        || ngx_array_init(&admin->certificates, cf->pool, 4,
                          sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    word = cf->args->elts;

    if (ngx_http_agw_is(&word[1], "write")) {
        admin->write = 1;

    } else if (!ngx_http_agw_is(&word[1], "read")) {
        return ngx_http_agw_invalid(cf, &word[1], "\"read\" or \"write\"");
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(word[i].data, "uid=", 4) == 0) {
            value.data = word[i].data + 4;
            value.len = word[i].len - 4;
            rv = ngx_http_agw_add_admin_uid(cf, admin, &word[i], value);

        } else if (ngx_strncmp(word[i].data, "certificate=", 12) == 0) {
            value.data = word[i].data + 12;
            value.len = word[i].len - 12;
            rv = ngx_http_agw_add_admin_certificate(cf, admin, &word[i],
                                                    value);

        } else {
            rv = ngx_http_agw_invalid(cf, &word[i],
                                      "\"uid=<user>\" or "
                                      "\"certificate=<x5t#S256>\"");
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    lcf->admin = admin;

    return ngx_http_agw_set_endpoint(cf, lcf, &ngx_http_agw_admin_endpoint);
}


/* a number, or a name */

static char *
ngx_http_agw_add_admin_uid(ngx_conf_t *cf, ngx_http_agw_admin_conf_t *admin,
    ngx_str_t *word, ngx_str_t name)
{
    uid_t          *uid;
    ngx_int_t       n;
    struct passwd  *pwd;

    n = ngx_atoi(name.data, name.len);

    if (n == NGX_ERROR) {

        /* words of the configuration are terminated */

        pwd = name.len ? getpwnam((const char *) name.data) : NULL;

        if (pwd == NULL) {
            return ngx_http_agw_invalid(cf, word, "\"uid=\" with the name or "
                                                  "the number of a user");
        }

        n = pwd->pw_uid;
    }

    /* cut to 32 bits, a longer number is root's; the last one is nobody's */

    if ((uint64_t) n >= UINT32_MAX) {
        return ngx_http_agw_invalid(cf, word, "\"uid=\" with the name or "
                                              "the number of a user");
    }

    uid = ngx_array_push(&admin->uids);
    if (uid == NULL) {
        return NGX_CONF_ERROR;
    }

    *uid = (uid_t) n;

    return NGX_CONF_OK;
}


static char *
ngx_http_agw_add_admin_certificate(ngx_conf_t *cf,
    ngx_http_agw_admin_conf_t *admin, ngx_str_t *word, ngx_str_t thumbprint)
{
    size_t      len;
    u_char      digest[NGX_HTTP_AGW_THUMBPRINT];
    ngx_str_t  *certificate;

    if (thumbprint.len != NGX_HTTP_AGW_THUMBPRINT
        || agw_base64url_decode(ngx_http_agw_to_core(thumbprint), digest,
                                &len)
           != 0)
    {
        return ngx_http_agw_invalid(cf, word,
                                    "\"certificate=\" with the SHA-256 of a "
                                    "certificate in DER, in base64url: 43 "
                                    "characters");
    }

    certificate = ngx_array_push(&admin->certificates);
    if (certificate == NULL) {
        return NGX_CONF_ERROR;
    }

    *certificate = thumbprint;

    return NGX_CONF_OK;
}


/* nginx opens it in the master, and again with its other logs */

char *
ngx_http_agw_set_admin_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_main_conf_t *mcf = conf;

    ngx_str_t  *value;

    if (mcf->admin_log != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0 || ngx_http_agw_has_variable(&value[1])) {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "the path of a file, without variables");
    }

    mcf->admin_log = ngx_conf_open_file(cf->cycle, &value[1]);

    if (mcf->admin_log == NULL) {
        return NGX_CONF_ERROR;
    }

    if (mcf->admin_log->name.len) {
        ngx_http_agw_create_admin_log(mcf->admin_log, cf->log);
    }

    /* called before nginx opens the file again; an access_log has its own */

    if (mcf->admin_log->flush == NULL) {
        mcf->admin_log->flush = ngx_http_agw_create_admin_log;
    }

    return NGX_CONF_OK;
}


/*
 * nginx creates its logs for everybody to read.  One that exists keeps its
 * mode.  If it cannot be created, nginx says so.
 */

static void
ngx_http_agw_create_admin_log(ngx_open_file_t *file, ngx_log_t *log)
{
    ngx_fd_t  fd;

    if (ngx_process != NGX_PROCESS_SINGLE
        && ngx_process != NGX_PROCESS_MASTER)
    {
        return;
    }

    fd = ngx_open_file(file->name.data, NGX_FILE_APPEND, O_CREAT|O_EXCL,
                       NGX_HTTP_AGW_ADMIN_LOG_ACCESS);

    if (fd != NGX_INVALID_FILE && ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"%s\" failed", file->name.data);
    }
}


ngx_int_t
ngx_http_agw_check_admin(ngx_conf_t *cf)
{
    ngx_uint_t                 i;
    ngx_http_agw_location_t   *location;
    ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);

    if (mcf->locations == NULL) {
        return NGX_OK;
    }

    location = mcf->locations->elts;

    for (i = 0; i < mcf->locations->nelts; i++) {

        if (location[i].conf->admin == NULL) {
            continue;
        }

        if (ngx_http_agw_check_admin_location(cf, &location[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_agw_warn_of_worker(cf, &location[i]);

        /* the module has a limit of its own, and answers in JSON */

        location[i].core->client_max_body_size = 0;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_check_admin_location(ngx_conf_t *cf,
    const ngx_http_agw_location_t *location)
{
    ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);

    if (location->conf->place != NGX_HTTP_AGW_PREFIX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_gateway_admin\" in location \"%V\" must be "
                           "in a prefix location: it answers below its name",
                           &location->core->name);
        return NGX_ERROR;
    }

    if (location->conf->admin->write && mcf->admin_log == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_gateway_admin write\" in location \"%V\" "
                           "needs an \"auth_gateway_admin_log\"",
                           &location->core->name);
        return NGX_ERROR;
    }

    if (!ngx_http_agw_admin_is_reached(cf, location)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_gateway_admin\" in location \"%V\" can be "
                           "used by nobody: its server must listen on a unix "
                           "socket without \"proxy_protocol\", or with "
                           "\"ssl\", an \"ssl_verify_client\" and a "
                           "\"certificate=\"", &location->core->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_agw_warn_of_worker(ngx_conf_t *cf,
    const ngx_http_agw_location_t *location)
{
    uid_t            *uid;
    ngx_uint_t        i;
    ngx_core_conf_t  *ccf;

    if (location->core->noname) {
        return;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);
    uid = location->conf->admin->uids.elts;

    for (i = 0; i < location->conf->admin->uids.nelts; i++) {

        if (uid[i] == (geteuid() == 0 ? ccf->user : geteuid())) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "\"uid=\" of \"auth_gateway_admin\" in "
                               "location \"%V\" is the user of the workers: "
                               "whatever they proxy to the socket may "
                               "administer", &location->core->name);
        }
    }
}


static ngx_uint_t
ngx_http_agw_admin_is_reached(ngx_conf_t *cf,
    const ngx_http_agw_location_t *location)
{
    ngx_uint_t                  i, j;
    ngx_http_conf_port_t       *port;
    ngx_http_conf_addr_t       *addr;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cmcf->ports == NULL) {
        return 0;
    }

    port = cmcf->ports->elts;

    for (i = 0; i < cmcf->ports->nelts; i++) {
        addr = port[i].addrs.elts;

        for (j = 0; j < port[i].addrs.nelts; j++) {

            if (!ngx_http_agw_admin_listens(location, &addr[j])) {
                continue;
            }

            if ((port[i].family == AF_UNIX && !addr[j].opt.proxy_protocol)
                || ngx_http_agw_admin_verifies(location, &addr[j]))
            {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_agw_admin_listens(const ngx_http_agw_location_t *location,
    const ngx_http_conf_addr_t *addr)
{
    ngx_uint_t                  i;
    ngx_http_core_srv_conf_t  **server;

    server = addr->servers.elts;

    for (i = 0; i < addr->servers.nelts; i++) {
        if (server[i] == location->core_server) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_agw_admin_verifies(const ngx_http_agw_location_t *location,
    const ngx_http_conf_addr_t *addr)
{
#if (NGX_HTTP_SSL)

    ngx_http_ssl_srv_conf_t   *sscf;
    ngx_http_core_srv_conf_t  *cscf;

    cscf = location->core_server;
    sscf = cscf->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

    return addr->opt.ssl && sscf->verify
           && location->conf->admin->certificates.nelts != 0;

#else

    return 0;

#endif
}
