
/*
 * A record with a change is checked as a whole: two members may each be valid,
 * and not together.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_admin_change.h"


static ngx_int_t ngx_http_agw_admin_decline(ngx_http_agw_admin_t *op,
    ngx_http_agw_admin_result_t result, unsigned member);
static ngx_uint_t ngx_http_agw_admin_holds(const ngx_http_agw_admin_t *op,
    const agw_record_t *stored);
static unsigned ngx_http_agw_admin_roll(const ngx_http_agw_admin_t *op,
    agw_record_t *made);
static ngx_int_t ngx_http_agw_admin_copy(ngx_pool_t *pool, agw_str_t *text);


void
ngx_http_agw_admin_begin(ngx_http_agw_admin_t *op)
{
    op->result = NGX_HTTP_AGW_ADMIN_DONE;
    op->member = 0;
    op->failed = 0;
    op->more = 0;
    op->records.nelts = 0;
    op->revocations.nelts = 0;
}


ngx_int_t
ngx_http_agw_admin_decide(ngx_http_agw_admin_t *op,
    const agw_record_t *stored, ngx_uint_t no_partner, agw_record_t *made)
{
    unsigned  member, members;

    if (agw_record_credential(op->record.kind) && no_partner) {
        return ngx_http_agw_admin_decline(op, NGX_HTTP_AGW_ADMIN_NOT_FOUND,
                                          AGW_MEMBER_PARTNER_ID);
    }

    if (stored == NULL && op->what != NGX_HTTP_AGW_ADMIN_PUT) {
        return ngx_http_agw_admin_decline(op, NGX_HTTP_AGW_ADMIN_NOT_FOUND,
                                          0);
    }

    if (!ngx_http_agw_admin_holds(op, stored)) {
        return ngx_http_agw_admin_decline(op, NGX_HTTP_AGW_ADMIN_CHANGED, 0);
    }

    *made = stored ? *stored : op->record;
    members = AGW_MEMBERS_ALL;
    member = 0;

    switch (op->what) {

    case NGX_HTTP_AGW_ADMIN_PUT:
        *made = op->record;
        break;

    case NGX_HTTP_AGW_ADMIN_PATCH:
        agw_record_patch(made, &op->record, op->patch);
        members = op->patch;
        break;

    case NGX_HTTP_AGW_ADMIN_ROLL:
        member = ngx_http_agw_admin_roll(op, made);
        members = AGW_MEMBER_EXPIRES_AT;
        break;

    default:                         /* DELETE, END */
        op->result = NGX_HTTP_AGW_ADMIN_DONE;
        return NGX_OK;
    }

    member = member ? member : agw_record_check(made, members);

    if (member != 0) {
        return ngx_http_agw_admin_decline(op, NGX_HTTP_AGW_ADMIN_INVALID,
                                          member);
    }

    if (made->kind == AGW_RECORD_BUSINESS && no_partner
        && (stored == NULL
            || !agw_str_eq(stored->partner_id, made->partner_id)))
    {
        return ngx_http_agw_admin_decline(op, NGX_HTTP_AGW_ADMIN_NO_PARTNER,
                                          AGW_MEMBER_PARTNER_ID);
    }

    op->result = stored ? NGX_HTTP_AGW_ADMIN_DONE
                        : NGX_HTTP_AGW_ADMIN_CREATED;
    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_admin_decline(ngx_http_agw_admin_t *op,
    ngx_http_agw_admin_result_t result, unsigned member)
{
    op->result = result;
    op->member = member;

    return NGX_DECLINED;
}


/* RFC 9110, section 13.1 */

static ngx_uint_t
ngx_http_agw_admin_holds(const ngx_http_agw_admin_t *op,
    const agw_record_t *stored)
{
    u_char      buf[AGW_RECORD_TAG_SIZE];
    agw_str_t   tag;
    ngx_uint_t  i;

    if (stored == NULL) {
        return !op->old && op->ntags == 0;
    }

    if (op->new) {
        return 0;
    }

    if (op->ntags == 0) {
        return 1;
    }

    if (agw_record_tag(stored, buf) != 0) {
        return 0;
    }

    tag.data = buf;
    tag.len = AGW_RECORD_TAG_SIZE;

    for (i = 0; i < op->ntags; i++) {
        if (agw_str_eq(op->tags[i], tag)) {
            return 1;
        }
    }

    return 0;
}


