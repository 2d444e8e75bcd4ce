
/*
 * Anybody who may write to Redis may add an entry: one that no script writes
 * is skipped.  Its stamp is at most its id, which grows; an id that is years
 * ahead would take the stamps of all nodes with it.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_reply.h"
#include "ngx_http_agw_revocation_id.h"


/* seconds; a cut-off that is dated later would refuse what is issued later */

#define NGX_HTTP_AGW_REDIS_CLOCKS     60

#define NGX_HTTP_AGW_REDIS_SAY        60000  /* ms between lines of a kind */


enum {
    NGX_HTTP_AGW_REDIS_KIND = 0,
    NGX_HTTP_AGW_REDIS_ID,
    NGX_HTTP_AGW_REDIS_SEQ,
    NGX_HTTP_AGW_REDIS_TIME,
    NGX_HTTP_AGW_REDIS_PARTNER,
    NGX_HTTP_AGW_REDIS_FIELDS
};


static ngx_int_t ngx_http_agw_redis_entry_fields(const redisReply *entry,
    agw_str_t *values);


static const agw_str_t  ngx_http_agw_redis_fields[NGX_HTTP_AGW_REDIS_FIELDS] = {
    agw_string("kind"),
    agw_string("id"),
    agw_string("seq"),
    agw_string("time"),
    agw_string("partner_id")
};


const redisReply *
ngx_http_agw_redis_entries(const redisReply *reply)
{
    const redisReply  *entries;

    entries = ngx_http_agw_redis_element(ngx_http_agw_redis_element(reply, 0),
                                         1);

    return entries != NULL && entries->type == REDIS_REPLY_ARRAY ? entries
                                                                 : NULL;
}


