
/*
 * What an explanation does not say of a request, and what it cannot know.
 */


#ifndef NGX_HTTP_AGW_NOTES_H_INCLUDED_
#define NGX_HTTP_AGW_NOTES_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_compared.h"


/* an array of texts, which is the caller's; NULL if memory ran out */

json_t *ngx_http_agw_notes(const ngx_http_agw_facts_t *facts);


#endif /* NGX_HTTP_AGW_NOTES_H_INCLUDED_ */
