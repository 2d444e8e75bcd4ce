
/*
 * No message has the path: it may be a password, where somebody confuses
 * password_file= with what does not exist, and the line is named anyway.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <openssl/crypto.h>

#include "ngx_http_agw_redis_password.h"


#define NGX_HTTP_AGW_REDIS_PASSWORD_MAX  512


static ssize_t ngx_http_agw_redis_password_read(ngx_conf_t *cf, ngx_fd_t fd,
    u_char *buf, size_t size);
static ngx_int_t ngx_http_agw_redis_password_keep(ngx_conf_t *cf, u_char *buf,
    size_t len, ngx_str_t *password);
static void ngx_http_agw_redis_password_wipe(void *data);


ngx_int_t
ngx_http_agw_redis_password(ngx_conf_t *cf, ngx_str_t *file,
    ngx_str_t *password)
{
    u_char     buf[NGX_HTTP_AGW_REDIS_PASSWORD_MAX + 3];
    ssize_t    n;
    ngx_fd_t   fd;
    ngx_int_t  rc;

    /* or a FIFO would be waited for */

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " of the file of "
                           "\"password_file=\" in \"auth_gateway_store\" "
                           "failed");
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    n = ngx_http_agw_redis_password_read(cf, fd, buf, sizeof(buf));

    if (n != NGX_ERROR) {
        rc = ngx_http_agw_redis_password_keep(cf, buf, n, password);
    }

    OPENSSL_cleanse(buf, sizeof(buf));

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " of \"password_file=\" failed");
    }

    return rc;
}


static ssize_t
ngx_http_agw_redis_password_read(ngx_conf_t *cf, ngx_fd_t fd, u_char *buf,
    size_t size)
{
    size_t           len;
    ssize_t          n;
    ngx_file_info_t  fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"password_file=\" in \"auth_gateway_store\" must "
                           "be a regular file");
        return NGX_ERROR;
    }

    if (fi.st_mode & (S_IROTH|S_IWOTH)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"password_file=\" in \"auth_gateway_store\" is "
                           "secret, and others than its owner and group can "
                           "read or change it (chmod o-rwx)");
    }

    len = 0;

    do {
        n = ngx_read_fd(fd, buf + len, size - len);

        if (n == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               ngx_read_fd_n " of \"password_file=\" in "
                               "\"auth_gateway_store\" failed");
            return NGX_ERROR;
        }

        len += n;

    } while (n > 0 && len < size);

    return (ssize_t) len;
}


static ngx_int_t
ngx_http_agw_redis_password_keep(ngx_conf_t *cf, u_char *buf, size_t len,
    ngx_str_t *password)
{
    ngx_pool_cleanup_t  *cln;

    if (len && buf[len - 1] == '\n') {
        len--;

        if (len && buf[len - 1] == '\r') {
            len--;
        }
    }

    if (len == 0 || len > NGX_HTTP_AGW_REDIS_PASSWORD_MAX
        || ngx_strlchr(buf, buf + len, '\n')
        || ngx_strlchr(buf, buf + len, '\0'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"password_file=\" in \"auth_gateway_store\" must "
                           "be one line of 1 to 512 bytes, the password");
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    password->data = ngx_pnalloc(cf->pool, len);

    if (cln == NULL || password->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(password->data, buf, len);
    password->len = len;

    cln->handler = ngx_http_agw_redis_password_wipe;
    cln->data = password;

    return NGX_OK;
}


static void
ngx_http_agw_redis_password_wipe(void *data)
{
    ngx_str_t *password = data;

    OPENSSL_cleanse(password->data, password->len);
}
