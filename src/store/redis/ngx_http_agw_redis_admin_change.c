
/*
 * Read, decide, write: if a hash is not what was read any more, once again.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_admin_change.h"
#include "ngx_http_agw_redis_admin_change.h"
#include "ngx_http_agw_redis_admin_decide.h"
#include "ngx_http_agw_redis_admin_lua.h"
#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_hashes.h"
#include "ngx_http_agw_redis_known.h"
#include "ngx_http_agw_redis_reply.h"
#include "ngx_http_agw_redis_revocations.h"
#include "ngx_http_agw_redis_todo.h"


#define NGX_HTTP_AGW_REDIS_TRIES  10


static void ngx_http_agw_redis_admin_got(ngx_http_agw_redis_work_t *work,
    const redisReply *reply);
static void ngx_http_agw_redis_admin_change_read(
    ngx_http_agw_redis_work_t *work, const redisReply *reply);
static void ngx_http_agw_redis_admin_write(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo);
static void ngx_http_agw_redis_admin_written(ngx_http_agw_redis_work_t *work,
    const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_admin_stamps(
    ngx_http_agw_redis_work_t *work, const redisReply *reply);
static void ngx_http_agw_redis_admin_wait(ngx_http_agw_redis_work_t *work);
static void ngx_http_agw_redis_admin_waited(ngx_http_agw_redis_work_t *work,
    const redisReply *reply);
static void ngx_http_agw_redis_admin_used_done(
    ngx_http_agw_redis_work_t *work, const redisReply *reply);


void
ngx_http_agw_redis_admin_get(ngx_http_agw_redis_work_t *work)
{
    ngx_http_agw_redis_hashes_t  *hashes;

    hashes = ngx_http_agw_redis_hashes_create(work);
    if (hashes == NULL) {
        ngx_http_agw_redis_work_end(work, NGX_ERROR);
        return;
    }

    work->data = hashes;

    ngx_http_agw_redis_admin_hashes(hashes, &work->op->record);
    ngx_http_agw_redis_hashes_send(hashes, 0, ngx_http_agw_redis_admin_got);
}


static void
ngx_http_agw_redis_admin_got(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    ngx_int_t                     rc;
    agw_record_t                 *found;
    ngx_http_agw_admin_t         *op;
    ngx_http_agw_redis_hashes_t  *hashes;

    op = work->op;
    hashes = work->data;

    rc = ngx_http_agw_redis_hashes_read(hashes, reply);

    if (rc == NGX_DECLINED) {
        ngx_http_agw_redis_work_malformed(work);
        return;
    }

    if (rc == NGX_OK) {
        found = ngx_http_agw_redis_admin_find(hashes, &op->record);

        if (found == NULL
            || (agw_record_credential(op->record.kind)
                && ngx_http_agw_redis_admin_no_partner(hashes,
                                                   op->record.partner_id)))
        {
            op->result = NGX_HTTP_AGW_ADMIN_NOT_FOUND;

        } else {
            rc = ngx_http_agw_admin_add(op, found);
        }
    }

    ngx_http_agw_redis_work_end(work, rc);
}


void
ngx_http_agw_redis_admin_change(ngx_http_agw_redis_work_t *work)
{
    ngx_uint_t                    i;
    ngx_http_agw_admin_t         *op;
    ngx_http_agw_redis_hashes_t  *hashes;

    op = work->op;

    if (op->tries++ == NGX_HTTP_AGW_REDIS_TRIES) {
        ngx_log_error(NGX_LOG_ERR, work->worker->log, 0,
                      "auth_gateway: store \"%V\": others change what an "
                      "operation of the administration is about, again and "
                      "again", &work->worker->conf->shown);

        ngx_http_agw_redis_work_end(work, NGX_ERROR);
        return;
    }

    hashes = ngx_http_agw_redis_hashes_create(work);
    if (hashes == NULL) {
        ngx_http_agw_redis_work_end(work, NGX_ERROR);
        return;
    }

    work->data = hashes;

    if (op->what != NGX_HTTP_AGW_ADMIN_IMPORT) {
        ngx_http_agw_redis_admin_hashes(hashes, &op->record);

    } else {
        for (i = 0; i < op->nimport; i++) {
            ngx_http_agw_redis_admin_hashes(hashes, &op->import[i]);
        }
    }

    ngx_http_agw_redis_hashes_send(hashes, 1,
                                   ngx_http_agw_redis_admin_change_read);
}


static void
ngx_http_agw_redis_admin_change_read(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    ngx_int_t                     rc;
    ngx_http_agw_admin_t         *op;
    ngx_http_agw_redis_todo_t     todo;
    ngx_http_agw_redis_hashes_t  *hashes;

    op = work->op;
    hashes = work->data;

    rc = ngx_http_agw_redis_hashes_read(hashes, reply);

    if (rc == NGX_DECLINED) {
        ngx_http_agw_redis_work_malformed(work);
        return;
    }

    ngx_http_agw_admin_begin(op);
    ngx_http_agw_redis_todo_create(&todo);

    if (rc == NGX_OK) {
        rc = ngx_http_agw_redis_admin_decide(work, &todo);
    }

    if (rc == NGX_OK && !op->dry_run) {
        ngx_http_agw_redis_admin_write(work, &todo);

    } else {
        ngx_http_agw_redis_work_end(work, rc == NGX_ERROR ? NGX_ERROR
                                                           : NGX_OK);
    }

    ngx_http_agw_redis_todo_free(&todo);
}


static void
ngx_http_agw_redis_admin_write(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo)
{
    char                         *text;
    agw_str_t                     arg;
    ngx_http_agw_redis_hashes_t  *hashes;

    hashes = work->data;
    text = ngx_http_agw_redis_todo_text(todo);

    if (text == NULL) {
        ngx_http_agw_redis_work_end(work, NGX_ERROR);
        return;
    }

    arg.data = (const u_char *) text;
    arg.len = ngx_strlen(text);

    ngx_http_agw_redis_work_script(work,
                                   &ngx_http_agw_redis_admin_change_lua,
                                   hashes->list.nelts + 2);
    ngx_http_agw_redis_work_key(work, "partners", agw_empty);
    ngx_http_agw_redis_work_key(work, "businesses", agw_empty);
    ngx_http_agw_redis_hashes_keys(hashes);

    ngx_http_agw_redis_work_number(work, work->worker->known);
    ngx_http_agw_redis_work_arg(work, arg);

    ngx_http_agw_redis_work_send(work, ngx_http_agw_redis_admin_written);

    free(text);
}


static void
ngx_http_agw_redis_admin_written(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    int64_t  done;

    if (ngx_http_agw_redis_whole(ngx_http_agw_redis_element(reply, 1), &done)
        != NGX_OK)
    {
        ngx_http_agw_redis_work_malformed(work);
        return;
    }

    if (!done) {
        ngx_http_agw_redis_admin_change(work);
        return;
    }

    if (ngx_http_agw_redis_admin_stamps(work, reply) != NGX_OK) {
        ngx_http_agw_redis_work_end(work, NGX_ERROR);
        return;
    }

    if (work->worker->conf->wait) {
        ngx_http_agw_redis_admin_wait(work);
        return;
    }

    ngx_http_agw_redis_work_end(work, NGX_OK);
}


/* NGX_ERROR, logged: a stamp years ahead would be that of the whole fleet */

