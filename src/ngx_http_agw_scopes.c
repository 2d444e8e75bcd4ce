
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_grammar.h"
#include "ngx_http_agw_scopes.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_values.h"


static char *ngx_http_agw_check_word(ngx_conf_t *cf, ngx_str_t *value,
    ngx_uint_t any);


/* scope, partner_scope, business_scope: words, which are joined */

char *
ngx_http_agw_set_scope(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char      *p;
    size_t       len;
    ngx_str_t   *value, *field;
    ngx_uint_t   i, any;

    field = (ngx_str_t *) ((char *) conf + cmd->offset);

    if (field->data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;
    any = (cmd->offset == offsetof(ngx_http_agw_loc_conf_t, scope));
    len = 0;

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_agw_check_word(cf, &value[i], any) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }

        len += value[i].len + 1;
    }

    if (len - 1 > AGW_SCOPE_MAX) {
        return "is too long, it must be at most 1024 bytes in all";
    }

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    field->data = p;

    for (i = 1; i < cf->args->nelts; i++) {

        if (agw_scope_has(ngx_http_agw_to_core(*field),
                          ngx_http_agw_to_core(value[i])))
        {
            return ngx_http_agw_invalid(cf, &value[i],
                                        "words that differ");
        }

        p = ngx_cpymem(p, value[i].data, value[i].len);
        field->len = p - field->data;

        *p++ = ' ';
    }

    return NGX_CONF_OK;
}


/* its tokens have business_access too */

char *
ngx_http_agw_set_business_scope(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char                     *rc;
    ngx_http_agw_loc_conf_t  *lcf = conf;

    rc = ngx_http_agw_set_scope(cf, cmd, conf);

    if (rc == NGX_CONF_OK
        && AGW_SCOPE_GRANT_SIZE(lcf->business_scope.len) > AGW_SCOPE_MAX)
    {
        return "is too long, it must be at most 1008 bytes in all";
    }

    return rc;
}


static char *
ngx_http_agw_check_word(ngx_conf_t *cf, ngx_str_t *value, ngx_uint_t any)
{
    if (!agw_is_scope_word(ngx_http_agw_to_core(*value))
        || (!any && ngx_http_agw_is(value, AGW_BUSINESS_ACCESS)))
    {
        return ngx_http_agw_invalid(cf, value, any
                                    ? "words of RFC 6749, section 3.3"
                                    : "words of RFC 6749, section 3.3, "
                                      "other than \""
                                      AGW_BUSINESS_ACCESS "\"");
    }

    if (ngx_http_agw_has_variable(value)) {
        return ngx_http_agw_invalid(cf, value, "text without variables");
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_agw_merge_scopes(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *prev, ngx_http_agw_loc_conf_t *conf)
{
    u_char     *p;
    agw_str_t   left, word;

    static const agw_str_t  business_access =
                                agw_string(AGW_BUSINESS_ACCESS);

    ngx_conf_merge_str_value(conf->scope, prev->scope, AGW_BUSINESS_ACCESS);
    ngx_conf_merge_str_value(conf->partner_scope, prev->partner_scope, "");
    ngx_conf_merge_str_value(conf->business_scope, prev->business_scope, "");

    p = ngx_pnalloc(cf->pool, conf->scope.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    /* no partner token has business_access, so none needs it */

    conf->scope_of_partner.data = p;
    left = ngx_http_agw_to_core(conf->scope);

    while (agw_scope_next(&left, &word)) {

        if (agw_str_eq(word, business_access)) {
            continue;
        }

        p = ngx_cpymem(p, word.data, word.len);
        conf->scope_of_partner.len = p - conf->scope_of_partner.data;

        *p++ = ' ';
    }

    return NGX_OK;
}
