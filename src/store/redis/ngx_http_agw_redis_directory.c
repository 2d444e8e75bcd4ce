
/*
 * A query is one script, on the connection that all queries of a worker share.
 *
 * The answer is of use only if it is of the store that this node has read the
 * revocations of: another epoch is another store, or the same after it was
 * emptied, whose directory may be gone.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "ngx_http_agw_redis_credential.h"
#include "ngx_http_agw_redis_directory.h"
#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_known.h"
#include "ngx_http_agw_redis_lua.h"
#include "ngx_http_agw_redis_reply.h"


/* ms in which this node may read what it lacks, before a query fails */

#define NGX_HTTP_AGW_REDIS_BEHIND  1000


typedef struct ngx_http_agw_redis_lookup_s  ngx_http_agw_redis_lookup_t;

struct ngx_http_agw_redis_lookup_s {
    ngx_http_agw_redis_command_t     command;
    ngx_http_agw_directory_query_t  *query;
    ngx_http_agw_redis_worker_t     *worker;
    ngx_uint_t                       which;  /* of the scripts */
    int64_t                          known;  /* last stamp, when it was sent */
    unsigned                         whole:1; /* sent with its text */
};


static void ngx_http_agw_redis_digest(
    ngx_http_agw_redis_query_script_t *script, const ngx_str_t *text);
static ngx_int_t ngx_http_agw_redis_find_api_keys(void *state,
    ngx_http_agw_directory_query_t *query);
static ngx_int_t ngx_http_agw_redis_find_business(void *state,
    ngx_http_agw_directory_query_t *query);
static ngx_int_t ngx_http_agw_redis_find(ngx_http_agw_redis_t *redis,
    ngx_http_agw_directory_query_t *query, ngx_uint_t which);
static ngx_http_agw_redis_lookup_t *ngx_http_agw_redis_lookup(
    ngx_http_agw_redis_t *redis, ngx_http_agw_directory_query_t *query);
static ngx_int_t ngx_http_agw_redis_ask(ngx_http_agw_redis_lookup_t *lookup);
static void ngx_http_agw_redis_forget(void *data);
static void ngx_http_agw_redis_answered(ngx_http_agw_redis_command_t *command,
    const redisReply *reply);
