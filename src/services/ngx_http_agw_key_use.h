
/*
 * When API keys were last used, to the minute.
 */


#ifndef NGX_HTTP_AGW_KEY_USE_H_INCLUDED_
#define NGX_HTTP_AGW_KEY_USE_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_store_directory.h"


/* notes a use in this worker's memory; no write waits for it */

void ngx_http_agw_key_used(const ngx_http_agw_api_key_t *key, time_t now);


/*
 * Now and then: writes what is new in one batch.  A key is written once a
 * minute, however often it is used.
 */

void ngx_http_agw_write_key_uses(ngx_http_agw_store_t *store);


#endif /* NGX_HTTP_AGW_KEY_USE_H_INCLUDED_ */
