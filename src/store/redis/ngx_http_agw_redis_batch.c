
#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_batch.h"
#include "ngx_http_agw_redis_page.h"


typedef struct {
    ngx_http_agw_redis_records_t  *records;
    ngx_log_t                     *log;
} ngx_http_agw_redis_found_t;


static int ngx_http_agw_redis_batch_transact(
    ngx_http_agw_redis_batch_t *batch, ngx_http_agw_redis_copy_t *copy);
static ngx_uint_t ngx_http_agw_redis_batch_is_foreign(
    const ngx_http_agw_redis_batch_t *batch,
    const ngx_http_agw_redis_copy_t *copy);
static ngx_uint_t ngx_http_agw_redis_batch_is_changed(
    const ngx_http_agw_redis_batch_t *batch,
    const ngx_http_agw_redis_state_t *state);
static int ngx_http_agw_redis_batch_ahead(ngx_http_agw_redis_batch_t *batch,
    ngx_http_agw_redis_copy_t *copy);
static int ngx_http_agw_redis_batch_met(ngx_http_agw_redis_batch_t *batch,
    ngx_http_agw_redis_copy_t *copy);
static void ngx_http_agw_redis_batch_mark(ngx_http_agw_redis_batch_t *batch,
    ngx_http_agw_redis_copy_t *copy,
    const ngx_http_agw_redis_record_t *record);
static int ngx_http_agw_redis_batch_put(ngx_http_agw_redis_copy_t *copy,
    const ngx_http_agw_redis_record_t *record, ngx_uint_t met);
static int ngx_http_agw_redis_batch_state(ngx_http_agw_redis_batch_t *batch,
    ngx_http_agw_redis_copy_t *copy);
static void ngx_http_agw_redis_batch_found(void *data,
    const agw_revocation_t *revocation);


void
ngx_http_agw_redis_batch_write(ngx_http_agw_redis_batch_t *batch,
    ngx_http_agw_redis_copy_t *copy, ngx_log_t *log)
{
    int                         rc;
    ngx_http_agw_redis_found_t  found;

    if (copy->db != NULL
        && ngx_http_agw_sqlite_moved(copy->db, copy->path, copy->file_id))
    {
        ngx_http_agw_redis_copy_close(copy);
    }

    if (ngx_http_agw_redis_copy_open(copy, log) != NGX_OK) {
        batch->failed = 1;
        return;
    }

    rc = ngx_http_agw_redis_batch_transact(batch, copy);

    if (rc == SQLITE_OK && batch->lacking && batch->has_state) {
        found.records = &batch->found;
        found.log = log;

        rc = ngx_http_agw_redis_copy_lacking(copy, batch->lacking,
                                             batch->state.last,
                                             ngx_http_agw_redis_batch_found,
                                             &found);
    }

    if (rc != SQLITE_OK) {
        if (!ngx_terminate) {
            ngx_http_agw_redis_copy_log(copy, log, "cannot be written", rc);
        }

        ngx_http_agw_redis_copy_close(copy);
        batch->failed = 1;
    }
}


static int
ngx_http_agw_redis_batch_transact(ngx_http_agw_redis_batch_t *batch,
    ngx_http_agw_redis_copy_t *copy)
{
    int  rc;

    rc = ngx_http_agw_redis_copy_begin(copy);

    if (rc != SQLITE_OK) {
        return rc;
    }

    if (ngx_http_agw_redis_batch_is_foreign(batch, copy)) {
        batch->foreign = (batch->store_id != 0);

        return ngx_http_agw_redis_copy_cancel(copy);
    }

    if (ngx_http_agw_redis_batch_is_changed(batch, &copy->state)) {
        batch->changed = 1;
    }

    rc = ngx_http_agw_redis_batch_ahead(batch, copy);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_redis_batch_met(batch, copy);
    }

    if (rc == SQLITE_OK && (batch->has_state || batch->restart)) {
        rc = ngx_http_agw_redis_batch_state(batch, copy);
    }

    return rc == SQLITE_OK ? ngx_http_agw_redis_copy_end(copy) : rc;
}


/*
 * A store of another name that has the epoch of the file is the same one, which
 * has moved.  Only the worker that follows knows the epoch; what others write
 * comes by the feed, too.
 */

static ngx_uint_t
ngx_http_agw_redis_batch_is_foreign(const ngx_http_agw_redis_batch_t *batch,
    const ngx_http_agw_redis_copy_t *copy)
{
    return copy->state.other
           && (batch->store_id == 0
               || batch->store_id != copy->state.position.store_id);
}


