
#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_grammar.h"
#include "ngx_http_agw_redis_error.h"
#include "ngx_http_agw_redis_reply.h"


#define NGX_HTTP_AGW_REDIS_DIGITS  16        /* of AGW_STAMP_MAX */
#define NGX_HTTP_AGW_REDIS_AGAIN   60000     /* ms, between lines of a kind */


static ngx_uint_t ngx_http_agw_redis_is_logged(ngx_msec_t *last);


const redisReply *
ngx_http_agw_redis_element(const redisReply *reply, ngx_uint_t n)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || n >= reply->elements)
    {
        return NULL;
    }

    return reply->element[n];
}


agw_str_t
ngx_http_agw_redis_string(const redisReply *reply)
{
    agw_str_t  text;

    text.len = 0;
    text.data = NULL;

    if (reply != NULL && reply->type == REDIS_REPLY_STRING) {
        text.len = reply->len;
        text.data = (const u_char *) reply->str;
    }

    return text;
}


ngx_uint_t
ngx_http_agw_redis_is_nil(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_NIL;
}


ngx_int_t
ngx_http_agw_redis_whole(const redisReply *reply, int64_t *n)
{
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER) {
        *n = reply->integer;

        return *n >= 0 && *n <= AGW_STAMP_MAX ? NGX_OK : NGX_ERROR;
    }

    return ngx_http_agw_redis_digits(ngx_http_agw_redis_string(reply), n);
}


ngx_uint_t
ngx_http_agw_redis_is_field(const redisReply *reply)
{
    return reply != NULL && (reply->type == REDIS_REPLY_STRING
                             || reply->type == REDIS_REPLY_NIL);
}


ngx_int_t
ngx_http_agw_redis_scopes(ngx_pool_t *pool, const redisReply *reply,
    agw_str_t *scopes)
{
    u_char     *p;
    agw_str_t   text;

    text = ngx_http_agw_redis_string(reply);

    if (!agw_is_scope(text)) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, text.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, text.data, text.len);

    scopes->data = p;
    scopes->len = text.len;

    return NGX_OK;
}


ngx_int_t
ngx_http_agw_redis_digits(agw_str_t text, int64_t *n)
{
    size_t   i;
    int64_t  value;

    if (text.len == 0 || text.len > NGX_HTTP_AGW_REDIS_DIGITS) {
        return NGX_ERROR;
    }

    value = 0;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return NGX_ERROR;
        }

        value = value * 10 + (text.data[i] - '0');
    }

    if (value > AGW_STAMP_MAX) {
        return NGX_ERROR;
    }

    *n = value;

    return NGX_OK;
}


uint64_t
ngx_http_agw_redis_epoch(const redisReply *reply)
{
    u_char     c;
    size_t     i;
    uint64_t   epoch;
    agw_str_t  text;

    text = ngx_http_agw_redis_string(reply);

    if (text.len != 16) {
        return 0;
    }

    epoch = 0;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if (c >= '0' && c <= '9') {
            c -= '0';

        } else if (c >= 'a' && c <= 'f') {
            c -= 'a' - 10;

        } else {
            return 0;
        }

        epoch = epoch << 4 | c;
    }

    return epoch;
}


ngx_uint_t
ngx_http_agw_redis_failed(ngx_http_agw_redis_worker_t *worker,
    ngx_http_agw_redis_link_t *link, const redisReply *reply,
    const char *what, ngx_log_t *log)
{
    u_char  text[NGX_HTTP_AGW_REDIS_ERROR_TEXT];

    if (reply == NULL) {
        if (log->log_level >= NGX_LOG_ERR
            && !ngx_http_agw_redis_is_logged(&worker->silent_logged))
        {
            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "auth_gateway: store \"%V\": no reply to %s",
                          &worker->conf->shown, what);
        }

        return 1;
    }

    if (reply->type != REDIS_REPLY_ERROR) {
        return 0;
    }

    if (ngx_http_agw_redis_is_error(reply, "AGWEPOCH")) {
        ngx_http_agw_redis_link_reset(link, "the store was emptied");
        return 1;
    }

    if (ngx_http_agw_redis_link_refused(link, reply)
        || (ngx_http_agw_redis_is_error(reply, "AGWBEHIND")
            && ngx_http_agw_redis_is_logged(&worker->behind_logged)))
    {
        return 1;
    }

    ngx_http_agw_redis_error_text(reply, text, sizeof(text));

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: store \"%V\" refuses %s: %s",
                  &worker->conf->shown, what, text);

    return 1;
}


ngx_int_t
ngx_http_agw_redis_malformed(const ngx_http_agw_redis_worker_t *worker,
    const char *what, ngx_log_t *log)
{
    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: store \"%V\" gives a malformed reply to %s: "
                  "it may be no Redis, or a proxy may change replies",
                  &worker->conf->shown, what);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_agw_redis_malformed_key(const ngx_http_agw_redis_worker_t *worker,
    const char *key, ngx_log_t *log)
{
    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: store \"%V\" has a malformed key \"%s\": "
                  "remove it, and it is made anew", &worker->conf->shown, key);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_agw_redis_years_ahead(const ngx_http_agw_redis_worker_t *worker,
    int64_t stamp, ngx_log_t *log)
{
    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: store \"%V\" has the stamp %L, which is years "
                  "ahead: remove the entries of \"revocations\" from that id "
                  "on, lower its last id (XSETID), then remove the key "
                  "\"stamp\"", &worker->conf->shown, stamp);

    return NGX_ERROR;
}


ngx_uint_t
ngx_http_agw_redis_is_error(const redisReply *reply, const char *word)
{
    size_t  len;

    len = ngx_strlen(word);

    return reply != NULL && reply->type == REDIS_REPLY_ERROR
           && reply->len >= len && ngx_strncmp(reply->str, word, len) == 0;
}


/* what each of many requests meets is logged once a minute */

static ngx_uint_t
ngx_http_agw_redis_is_logged(ngx_msec_t *last)
{
    if (*last != 0 && ngx_current_msec - *last < NGX_HTTP_AGW_REDIS_AGAIN) {
        return 1;
    }

    *last = ngx_max(ngx_current_msec, 1);

    return 0;
}
