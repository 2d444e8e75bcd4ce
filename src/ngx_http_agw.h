
/*
 * The types that all nginx-side rooms share: the configuration, which is const
 * while requests are served, and the context of a request.  No function is
 * declared here.
 */


#ifndef NGX_HTTP_AGW_H_INCLUDED_
#define NGX_HTTP_AGW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_claims.h"
#include "agw_keyring.h"
#include "agw_params.h"
#include "agw_policy.h"
#include "agw_revoked_set.h"
#include "agw_template.h"
#include "agw_token_cache.h"
#include "ngx_http_agw_store.h"


typedef struct ngx_http_agw_revocations_s  ngx_http_agw_revocations_t;


/* a key of some server, as the status shows it */

typedef struct {
    ngx_str_t                 kid;
    ngx_str_t                 alg;
    ngx_str_t                 issuer;        /* another one; empty: we are */
    ngx_str_t                 use;           /* "sign" or "verify" */
} ngx_http_agw_listed_key_t;


/* http: set once */

typedef struct {
    ngx_http_agw_store_t     *store;         /* NULL: not configured */
    ngx_http_agw_revocations_t  *revocations;    /* NULL without a store */
    size_t                    zone_size;     /* bytes */
    ngx_uint_t                token_type;    /* agw_typ_t, of issued tokens */
    time_t                    leeway;        /* seconds */
    time_t                    max_lifetime;  /* seconds */
    ngx_msec_t                stale;         /* knowledge of revocations */
    ngx_http_agw_store_limits_t  limits;     /* of all the servers */
    unsigned                  foreign:1;     /* some key is another issuer's */
    ngx_int_t                 cache_size;    /* entries; 0: none */
    agw_token_cache_t        *cache;         /* NULL; each worker's own */
    ngx_shm_zone_t           *counters;
    ngx_shm_zone_t           *assertions;    /* NULL: none are accepted */
    ngx_array_t              *keys;          /* ngx_http_agw_listed_key_t */
    ngx_array_t              *locations;     /* ngx_http_agw_location_t */
    ngx_int_t                 request_id;    /* index of nginx's variable */
    ngx_flag_t                report;        /* at nginx -t alone */
    ngx_open_file_t          *admin_log;     /* NULL: not configured */
} ngx_http_agw_main_conf_t;


/* server: whose tokens, and whose paths */

typedef struct {
    agw_keyring_t            *keyring;       /* NULL: not configured */
    ngx_str_t                 issuer;
    ngx_str_t                 audience;
    agw_claims_rules_t        rules;         /* of all the above */
    const void               *verified_under;    /* identifies the above */
    ngx_str_t                 claims_head;   /* of issued tokens */
    ngx_str_t                 resource_metadata;     /* its URL, or empty */
    ngx_str_t                 token_url;     /* of the metadata, or empty */
    unsigned                  guarded:1;     /* some location is */
    ngx_array_t              *templates;     /* of those; agw_template_t */
} ngx_http_agw_srv_conf_t;


typedef enum {
    NGX_HTTP_AGW_HTTPS_OFF = 0,
    NGX_HTTP_AGW_HTTPS_ON,
    NGX_HTTP_AGW_HTTPS_VARIABLE
} ngx_http_agw_https_t;


typedef enum {
    NGX_HTTP_AGW_ENFORCE_ON = 0,
    NGX_HTTP_AGW_ENFORCE_LOG,
    NGX_HTTP_AGW_ENFORCE_VARIABLE
} ngx_http_agw_enforce_t;


/* how partners may authenticate, as bits */

#define NGX_HTTP_AGW_AUTH_BASIC  1u
#define NGX_HTTP_AGW_AUTH_POST   2u
#define NGX_HTTP_AGW_AUTH_TLS    4u
#define NGX_HTTP_AGW_AUTH_JWT    8u


/* whether issued tokens are bound to the client's certificate */

typedef enum {
    NGX_HTTP_AGW_BIND_AS_BEFORE = 0, /* as the token it is issued from */
    NGX_HTTP_AGW_BIND_OFF,
    NGX_HTTP_AGW_BIND_CERTIFICATE
} ngx_http_agw_bind_t;


typedef enum {
    NGX_HTTP_AGW_FORMAT_OAUTH2 = 0,
    NGX_HTTP_AGW_FORMAT_THRED,
    NGX_HTTP_AGW_FORMAT_LAYER
} ngx_http_agw_format_t;