ngx_int_t
ngx_http_agw_redis_entry_id(const redisReply *entry, int64_t *stamp,
    int64_t *mark)
{
    agw_str_t     id, part;
    const u_char *dash;

    id = ngx_http_agw_redis_string(ngx_http_agw_redis_element(entry, 0));
    dash = id.len ? memchr(id.data, '-', id.len) : NULL;

    if (dash == NULL) {
        return NGX_ERROR;
    }

    part.data = dash + 1;
    part.len = id.data + id.len - part.data;
    id.len = dash - id.data;

    if (ngx_http_agw_redis_digits(id, stamp) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_agw_redis_digits(part, mark);
}


int64_t
ngx_http_agw_redis_entry_tag(const redisReply *entry)
{
    size_t             j;
    uint64_t           tag;
    agw_str_t          value;
    ngx_uint_t         i;
    const redisReply  *fields;

    fields = ngx_http_agw_redis_element(entry, 1);
    tag = 14695981039346656037ULL;

    for (i = 0; fields != NULL && i < fields->elements; i++) {
        value = ngx_http_agw_redis_string(
                                       ngx_http_agw_redis_element(fields, i));

        for (j = 0; j < value.len; j++) {
            tag = (tag ^ value.data[j]) * 1099511628211ULL;
        }

        tag = (tag ^ 0xff) * 1099511628211ULL;
    }

    return (int64_t) tag;
}


ngx_http_agw_redis_entry_t
ngx_http_agw_redis_entry(const redisReply *entry, int64_t id, int64_t last,
    agw_revocation_t *revocation)
{
    agw_str_t  values[NGX_HTTP_AGW_REDIS_FIELDS];

    ngx_memzero(revocation, sizeof(agw_revocation_t));

    if (ngx_http_agw_redis_entry_fields(entry, values) != NGX_OK) {
        return NGX_HTTP_AGW_REDIS_ENTRY_FIELDS;
    }

    if (ngx_http_agw_revocation_parse_id(values[NGX_HTTP_AGW_REDIS_KIND],
                                         values[NGX_HTTP_AGW_REDIS_ID],
                                         revocation)
        != NGX_OK)
    {
        return NGX_HTTP_AGW_REDIS_ENTRY_NAME;
    }

    if (ngx_http_agw_redis_digits(values[NGX_HTTP_AGW_REDIS_SEQ],
                                  &revocation->stamp)
        != NGX_OK
        || revocation->stamp == 0 || revocation->stamp > id)
    {
        return NGX_HTTP_AGW_REDIS_ENTRY_STAMP;
    }

    if (revocation->stamp - last > AGW_STAMP_AHEAD_MAX) {
        return NGX_HTTP_AGW_REDIS_ENTRY_AHEAD;
    }

    if (ngx_http_agw_redis_digits(values[NGX_HTTP_AGW_REDIS_TIME],
                                  &revocation->time)
        != NGX_OK)
    {
        return NGX_HTTP_AGW_REDIS_ENTRY_TIME;
    }

    ngx_http_agw_redis_entry_limit_time(revocation);

    if (revocation->kind == AGW_REVOCATION_BUSINESS
        && values[NGX_HTTP_AGW_REDIS_PARTNER].len <= AGW_ID_MAX)
    {
        revocation->partner_id = values[NGX_HTTP_AGW_REDIS_PARTNER];
    }

    return NGX_HTTP_AGW_REDIS_ENTRY_OK;
}


void
ngx_http_agw_redis_entry_limit_time(agw_revocation_t *revocation)
{
    if (revocation->kind != AGW_REVOCATION_TOKEN
        && revocation->time > ngx_time() + NGX_HTTP_AGW_REDIS_CLOCKS)
    {
        revocation->time = ngx_time();
    }
}


/* fields that we do not know are left alone; what is missing is empty */

static ngx_int_t
ngx_http_agw_redis_entry_fields(const redisReply *entry, agw_str_t *values)
{
    agw_str_t          name;
    ngx_uint_t         i, j;
    const redisReply  *fields;

    ngx_memzero(values, NGX_HTTP_AGW_REDIS_FIELDS * sizeof(agw_str_t));

    fields = ngx_http_agw_redis_element(entry, 1);

    if (fields == NULL || fields->type != REDIS_REPLY_ARRAY
        || fields->elements % 2)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < fields->elements; i += 2) {
        name = ngx_http_agw_redis_string(fields->element[i]);

        for (j = 0; j < NGX_HTTP_AGW_REDIS_FIELDS; j++) {
            if (agw_str_eq(name, ngx_http_agw_redis_fields[j])) {
                values[j] = ngx_http_agw_redis_string(fields->element[i + 1]);
                break;
            }
        }
    }

    return NGX_OK;
}


void
ngx_http_agw_redis_entry_skip(ngx_http_agw_redis_skips_t *skips,
    const ngx_str_t *store, const redisReply *entry,
    ngx_http_agw_redis_entry_t fault, ngx_log_t *log)
{
    agw_str_t  id;

    static const char *const  faults[NGX_HTTP_AGW_REDIS_ENTRIES] = {
        [NGX_HTTP_AGW_REDIS_ENTRY_OK] = "nothing is wrong",
        [NGX_HTTP_AGW_REDIS_ENTRY_FIELDS] = "it has no fields",
        [NGX_HTTP_AGW_REDIS_ENTRY_NAME] = "kind or id is malformed",
        [NGX_HTTP_AGW_REDIS_ENTRY_STAMP] = "seq is missing, malformed, or "
                                           "above the id of the entry",
        [NGX_HTTP_AGW_REDIS_ENTRY_AHEAD] = "seq is years ahead",
        [NGX_HTTP_AGW_REDIS_ENTRY_TIME] = "time is missing or malformed"
    };

    skips->skipped++;

    if (skips->said[fault] != 0
        && ngx_current_msec - skips->said[fault] < NGX_HTTP_AGW_REDIS_SAY)
    {
        return;
    }

    skips->said[fault] = ngx_max(ngx_current_msec, 1);

    id = ngx_http_agw_redis_string(ngx_http_agw_redis_element(entry, 0));

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: store \"%V\": entry %*s of its revocations is "
                  "skipped: %s (%ui skipped since this worker started)",
                  store, id.len, id.data, faults[fault], skips->skipped);
}