/*
 * The old API key ends after the time of grace, or when it would have ended.
 * One that is not valid yet would have to end before it begins.
 */

static unsigned
ngx_http_agw_admin_roll(const ngx_http_agw_admin_t *op, agw_record_t *made)
{
    int64_t  end;

    if (made->not_before > op->now) {
        return AGW_MEMBER_NOT_BEFORE;
    }

    end = ngx_max(op->now + op->grace, made->not_before + 1);

    if (!(made->has & AGW_MEMBER_EXPIRES_AT) || end < made->expires_at) {
        made->expires_at = end;
        made->has |= AGW_MEMBER_EXPIRES_AT;
    }

    return 0;
}


ngx_int_t
ngx_http_agw_admin_decide_import(ngx_http_agw_admin_t *op, ngx_uint_t i,
    const agw_record_t *stored, ngx_uint_t no_partner, agw_record_t *made)
{
    unsigned   keep;
    u_char    *key_id;

    *made = op->import[i];
    op->failed = i;

    if (stored != NULL && made->kind == AGW_RECORD_API_KEY) {
        keep = stored->has & ~made->has
               & (AGW_MEMBER_KEY_ID|AGW_MEMBER_CREATED_AT
                  |AGW_MEMBER_LAST_USED_AT);

        agw_record_patch(made, stored, keep);
    }

    if (made->kind == AGW_RECORD_API_KEY && !(made->has & AGW_MEMBER_KEY_ID)) {

        key_id = ngx_pnalloc(op->pool, AGW_KEY_ID_SIZE);

        if (key_id == NULL
            || agw_record_derive_key_id(made->key_sha256, key_id) != 0)
        {
            return NGX_ERROR;
        }

        made->key_id.data = key_id;
        made->key_id.len = AGW_KEY_ID_SIZE;
        made->has |= AGW_MEMBER_KEY_ID;
    }

    op->member = agw_record_check(made, AGW_MEMBERS_ALL);

    if (op->member != 0) {
        return ngx_http_agw_admin_decline(op, NGX_HTTP_AGW_ADMIN_INVALID,
                                          op->member);
    }

    if (no_partner && made->kind != AGW_RECORD_PARTNER) {
        return ngx_http_agw_admin_decline(op, NGX_HTTP_AGW_ADMIN_NO_PARTNER,
                                          AGW_MEMBER_PARTNER_ID);
    }

    op->result = NGX_HTTP_AGW_ADMIN_DONE;

    return NGX_OK;
}


void
ngx_http_agw_admin_rolled(const ngx_http_agw_admin_t *op,
    const agw_record_t *old, agw_record_t *made)
{
    *made = op->second;

    agw_record_patch(made, old, AGW_MEMBER_PARTNER_ID|AGW_MEMBER_NAME);
}


ngx_int_t
ngx_http_agw_admin_add(ngx_http_agw_admin_t *op, const agw_record_t *record)
{
    agw_record_t  *to;

    to = ngx_array_push(&op->records);
    if (to == NULL) {
        return NGX_ERROR;
    }

    *to = *record;

    return ngx_http_agw_admin_keep(op, to);
}


ngx_int_t
ngx_http_agw_admin_keep(ngx_http_agw_admin_t *op, agw_record_t *record)
{
    unsigned    member;
    agw_str_t  *text;

    for (member = 1; member & AGW_MEMBERS_ALL; member <<= 1) {
        text = (record->has & member) ? agw_record_text(record, member) : NULL;

        if (text == NULL) {
            continue;
        }

        if (ngx_http_agw_admin_copy(op->pool, text) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_agw_admin_add_revocation(ngx_http_agw_admin_t *op,
    const agw_revocation_t *revocation)
{
    agw_revocation_t  *to;

    to = ngx_array_push(&op->revocations);
    if (to == NULL) {
        return NGX_ERROR;
    }

    *to = *revocation;

    if (ngx_http_agw_admin_copy(op->pool, &to->partner_id) != NGX_OK
        || ngx_http_agw_admin_copy(op->pool, &to->business_id) != NGX_OK
        || ngx_http_agw_admin_copy(op->pool, &to->jti) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_admin_copy(ngx_pool_t *pool, agw_str_t *text)
{
    u_char  *p;

    if (text->len == 0) {
        text->data = NULL;
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, text->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, text->data, text->len);
    text->data = p;

    return NGX_OK;
}
