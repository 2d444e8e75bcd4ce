
/*
 * The commands of the engine: a script, its keys and its arguments.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_lua.h"
#include "ngx_http_agw_redis_script.h"
#include "ngx_http_agw_revocation_id.h"


/* what a promoted replica may lack, in stamps: a day of milliseconds */

#define NGX_HTTP_AGW_REDIS_DAY   86400000LL


static void ngx_http_agw_redis_begin(ngx_http_agw_redis_args_t *args,
    const ngx_str_t *script, ngx_str_t prefix, const char **keys,
    ngx_uint_t nkeys, ngx_uint_t more);
static void ngx_http_agw_redis_arg(ngx_http_agw_redis_args_t *args,
    const void *data, size_t len);
static void ngx_http_agw_redis_text(ngx_http_agw_redis_args_t *args,
    const char *text);
static void ngx_http_agw_redis_number(ngx_http_agw_redis_args_t *args,
    int64_t number);
static void ngx_http_agw_redis_key(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const char *name, agw_str_t id);
static void ngx_http_agw_redis_position(ngx_http_agw_redis_args_t *args,
    const ngx_http_agw_position_t *position);
static void ngx_http_agw_redis_id(ngx_http_agw_redis_args_t *args,
    const agw_revocation_t *revocation);
static void ngx_http_agw_redis_partner(ngx_http_agw_redis_args_t *args,
    const agw_revocation_t *revocation);
static void ngx_http_agw_redis_copy(ngx_http_agw_redis_args_t *args,
    agw_str_t text);


#define ngx_http_agw_redis_begin_script(args, script, prefix, keys, more)     \
    ngx_http_agw_redis_begin(args, &script, prefix, keys,                    \
                             sizeof(keys) / sizeof(keys[0]), more)


void
ngx_http_agw_redis_script_by_digest(ngx_http_agw_redis_args_t *args,
    const u_char digest[NGX_HTTP_AGW_REDIS_DIGEST])
{
    args->argv[0] = "EVALSHA";
    args->argvlen[0] = sizeof("EVALSHA") - 1;
    args->argv[1] = (const char *) digest;
    args->argvlen[1] = NGX_HTTP_AGW_REDIS_DIGEST;
}


void
ngx_http_agw_redis_script_handshake(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, ngx_str_t run_id,
    const u_char epoch[NGX_HTTP_AGW_REDIS_EPOCH], int64_t known,
    time_t horizon)
{
    static const char  *keys[] = { "epoch", "stamp", "primary", "floor",
                                   "horizon", "revocations" };

    ngx_http_agw_redis_begin_script(args, ngx_http_agw_redis_handshake_lua,
                                    prefix, keys, 0);

    ngx_http_agw_redis_arg(args, epoch, NGX_HTTP_AGW_REDIS_EPOCH);
    ngx_http_agw_redis_arg(args, run_id.data, run_id.len);
    ngx_http_agw_redis_number(args, known);
    ngx_http_agw_redis_number(args, horizon);
    ngx_http_agw_redis_number(args, NGX_HTTP_AGW_REDIS_DAY);
}


void
ngx_http_agw_redis_script_api_keys(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_directory_query_t *query)
{
    ngx_uint_t                     i;
    const ngx_http_agw_api_key_t  *key;
    static const char             *keys[] = { "epoch", "stamp",
                                              "revocations" };

    ngx_http_agw_redis_begin_script(args, ngx_http_agw_redis_api_keys_lua,
                                    prefix, keys, 2 * query->nkeys + 1);

    for (i = 0; i < query->nkeys; i++) {
        key = &query->keys[i];

        ngx_http_agw_redis_key(args, prefix, "partner:", key->partner_id);
        ngx_http_agw_redis_key(args, prefix, query->thumbprint.len
                                             ? "certificates:"
                                             : query->kid.len
                                             ? "jwks:" : "api_keys:",
                               key->partner_id);
    }

    ngx_http_agw_redis_key(args, prefix, "none", agw_empty);

    if (query->thumbprint.len) {
        ngx_http_agw_redis_arg(args, query->thumbprint.data,
                               query->thumbprint.len);
        return;
    }

    if (query->kid.len) {
        ngx_http_agw_redis_arg(args, query->kid.data, query->kid.len);
        return;
    }

    for (i = 0; i < query->nkeys; i++) {
        ngx_http_agw_redis_arg(args, query->keys[i].key_sha256,
                               NGX_HTTP_AGW_SHA256_HEX);
    }
}


