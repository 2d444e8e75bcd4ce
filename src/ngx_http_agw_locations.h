
/*
 * All the locations together, once the whole configuration is known: what a
 * server's other locations require is not known while one is merged.
 */


#ifndef NGX_HTTP_AGW_LOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_LOCATIONS_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Records the location that is being merged, before anything is: where it is,
 * and whether it says itself what it requires.  NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_http_agw_add_location(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *prev, ngx_http_agw_loc_conf_t *conf);


/* After the last was merged.  NGX_OK, or NGX_ERROR and an EMERG line. */

ngx_int_t ngx_http_agw_check_locations(ngx_conf_t *cf);


#endif /* NGX_HTTP_AGW_LOCATIONS_H_INCLUDED_ */