static ngx_uint_t ngx_http_agw_redis_is_noscript(const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_answer(ngx_http_agw_redis_lookup_t *lookup,
    const redisReply *reply);

static ngx_int_t ngx_http_agw_redis_answer_api_keys(
    ngx_http_agw_redis_lookup_t *lookup, const redisReply *reply,
    int64_t stamp);
static ngx_int_t ngx_http_agw_redis_use_once(void *state,
    ngx_http_agw_directory_query_t *query);
static ngx_int_t ngx_http_agw_redis_answer_once(
    ngx_http_agw_redis_lookup_t *lookup, const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_api_key(
    ngx_http_agw_redis_lookup_t *lookup, const redisReply *status,
    const redisReply *json, agw_api_key_row_t *row);
static void ngx_http_agw_redis_remember(
    ngx_http_agw_redis_directory_t *directory, agw_str_t text);
static ngx_int_t ngx_http_agw_redis_answer_business(
    ngx_http_agw_redis_lookup_t *lookup, const redisReply *reply,
    int64_t stamp);


static const agw_str_t  ngx_http_agw_redis_active = agw_string("active");


const ngx_http_agw_directory_engine_t  ngx_http_agw_redis_directory = {
    ngx_http_agw_redis_find_api_keys,
    ngx_http_agw_redis_find_business,
    ngx_http_agw_redis_use_once
};


void
ngx_http_agw_redis_directory_open(ngx_http_agw_redis_worker_t *worker)
{
    ngx_http_agw_redis_directory_t  *directory;
    static const agw_str_t           usual =
        agw_string("{\"not_before\":0,\"expires_at\":null}");

    directory = ngx_pcalloc(worker->pool,
                            sizeof(ngx_http_agw_redis_directory_t));
    if (directory == NULL) {
        return;
    }

    ngx_http_agw_redis_remember(directory, usual);

    ngx_http_agw_redis_digest(&directory->scripts[NGX_HTTP_AGW_REDIS_API_KEYS],
                              &ngx_http_agw_redis_api_keys_lua);
    ngx_http_agw_redis_digest(&directory->scripts[NGX_HTTP_AGW_REDIS_BUSINESS],
                              &ngx_http_agw_redis_business_lua);
    ngx_http_agw_redis_digest(&directory->scripts[NGX_HTTP_AGW_REDIS_ONCE],
                              &ngx_http_agw_redis_once_lua);

    directory->link = ngx_http_agw_redis_link_create(worker, "queries", NULL,
                                                     NULL, worker->log);

    if (directory->link != NULL) {
        ngx_http_agw_redis_link_share(directory->link);
    }

    worker->directory = directory;
}


void
ngx_http_agw_redis_directory_close(ngx_http_agw_redis_worker_t *worker)
{
    if (worker->directory != NULL && worker->directory->link != NULL) {
        ngx_http_agw_redis_link_close(worker->directory->link);
    }
}


static void
ngx_http_agw_redis_digest(ngx_http_agw_redis_query_script_t *script,
    const ngx_str_t *text)
{
    u_char        digest[EVP_MAX_MD_SIZE];
    unsigned int  len;

    if (EVP_Digest(text->data, text->len, digest, &len, EVP_sha1(), NULL) != 1
        || 2 * len != NGX_HTTP_AGW_REDIS_DIGEST)
    {
        /* where SHA-1 is switched off, the text is sent each time */

        ERR_clear_error();
        return;
    }

    ngx_hex_dump(script->digest, digest, len);
    script->has_digest = 1;
}


static ngx_int_t
ngx_http_agw_redis_find_api_keys(void *state,
    ngx_http_agw_directory_query_t *query)
{
    return ngx_http_agw_redis_find(state, query, NGX_HTTP_AGW_REDIS_API_KEYS);
}


static ngx_int_t
ngx_http_agw_redis_find_business(void *state,
    ngx_http_agw_directory_query_t *query)
{
    return ngx_http_agw_redis_find(state, query, NGX_HTTP_AGW_REDIS_BUSINESS);
}


static ngx_int_t
ngx_http_agw_redis_use_once(void *state,
    ngx_http_agw_directory_query_t *query)
{
    return ngx_http_agw_redis_find(state, query, NGX_HTTP_AGW_REDIS_ONCE);
}


static ngx_int_t
ngx_http_agw_redis_find(ngx_http_agw_redis_t *redis,
    ngx_http_agw_directory_query_t *query, ngx_uint_t which)
{
    ngx_http_agw_redis_lookup_t  *lookup;

    lookup = ngx_http_agw_redis_lookup(redis, query);
    if (lookup == NULL) {
        return NGX_ERROR;
    }

    lookup->which = which;

    return ngx_http_agw_redis_ask(lookup);
}


static ngx_http_agw_redis_lookup_t *
ngx_http_agw_redis_lookup(ngx_http_agw_redis_t *redis,
    ngx_http_agw_directory_query_t *query)
{
    ngx_pool_cleanup_t           *cln;
    ngx_http_agw_redis_lookup_t  *lookup;

    if (redis->worker == NULL || redis->worker->directory == NULL
        || redis->worker->directory->link == NULL)
    {
        ngx_log_error(NGX_LOG_ERR, query->log, 0,
                      "auth_gateway: no memory for the store");
        return NULL;
    }

    if (query->known.store_id == 0) {
        ngx_log_error(NGX_LOG_INFO, query->log, 0,
                      "auth_gateway: store \"%V\": its revocations have not "
                      "been read yet", &redis->conf->shown);
        return NULL;
    }

    cln = ngx_pool_cleanup_add(query->pool,
                               sizeof(ngx_http_agw_redis_lookup_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_agw_redis_forget;

    lookup = cln->data;

    ngx_memzero(lookup, sizeof(ngx_http_agw_redis_lookup_t));

    lookup->command.handler = ngx_http_agw_redis_answered;
    lookup->command.data = lookup;
    lookup->query = query;
    lookup->worker = redis->worker;

    if (query->deadline == 0) {
        query->deadline = ngx_current_msec + NGX_HTTP_AGW_REDIS_BEHIND;
    }

    return lookup;
}


/* NGX_AGAIN or NGX_ERROR; a command that is declined is an outage, logged */

static ngx_int_t
ngx_http_agw_redis_ask(ngx_http_agw_redis_lookup_t *lookup)
{
    ngx_str_t                           prefix;
    ngx_http_agw_redis_args_t           args;
    ngx_http_agw_redis_directory_t     *directory;
    ngx_http_agw_redis_query_script_t  *script;

    directory = lookup->worker->directory;
    script = &directory->scripts[lookup->which];
    prefix = lookup->worker->conf->prefix;

    lookup->known = ngx_max(lookup->worker->known, lookup->query->known.stamp);

    if (lookup->which == NGX_HTTP_AGW_REDIS_API_KEYS) {
        ngx_http_agw_redis_script_api_keys(&args, prefix, lookup->query);

    } else if (lookup->which == NGX_HTTP_AGW_REDIS_ONCE) {
        ngx_http_agw_redis_script_once(&args, prefix, lookup->query);

    } else {
        ngx_http_agw_redis_script_business(&args, prefix, lookup->query);
    }

    if (script->known && script->has_digest) {
        ngx_http_agw_redis_script_by_digest(&args, script->digest);

    } else {
        lookup->whole = 1;
    }

    return ngx_http_agw_redis_send(directory->link, &lookup->command,
                                   args.argc, args.argv, args.argvlen)
           == NGX_OK ? NGX_AGAIN : NGX_ERROR;
}


static void
ngx_http_agw_redis_forget(void *data)
{
    ngx_http_agw_redis_lookup_t  *lookup = data;

    ngx_http_agw_redis_cancel(&lookup->command);
}


static void
ngx_http_agw_redis_answered(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_int_t                           rc;
    ngx_http_agw_directory_query_t     *query;
    ngx_http_agw_redis_lookup_t        *lookup = command->data;
    ngx_http_agw_redis_query_script_t  *script;

    query = lookup->query;
    script = &lookup->worker->directory->scripts[lookup->which];
    rc = NGX_ERROR;

    /* a server that was restarted, say, does not know the script */

    if (!lookup->whole && ngx_http_agw_redis_is_noscript(reply)) {
        script->known = 0;

        if (ngx_http_agw_redis_ask(lookup) == NGX_AGAIN) {
            return;
        }

    } else if (ngx_http_agw_redis_is_error(reply, "AGWBEHIND")
               && (ngx_msec_int_t) (query->deadline - ngx_current_msec) > 0)
    {
        script->known = 1;
        rc = NGX_BUSY;

    } else if (!ngx_http_agw_redis_failed(lookup->worker,
                                          lookup->worker->directory->link,
                                          reply, "a query", query->log))
    {
        script->known = 1;
        rc = ngx_http_agw_redis_answer(lookup, reply);
    }

    query->handler(query, rc);
}


static ngx_uint_t
ngx_http_agw_redis_is_noscript(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ERROR
           && reply->len >= sizeof("NOSCRIPT") - 1
           && ngx_strncmp(reply->str, "NOSCRIPT", sizeof("NOSCRIPT") - 1) == 0;
}


static ngx_int_t
ngx_http_agw_redis_answer(ngx_http_agw_redis_lookup_t *lookup,
    const redisReply *reply)
{
    int64_t                          stamp, known;
    uint64_t                         epoch;
    const redisReply                *value;
    ngx_http_agw_directory_query_t  *query;

    query = lookup->query;
    value = ngx_http_agw_redis_element(reply, 0);
    epoch = ngx_http_agw_redis_epoch(value);
    known = ngx_max(lookup->worker->known, query->known.stamp);

    if (ngx_http_agw_redis_string(value).data == NULL
        || ngx_http_agw_redis_whole(ngx_http_agw_redis_element(reply, 1),
                                    &stamp)
           != NGX_OK)
    {
        return ngx_http_agw_redis_malformed(lookup->worker, "a query",
                                            query->log);
    }

    if (epoch == 0) {
        return ngx_http_agw_redis_malformed_key(lookup->worker, "epoch",
                                                query->log);
    }

    /* a token with a stamp years ahead would outlive what revokes it */

    if (ngx_http_agw_redis_is_ahead(lookup->worker, known, stamp)) {
        return ngx_http_agw_redis_years_ahead(lookup->worker, stamp,
                                              query->log);
    }

    if (epoch != query->known.store_id) {
        ngx_log_error(NGX_LOG_INFO, query->log, 0,
                      "auth_gateway: store \"%V\" is another one than before: "
                      "its revocations have not been read yet",
                      &lookup->worker->conf->shown);
        return NGX_ERROR;
    }

    /* entries were lost: the handshake raises it */

    if (stamp < lookup->known) {
        lookup->worker->known = known;

        ngx_http_agw_redis_link_reset(lookup->worker->directory->link,
                                      "its last stamp is below what this node "
                                      "knows, and is raised");
        return NGX_ERROR;
    }

    if (lookup->which == NGX_HTTP_AGW_REDIS_ONCE) {
        return ngx_http_agw_redis_answer_once(lookup, reply);
    }

    return lookup->which == NGX_HTTP_AGW_REDIS_API_KEYS
           ? ngx_http_agw_redis_answer_api_keys(lookup, reply, stamp)
           : ngx_http_agw_redis_answer_business(lookup, reply, stamp);
}


static ngx_int_t
ngx_http_agw_redis_answer_once(ngx_http_agw_redis_lookup_t *lookup,
    const redisReply *reply)
{
    int64_t  first;

    if (ngx_http_agw_redis_whole(ngx_http_agw_redis_element(reply, 2), &first)
        != NGX_OK)
    {
        return ngx_http_agw_redis_malformed(lookup->worker, "a query",
                                            lookup->query->log);
    }

    lookup->query->first = (first == 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_redis_answer_api_keys(ngx_http_agw_redis_lookup_t *lookup,
    const redisReply *reply, int64_t stamp)
{
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    const redisReply                *status, *scopes, *json;
    agw_api_key_row_t               *row;
    ngx_http_agw_directory_query_t  *query;

    query = lookup->query;

    for (i = 0; i < query->nkeys; i++) {
        row = &query->api_keys[i];
        status = ngx_http_agw_redis_element(reply, 3 * i + 2);
        scopes = ngx_http_agw_redis_element(reply, 3 * i + 3);
        json = ngx_http_agw_redis_element(reply, 3 * i + 4);

        ngx_memzero(row, sizeof(agw_api_key_row_t));

        rc = ngx_http_agw_redis_is_field(status)
             && ngx_http_agw_redis_is_field(scopes)
             && ngx_http_agw_redis_is_field(json)
             ? ngx_http_agw_redis_api_key(lookup, status, json, row)
             : NGX_ERROR;

        if (rc == NGX_ABORT) {
            ngx_log_error(NGX_LOG_ERR, query->log, 0,
                          "auth_gateway: no memory for the store");
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            ngx_log_error(NGX_LOG_ERR, query->log, 0,
                          "auth_gateway: store \"%V\" has a malformed API "
                          "key: it must be a JSON object, \"not_before\" and "
                          "\"expires_at\" Unix seconds; or a malformed "
                          "certificate, which must be Unix seconds or empty",
                          &lookup->worker->conf->shown);
            return NGX_ERROR;
        }

        row->stamp = stamp;

        row->limited = agw_policy_api_key(row, query->now) == AGW_OK
                       && !ngx_http_agw_redis_is_nil(scopes);

        if (row->limited
            && ngx_http_agw_redis_scopes(query->pool, scopes, &row->scopes)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Where there is no key, another one's JSON is read: what a key takes does not
 * tell whether it exists.
 */

static ngx_int_t
ngx_http_agw_redis_api_key(ngx_http_agw_redis_lookup_t *lookup,
    const redisReply *status, const redisReply *json, agw_api_key_row_t *row)
{
    agw_str_t                        text;
    ngx_int_t                        rc;
    agw_api_key_row_t                unused;
    ngx_http_agw_redis_directory_t  *directory;

    directory = lookup->worker->directory;

    row->partner_found = !ngx_http_agw_redis_is_nil(status);
    row->partner_active = agw_str_eq(ngx_http_agw_redis_string(status),
                                     ngx_http_agw_redis_active);

    if (ngx_http_agw_redis_is_nil(json)) {
        text.data = directory->stand_in;
        text.len = directory->stand_in_len;

        (void) ngx_http_agw_redis_read_key(text, &unused);

        return NGX_OK;
    }

    row->found = 1;
    text = ngx_http_agw_redis_string(json);

    if (lookup->query->thumbprint.len) {
        return ngx_http_agw_redis_read_certificate(text, row);
    }

    if (lookup->query->kid.len) {
        return ngx_http_agw_redis_keep_jwk(lookup->query, text);
    }

    rc = ngx_http_agw_redis_read_key(text, row);

    if (rc == NGX_OK) {
        ngx_http_agw_redis_remember(directory, text);
    }

    return rc;
}


static void
ngx_http_agw_redis_remember(ngx_http_agw_redis_directory_t *directory,
    agw_str_t text)
{
    if (text.len <= NGX_HTTP_AGW_REDIS_STAND_IN) {
        ngx_memcpy(directory->stand_in, text.data, text.len);
        directory->stand_in_len = text.len;
    }
}


static ngx_int_t
ngx_http_agw_redis_answer_business(ngx_http_agw_redis_lookup_t *lookup,
    const redisReply *reply, int64_t stamp)
{
    int64_t                          ended;
    const redisReply                *partner, *owner, *status, *scopes;
    agw_business_row_t              *row;
    ngx_http_agw_directory_query_t  *query;

    query = lookup->query;
    row = &query->business;

    partner = ngx_http_agw_redis_element(reply, 2);
    owner = ngx_http_agw_redis_element(reply, 3);
    status = ngx_http_agw_redis_element(reply, 4);
    scopes = ngx_http_agw_redis_element(reply, 6);

    if (!ngx_http_agw_redis_is_field(partner)
        || !ngx_http_agw_redis_is_field(owner)
        || !ngx_http_agw_redis_is_field(status)
        || !ngx_http_agw_redis_is_field(scopes)
        || ngx_http_agw_redis_whole(ngx_http_agw_redis_element(reply, 5),
                                    &ended)
           != NGX_OK)
    {
        return ngx_http_agw_redis_malformed(lookup->worker, "a query",
                                            query->log);
    }

    row->partner_active = agw_str_eq(ngx_http_agw_redis_string(partner),
                                     ngx_http_agw_redis_active);
    row->found = !ngx_http_agw_redis_is_nil(owner);
    row->owned = row->found
                 && agw_str_eq(ngx_http_agw_redis_string(owner),
                               query->partner_id);
    row->active = agw_str_eq(ngx_http_agw_redis_string(status),
                             ngx_http_agw_redis_active);
    row->token_ended = (ended != 0);
    row->stamp = stamp;
    row->limited = !ngx_http_agw_redis_is_nil(scopes);

    return row->limited
           ? ngx_http_agw_redis_scopes(query->pool, scopes, &row->scopes)
           : NGX_OK;
}
