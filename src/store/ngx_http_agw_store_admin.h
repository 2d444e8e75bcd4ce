
/*
 * The administration of a store: partners, API keys, businesses and
 * revocations are read and written.  How it is asked for, and by whom, is not
 * known here.
 */


#ifndef NGX_HTTP_AGW_STORE_ADMIN_H_INCLUDED_
#define NGX_HTTP_AGW_STORE_ADMIN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_record.h"
#include "ngx_http_agw_store.h"
#include "ngx_http_agw_store_revocations.h"


#define NGX_HTTP_AGW_ADMIN_PAGE   1000       /* records in a page, at most */


/*
 * What an operation does.  A record is identified by these members, which an
 * operation needs besides those that are listed:
 *
 *     partner      partner_id
 *     API key      partner_id and key_id; where IMPORT has none, key_sha256
 *     JWK          partner_id and kid
 *     certificate  partner_id and x5t
 *     business     business_id
 *
 * GET       record       -> the record
 * LIST      record.kind, after, limit, filter
 *                        -> records in the order of their ids, revocations in
 *                           that of their seq; more.  Credentials (API keys,
 *                           JWKs, certificates): all those of
 *                           record.partner_id, or NOT_FOUND
 * EXPORT    after, limit -> partners, then API keys, JWKs, certificates, then
 *                           businesses; more.  All API keys of a partner are
 *                           in one page, which may therefore have more than
 *                           limit; so are its JWKs, and its certificates
 * PUT       record, precondition: creates or replaces it
 *                        -> the record; of an API key, created_at
 * PATCH     record, patch, precondition
 *                        -> the record
 * DELETE    record, precondition; credentials only
 * ROLL      record: the old API key; second: the new one, without name; grace
 *                        -> the new one, with the old one's name, and then the
 *                           old one, with its new expires_at
 * END       record: an API key, which is deleted; ends all tokens of the
 *           partner       -> the revocation
 * REVOKE    write        -> the revocation
 * IMPORT    import, nimport, dry_run: each is created, or replaced
 *                        -> nothing; or failed, the first at fault
 * USED      import, nimport: API keys by partner_id and key_sha256, with
 *           last_used_at, which is only raised; unknown ones are skipped
 */

typedef enum {
    NGX_HTTP_AGW_ADMIN_GET = 0,
    NGX_HTTP_AGW_ADMIN_LIST,
    NGX_HTTP_AGW_ADMIN_EXPORT,
    NGX_HTTP_AGW_ADMIN_PUT,
    NGX_HTTP_AGW_ADMIN_PATCH,
    NGX_HTTP_AGW_ADMIN_DELETE,
    NGX_HTTP_AGW_ADMIN_ROLL,
    NGX_HTTP_AGW_ADMIN_END,
    NGX_HTTP_AGW_ADMIN_REVOKE,
    NGX_HTTP_AGW_ADMIN_IMPORT,
    NGX_HTTP_AGW_ADMIN_USED
} ngx_http_agw_admin_what_t;


typedef enum {
    NGX_HTTP_AGW_ADMIN_DONE = 0,
    NGX_HTTP_AGW_ADMIN_CREATED,      /* PUT: there was none */
    NGX_HTTP_AGW_ADMIN_NOT_FOUND,    /* nor is its partner, of a credential */
    NGX_HTTP_AGW_ADMIN_CHANGED,      /* the precondition does not hold */
    NGX_HTTP_AGW_ADMIN_NO_PARTNER,   /* no partner has that partner_id */
    NGX_HTTP_AGW_ADMIN_TAKEN,        /* another API key has member */
    NGX_HTTP_AGW_ADMIN_TOO_LARGE,    /* what it needs is not read at once */
    NGX_HTTP_AGW_ADMIN_INVALID       /* member would be, see
                                        agw_record_check() */
} ngx_http_agw_admin_result_t;


/*
 * An operation.  The caller zeroes it, sets its parameters, and keeps it, with
 * all that it points to, until the handler is called.  No other part of nginx
 * may use its pool until then: results are allocated from it in a thread.
 *
 * The handler is called exactly once: with NGX_OK, and result is set; what was
 * written is then durable.  Or with NGX_ERROR, logged: it may not be.  Each
 * operation is one transaction: nothing of one that is not DONE or CREATED is
 * written.
 */

typedef struct ngx_http_agw_admin_s  ngx_http_agw_admin_t;

typedef void (*ngx_http_agw_admin_pt)(ngx_http_agw_admin_t *op, ngx_int_t rc);

struct ngx_http_agw_admin_s {
    ngx_pool_t                  *pool;       /* its own */
    ngx_http_agw_admin_pt        handler;
    void                        *data;       /* the handler's */

    ngx_http_agw_admin_what_t    what;
    time_t                       now;

    /*
     * known_stamp and abandoned of it are those of the operation; REVOKE has
     * its parameters and results there
     */
    ngx_http_agw_write_t         write;

    /* parameters: as above */

    agw_record_t                 record;
    agw_record_t                 second;
    unsigned                     patch;      /* AGW_MEMBER_* */

    unsigned                     new:1;      /* there must be none yet */
    unsigned                     old:1;      /* there must be one */
    agw_str_t                   *tags;       /* it must have one of these, see
                                                agw_record_tag() */
    ngx_uint_t                   ntags;      /* 0: any */

    /*
     * LIST: identified as records are, and a revocation by its seq.  EXPORT:
     * kind too, NONE is the start; a credential by its partner_id alone.
     */
    agw_record_t                 after;
    ngx_uint_t                   limit;

    /* LIST: records that have the same values of these members */
    unsigned                     filter;     /* STATUS (active), PARTNER_ID,
                                                KIND (id_kind); in record */

    int64_t                      grace;      /* seconds */
    agw_record_t                *import;
    ngx_uint_t                   nimport;
    unsigned                     dry_run:1;

    /* results */

    ngx_http_agw_admin_result_t  result;
    unsigned                     member;     /* at fault: AGW_MEMBER_* */
    ngx_uint_t                   failed;     /* index in import */
    unsigned                     more:1;
    int64_t                      next_seq;   /* LIST of revocations, and more:
                                                after.seq of the next page */
    ngx_array_t                  records;    /* agw_record_t */

    /*
     * The revocations that were written, in the order of their stamps: those
     * that were asked for, and those that follow from a change of a status or
     * an owner.
     */
    ngx_array_t                  revocations;    /* agw_revocation_t */

    /* the engine's own */

    void                        *engine;
    ngx_uint_t                   tries;
};


/*
 * Begins an operation.  Returns NGX_AGAIN if the handler will be called, or has
 * been; or NGX_DECLINED if this engine has no administration.
 */

ngx_int_t ngx_http_agw_store_administer(ngx_http_agw_store_t *store,
    ngx_http_agw_admin_t *op);


#endif /* NGX_HTTP_AGW_STORE_ADMIN_H_INCLUDED_ */
