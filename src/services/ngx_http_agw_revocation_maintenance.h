
/*
 * The state of the store's revocations: its clock, and what is old.
 */


#ifndef NGX_HTTP_AGW_REVOCATION_MAINTENANCE_H_INCLUDED_
#define NGX_HTTP_AGW_REVOCATION_MAINTENANCE_H_INCLUDED_


#include "ngx_http_agw.h"


/* in a worker, once its store is open; does nothing yet */

void ngx_http_agw_maintain_open(const ngx_http_agw_revocations_t *revocations);


/* now and then: does what is due, unless another worker does */

void ngx_http_agw_maintain(void);


/* does it, due or not; the store has lower stamps than we know */

void ngx_http_agw_maintain_now(void);


#endif /* NGX_HTTP_AGW_REVOCATION_MAINTENANCE_H_INCLUDED_ */
