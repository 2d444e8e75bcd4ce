
/*
 * Which check has refused a request.
 */


#ifndef NGX_HTTP_AGW_REFUSING_CHECK_H_INCLUDED_
#define NGX_HTTP_AGW_REFUSING_CHECK_H_INCLUDED_


#include "ngx_http_agw_compared.h"


/* the check that the reason belongs to; NGX_HTTP_AGW_CHECKS: none of them */

ngx_http_agw_check_t ngx_http_agw_refusing_check(
    const ngx_http_agw_facts_t *facts);


#endif /* NGX_HTTP_AGW_REFUSING_CHECK_H_INCLUDED_ */
