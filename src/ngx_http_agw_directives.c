
/*
 * The setters.  Each quotes a value that it refuses, and says what it must be.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_grammar.h"
#include "ngx_http_agw_directives.h"
#include "ngx_http_agw_values.h"


#define NGX_HTTP_AGW_LEEWAY_MAX    60        /* seconds */

/* ms: knowledge is renewed every 500 ms, and an outage noticed in 2 s */

#define NGX_HTTP_AGW_STALE_MIN     2000

/* ten years */

#define NGX_HTTP_AGW_LIFETIME_MAX  315360000 /* seconds */


char *
ngx_http_agw_set_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_main_conf_t *mcf = conf;

    ngx_str_t  *value;

    if (mcf->store != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    return ngx_http_agw_store_create(cf, &value[1], cf->args->nelts - 1,
                                     &mcf->store);
}


char *
ngx_http_agw_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_main_conf_t *mcf = conf;

    ssize_t     size;
    ngx_str_t  *value;

    if (mcf->zone_size != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;
    size = ngx_parse_size(&value[1]);

    if (size == NGX_ERROR || size == 0) {
        return ngx_http_agw_invalid(cf, &value[1], "a size such as \"8m\"");
    }

    mcf->zone_size = size;

    return NGX_CONF_OK;
}


char *
ngx_http_agw_set_thread_pool(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_main_conf_t *mcf = conf;

    ngx_str_t  *value;

    if (mcf->limits.thread_pool.len != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "the name of a \"thread_pool\"");
    }

    mcf->limits.thread_pool = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_agw_set_token_type(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_main_conf_t *mcf = conf;

    ngx_str_t  *value;

    if (mcf->token_type != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_agw_is(&value[1], "JWT")) {
        mcf->token_type = AGW_TYP_JWT;

    } else if (ngx_http_agw_is(&value[1], "at+jwt")) {
        mcf->token_type = AGW_TYP_AT_JWT;

    } else {
        return ngx_http_agw_invalid(cf, &value[1], "\"JWT\" or \"at+jwt\"");
    }

    return NGX_CONF_OK;
}


/* issuer, audience */

char *
ngx_http_agw_set_text(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    agw_str_t   text;
    ngx_str_t  *value, *field;

    field = (ngx_str_t *) ((char *) conf + cmd->offset);

    if (field->data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    text.data = value[1].data;
    text.len = value[1].len;

    if (text.len == 0 || agw_has_control(text) || !agw_is_utf8(text)) {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "UTF-8 text without control characters, "
                                    "not empty");
    }

    if (ngx_http_agw_has_variable(&value[1])) {
        return ngx_http_agw_invalid(cf, &value[1], "text without variables");
    }

    *field = value[1];

    return NGX_CONF_OK;
}


/* a challenge has it in quotes (RFC 9110, section 11.5) */

char *
ngx_http_agw_set_realm(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    u_char      c;
    ngx_str_t  *value;
    ngx_uint_t  i;

    if (lcf->realm.data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; i < value[1].len; i++) {
        c = value[1].data[i];

        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            break;
        }
    }

    if (value[1].len == 0 || i < value[1].len) {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "printable ASCII without quotes and "
                                    "backslashes, not empty");
    }

    if (ngx_http_agw_has_variable(&value[1])) {
        return ngx_http_agw_invalid(cf, &value[1], "text without variables");
    }

    lcf->realm = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_agw_set_token_cache(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_main_conf_t *mcf = conf;

    ngx_int_t   entries;
    ngx_str_t  *value;

    if (mcf->cache_size != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        mcf->cache_size = 0;
        return NGX_CONF_OK;
    }

    entries = ngx_atoi(value[1].data, value[1].len);

    if (entries < 1 || entries > AGW_TOKEN_CACHE_MAX) {    /* or NGX_ERROR */
        return ngx_http_agw_invalid(cf, &value[1],
                                    "\"off\" or a number of entries from 1 "
                                    "to 1048576");
    }

    mcf->cache_size = entries;

    return NGX_CONF_OK;
}


char *
ngx_http_agw_set_leeway(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_main_conf_t *mcf = conf;

    time_t      leeway;
    ngx_str_t  *value;

    if (mcf->leeway != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;
    leeway = ngx_parse_time(&value[1], 1);

    if (leeway == (time_t) NGX_ERROR || leeway > NGX_HTTP_AGW_LEEWAY_MAX) {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "a time of at most \"60s\"");
    }

    mcf->leeway = leeway;

    return NGX_CONF_OK;
}


