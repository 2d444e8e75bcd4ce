
/*
 * nginx makes its unix sockets with mode 0666, and other proxies may send
 * requests to one.  So the kernel is asked who has connected.  The workers'
 * own user is no administrator by default: requests that some location of this
 * or another nginx proxies to the socket come from it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/err.h>

#include "agw_base64.h"
#include "ngx_http_agw_admin_peer.h"


static ngx_uint_t ngx_http_agw_admin_is_local(ngx_http_request_t *r);
static ngx_int_t ngx_http_agw_admin_user(ngx_http_request_t *r,
    const ngx_http_agw_admin_conf_t *conf, ngx_http_agw_admin_peer_t *peer);
static ngx_int_t ngx_http_agw_admin_certificate(ngx_http_request_t *r,
    const ngx_http_agw_admin_conf_t *conf, ngx_http_agw_admin_peer_t *peer);
#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_agw_admin_thumbprint(ngx_http_request_t *r,
    u_char *thumbprint);
#endif


ngx_int_t
ngx_http_agw_admin_peer(ngx_http_request_t *r,
    const ngx_http_agw_admin_conf_t *conf, ngx_http_agw_admin_peer_t *peer)
{
    ngx_memzero(peer, sizeof(ngx_http_agw_admin_peer_t));

    if (ngx_http_agw_admin_is_local(r)) {
        return ngx_http_agw_admin_user(r, conf, peer);
    }

    return ngx_http_agw_admin_certificate(r, conf, peer);
}


/* with proxy_protocol, the request is that of somebody behind the peer */

static ngx_uint_t
ngx_http_agw_admin_is_local(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    return c->local_sockaddr != NULL
           && c->local_sockaddr->sa_family == AF_UNIX
           && c->proxy_protocol == NULL
           && !r->http_connection->addr_conf->proxy_protocol;
}


static ngx_int_t
ngx_http_agw_admin_user(ngx_http_request_t *r,
    const ngx_http_agw_admin_conf_t *conf, ngx_http_agw_admin_peer_t *peer)
{
#ifdef SO_PEERCRED

    uid_t         *uid;
    socklen_t      len;
    ngx_uint_t     i;
    struct ucred   cred;

    len = sizeof(struct ucred);

    if (getsockopt(r->connection->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len)
        != 0
        || len != sizeof(struct ucred))
    {
        return NGX_DECLINED;
    }

    peer->local = 1;
    peer->uid = cred.uid;

    uid = conf->uids.elts;

    for (i = 0; i < conf->uids.nelts; i++) {
        if (uid[i] == cred.uid) {
            return NGX_OK;
        }
    }

    return cred.uid == 0 && geteuid() != 0 ? NGX_OK : NGX_DECLINED;

#else

    return NGX_DECLINED;

#endif
}


static ngx_int_t
ngx_http_agw_admin_certificate(ngx_http_request_t *r,
    const ngx_http_agw_admin_conf_t *conf, ngx_http_agw_admin_peer_t *peer)
{
#if (NGX_HTTP_SSL)

    ngx_str_t   *listed;
    ngx_uint_t   i;

    if (r->connection->ssl == NULL || conf->certificates.nelts == 0
        || ngx_http_agw_admin_thumbprint(r, peer->certificate) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    listed = conf->certificates.elts;

    for (i = 0; i < conf->certificates.nelts; i++) {
        if (ngx_memcmp(listed[i].data, peer->certificate,
                       NGX_HTTP_AGW_THUMBPRINT)
            == 0)
        {
            return NGX_OK;
        }
    }

#endif

    return NGX_DECLINED;
}


#if (NGX_HTTP_SSL)

/* RFC 8705, section 3.1, of a certificate that nginx has verified */

static ngx_int_t
ngx_http_agw_admin_thumbprint(ngx_http_request_t *r, u_char *thumbprint)
{
    int         rc;
    X509       *cert;
    unsigned    len;
    agw_str_t   text;
    u_char      digest[EVP_MAX_MD_SIZE];

    if (SSL_get_verify_result(r->connection->ssl->connection) != X509_V_OK) {
        return NGX_DECLINED;
    }

    cert = SSL_get_peer_certificate(r->connection->ssl->connection);
    if (cert == NULL) {
        return NGX_DECLINED;
    }

    rc = X509_digest(cert, EVP_sha256(), digest, &len);

    X509_free(cert);

    if (rc != 1) {
        ERR_clear_error();
        return NGX_DECLINED;
    }

    text.data = digest;
    text.len = len;

    (void) agw_base64url_encode(text, thumbprint);

    return NGX_OK;
}

#endif
