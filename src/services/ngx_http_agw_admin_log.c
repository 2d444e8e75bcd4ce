
/*
 * A line is one write(), so that those of several workers do not mix.  One
 * that could be written in part only is ended before the next one.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_admin_log.h"


#define NGX_HTTP_AGW_ADMIN_LINE  1024        /* bytes, more than any line */


static ngx_int_t ngx_http_agw_admin_log_line(ngx_open_file_t *file,
    u_char *line, size_t len);


/* of this worker: the last line has no end */

static ngx_uint_t  ngx_http_agw_admin_log_torn;


ngx_int_t
ngx_http_agw_admin_log(const ngx_http_agw_main_conf_t *mcf,
    const ngx_http_agw_admin_event_t *event)
{
    u_char  *p, *last;
    u_char   line[NGX_HTTP_AGW_ADMIN_LINE];

    p = line;
    last = line + NGX_HTTP_AGW_ADMIN_LINE - 1;

    if (ngx_http_agw_admin_log_torn) {
        *p++ = '\n';
    }

    p = ngx_slprintf(p, last, "{\"time\":%T,\"request_id\":\"%V\",",
                     ngx_time(), &event->request_id);

    if (event->peer.local) {
        p = ngx_slprintf(p, last, "\"uid\":%ui,",
                         (ngx_uint_t) event->peer.uid);

    } else {
        p = ngx_slprintf(p, last, "\"certificate\":\"%*s\",",
                         (size_t) NGX_HTTP_AGW_THUMBPRINT,
                         event->peer.certificate);
    }

    p = ngx_slprintf(p, last, "\"operation\":\"%s\",\"object\":\"%V\","
                     "\"result\":\"%s\"}", event->operation, &event->object,
                     event->result);
    *p++ = '\n';

    return ngx_http_agw_admin_log_line(mcf->admin_log, line, p - line);
}


static ngx_int_t
ngx_http_agw_admin_log_line(ngx_open_file_t *file, u_char *line, size_t len)
{
    ssize_t  n;

    n = ngx_write_fd(file->fd, line, len);

    if (n == (ssize_t) len) {
        ngx_http_agw_admin_log_torn = 0;
        return NGX_OK;
    }

    ngx_http_agw_admin_log_torn |= (n > 0);

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, n == -1 ? ngx_errno : 0,
                  "auth_gateway: \"auth_gateway_admin_log\" cannot be written: "
                  "nothing is administered until it can");

    return NGX_ERROR;
}