char *
ngx_http_agw_set_stale(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_main_conf_t *mcf = conf;

    ngx_int_t   stale;
    ngx_str_t  *value;

    if (mcf->stale != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        mcf->stale = 0;
        return NGX_CONF_OK;
    }

    stale = ngx_parse_time(&value[1], 0);

    if (stale == NGX_ERROR || stale < NGX_HTTP_AGW_STALE_MIN) {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "\"off\" or a time of at least \"2s\"");
    }

    mcf->stale = stale;

    return NGX_CONF_OK;
}


/* max_lifetime, partner_lifetime, business_lifetime */

char *
ngx_http_agw_set_lifetime(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    time_t      lifetime, *field;
    ngx_str_t  *value;

    field = (time_t *) ((char *) conf + cmd->offset);

    if (*field != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;
    lifetime = ngx_parse_time(&value[1], 1);

    if (lifetime == (time_t) NGX_ERROR || lifetime == 0
        || lifetime > NGX_HTTP_AGW_LIFETIME_MAX)
    {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "a time of \"1s\" to \"3650d\"");
    }

    *field = lifetime;

    return NGX_CONF_OK;
}


/* `partner` along with the others would open each business to all partners */

char *
ngx_http_agw_set_require(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    ngx_str_t          *value;
    ngx_uint_t          i, word;
    static const char   accepted[] = "\"off\", \"partner\", \"business\", "
                                     "\"owner\" or \"business owner\"";

    if (lcf->require != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    lcf->require = AGW_REQUIRE_OFF;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_agw_is(&value[i], "off") && cf->args->nelts == 2) {
            word = AGW_REQUIRE_OFF;

        } else if (ngx_http_agw_is(&value[i], "partner")
                   && cf->args->nelts == 2)
        {
            word = AGW_REQUIRE_PARTNER;

        } else if (ngx_http_agw_is(&value[i], "business")) {
            word = AGW_REQUIRE_BUSINESS;

        } else if (ngx_http_agw_is(&value[i], "owner")) {
            word = AGW_REQUIRE_OWNER;

        } else {
            return ngx_http_agw_invalid(cf, &value[i], accepted);
        }

        if (lcf->require & word) {
            return ngx_http_agw_invalid(cf, &value[i], accepted);
        }

        lcf->require |= word;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_agw_set_business_path(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    agw_str_t    text;
    ngx_str_t   *value;
    const char  *error;

    if (lcf->business_path.data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    text.data = value[1].data;
    text.len = value[1].len;

    if (agw_template_parse(&lcf->template, text, &error) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\": %s; it must be a "
                           "path such as \"/v1/businesses/<business_id>\"",
                           &value[1], &value[0], error);
        return NGX_CONF_ERROR;
    }

    lcf->business_path = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_agw_set_require_https(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    if (lcf->https != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_agw_is(&value[1], "on")) {
        lcf->https = NGX_HTTP_AGW_HTTPS_ON;
        return NGX_CONF_OK;
    }

    if (ngx_http_agw_is(&value[1], "off")) {
        lcf->https = NGX_HTTP_AGW_HTTPS_OFF;
        return NGX_CONF_OK;
    }

    if (!ngx_http_agw_is_variable(&value[1])) {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "\"on\", \"off\" or a variable");
    }

    lcf->https = NGX_HTTP_AGW_HTTPS_VARIABLE;
    lcf->https_header = ngx_http_agw_header_of(&value[1]);

    return ngx_http_agw_compile_variable(cf, &value[1], &lcf->https_value);
}


char *
ngx_http_agw_set_enforce(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    if (lcf->enforce != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_agw_is(&value[1], "on")) {
        lcf->enforce = NGX_HTTP_AGW_ENFORCE_ON;
        return NGX_CONF_OK;
    }

    if (ngx_http_agw_is(&value[1], "log")) {
        lcf->enforce = NGX_HTTP_AGW_ENFORCE_LOG;
        return NGX_CONF_OK;
    }

    if (!ngx_http_agw_is_variable(&value[1])) {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "\"on\", \"log\" or a variable");
    }

    lcf->enforce = NGX_HTTP_AGW_ENFORCE_VARIABLE;

    return ngx_http_agw_compile_variable(cf, &value[1], &lcf->enforce_value);
}


char *
ngx_http_agw_set_error_format(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    if (lcf->error_format != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_agw_is(&value[1], "oauth2")) {
        lcf->error_format = NGX_HTTP_AGW_FORMAT_OAUTH2;

    } else if (ngx_http_agw_is(&value[1], "thred")) {
        lcf->error_format = NGX_HTTP_AGW_FORMAT_THRED;

    } else if (ngx_http_agw_is(&value[1], "layer")) {
        lcf->error_format = NGX_HTTP_AGW_FORMAT_LAYER;

    } else {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "\"oauth2\", \"thred\" or \"layer\"");
    }

    return NGX_CONF_OK;
}
