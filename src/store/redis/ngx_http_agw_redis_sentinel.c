
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis_error.h"
#include "ngx_http_agw_redis_pipeline.h"
#include "ngx_http_agw_redis_sentinel.h"


static void ngx_http_agw_redis_sentinel_opened(
    ngx_http_agw_redis_conn_t *conn);
static void ngx_http_agw_redis_sentinel_closed(
    ngx_http_agw_redis_conn_t *conn);
static void ngx_http_agw_redis_sentinel_reply(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static const char *ngx_http_agw_redis_sentinel_fault(const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_sentinel_authenticate(
    ngx_http_agw_redis_sentinel_t *sentinel);
static void ngx_http_agw_redis_sentinel_authenticated(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static void ngx_http_agw_redis_sentinel_fail(
    ngx_http_agw_redis_sentinel_t *sentinel, const char *why);


const char  ngx_http_agw_redis_sentinel_malformed[] =
    "the sentinel's answer is malformed";


ngx_int_t
ngx_http_agw_redis_sentinel_ask(ngx_http_agw_redis_sentinel_t *sentinel,
    const ngx_http_agw_redis_host_t *host, const ngx_addr_t *addr)
{
    ngx_http_agw_redis_conn_t  *conn;

    conn = &sentinel->conn;

    conn->opened = ngx_http_agw_redis_sentinel_opened;
    conn->closed = ngx_http_agw_redis_sentinel_closed;
    conn->data = sentinel;
    conn->conf = sentinel->conf;
    conn->log = sentinel->log;
    conn->quiet = sentinel->quiet;

    sentinel->authenticated = 0;

    return ngx_http_agw_redis_conn_open(conn, host, addr);
}


void
ngx_http_agw_redis_sentinel_stop(ngx_http_agw_redis_sentinel_t *sentinel)
{
    ngx_http_agw_redis_conn_close(&sentinel->conn, 1);
}


static void
ngx_http_agw_redis_sentinel_opened(ngx_http_agw_redis_conn_t *conn)
{
    size_t                          argvlen[3];
    const char                     *argv[3];
    ngx_http_agw_redis_sentinel_t  *sentinel = conn->data;

    argv[0] = "SENTINEL";
    argvlen[0] = sizeof("SENTINEL") - 1;
    argv[1] = "GET-MASTER-ADDR-BY-NAME";
    argvlen[1] = sizeof("GET-MASTER-ADDR-BY-NAME") - 1;
    argv[2] = (char *) sentinel->conf->sentinel.data;
    argvlen[2] = sentinel->conf->sentinel.len;

    sentinel->command.handler = ngx_http_agw_redis_sentinel_reply;
    sentinel->command.data = sentinel;
    sentinel->command.idle = 1;

    if (ngx_http_agw_redis_pipeline_send(conn, &sentinel->command, 3, argv,
                                         argvlen)
        != NGX_OK)
    {
        ngx_http_agw_redis_sentinel_fail(sentinel, "no memory");
    }
}


static void
ngx_http_agw_redis_sentinel_closed(ngx_http_agw_redis_conn_t *conn)
{
    ngx_http_agw_redis_sentinel_t *sentinel = conn->data;

    sentinel->failed(sentinel, (char *) conn->why);
}


static void
ngx_http_agw_redis_sentinel_reply(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    agw_str_t                       host, port;
    const char                     *fault;
    ngx_http_agw_redis_sentinel_t  *sentinel = command->data;

    if (reply == NULL) {
        return;                      /* closed() will be called */
    }

    if (reply->type == REDIS_REPLY_ERROR && !sentinel->authenticated
        && sentinel->conf->password.len
        && ngx_strncmp(reply->str, "NOAUTH", 6) == 0
        && ngx_http_agw_redis_sentinel_authenticate(sentinel) == NGX_OK)
    {
        return;
    }

    fault = ngx_http_agw_redis_sentinel_fault(reply);

    if (fault) {
        ngx_http_agw_redis_sentinel_fail(sentinel, fault);
        return;
    }

    host.data = (const u_char *) reply->element[0]->str;
    host.len = reply->element[0]->len;

    port.data = (const u_char *) reply->element[1]->str;
    port.len = reply->element[1]->len;

    ngx_http_agw_redis_conn_close(&sentinel->conn, 1);

    sentinel->answered(sentinel, host, port);
}


/* NULL: it has two strings */

static const char *
ngx_http_agw_redis_sentinel_fault(const redisReply *reply)
{
    const char  *meaning;

    if (reply->type == REDIS_REPLY_NIL) {
        return "the sentinel does not know a master of the name of "
               "\"sentinel=\", which must be one that it watches";
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        meaning = ngx_http_agw_redis_error_of_server(reply);

        if (meaning) {
            return meaning;
        }

        if (ngx_strncmp(reply->str, "NOPERM", 6) == 0) {
            return "the sentinel's ACL must let the user do SENTINEL "
                   "GET-MASTER-ADDR-BY-NAME";
        }

        return ngx_strncmp(reply->str, "IDONTKNOW", 9) == 0
               ? "the sentinel does not know who is the master, and must be "
                 "able to reach it"
               : "it is no sentinel: with \"sentinel=\" the hosts must be "
                 "sentinels";
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        return ngx_http_agw_redis_sentinel_malformed;
    }

    return NULL;
}


/* the password goes only to a sentinel that wants one */

static ngx_int_t
ngx_http_agw_redis_sentinel_authenticate(
    ngx_http_agw_redis_sentinel_t *sentinel)
{
    size_t                            argvlen[3];
    ngx_uint_t                        argc;
    const char                       *argv[3];
    const ngx_http_agw_redis_conf_t  *conf;

    conf = sentinel->conf;
    argc = 0;

    argv[argc] = "AUTH";
    argvlen[argc++] = sizeof("AUTH") - 1;

    if (conf->user.len) {
        argv[argc] = (char *) conf->user.data;
        argvlen[argc++] = conf->user.len;
    }

    argv[argc] = (char *) conf->password.data;
    argvlen[argc++] = conf->password.len;

    sentinel->authenticated = 1;
    sentinel->command.handler = ngx_http_agw_redis_sentinel_authenticated;

    return ngx_http_agw_redis_pipeline_send(&sentinel->conn,
                                            &sentinel->command, argc, argv,
                                            argvlen);
}


static void
ngx_http_agw_redis_sentinel_authenticated(
    ngx_http_agw_redis_command_t *command, const redisReply *reply)
{
    ngx_http_agw_redis_sentinel_t *sentinel = command->data;

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_agw_redis_sentinel_fail(sentinel,
                                         "the sentinel refuses the user or the "
                                         "password: it must have those of "
                                         "\"user=\" and \"password_file=\"");
        return;
    }

    ngx_http_agw_redis_sentinel_opened(&sentinel->conn);
}


static void
ngx_http_agw_redis_sentinel_fail(ngx_http_agw_redis_sentinel_t *sentinel,
    const char *why)
{
    ngx_http_agw_redis_conn_close(&sentinel->conn, 1);

    sentinel->failed(sentinel, why);
}
