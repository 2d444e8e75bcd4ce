
/*
 * Revocations as rows of a SQLite store: how they are named, and how they are
 * read.
 */


#ifndef NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_


#include "ngx_http_agw_store.h"


#define NGX_HTTP_AGW_SQLITE_ID_MAX   (2 * AGW_ID_MAX + 1)


/* the text of a kind */

agw_str_t ngx_http_agw_sqlite_kind(agw_revoked_t kind);


/*
 * The id of an entry, which may be written into buf, of
 * NGX_HTTP_AGW_SQLITE_ID_MAX bytes; empty where a part of it is too long.
 */

agw_str_t ngx_http_agw_sqlite_id(const agw_revocation_t *revocation,
    u_char *buf);


/* two ids as one, likewise */

agw_str_t ngx_http_agw_sqlite_pair(agw_str_t first, agw_str_t second,
    u_char *buf);


/* the engine's read_revocations() */

ngx_int_t ngx_http_agw_sqlite_read_revocations(void *state,
    ngx_http_agw_reading_t *reading);


#endif /* NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_ */
