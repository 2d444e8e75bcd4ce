
/*
 * Each script is sent with its text: an operation is rare.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_admin_lua.h"
#include "ngx_http_agw_redis_reply.h"
#include "ngx_http_agw_redis_work.h"


static agw_str_t ngx_http_agw_redis_work_text(
    ngx_http_agw_redis_work_t *work, const char *name, agw_str_t id);
static void ngx_http_agw_redis_work_replied(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);


ngx_http_agw_redis_work_t *
ngx_http_agw_redis_work(ngx_http_agw_redis_worker_t *worker,
    ngx_http_agw_admin_t *op)
{
    ngx_http_agw_redis_work_t  *work;

    work = ngx_pcalloc(op->pool, sizeof(ngx_http_agw_redis_work_t));

    if (work == NULL
        || ngx_array_init(&work->args, op->pool, 16, sizeof(agw_str_t))
           != NGX_OK)
    {
        return NULL;
    }

    if (worker->admin == NULL) {
        worker->admin = ngx_http_agw_redis_link_create(worker,
                                                       "administration", NULL,
                                                       NULL, worker->log);
        if (worker->admin == NULL) {
            return NULL;
        }
    }

    worker->known = ngx_max(worker->known, op->write.known_stamp);

    work->command.handler = ngx_http_agw_redis_work_replied;
    work->command.data = work;
    work->worker = worker;
    work->op = op;

    return work;
}


void
ngx_http_agw_redis_work_script(ngx_http_agw_redis_work_t *work,
    const ngx_str_t *text, ngx_uint_t nkeys)
{
    agw_str_t               eval;
    static const agw_str_t  name = agw_string("EVAL");

    work->args.nelts = 0;
    work->failed = 0;

    eval.data = text->data;
    eval.len = text->len;

    ngx_http_agw_redis_work_arg(work, name);
    ngx_http_agw_redis_work_arg(work, eval);
    ngx_http_agw_redis_work_number(work, 3 + nkeys);

    ngx_http_agw_redis_work_key(work, "epoch", agw_empty);
    ngx_http_agw_redis_work_key(work, "stamp", agw_empty);
    ngx_http_agw_redis_work_key(work, "revocations", agw_empty);
}


void
ngx_http_agw_redis_work_key(ngx_http_agw_redis_work_t *work,
    const char *name, agw_str_t id)
{
    ngx_http_agw_redis_work_arg(work,
                          ngx_http_agw_redis_work_text(work, name, id));
}


void
ngx_http_agw_redis_work_arg(ngx_http_agw_redis_work_t *work, agw_str_t text)
{
    agw_str_t  *arg;

    arg = ngx_array_push(&work->args);

    if (arg == NULL) {
        work->failed = 1;
        return;
    }

    *arg = text;
}


void
ngx_http_agw_redis_work_number(ngx_http_agw_redis_work_t *work,
    int64_t number)
{
    u_char     *p;
    agw_str_t   text;

    p = ngx_pnalloc(work->op->pool, NGX_INT64_LEN);

    if (p == NULL) {
        work->failed = 1;
        return;
    }

    text.data = p;
    text.len = ngx_sprintf(p, "%L", number) - p;

    ngx_http_agw_redis_work_arg(work, text);
}


/* prefix, name and id together; without data if memory runs out */

static agw_str_t
ngx_http_agw_redis_work_text(ngx_http_agw_redis_work_t *work,
    const char *name, agw_str_t id)
{
    u_char     *p;
    agw_str_t   text;
    ngx_str_t   prefix;

    prefix = work->worker->conf->prefix;
    text.len = prefix.len + ngx_strlen(name) + id.len;

    p = ngx_pnalloc(work->op->pool, text.len);
    text.data = p;

    if (p == NULL) {
        work->failed = 1;
        text.len = 0;
        return text;
    }

    p = ngx_sprintf(p, "%V%s", &prefix, name);

    if (id.len) {
        ngx_memcpy(p, id.data, id.len);
    }

    return text;
}


void
ngx_http_agw_redis_work_send(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_work_pt next)
{
    size_t       *lens;
    agw_str_t    *args;
    ngx_pool_t   *pool;
    ngx_uint_t    i, n;
    const char  **argv;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, work->worker->log);

    if (pool == NULL || work->failed) {
        goto failed;
    }

    n = work->args.nelts;
    args = work->args.elts;

    argv = ngx_palloc(pool, n * sizeof(char *));
    lens = ngx_palloc(pool, n * sizeof(size_t));

    if (argv == NULL || lens == NULL) {
        goto failed;
    }

    for (i = 0; i < n; i++) {
        argv[i] = args[i].len ? (const char *) args[i].data : "";
        lens[i] = args[i].len;
    }

    work->next = next;

    if (ngx_http_agw_redis_send(work->worker->admin, &work->command, n, argv,
                                lens)
        != NGX_OK)
    {
        goto failed;
    }

    ngx_destroy_pool(pool);
    return;

failed:

    if (pool != NULL) {
        ngx_destroy_pool(pool);
    }

    ngx_http_agw_redis_work_end(work, NGX_ERROR);
}


static void
ngx_http_agw_redis_work_replied(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_http_agw_redis_work_t  *work = command->data;

    if (ngx_http_agw_redis_failed(work->worker, work->worker->admin, reply,
                                  "an operation of the administration",
                                  work->worker->log))
    {
        if (ngx_http_agw_redis_is_error(reply, NGX_HTTP_AGW_REDIS_LARGE)) {
            work->op->result = NGX_HTTP_AGW_ADMIN_TOO_LARGE;
            work->op->records.nelts = 0;
            work->op->revocations.nelts = 0;
            ngx_http_agw_redis_work_end(work, NGX_OK);
            return;
        }

        ngx_http_agw_redis_work_end(work, NGX_ERROR);
        return;
    }

    work->next(work, reply);
}


void
ngx_http_agw_redis_work_end(ngx_http_agw_redis_work_t *work, ngx_int_t rc)
{
    work->op->handler(work->op, rc);
}


void
ngx_http_agw_redis_work_malformed(ngx_http_agw_redis_work_t *work)
{
    ngx_http_agw_redis_work_end(work,
        ngx_http_agw_redis_malformed(work->worker,
                                     "an operation of the administration",
                                     work->worker->log));
}
