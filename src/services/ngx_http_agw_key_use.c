
/*
 * A request only notes the time.  Where more keys are used at once than the
 * table has room for, some are noted at their next use; so are those that a
 * worker had noted when it ended.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_key_use.h"
#include "ngx_http_agw_store_admin.h"


#define NGX_HTTP_AGW_USES        256         /* a power of 2 */
#define NGX_HTTP_AGW_USES_NEAR   8           /* places that a key may have */
#define NGX_HTTP_AGW_USES_EVERY  10000       /* ms between two batches */
#define NGX_HTTP_AGW_USES_EXACT  60          /* seconds */


typedef struct {
    time_t                   used;           /* 0: a free place */
    time_t                   written;
    size_t                   len;
    u_char                   partner_id[AGW_ID_MAX];
    u_char                   key_sha256[NGX_HTTP_AGW_SHA256_HEX];
} ngx_http_agw_key_use_t;


static ngx_http_agw_key_use_t *ngx_http_agw_find_use(
    const ngx_http_agw_api_key_t *key);
static ngx_uint_t ngx_http_agw_is_new_use(const ngx_http_agw_key_use_t *use);
static ngx_int_t ngx_http_agw_set_uses(ngx_http_agw_admin_t *op);
static void ngx_http_agw_uses_written(ngx_http_agw_admin_t *op, ngx_int_t rc);


/* of this worker */

static ngx_http_agw_key_use_t  ngx_http_agw_uses[NGX_HTTP_AGW_USES];
static ngx_uint_t              ngx_http_agw_nuses;       /* that are new */
static ngx_uint_t              ngx_http_agw_uses_running;
static ngx_msec_t              ngx_http_agw_uses_at;


void
ngx_http_agw_key_used(const ngx_http_agw_api_key_t *key, time_t now)
{
    ngx_uint_t               new;
    ngx_http_agw_key_use_t  *use;

    use = ngx_http_agw_find_use(key);

    if (use == NULL) {
        return;
    }

    new = ngx_http_agw_is_new_use(use);

    use->used = now;

    ngx_http_agw_nuses += ngx_http_agw_is_new_use(use) && !new;
}


/* its place, or a new one; NULL if all are taken by uses that are new */

static ngx_http_agw_key_use_t *
ngx_http_agw_find_use(const ngx_http_agw_api_key_t *key)
{
    ngx_uint_t               i, first;
    ngx_http_agw_key_use_t  *use, *room;

    if (key->partner_id.len > AGW_ID_MAX) {
        return NULL;
    }

    /* the digest is as good as random */

    first = ngx_hextoi((u_char *) key->key_sha256, 4);
    room = NULL;

    for (i = 0; i < NGX_HTTP_AGW_USES_NEAR; i++) {
        use = &ngx_http_agw_uses[(first + i) % NGX_HTTP_AGW_USES];

        if (use->len == key->partner_id.len
            && ngx_memcmp(use->key_sha256, key->key_sha256,
                          NGX_HTTP_AGW_SHA256_HEX) == 0
            && ngx_memcmp(use->partner_id, key->partner_id.data, use->len)
               == 0)
        {
            return use;
        }

        if (room == NULL && !ngx_http_agw_is_new_use(use)) {
            room = use;
        }
    }

    if (room != NULL) {
        room->used = 0;
        room->written = 0;
        room->len = key->partner_id.len;

        ngx_memcpy(room->partner_id, key->partner_id.data, room->len);
        ngx_memcpy(room->key_sha256, key->key_sha256,
                   NGX_HTTP_AGW_SHA256_HEX);
    }

    return room;
}


static ngx_uint_t
ngx_http_agw_is_new_use(const ngx_http_agw_key_use_t *use)
{
    return use->used - use->written >= NGX_HTTP_AGW_USES_EXACT;
}


void
ngx_http_agw_write_key_uses(ngx_http_agw_store_t *store)
{
    ngx_pool_t            *pool;
    ngx_http_agw_admin_t  *op;

    if (ngx_http_agw_nuses == 0 || ngx_http_agw_uses_running
        || ngx_current_msec - ngx_http_agw_uses_at < NGX_HTTP_AGW_USES_EVERY)
    {
        return;
    }

    ngx_http_agw_uses_at = ngx_current_msec;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    op = ngx_pcalloc(pool, sizeof(ngx_http_agw_admin_t));
    if (op == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    op->pool = pool;
    op->what = NGX_HTTP_AGW_ADMIN_USED;
    op->handler = ngx_http_agw_uses_written;
    op->now = ngx_time();
    op->write.abandoned = 1;

    if (ngx_http_agw_set_uses(op) != NGX_OK) {
        ngx_destroy_pool(pool);
        return;
    }

    ngx_http_agw_uses_running = 1;

    if (ngx_http_agw_store_administer(store, op) != NGX_AGAIN) {
        ngx_http_agw_uses_written(op, NGX_ERROR);
    }
}


/* a batch that fails is not repeated: the keys will be used again */

static ngx_int_t
ngx_http_agw_set_uses(ngx_http_agw_admin_t *op)
{
    u_char                  *p;
    ngx_uint_t               i;
    agw_record_t            *record;
    ngx_http_agw_key_use_t  *use;

    op->import = ngx_pcalloc(op->pool,
                             ngx_http_agw_nuses * sizeof(agw_record_t));
    if (op->import == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_AGW_USES; i++) {
        use = &ngx_http_agw_uses[i];

        if (!ngx_http_agw_is_new_use(use)) {
            continue;
        }

        p = ngx_pnalloc(op->pool, use->len + NGX_HTTP_AGW_SHA256_HEX);
        if (p == NULL) {
            return NGX_ERROR;
        }

        record = &op->import[op->nimport++];

        record->kind = AGW_RECORD_API_KEY;
        record->has = AGW_MEMBER_PARTNER_ID|AGW_MEMBER_KEY_SHA256
                      |AGW_MEMBER_LAST_USED_AT;
        record->key_sha256.data = p;
        record->key_sha256.len = NGX_HTTP_AGW_SHA256_HEX;
        p = ngx_cpymem(p, use->key_sha256, NGX_HTTP_AGW_SHA256_HEX);

        record->partner_id.data = p;
        record->partner_id.len = use->len;
        ngx_memcpy(p, use->partner_id, use->len);

        record->last_used_at = use->used;

        use->written = use->used;
        ngx_http_agw_nuses--;
    }

    return NGX_OK;
}


static void
ngx_http_agw_uses_written(ngx_http_agw_admin_t *op, ngx_int_t rc)
{
    ngx_http_agw_uses_running = 0;

    ngx_destroy_pool(op->pool);
}