/* a document, rendered while the configuration is read */

typedef struct {
    ngx_str_t                 type;
    ngx_str_t                 body;
    ngx_str_t                 etag;          /* with its quotes */
} ngx_http_agw_document_t;


/* the paths of endpoints in a metadata document; empty: none */

typedef struct {
    ngx_str_t                 token;
    ngx_str_t                 jwks;
    ngx_str_t                 revoke;
    ngx_str_t                 introspect;
} ngx_http_agw_metadata_paths_t;


/* who may administer, and whether it may write */

typedef struct {
    unsigned                  write:1;
    ngx_array_t               uids;          /* uid_t */
    ngx_array_t               certificates;  /* ngx_str_t: x5t#S256 */
} ngx_http_agw_admin_conf_t;


/* which paths lead to a location; a block has those of its location */

typedef enum {
    NGX_HTTP_AGW_NOWHERE = 0,        /* a server: paths without a location */
    NGX_HTTP_AGW_PREFIX,
    NGX_HTTP_AGW_EXACT,
    NGX_HTTP_AGW_REGEX,
    NGX_HTTP_AGW_NAMED
} ngx_http_agw_place_t;


typedef struct ngx_http_agw_loc_conf_s  ngx_http_agw_loc_conf_t;


/* a location that answers by itself: one of these for each directive */

typedef struct {
    const char               *directive;
    ngx_http_handler_pt       handler;
    const char               *methods;       /* as Allow has them */
    unsigned                  takes_credentials:1;
    unsigned                  needs_store:1;
    unsigned                  needs_key:1;
    unsigned                  needs_signer:1;

    /* after the location was merged; may be NULL */

    char                   *(*prepare)(ngx_conf_t *cf,
                                  ngx_http_agw_loc_conf_t *conf);
} ngx_http_agw_endpoint_t;


/* location: what it requires, or which endpoint it is */

struct ngx_http_agw_loc_conf_s {
    ngx_str_t                 written;       /* "location /x", at nginx -t */
    const u_char             *file;          /* and where */
    ngx_uint_t                line;

    ngx_http_agw_place_t      place;
    ngx_str_t                 stem;          /* a name that lacks a last '/' */
    ngx_uint_t                index;         /* in the array of locations */
    unsigned                  own_path:1;    /* written in this very block */
    unsigned                  own_require:1; /* likewise */
    unsigned                  place_require:1;   /* here or in its location */
    unsigned                  opened:1;      /* by the `off` of a location */
    unsigned                  partner_path:1;    /* one, for partners */

    ngx_uint_t                require;       /* AGW_REQUIRE_* */
    ngx_str_t                 scope;         /* words that a token needs */
    ngx_str_t                 scope_of_partner;  /* without business_access */
    ngx_str_t                 business_path; /* as it was written */
    agw_template_t            template;
    ngx_uint_t                template_index;    /* in the server's, or unset */
    const agw_template_t     *own_template;  /* of the server's, or none */
    ngx_uint_t                https;         /* ngx_http_agw_https_t */
    ngx_http_complex_value_t *https_value;
    agw_str_t                 https_header;  /* "x_forwarded_proto", or empty */
    ngx_uint_t                enforce;       /* ngx_http_agw_enforce_t */
    ngx_http_complex_value_t *enforce_value;
    ngx_flag_t                strict_path;
    ngx_flag_t                pass_preflight;
    ngx_uint_t                error_format;  /* ngx_http_agw_format_t */
    ngx_flag_t                intercept_errors;
    ngx_str_t                 realm;
    ngx_http_complex_value_t *client_certificate;    /* NULL: its own */
    agw_str_t                 certificate_header;    /* of $http_, or empty */

    const ngx_http_agw_endpoint_t  *endpoint;    /* NULL: it is none */
    agw_kind_t                token_kind;    /* where it issues tokens */
    agw_revocation_kind_t     revoked_kind;  /* where it revokes */
    const ngx_http_agw_metadata_paths_t  *metadata_paths;    /* or NULL */
    const ngx_http_agw_admin_conf_t  *admin;     /* or NULL */
    ngx_http_agw_document_t   document;      /* of metadata or a JWK Set */
    time_t                    partner_lifetime;
    time_t                    business_lifetime;
    ngx_str_t                 partner_scope; /* to ask for; or empty */
    ngx_str_t                 business_scope;    /* likewise */
    ngx_uint_t                client_auth;   /* NGX_HTTP_AGW_AUTH_* */
    ngx_uint_t                bind_tokens;   /* ngx_http_agw_bind_t */
};


