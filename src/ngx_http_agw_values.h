
/*
 * What setters ask of a value, and say of one that is not to be taken.
 */


#ifndef NGX_HTTP_AGW_VALUES_H_INCLUDED_
#define NGX_HTTP_AGW_VALUES_H_INCLUDED_


#include "ngx_http_agw.h"


/* logs an EMERG with the value and what is accepted; NGX_CONF_ERROR */

char *ngx_http_agw_invalid(ngx_conf_t *cf, ngx_str_t *value,
    const char *accepted);


/* whether it is that word */

ngx_uint_t ngx_http_agw_is(const ngx_str_t *value, const char *word);


/* whether it is $name or ${name}; $1 is a part of the request's text */

ngx_uint_t ngx_http_agw_is_variable(const ngx_str_t *value);


/* whether nginx would expand a part of it, where this module does not */

ngx_uint_t ngx_http_agw_has_variable(const ngx_str_t *value);


/*
 * The header of a variable $http_<name>, as <name>, within the variable; empty
 * where it is another variable.
 */

agw_str_t ngx_http_agw_header_of(const ngx_str_t *variable);


#endif /* NGX_HTTP_AGW_VALUES_H_INCLUDED_ */