static ngx_int_t
ngx_http_agw_redis_admin_stamps(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    ngx_uint_t         i;
    agw_revocation_t  *revocations;

    revocations = work->op->revocations.elts;

    for (i = 0; i < work->op->revocations.nelts; i++) {

        if (ngx_http_agw_redis_whole(
                               ngx_http_agw_redis_element(reply, 2 * i + 2),
                               &revocations[i].stamp)
            != NGX_OK
            || ngx_http_agw_redis_whole(
                               ngx_http_agw_redis_element(reply, 2 * i + 3),
                               &revocations[i].time)
               != NGX_OK
            || revocations[i].stamp <= work->op->write.known_stamp)
        {
            return ngx_http_agw_redis_malformed(work->worker,
                                          "an operation of the administration",
                                          work->worker->log);
        }

        if (ngx_http_agw_redis_is_ahead(work->worker, 0,
                                        revocations[i].stamp))
        {
            return ngx_http_agw_redis_years_ahead(work->worker,
                                                  revocations[i].stamp,
                                                  work->worker->log);
        }

        ngx_http_agw_redis_entry_limit_time(&revocations[i]);

        ngx_http_agw_redis_revocations_written(work->worker,
                                               &revocations[i]);
    }

    return NGX_OK;
}


/*
 * WAIT is about the writes of its connection: what is sent while a reply is
 * handled goes out on the connection of that reply, or is lost with it.
 */

