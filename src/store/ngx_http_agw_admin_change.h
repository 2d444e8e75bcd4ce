
/*
 * What all engines decide alike: preconditions, and what an operation makes of
 * a record.  An engine calls it within its transaction, or before a script that
 * writes only if what was read is still there.
 */


#ifndef NGX_HTTP_AGW_ADMIN_CHANGE_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_CHANGE_H_INCLUDED_


#include "ngx_http_agw_store_admin.h"


/* removes the results of an earlier try */

void ngx_http_agw_admin_begin(ngx_http_agw_admin_t *op);


/*
 * What becomes of a record.  PUT, PATCH, DELETE, END, and ROLL for the old API
 * key: stored is the record as it is, or NULL; no_partner says that the
 * partner of the API key, or that of the business as it will be, does not
 * exist.  Sets op->result and op->member.  Returns NGX_OK and *made, which is
 * to be written (DELETE and END: to be deleted); or NGX_DECLINED if nothing is
 * to be written.
 */

ngx_int_t ngx_http_agw_admin_decide(ngx_http_agw_admin_t *op,
    const agw_record_t *stored, ngx_uint_t no_partner, agw_record_t *made);


/*
 * The same for import[i]; also sets op->failed.  The API key that is stored is
 * the one with that key_sha256.  The engine itself finds out whether another
 * API key has the key_id that was made, which is then TAKEN.
 */

ngx_int_t ngx_http_agw_admin_decide_import(ngx_http_agw_admin_t *op,
    ngx_uint_t i, const agw_record_t *stored, ngx_uint_t no_partner,
    agw_record_t *made);


/* the new API key of ROLL, once the old one was made */

void ngx_http_agw_admin_rolled(const ngx_http_agw_admin_t *op,
    const agw_record_t *old, agw_record_t *made);


/* replaces all strings by copies; returns NGX_OK or NGX_ERROR */

ngx_int_t ngx_http_agw_admin_keep(ngx_http_agw_admin_t *op,
    agw_record_t *record);


/*
 * Adds a record, or a revocation, to the results, with copies of all strings.
 * Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_http_agw_admin_add(ngx_http_agw_admin_t *op,
    const agw_record_t *record);
ngx_int_t ngx_http_agw_admin_add_revocation(ngx_http_agw_admin_t *op,
    const agw_revocation_t *revocation);


#endif /* NGX_HTTP_AGW_ADMIN_CHANGE_H_INCLUDED_ */
