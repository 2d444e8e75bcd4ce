
/*
 * Checks of all locations of a server together.  They are made once the whole
 * configuration is known, since the other locations are not known while one is
 * merged.
 */


#ifndef NGX_HTTP_AGW_LOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_LOCATIONS_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Called before a location is merged.  Records which paths lead to it, and
 * whether it has a requirement itself.  Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_http_agw_add_location(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *prev, ngx_http_agw_loc_conf_t *conf);


/* Called after all were merged.  Returns NGX_OK, or NGX_ERROR, logged. */

ngx_int_t ngx_http_agw_check_locations(ngx_conf_t *cf);


#endif /* NGX_HTTP_AGW_LOCATIONS_H_INCLUDED_ */