/*
 * A location that was merged; they are recorded in the order of merging.  A
 * server's own configuration, which applies if no location matches, comes
 * before its locations.  Blocks of `if` and `limit_except` are locations too.
 */

typedef struct {
    ngx_http_core_loc_conf_t      *core;
    ngx_http_agw_loc_conf_t       *conf;
    ngx_http_core_srv_conf_t      *core_server;
    ngx_http_agw_srv_conf_t       *server;
    unsigned                       is_server:1;
} ngx_http_agw_location_t;


typedef struct ngx_http_agw_body_s          ngx_http_agw_body_t;
typedef struct ngx_http_agw_api_key_auth_s  ngx_http_agw_api_key_auth_t;
typedef struct ngx_http_agw_grant_s         ngx_http_agw_grant_t;
typedef struct ngx_http_agw_subject_s       ngx_http_agw_subject_t;
typedef struct ngx_http_agw_partner_auth_s  ngx_http_agw_partner_auth_t;
typedef struct ngx_http_agw_admin_request_s  ngx_http_agw_admin_request_t;
typedef struct ngx_http_agw_explanation_s   ngx_http_agw_explanation_t;


/* what an endpoint did, for an audit log */

typedef enum {
    NGX_HTTP_AGW_EVENT_NONE = 0,
    NGX_HTTP_AGW_EVENT_ISSUED,
    NGX_HTTP_AGW_EVENT_REVOKED,
    NGX_HTTP_AGW_EVENT_INTROSPECTED,
    NGX_HTTP_AGW_EVENT_ADMIN
} ngx_http_agw_event_t;


/*
 * The context of a request, until the end of the pass: after an internal
 * redirect nginx has forgotten it, and all is checked again.
 */

typedef struct {
    ngx_http_request_t       *request;       /* it may be a subrequest */
    agw_reason_t              token_reason;  /* of its verification */
    const char               *fault;         /* of claims, key, certificate */
    const agw_str_t          *asked_certificate; /* of a probe; else NULL */
    agw_reason_t              result;        /* of the request */
    agw_verified_t           *token;         /* NULL, or kept until the end */
    const agw_claims_t       *claims;        /* once token_reason is AGW_OK */
    json_t                   *json;          /* all claims, once needed */
    const agw_key_t          *key;           /* that the token named */
    ngx_str_t                 partner_id;    /* verified or stored, for logs */
    ngx_str_t                 business_id;   /* that was allowed */
    ngx_table_elt_t          *deferred;      /* challenge left to nginx */
    ngx_table_elt_t          *watched;       /* one that nginx may take back */

    ngx_http_agw_event_t      event;         /* if the result is AGW_OK */
    ngx_str_t                 event_business_id;
    ngx_str_t                 event_token_id;

    ngx_http_agw_body_t      *body;          /* while it is read */
    ngx_http_agw_api_key_auth_t  *api_key_auth;  /* a partner, by API key */
    ngx_http_agw_grant_t     *grant;         /* the token to be issued */
    ngx_http_agw_subject_t   *subject;       /* of a token exchange */
    ngx_http_agw_partner_auth_t  *partner_auth;  /* by API key or token */
    const agw_params_t       *params;        /* of the body, once read */
    ngx_http_agw_admin_request_t  *admin;    /* of an administrator */
    ngx_http_agw_explanation_t  *explanation;    /* asked for, or made for it */

    agw_reason_t              owner_reason;  /* the result of the query */

    unsigned                  body_taken:1;  /* nginx has none now */
    unsigned                  token_checked:1;   /* token_reason is set */
    unsigned                  owner_queried:1;
    unsigned                  owner_known:1; /* owner_reason is set */
    unsigned                  suspended:1;   /* until owner_known */
    unsigned                  decided:1;     /* result is set */
    unsigned                  choosing:1;    /* whether to enforce it */
    unsigned                  would_refuse:1;    /* and let it through */
    unsigned                  doubtful:1;    /* an earlier pass would refuse */
    unsigned                  own_watched:1; /* `watched` is never sent */
    unsigned                  passed:1;      /* the access phase, by itself */
    unsigned                  overruled:1;   /* by another access module */
} ngx_http_agw_ctx_t;


extern ngx_module_t  ngx_http_auth_gateway_module;


#endif /* NGX_HTTP_AGW_H_INCLUDED_ */