static void
ngx_http_agw_redis_admin_wait(ngx_http_agw_redis_work_t *work)
{
    static const agw_str_t  name = agw_string("WAIT");

    work->args.nelts = 0;
    work->command.timeout = NGX_HTTP_AGW_REDIS_WAITED;

    ngx_http_agw_redis_work_arg(work, name);
    ngx_http_agw_redis_work_number(work, work->worker->conf->wait);
    ngx_http_agw_redis_work_number(work, NGX_HTTP_AGW_REDIS_WAIT);

    ngx_http_agw_redis_work_send(work, ngx_http_agw_redis_admin_waited);
}


static void
ngx_http_agw_redis_admin_waited(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    int64_t  replicas;

    if (ngx_http_agw_redis_whole(reply, &replicas) != NGX_OK) {
        ngx_http_agw_redis_work_malformed(work);
        return;
    }

    if (replicas < (int64_t) work->worker->conf->wait) {
        ngx_log_error(NGX_LOG_ERR, work->worker->log, 0,
                      "auth_gateway: store \"%V\": only %L replicas confirmed "
                      "an operation of the administration within %d ms, not "
                      "%ui (wait=): it is answered with 503",
                      &work->worker->conf->shown, replicas,
                      NGX_HTTP_AGW_REDIS_WAIT, work->worker->conf->wait);

        ngx_http_agw_redis_work_end(work, NGX_ERROR);
        return;
    }

    ngx_http_agw_redis_work_end(work, NGX_OK);
}


void
ngx_http_agw_redis_admin_used(ngx_http_agw_redis_work_t *work)
{
    u_char                *p;
    agw_str_t              id;
    ngx_uint_t             i;
    agw_record_t          *key;
    ngx_http_agw_admin_t  *op;

    op = work->op;

    ngx_http_agw_redis_work_script(work, &ngx_http_agw_redis_admin_used_lua,
                                   2 * op->nimport);

    for (i = 0; i < op->nimport; i++) {
        key = &op->import[i];

        ngx_http_agw_redis_work_key(work, "api_keys:", key->partner_id);
        ngx_http_agw_redis_work_key(work, "used:", key->partner_id);
    }

    for (i = 0; i < op->nimport; i++) {
        key = &op->import[i];
        p = ngx_pnalloc(op->pool, AGW_KEY_ID_SIZE);

        if (p == NULL || agw_record_derive_key_id(key->key_sha256, p) != 0) {
            work->failed = 1;
            break;
        }

        id.data = p;
        id.len = AGW_KEY_ID_SIZE;

        ngx_http_agw_redis_work_arg(work, key->key_sha256);
        ngx_http_agw_redis_work_arg(work, id);
        ngx_http_agw_redis_work_number(work, key->last_used_at);
    }

    ngx_http_agw_redis_work_send(work, ngx_http_agw_redis_admin_used_done);
}


static void
ngx_http_agw_redis_admin_used_done(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    ngx_http_agw_redis_work_end(work, NGX_OK);
}