/*
 * It may have been removed, replaced or restored since it was read; or another
 * worker that follows has begun another round.  Within a round, a file never
 * goes back.
 */

static ngx_uint_t
ngx_http_agw_redis_batch_is_changed(const ngx_http_agw_redis_batch_t *batch,
    const ngx_http_agw_redis_state_t *state)
{
    const ngx_http_agw_redis_state_t  *file;

    file = &batch->file;

    if (batch->store_id == 0) {
        return 0;
    }

    return state->position.store_id != file->position.store_id
           || state->round != file->round
           || !ngx_http_agw_redis_page_reaches(&state->position,
                                               &file->position);
}


static int
ngx_http_agw_redis_batch_ahead(ngx_http_agw_redis_batch_t *batch,
    ngx_http_agw_redis_copy_t *copy)
{
    int                           rc;
    ngx_http_agw_redis_place_t    place;
    ngx_http_agw_redis_record_t  *record;

    ngx_memzero(&place, sizeof(ngx_http_agw_redis_place_t));

    for ( ;; ) {
        record = ngx_http_agw_redis_records_look(&batch->ahead, &place);

        if (record == NULL) {
            return SQLITE_OK;
        }

        rc = ngx_http_agw_redis_batch_put(copy, record, 0);

        if (rc != SQLITE_OK) {
            return rc;
        }
    }
}


static int
ngx_http_agw_redis_batch_met(ngx_http_agw_redis_batch_t *batch,
    ngx_http_agw_redis_copy_t *copy)
{
    int                           rc;
    ngx_http_agw_redis_place_t    place;
    ngx_http_agw_redis_record_t  *record;

    ngx_memzero(&place, sizeof(ngx_http_agw_redis_place_t));

    for ( ;; ) {
        record = ngx_http_agw_redis_records_look(&batch->blocks, &place);

        if (record == NULL) {
            return SQLITE_OK;
        }

        if (record->kind == 0) {
            ngx_http_agw_redis_batch_mark(batch, copy, record);
            continue;
        }

        rc = ngx_http_agw_redis_batch_put(copy, record, !batch->changed);

        if (rc != SQLITE_OK) {
            return rc;
        }
    }
}


static void
ngx_http_agw_redis_batch_mark(ngx_http_agw_redis_batch_t *batch,
    ngx_http_agw_redis_copy_t *copy, const ngx_http_agw_redis_record_t *record)
{
    if (batch->changed) {
        return;
    }

    if (record->id_len != 0) {
        ngx_memcpy(&batch->state, record + 1,
                   sizeof(ngx_http_agw_redis_state_t));
        batch->has_state = 1;
        return;
    }

    copy->state.round++;
    batch->restart = record->stamp;
    batch->has_state = 0;
}


static int
ngx_http_agw_redis_batch_put(ngx_http_agw_redis_copy_t *copy,
    const ngx_http_agw_redis_record_t *record, ngx_uint_t met)
{
    agw_str_t  id, partner;

    if (ngx_terminate) {
        return SQLITE_INTERRUPT;
    }

    if (record->kind == 0) {
        return SQLITE_OK;
    }

    id.data = (u_char *) (record + 1);
    id.len = record->id_len;
    partner.data = id.data + id.len;
    partner.len = record->partner_len;

    return ngx_http_agw_redis_copy_put(copy, record->kind, id, partner,
                                       record->stamp, record->time, met);
}


/* during an upgrade of nginx, two workers follow, and one of them is ahead */

static int
ngx_http_agw_redis_batch_state(ngx_http_agw_redis_batch_t *batch,
    ngx_http_agw_redis_copy_t *copy)
{
    const ngx_http_agw_position_t  *position;
    ngx_http_agw_redis_state_t     *state;

    position = &copy->state.position;
    state = &batch->file;

    *state = batch->has_state ? batch->state : copy->state;
    state->round = copy->state.round;

    if (!batch->has_state) {
        state->position.stamp = 0;
        state->position.mark = 0;
        state->position.mark_tag = 0;

    } else if (!batch->restart && state->position.store_id == position->store_id
               && !ngx_http_agw_redis_page_reaches(&state->position, position))
    {
        state->position = *position;
    }

    return ngx_http_agw_redis_copy_state(copy, state);
}


static void
ngx_http_agw_redis_batch_found(void *data, const agw_revocation_t *revocation)
{
    ngx_http_agw_redis_found_t *found = data;

    (void) ngx_http_agw_redis_records_add(found->records, revocation,
                                          found->log);
}
