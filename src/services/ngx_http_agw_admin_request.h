
/*
 * A request of an administrator: what it names, and what it asks for.
 */


#ifndef NGX_HTTP_AGW_ADMIN_REQUEST_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_REQUEST_H_INCLUDED_


#include "ngx_http_agw_administer.h"

#include "agw_record_json.h"


#define NGX_HTTP_AGW_ADMIN_IDS    2
#define NGX_HTTP_AGW_ADMIN_TAGS   8          /* in If-Match */
#define NGX_HTTP_AGW_ADMIN_BODY   1048576    /* bytes */


/* parameters of a query, as bits */

#define NGX_HTTP_AGW_ARG_AFTER        1u
#define NGX_HTTP_AGW_ARG_LIMIT        2u
#define NGX_HTTP_AGW_ARG_STATUS       4u
#define NGX_HTTP_AGW_ARG_PARTNER_ID   8u
#define NGX_HTTP_AGW_ARG_KIND        16u
#define NGX_HTTP_AGW_ARG_DRY_RUN     32u


/* why it is refused; empty texts are those of the reason */

typedef struct {
    agw_reason_t              reason;
    ngx_str_t                 description;
    ngx_str_t                 member;        /* at fault */
    ngx_uint_t                line;          /* of an import; 0: none */
} ngx_http_agw_admin_fault_t;


typedef struct ngx_http_agw_admin_route_s  ngx_http_agw_admin_route_t;

/* begins: AGW_OK, and the request will be answered; or req->fault is set */

typedef agw_reason_t (*ngx_http_agw_admin_begin_pt)(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);

struct ngx_http_agw_admin_route_s {
    const char                   *path;      /* "partners/<id>", ... */
    ngx_uint_t                    method;
    ngx_http_agw_admin_begin_pt   begin;
    ngx_http_agw_admin_what_t     what;
    agw_record_kind_t             kind;
    ngx_uint_t                    args;      /* NGX_HTTP_AGW_ARG_* */
    unsigned                      accepted;  /* of the body: AGW_MEMBER_* */
    unsigned                      required;  /* likewise */
    const char                   *operation; /* of a write, for the log */
    ngx_uint_t                    counter;   /* likewise, NGX_HTTP_AGW_WROTE_*;
                                                PUT: of a new one */
    const char                   *type;      /* of the body; NULL: none */
};


struct ngx_http_agw_admin_request_s {
    const ngx_http_agw_admin_route_t  *route;
    ngx_http_agw_admin_peer_t          peer;
    ngx_str_t                          prefix;   /* of paths, with a '/' */
    ngx_str_t                          path;     /* "partners", ... */
    ngx_str_t                          ids[NGX_HTTP_AGW_ADMIN_IDS];
    ngx_str_t                          body;
    u_char                            *api_key;  /* that was made, or NULL */
    ngx_uint_t                        *lines;    /* of an import */
    ngx_uint_t                         counts[AGW_RECORD_BUSINESS + 1];
    ngx_http_agw_administration_t     *adm;
    ngx_http_agw_admin_fault_t         fault;
};


/*
 * Reads the query and the preconditions into req->adm.  AGW_OK, or req->fault
 * is set.
 */

agw_reason_t ngx_http_agw_admin_args(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);


/* whether a web page has sent it: a browser says so */

ngx_uint_t ngx_http_agw_admin_of_page(ngx_http_request_t *r);


/*
 * Sets the fault: a parameter or member, whose name is static, and what it
 * must be, "must be ...".  Returns the reason.
 */

agw_reason_t ngx_http_agw_admin_refuse_member(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, const char *member,
    const char *accepted);


/* the same with a text that stands alone; member may be empty */

agw_reason_t ngx_http_agw_admin_refuse(ngx_http_agw_admin_request_t *req,
    agw_reason_t reason, const char *description);


#endif /* NGX_HTTP_AGW_ADMIN_REQUEST_H_INCLUDED_ */
