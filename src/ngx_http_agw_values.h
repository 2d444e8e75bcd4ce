
/*
 * Checks of values that setters share, and the error for an invalid one.
 */


#ifndef NGX_HTTP_AGW_VALUES_H_INCLUDED_
#define NGX_HTTP_AGW_VALUES_H_INCLUDED_


#include "ngx_http_agw.h"


/* logs the value and what it must be; returns NGX_CONF_ERROR */

char *ngx_http_agw_invalid(ngx_conf_t *cf, ngx_str_t *value,
    const char *accepted);


/* whether the value is that word */

ngx_uint_t ngx_http_agw_is(const ngx_str_t *value, const char *word);


/* whether it is $name or ${name}; $1 is a part of the request's text */

ngx_uint_t ngx_http_agw_is_variable(const ngx_str_t *value);


/* whether it contains a variable that nginx would expand elsewhere */

ngx_uint_t ngx_http_agw_has_variable(const ngx_str_t *value);


/* prepares a value that is a variable; returns what a setter returns */

char *ngx_http_agw_compile_variable(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_complex_value_t **compiled);


/*
 * Returns the <name> of a variable $http_<name>, which points into it; empty
 * for any other variable.
 */

agw_str_t ngx_http_agw_header_of(const ngx_str_t *variable);


#endif /* NGX_HTTP_AGW_VALUES_H_INCLUDED_ */
