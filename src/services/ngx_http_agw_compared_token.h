
/*
 * What the checks of a token compared, in words.  Each function writes from p
 * up to last, and returns the end.
 */


#ifndef NGX_HTTP_AGW_COMPARED_TOKEN_H_INCLUDED_
#define NGX_HTTP_AGW_COMPARED_TOKEN_H_INCLUDED_


#include "ngx_http_agw_compared.h"


u_char *ngx_http_agw_compared_size(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last);
u_char *ngx_http_agw_compared_structure(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last);
u_char *ngx_http_agw_compared_key(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last);
u_char *ngx_http_agw_compared_algorithm(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last);
u_char *ngx_http_agw_compared_signature(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last);
u_char *ngx_http_agw_compared_claims(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last);
u_char *ngx_http_agw_compared_time(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last);
u_char *ngx_http_agw_compared_issuer(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last);
u_char *ngx_http_agw_compared_audience(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last);
u_char *ngx_http_agw_compared_certificate(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last);


/* a member of the header or the claims: a string in its quotes, else JSON */

u_char *ngx_http_agw_compared_member(u_char *p, u_char *last,
    const json_t *object, const char *name);


#endif /* NGX_HTTP_AGW_COMPARED_TOKEN_H_INCLUDED_ */
