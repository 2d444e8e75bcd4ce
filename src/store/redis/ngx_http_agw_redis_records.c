
#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_records.h"
#include "ngx_http_agw_revocation_id.h"


#define NGX_HTTP_AGW_REDIS_BLOCK_SIZE  65536


struct ngx_http_agw_redis_block_s {
    ngx_http_agw_redis_block_t  *next;
    size_t                       used;
    size_t                       read;
    u_char                       data[NGX_HTTP_AGW_REDIS_BLOCK_SIZE];
};


static u_char *ngx_http_agw_redis_records_room(
    ngx_http_agw_redis_records_t *records, size_t size, ngx_log_t *log);
static void ngx_http_agw_redis_records_append(
    ngx_http_agw_redis_records_t *records, ngx_http_agw_redis_block_t *block);
static size_t ngx_http_agw_redis_record_size(
    const ngx_http_agw_redis_record_t *record);


ngx_int_t
ngx_http_agw_redis_records_add(ngx_http_agw_redis_records_t *records,
    const agw_revocation_t *revocation, ngx_log_t *log)
{
    u_char                       *p, buf[NGX_HTTP_AGW_REVOCATION_ID_MAX];
    agw_str_t                     id, partner;
    ngx_http_agw_redis_record_t  *record;

    id = ngx_http_agw_revocation_id(revocation, buf);
    partner.len = 0;

    if (revocation->kind == AGW_REVOCATION_BUSINESS
        && revocation->partner_id.len <= AGW_ID_MAX)
    {
        partner = revocation->partner_id;
    }

    p = ngx_http_agw_redis_records_room(records,
                                        sizeof(ngx_http_agw_redis_record_t)
                                        + id.len + partner.len, log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    record = (ngx_http_agw_redis_record_t *) p;

    record->stamp = revocation->stamp;
    record->time = revocation->time;
    record->id_len = id.len;
    record->partner_len = partner.len;
    record->kind = revocation->kind;

    p += sizeof(ngx_http_agw_redis_record_t);

    p = ngx_cpymem(p, id.data, id.len);

    if (partner.len) {
        ngx_memcpy(p, partner.data, partner.len);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_agw_redis_records_mark(ngx_http_agw_redis_records_t *records,
    int64_t number, const void *data, size_t len, ngx_log_t *log)
{
    u_char                       *p;
    ngx_http_agw_redis_record_t  *record;

    p = ngx_http_agw_redis_records_room(records,
                                        sizeof(ngx_http_agw_redis_record_t)
                                        + len, log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    record = (ngx_http_agw_redis_record_t *) p;

    ngx_memzero(record, sizeof(ngx_http_agw_redis_record_t));

    record->stamp = number;
    record->id_len = len;

    if (len) {
        ngx_memcpy(p + sizeof(ngx_http_agw_redis_record_t), data, len);
    }

    return NGX_OK;
}


static u_char *
ngx_http_agw_redis_records_room(ngx_http_agw_redis_records_t *records,
    size_t size, ngx_log_t *log)
{
    u_char                      *p;
    ngx_http_agw_redis_block_t  *block;

    size = ngx_align(size, sizeof(int64_t));
    block = records->last;

    if (block == NULL || block->used + size > NGX_HTTP_AGW_REDIS_BLOCK_SIZE) {
        block = ngx_alloc(sizeof(ngx_http_agw_redis_block_t), log);
        if (block == NULL) {
            return NULL;
        }

        block->used = 0;
        block->read = 0;

        ngx_http_agw_redis_records_append(records, block);
    }

    p = block->data + block->used;
    block->used += size;

    return p;
}


static void
ngx_http_agw_redis_records_append(ngx_http_agw_redis_records_t *records,
    ngx_http_agw_redis_block_t *block)
{
    block->next = NULL;

    if (records->last != NULL) {
        records->last->next = block;

    } else {
        records->first = block;
    }

    records->last = block;
    records->n++;
}


/* the next one, or NULL; records that were read are freed */

ngx_http_agw_redis_record_t *
ngx_http_agw_redis_records_next(ngx_http_agw_redis_records_t *records)
{
    ngx_http_agw_redis_block_t   *block;
    ngx_http_agw_redis_record_t  *record;

    block = records->first;

    if (block != NULL && block->read == block->used) {
        records->first = block->next;
        records->n--;

        ngx_free(block);

        block = records->first;

        if (block == NULL) {
            records->last = NULL;
        }
    }

    if (block == NULL) {
        return NULL;
    }

    record = (ngx_http_agw_redis_record_t *) (block->data + block->read);

    block->read += ngx_http_agw_redis_record_size(record);

    return record;
}


static size_t
ngx_http_agw_redis_record_size(const ngx_http_agw_redis_record_t *record)
{
    return ngx_align(sizeof(ngx_http_agw_redis_record_t)
                     + record->id_len + record->partner_len, sizeof(int64_t));
}


ngx_http_agw_redis_record_t *
ngx_http_agw_redis_records_look(const ngx_http_agw_redis_records_t *records,
    ngx_http_agw_redis_place_t *place)
{
    ngx_http_agw_redis_record_t  *record;

    if (place->block == NULL) {
        place->block = records->first;
        place->read = 0;

    } else if (place->read == place->block->used) {
        place->block = place->block->next;
        place->read = 0;
    }

    if (place->block == NULL) {
        return NULL;
    }

    record = (ngx_http_agw_redis_record_t *) (place->block->data
                                              + place->read);

    place->read += ngx_http_agw_redis_record_size(record);

    return record;
}


void
ngx_http_agw_redis_records_move(ngx_http_agw_redis_records_t *records,
    ngx_http_agw_redis_records_t *from, ngx_uint_t n)
{
    ngx_http_agw_redis_block_t  *block;

    while (n-- && from->first != NULL) {
        block = from->first;
        from->first = block->next;
        from->n--;

        ngx_http_agw_redis_records_append(records, block);
    }

    if (from->first == NULL) {
        from->last = NULL;
    }
}


ngx_int_t
ngx_http_agw_redis_records_entry(ngx_http_agw_redis_records_t *records,
    agw_revocation_t *revocation)
{
    agw_str_t                     id;
    ngx_http_agw_redis_record_t  *record;

    record = ngx_http_agw_redis_records_next(records);

    if (record == NULL) {
        return NGX_DONE;
    }

    ngx_memzero(revocation, sizeof(agw_revocation_t));

    id.data = (u_char *) (record + 1);
    id.len = record->id_len;

    revocation->stamp = record->stamp;
    revocation->time = record->time;

    if (ngx_http_agw_revocation_parse_id(
                                ngx_http_agw_revocation_kind(record->kind),
                                id, revocation)
        != NGX_OK)
    {
        return NGX_DONE;
    }

    if (revocation->kind == AGW_REVOCATION_BUSINESS) {
        revocation->partner_id.data = id.data + id.len;
        revocation->partner_id.len = record->partner_len;
    }

    return NGX_OK;
}


void
ngx_http_agw_redis_records_free(ngx_http_agw_redis_records_t *records)
{
    ngx_http_agw_redis_block_t  *block;

    while (records->first != NULL) {
        block = records->first;
        records->first = block->next;

        ngx_free(block);
    }

    records->last = NULL;
    records->n = 0;
}
