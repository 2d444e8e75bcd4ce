
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/crypto.h>

#include "ngx_http_agw_secret.h"


typedef struct {
    u_char                   *data;
    size_t                    size;
} ngx_http_agw_secret_t;


static void ngx_http_agw_secret_wipe(void *data);


u_char *
ngx_http_agw_secret_buf(ngx_pool_t *pool, size_t size)
{
    ngx_pool_cleanup_t     *cln;
    ngx_http_agw_secret_t  *secret;

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_http_agw_secret_t));
    if (cln == NULL) {
        return NULL;
    }

    secret = cln->data;
    secret->size = size;
    secret->data = ngx_pnalloc(pool, size);

    if (secret->data == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_agw_secret_wipe;

    return secret->data;
}


static void
ngx_http_agw_secret_wipe(void *data)
{
    ngx_http_agw_secret_t  *secret = data;

    OPENSSL_cleanse(secret->data, secret->size);
}
