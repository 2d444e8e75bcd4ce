
/*
 * Values are literal.  One with a variable, which nginx would expand elsewhere
 * but this module does not, is refused.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_values.h"


static ngx_uint_t ngx_http_agw_is_name(u_char c);


char *
ngx_http_agw_invalid(ngx_conf_t *cf, ngx_str_t *value, const char *accepted)
{
    ngx_str_t  *name;

    name = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"%V\", it must be %s",
                       value, name, accepted);

    return NGX_CONF_ERROR;
}


ngx_uint_t
ngx_http_agw_is(const ngx_str_t *value, const char *word)
{
    return value->len == ngx_strlen(word)
           && ngx_strncmp(value->data, word, value->len) == 0;
}


ngx_uint_t
ngx_http_agw_is_variable(const ngx_str_t *value)
{
    u_char  *p, *last;

    p = value->data;
    last = p + value->len;

    if (p == last || *p++ != '$') {
        return 0;
    }

    if (last - p > 1 && *p == '{' && last[-1] == '}') {
        p++;
        last--;
    }

    if (p == last || (*p >= '1' && *p <= '9')) {
        return 0;
    }

    while (p < last && ngx_http_agw_is_name(*p)) {
        p++;
    }

    return p == last;
}


ngx_uint_t
ngx_http_agw_has_variable(const ngx_str_t *value)
{
    size_t  i;

    for (i = 0; i + 1 < value->len; i++) {
        if (value->data[i] == '$'
            && (value->data[i + 1] == '{'
                || ngx_http_agw_is_name(value->data[i + 1])))
        {
            return 1;
        }
    }

    return 0;
}


char *
ngx_http_agw_compile_variable(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_complex_value_t **compiled)
{
    ngx_http_compile_complex_value_t  ccv;

    *compiled = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (*compiled == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = *compiled;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


agw_str_t
ngx_http_agw_header_of(const ngx_str_t *variable)
{
    agw_str_t               name;
    static const agw_str_t  http = agw_string("http_");

    name.data = variable->data + 1;
    name.len = variable->len - 1;

    if (name.data[0] == '{') {
        name.data++;
        name.len -= 2;
    }

    if (!agw_str_begins(name, http)) {
        name.len = 0;
        return name;
    }

    name.data += http.len;
    name.len -= http.len;

    return name;
}


/* the characters that ngx_http_script_compile() accepts */

static ngx_uint_t
ngx_http_agw_is_name(u_char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
           || (c >= '0' && c <= '9') || c == '_';
}