void
ngx_http_agw_redis_script_business(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_directory_query_t *query)
{
    agw_str_t           token;
    static const char  *keys[] = { "epoch", "stamp", "revocations" };

    ngx_http_agw_redis_begin_script(args, ngx_http_agw_redis_business_lua,
                                    prefix, keys, 3);

    ngx_http_agw_redis_key(args, prefix, "partner:", query->partner_id);
    ngx_http_agw_redis_key(args, prefix, "business:", query->business_id);
    ngx_http_agw_redis_key(args, prefix, "none", agw_empty);

    ngx_http_agw_redis_position(args, &query->known);
    ngx_http_agw_redis_arg(args, query->partner_id.data,
                           query->partner_id.len);

    token = agw_empty;

    if (query->jti.len) {
        token = ngx_http_agw_revocation_pair(query->partner_id, query->jti,
                                             args->last);
    }

    ngx_http_agw_redis_copy(args, token);
    ngx_http_agw_redis_number(args, query->seq);
    ngx_http_agw_redis_number(args, query->iat);
}


void
ngx_http_agw_redis_script_once(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_directory_query_t *query)
{
    static const char  *keys[] = { "epoch", "stamp", "revocations" };

    ngx_http_agw_redis_begin_script(args, ngx_http_agw_redis_once_lua,
                                    prefix, keys, 1);

    ngx_http_agw_redis_key(args, prefix, "once:", query->once);
    ngx_http_agw_redis_number(args, query->once_for);
}


void
ngx_http_agw_redis_script_revoke(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_write_t *write)
{
    const agw_revocation_t  *revocation;
    static const char       *keys[] = { "epoch", "stamp", "revocations" };

    revocation = &write->revocation;

    ngx_http_agw_redis_begin_script(args, ngx_http_agw_redis_revoke_lua,
                                    prefix, keys, 0);

    ngx_http_agw_redis_number(args, write->known_stamp);
    ngx_http_agw_redis_id(args, revocation);
    ngx_http_agw_redis_number(args, revocation->kind == AGW_REVOCATION_TOKEN
                                    ? revocation->time : 0);
    ngx_http_agw_redis_partner(args, revocation);
}


void
ngx_http_agw_redis_script_trim(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, int64_t held, int64_t horizon)
{
    static const char  *keys[] = { "epoch", "stamp", "revocations", "floor",
                                   "horizon" };

    ngx_http_agw_redis_begin_script(args, ngx_http_agw_redis_trim_lua,
                                    prefix, keys, 0);

    ngx_http_agw_redis_number(args, held);
    ngx_http_agw_redis_number(args, horizon);
}


void
ngx_http_agw_redis_script_look(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_position_t *position,
    const ngx_http_agw_position_t *previous)
{
    static const char  *keys[] = { "epoch", "stamp", "revocations",
                                   "floor", "horizon" };

    ngx_http_agw_redis_begin_script(args, ngx_http_agw_redis_look_lua,
                                    prefix, keys, 1);

    ngx_http_agw_redis_key(args, prefix, "none", agw_empty);
    ngx_http_agw_redis_position(args, position);
    ngx_http_agw_redis_position(args, previous);
}


void
ngx_http_agw_redis_script_heal(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_position_t *since, int64_t known)
{
    static const char  *keys[] = { "epoch", "stamp", "revocations", "floor" };

    ngx_http_agw_redis_begin_script(args, ngx_http_agw_redis_heal_lua,
                                    prefix, keys, 0);

    ngx_http_agw_redis_position(args, since);
    ngx_http_agw_redis_number(args, known);
}


ngx_uint_t
ngx_http_agw_redis_script_heal_has_room(const ngx_http_agw_redis_args_t *args)
{
    return args->argc + 5 <= NGX_HTTP_AGW_REDIS_ARGS
           && (size_t) (args->text + NGX_HTTP_AGW_REDIS_TEXT - args->last)
              >= 4 * AGW_ID_MAX + 2 * NGX_INT64_LEN;
}


void
ngx_http_agw_redis_script_heal_add(ngx_http_agw_redis_args_t *args,
    const agw_revocation_t *revocation)
{
    ngx_http_agw_redis_id(args, revocation);
    ngx_http_agw_redis_number(args, revocation->stamp);
    ngx_http_agw_redis_number(args, revocation->time);

    ngx_http_agw_redis_partner(args, revocation);
}


