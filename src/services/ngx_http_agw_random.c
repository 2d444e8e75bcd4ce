
/*
 * OpenSSL's generator asks as much for a few bytes as for a block of them.
 * A block is of one process: a fork would give the same bytes twice.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "ngx_http_agw_random.h"


#define NGX_HTTP_AGW_RANDOM_BLOCK  1024      /* bytes */


static struct {
    u_char     bytes[NGX_HTTP_AGW_RANDOM_BLOCK];
    size_t     left;                 /* of them, at the end */
    ngx_pid_t  pid;                  /* whose they are */
} ngx_http_agw_random_block;


ngx_int_t
ngx_http_agw_random(u_char *p, size_t n)
{
    u_char  *from;

    if (ngx_http_agw_random_block.pid != ngx_pid
        || ngx_http_agw_random_block.left < n)
    {
        ngx_http_agw_random_block.left = 0;

        if (n > NGX_HTTP_AGW_RANDOM_MAX
            || RAND_bytes(ngx_http_agw_random_block.bytes,
                          NGX_HTTP_AGW_RANDOM_BLOCK) != 1)
        {
            ERR_clear_error();
            return NGX_ERROR;
        }

        ngx_http_agw_random_block.pid = ngx_pid;
        ngx_http_agw_random_block.left = NGX_HTTP_AGW_RANDOM_BLOCK;
    }

    from = ngx_http_agw_random_block.bytes + NGX_HTTP_AGW_RANDOM_BLOCK
           - ngx_http_agw_random_block.left;

    ngx_memcpy(p, from, n);
    OPENSSL_cleanse(from, n);

    ngx_http_agw_random_block.left -= n;

    return NGX_OK;
}
