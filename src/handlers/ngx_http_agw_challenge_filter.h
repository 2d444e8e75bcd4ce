
#ifndef NGX_HTTP_AGW_CHALLENGE_FILTER_H_INCLUDED_
#define NGX_HTTP_AGW_CHALLENGE_FILTER_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Puts the header filter in place that withdraws a challenge from a request
 * that was let through.
 */

void ngx_http_agw_challenge_filter_init(void);


#endif /* NGX_HTTP_AGW_CHALLENGE_FILTER_H_INCLUDED_ */