void
ngx_http_agw_redis_xread(ngx_http_agw_redis_args_t *args, ngx_str_t prefix,
    const ngx_http_agw_position_t *position, ngx_uint_t count,
    ngx_msec_t block)
{
    args->argc = 0;
    args->last = args->text;

    ngx_http_agw_redis_text(args, "XREAD");
    ngx_http_agw_redis_text(args, "COUNT");
    ngx_http_agw_redis_number(args, count);

    if (block) {
        ngx_http_agw_redis_text(args, "BLOCK");
        ngx_http_agw_redis_number(args, block);
    }

    ngx_http_agw_redis_text(args, "STREAMS");
    ngx_http_agw_redis_key(args, prefix, "revocations", agw_empty);
    ngx_http_agw_redis_position(args, position);
}


/* EVAL, with the keys, and room for more of them */

static void
ngx_http_agw_redis_begin(ngx_http_agw_redis_args_t *args,
    const ngx_str_t *script, ngx_str_t prefix, const char **keys,
    ngx_uint_t nkeys, ngx_uint_t more)
{
    ngx_uint_t  i;

    args->argc = 0;
    args->last = args->text;

    ngx_http_agw_redis_text(args, "EVAL");
    ngx_http_agw_redis_arg(args, script->data, script->len);
    ngx_http_agw_redis_number(args, nkeys + more);

    for (i = 0; i < nkeys; i++) {
        ngx_http_agw_redis_key(args, prefix, keys[i], agw_empty);
    }
}


static void
ngx_http_agw_redis_arg(ngx_http_agw_redis_args_t *args, const void *data,
    size_t len)
{
    args->argv[args->argc] = data ? data : "";
    args->argvlen[args->argc] = len;
    args->argc++;
}


static void
ngx_http_agw_redis_text(ngx_http_agw_redis_args_t *args, const char *text)
{
    ngx_http_agw_redis_arg(args, text, ngx_strlen(text));
}


static void
ngx_http_agw_redis_number(ngx_http_agw_redis_args_t *args, int64_t number)
{
    u_char  *p;

    p = args->last;
    args->last = ngx_sprintf(p, "%L", number);

    ngx_http_agw_redis_arg(args, p, args->last - p);
}


static void
ngx_http_agw_redis_key(ngx_http_agw_redis_args_t *args, ngx_str_t prefix,
    const char *name, agw_str_t id)
{
    u_char  *p;

    p = args->last;
    args->last = ngx_sprintf(p, "%V%s", &prefix, name);

    if (id.len) {
        args->last = ngx_cpymem(args->last, id.data, id.len);
    }

    ngx_http_agw_redis_arg(args, p, args->last - p);
}


static void
ngx_http_agw_redis_position(ngx_http_agw_redis_args_t *args,
    const ngx_http_agw_position_t *position)
{
    u_char  *p;

    p = args->last;
    args->last = ngx_sprintf(p, "%L-%L", position->stamp, position->mark);

    ngx_http_agw_redis_arg(args, p, args->last - p);
}


static void
ngx_http_agw_redis_id(ngx_http_agw_redis_args_t *args,
    const agw_revocation_t *revocation)
{
    agw_str_t  kind, id;

    kind = ngx_http_agw_revocation_kind(revocation->kind);
    id = ngx_http_agw_revocation_id(revocation, args->last);

    ngx_http_agw_redis_arg(args, kind.data, kind.len);
    ngx_http_agw_redis_copy(args, id);
}


/* who asked for it, of a business; else empty */

static void
ngx_http_agw_redis_partner(ngx_http_agw_redis_args_t *args,
    const agw_revocation_t *revocation)
{
    ngx_http_agw_redis_copy(args, revocation->kind == AGW_REVOCATION_BUSINESS
                                  ? revocation->partner_id : agw_empty);
}


/* text may have been written to args->last already */

static void
ngx_http_agw_redis_copy(ngx_http_agw_redis_args_t *args, agw_str_t text)
{
    u_char  *p;

    p = args->last;

    if (text.len != 0 && text.data != p) {
        ngx_memcpy(p, text.data, text.len);
    }

    args->last += text.len;

    ngx_http_agw_redis_arg(args, p, text.len);
}
