
/*
 * What only reads is sent at once; the script follows when the server is known
 * to be a primary.  Nothing of an error of AUTH is logged: a server that does
 * not know the command repeats its arguments.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <openssl/rand.h>

#include "agw.h"
#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_error.h"
#include "ngx_http_agw_redis_handshake.h"
#include "ngx_http_agw_redis_known.h"
#include "ngx_http_agw_redis_pipeline.h"
#include "ngx_http_agw_redis_script.h"


/* what is said of a server once, not at each connect */

#define NGX_HTTP_AGW_REDIS_POLICY    0x01
#define NGX_HTTP_AGW_REDIS_REPLICAS  0x02

#define NGX_HTTP_AGW_REDIS_POLICY_MAX  32    /* bytes of one, in the log */


static ngx_int_t ngx_http_agw_redis_auth(
    ngx_http_agw_redis_handshake_t *handshake);
static ngx_int_t ngx_http_agw_redis_handshake_send(
    ngx_http_agw_redis_handshake_t *handshake,
    ngx_http_agw_redis_command_t *command, ngx_http_agw_redis_reply_pt handler,
    const char *name, const ngx_str_t *arg);
static void ngx_http_agw_redis_auth_reply(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static void ngx_http_agw_redis_select_reply(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static void ngx_http_agw_redis_role_reply(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static void ngx_http_agw_redis_info_reply(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static ngx_uint_t ngx_http_agw_redis_info(const redisReply *reply,
    const char *name, ngx_str_t *value);
static void ngx_http_agw_redis_remark(
    ngx_http_agw_redis_handshake_t *handshake, const redisReply *reply);
static ngx_uint_t ngx_http_agw_redis_remark_once(
    ngx_http_agw_redis_handshake_t *handshake, ngx_uint_t bit, ngx_uint_t on);
static void ngx_http_agw_redis_script_send(
    ngx_http_agw_redis_handshake_t *handshake, ngx_str_t *run_id);
static void ngx_http_agw_redis_script_reply(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_script_read(
    ngx_http_agw_redis_handshake_t *handshake, const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_number_of(const redisReply *reply,
    int64_t *number);
static void ngx_http_agw_redis_refused(
    ngx_http_agw_redis_handshake_t *handshake, const char *what,
    const redisReply *reply);
static void ngx_http_agw_redis_fail(ngx_http_agw_redis_handshake_t *handshake,
    const char *why);


ngx_int_t
ngx_http_agw_redis_handshake_start(ngx_http_agw_redis_handshake_t *handshake)
{
    u_char                            buf[NGX_INT_T_LEN];
    ngx_str_t                         db;
    const ngx_http_agw_redis_conf_t  *conf;

    conf = handshake->worker->conf;

    handshake->moved[0] = '\0';
    ngx_cpystrn(handshake->why, (u_char *) "no memory",
                sizeof(handshake->why));
    ngx_memzero(&handshake->server, sizeof(ngx_http_agw_redis_server_t));

    if (conf->password.len && ngx_http_agw_redis_auth(handshake) != NGX_OK) {
        return NGX_ERROR;
    }

    if (conf->db) {
        db.data = buf;
        db.len = ngx_sprintf(buf, "%ui", conf->db) - buf;

        if (ngx_http_agw_redis_handshake_send(handshake, &handshake->select,
                                              ngx_http_agw_redis_select_reply,
                                              "SELECT", &db)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_agw_redis_handshake_send(handshake, &handshake->role,
                                          ngx_http_agw_redis_role_reply,
                                          "ROLE", NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_agw_redis_handshake_send(handshake, &handshake->info,
                                             ngx_http_agw_redis_info_reply,
                                             "INFO", NULL);
}


static ngx_int_t
ngx_http_agw_redis_auth(ngx_http_agw_redis_handshake_t *handshake)
{
    size_t                            argvlen[3];
    ngx_uint_t                        argc;
    const char                       *argv[3];
    ngx_http_agw_redis_command_t     *command;
    const ngx_http_agw_redis_conf_t  *conf;

    conf = handshake->worker->conf;

    argv[0] = "AUTH";
    argvlen[0] = sizeof("AUTH") - 1;
    argc = 1;

    if (conf->user.len) {
        argv[argc] = (const char *) conf->user.data;
        argvlen[argc++] = conf->user.len;
    }

    argv[argc] = (const char *) conf->password.data;
    argvlen[argc++] = conf->password.len;

    command = &handshake->auth;

    command->handler = ngx_http_agw_redis_auth_reply;
    command->data = handshake;
    command->idle = 1;

    return ngx_http_agw_redis_pipeline_send(handshake->conn, command, argc,
                                            argv, argvlen);
}


static ngx_int_t
ngx_http_agw_redis_handshake_send(ngx_http_agw_redis_handshake_t *handshake,
    ngx_http_agw_redis_command_t *command, ngx_http_agw_redis_reply_pt handler,
    const char *name, const ngx_str_t *arg)
{
    size_t       argvlen[2];
    ngx_uint_t   argc;
    const char  *argv[2];

    argv[0] = name;
    argvlen[0] = ngx_strlen(name);
    argc = 1;

    if (arg) {
        argv[argc] = (const char *) arg->data;
        argvlen[argc++] = arg->len;
    }

    command->handler = handler;
    command->data = handshake;
    command->idle = 1;

    return ngx_http_agw_redis_pipeline_send(handshake->conn, command, argc,
                                            argv, argvlen);
}


/* if a connection ends, its owner learns it: NULL is no news */

static void
ngx_http_agw_redis_auth_reply(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    const char                      *why;
    ngx_http_agw_redis_handshake_t  *handshake = command->data;

    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) {
        return;
    }

    why = ngx_http_agw_redis_error_of_server(reply);

    if (why == NULL) {
        why = (ngx_strncmp(reply->str, "WRONGPASS", 9) == 0)
              ? "it refuses the user or the password: \"user=\" and "
                "\"password_file=\" must be right, and nginx must be reloaded "
                "after the file has changed"
              : "it refuses AUTH: it may have no password, or no ACL users, "
                "while \"user=\" or \"password_file=\" is given";
    }

    ngx_http_agw_redis_fail(handshake, why);
}


static void
ngx_http_agw_redis_select_reply(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_http_agw_redis_handshake_t *handshake = command->data;

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        ngx_http_agw_redis_refused(handshake, "SELECT", reply);
    }
}


static void
ngx_http_agw_redis_role_reply(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    const redisReply                *role;
    ngx_http_agw_redis_handshake_t  *handshake = command->data;

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_agw_redis_refused(handshake, "ROLE", reply);
        return;
    }

    role = (reply->type == REDIS_REPLY_ARRAY && reply->elements)
           ? reply->element[0] : NULL;

    if (role == NULL || role->type != REDIS_REPLY_STRING) {
        ngx_http_agw_redis_fail(handshake, "its answer to ROLE is malformed");

    } else if (ngx_strcmp(role->str, "slave") == 0) {
        ngx_http_agw_redis_fail(handshake,
                                "it is a replica: the store must be the "
                                "primary, or \"sentinel=\" must name it");

    } else if (ngx_strcmp(role->str, "sentinel") == 0) {
        ngx_http_agw_redis_fail(handshake,
                                "it is a sentinel: \"sentinel=\" must name "
                                "the master");

    } else if (ngx_strcmp(role->str, "master") != 0) {
        ngx_http_agw_redis_fail(handshake, "it is no primary");
    }
}


static void
ngx_http_agw_redis_info_reply(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_str_t                        run_id, loading;
    ngx_http_agw_redis_handshake_t  *handshake = command->data;

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_agw_redis_refused(handshake, "INFO", reply);
        return;
    }

    if (reply->type != REDIS_REPLY_STRING
        || !ngx_http_agw_redis_info(reply, "run_id:", &run_id)
        || run_id.len > NGX_HTTP_AGW_REDIS_ID_MAX)
    {
        ngx_http_agw_redis_fail(handshake, "its answer to INFO is malformed");
        return;
    }

    if (ngx_http_agw_redis_info(reply, "loading:", &loading)
        && loading.len == 1 && loading.data[0] == '1')
    {
        ngx_http_agw_redis_fail(handshake, "it is loading its data, and is "
                                           "tried again");
        return;
    }

    ngx_memcpy(handshake->server.run_id, run_id.data, run_id.len);

    ngx_http_agw_redis_remark(handshake, reply);

    ngx_http_agw_redis_script_send(handshake, &run_id);
}


/* the value of a line; not empty */

static ngx_uint_t
ngx_http_agw_redis_info(const redisReply *reply, const char *name,
    ngx_str_t *value)
{
    size_t   len;
    u_char  *p, *end, *last;

    p = (u_char *) reply->str;
    last = p + reply->len;
    len = ngx_strlen(name);

    while (p < last) {
        end = ngx_strlchr(p, last, '\n');
        end = end ? end : last;

        if ((size_t) (end - p) > len && ngx_strncmp(p, name, len) == 0) {
            value->data = p + len;
            value->len = end - p - len;

            if (value->data[value->len - 1] == '\r') {
                value->len--;
            }

            return value->len != 0;
        }

        p = end + 1;
    }

    return 0;
}


/* of one worker, or each would say it */

static void
ngx_http_agw_redis_remark(ngx_http_agw_redis_handshake_t *handshake,
    const redisReply *reply)
{
    u_char       shown[NGX_HTTP_AGW_REDIS_POLICY_MAX];
    ngx_str_t    policy, value;
    ngx_uint_t   evicts, alone;
    ngx_log_t   *log;

    if (ngx_worker != 0) {
        return;
    }

    log = handshake->worker->log;

    evicts = ngx_http_agw_redis_info(reply, "maxmemory_policy:", &policy)
             && !(policy.len == sizeof("noeviction") - 1
                  && ngx_strncmp(policy.data, "noeviction", policy.len) == 0);

    if (ngx_http_agw_redis_remark_once(handshake, NGX_HTTP_AGW_REDIS_POLICY,
                                       evicts))
    {
        ngx_http_agw_redis_printable(policy.data, policy.len, shown,
                                     sizeof(shown));

        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "auth_gateway: store \"%V\" removes revocations when its "
                      "memory is full: \"maxmemory-policy\" must be "
                      "\"noeviction\", it is \"%s\"",
                      &handshake->worker->conf->shown, shown);
    }

    /* it is in INFO where min-replicas-to-write is set */

    alone = ngx_http_agw_redis_info(reply, "connected_slaves:", &value)
            && !(value.len == 1 && value.data[0] == '0')
            && !ngx_http_agw_redis_info(reply, "min_slaves_good_slaves:",
                                        &value);

    if (ngx_http_agw_redis_remark_once(handshake, NGX_HTTP_AGW_REDIS_REPLICAS,
                                       alone))
    {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "auth_gateway: store \"%V\" has replicas, and goes on "
                      "answering if it is cut off from them while one of them "
                      "is promoted: \"min-replicas-to-write\" should be at "
                      "least 1", &handshake->worker->conf->shown);
    }
}


static ngx_uint_t
ngx_http_agw_redis_remark_once(ngx_http_agw_redis_handshake_t *handshake,
    ngx_uint_t bit, ngx_uint_t on)
{
    ngx_http_agw_redis_worker_t  *worker;

    worker = handshake->worker;

    if (!on) {
        worker->remarked &= ~bit;
        return 0;
    }

    if (worker->remarked & bit) {
        return 0;
    }

    worker->remarked |= bit;

    return 1;
}


static void
ngx_http_agw_redis_script_send(ngx_http_agw_redis_handshake_t *handshake,
    ngx_str_t *run_id)
{
    u_char                        random[NGX_HTTP_AGW_REDIS_EPOCH / 2],
                                  epoch[NGX_HTTP_AGW_REDIS_EPOCH];
    ngx_http_agw_redis_args_t     args;
    ngx_http_agw_redis_worker_t  *worker;

    worker = handshake->worker;

    if (RAND_bytes(random, sizeof(random)) != 1) {
        ngx_http_agw_redis_fail(handshake, "RAND_bytes() failed");
        return;
    }

    ngx_hex_dump(epoch, random, sizeof(random));

    ngx_http_agw_redis_script_handshake(&args, worker->conf->prefix, *run_id,
                                        epoch, worker->known,
                                        worker->limits->horizon);

    handshake->script.handler = ngx_http_agw_redis_script_reply;
    handshake->script.data = handshake;
    handshake->script.idle = 1;

    if (ngx_http_agw_redis_pipeline_send(handshake->conn, &handshake->script,
                                     args.argc, args.argv, args.argvlen)
        != NGX_OK)
    {
        ngx_http_agw_redis_fail(handshake, "no memory");
    }
}


static void
ngx_http_agw_redis_script_reply(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_http_agw_redis_handshake_t *handshake = command->data;

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        (void) ngx_http_agw_redis_error_moved(reply, handshake->moved,
                                              sizeof(handshake->moved));
        ngx_http_agw_redis_refused(handshake, "EVAL", reply);
        return;
    }

    if (ngx_http_agw_redis_script_read(handshake, reply) != NGX_OK) {
        ngx_http_agw_redis_fail(handshake, "its answer to the script of the "
                                           "handshake is malformed");
        return;
    }

    ngx_http_agw_redis_hear(handshake->worker, handshake->server.stamp);

    if (handshake->server.jumped) {
        ngx_log_error(NGX_LOG_NOTICE, handshake->worker->log, 0,
                      "auth_gateway: store \"%V\" is new, or another server "
                      "than before: its stamps were raised by a day, to %L",
                      &handshake->worker->conf->shown,
                      handshake->server.stamp);
    }

    handshake->handler(handshake, NGX_OK);
}


/* epoch, stamp, whether it was raised, floor, horizon */

static ngx_int_t
ngx_http_agw_redis_script_read(ngx_http_agw_redis_handshake_t *handshake,
    const redisReply *reply)
{
    redisReply                   **element, *epoch;
    ngx_http_agw_redis_server_t   *server;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 5) {
        return NGX_ERROR;
    }

    server = &handshake->server;
    element = reply->element;
    epoch = element[0];

    if (epoch->type != REDIS_REPLY_STRING || epoch->len == 0
        || epoch->len > NGX_HTTP_AGW_REDIS_ID_MAX
        || element[2]->type != REDIS_REPLY_INTEGER
        || ngx_http_agw_redis_number_of(element[1], &server->stamp) != NGX_OK
        || ngx_http_agw_redis_number_of(element[3], &server->floor) != NGX_OK
        || ngx_http_agw_redis_number_of(element[4], &server->horizon)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(server->epoch, (u_char *) epoch->str, epoch->len + 1);
    server->jumped = element[2]->integer == 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_redis_number_of(const redisReply *reply, int64_t *number)
{
    if (reply->type == REDIS_REPLY_INTEGER) {
        *number = reply->integer;

    } else if (reply->type == REDIS_REPLY_STRING) {
        *number = ngx_atotm((u_char *) reply->str, reply->len);

    } else {
        return NGX_ERROR;
    }

    return (*number < 0 || *number > AGW_STAMP_MAX) ? NGX_ERROR : NGX_OK;
}


static void
ngx_http_agw_redis_refused(ngx_http_agw_redis_handshake_t *handshake,
    const char *what, const redisReply *reply)
{
    u_char      *p, why[sizeof(handshake->why)];
    u_char       text[NGX_HTTP_AGW_REDIS_ERROR_TEXT];
    const char  *meaning;

    meaning = ngx_http_agw_redis_error_of_server(reply);

    if (meaning) {
        ngx_http_agw_redis_fail(handshake, meaning);
        return;
    }

    ngx_http_agw_redis_error_text(reply, text, sizeof(text));

    p = ngx_snprintf(why, sizeof(why) - 1, "it refuses %s: %s", what, text);
    *p = '\0';

    ngx_http_agw_redis_fail(handshake, (char *) why);
}


static void
ngx_http_agw_redis_fail(ngx_http_agw_redis_handshake_t *handshake,
    const char *why)
{
    ngx_cpystrn(handshake->why, (u_char *) why, sizeof(handshake->why));

    handshake->handler(handshake, NGX_ERROR);
}
