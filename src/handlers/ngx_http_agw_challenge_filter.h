
#ifndef NGX_HTTP_AGW_CHALLENGE_FILTER_H_INCLUDED_
#define NGX_HTTP_AGW_CHALLENGE_FILTER_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Installs the header filter that removes our challenge if another module has
 * allowed the request.
 */

void ngx_http_agw_challenge_filter_init(void);


#endif /* NGX_HTTP_AGW_CHALLENGE_FILTER_H_INCLUDED_ */
