
/*
 * The scripts: what must be one step in Redis.  Each is one EVAL; its keys
 * are all in KEYS and have one hash tag, so that a cluster has them in one
 * slot.  They run on Redis 6.2 and later, and on Valkey.
 *
 * Besides Redis's own errors, a script answers with
 *
 *     AGWEPOCH      there is no epoch or no stamp: all was removed while we
 *                   were connected; the next handshake creates them
 *     AGWMALFORMED  a key has a value that no script writes
 *     AGWBEHIND     more was revoked than is looked at in one script: this
 *                   node has to read it first
 *     READONLY      a replica; NOREPLICAS: it has fewer than it must have
 *
 * and has changed nothing then, save that a stamp may be lost.
 */


#ifndef NGX_HTTP_AGW_REDIS_SCRIPT_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_SCRIPT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_store_directory.h"
#include "ngx_http_agw_store_revocations.h"


/* entries that one call heals */

#define NGX_HTTP_AGW_REDIS_HEALED   256

#define NGX_HTTP_AGW_REDIS_EPOCH    16       /* hex digits */

#define NGX_HTTP_AGW_REDIS_ARGS     (9 + 5 * NGX_HTTP_AGW_REDIS_HEALED)
#define NGX_HTTP_AGW_REDIS_TEXT     98304


/*
 * A command.  The arguments point into text, to literals, and to what the
 * caller has given.  prefix is that of all keys, "{agw}:".
 */

typedef struct {
    int          argc;
    const char  *argv[NGX_HTTP_AGW_REDIS_ARGS];
    size_t       argvlen[NGX_HTTP_AGW_REDIS_ARGS];

    u_char      *last;
    u_char       text[NGX_HTTP_AGW_REDIS_TEXT];
} ngx_http_agw_redis_args_t;


/*
 * Of a command that runs a script: names the script by its digest, which has
 * to be that of its text.  Redis knows it if it has run it before; otherwise
 * it answers NOSCRIPT.
 */

#define NGX_HTTP_AGW_REDIS_DIGEST   40       /* hex digits */

void ngx_http_agw_redis_script_by_digest(ngx_http_agw_redis_args_t *args,
    const u_char digest[NGX_HTTP_AGW_REDIS_DIGEST]);


/*
 * The handshake of a connection, before anything else is asked.  Where it is
 * another Redis than at the last handshake of any node, or its epoch or stamp
 * is gone, the stamp is raised by a day beyond known, its own and the clock:
 * a replica that was promoted may not have the last stamps.  epoch is what a
 * new one will be: random hex digits.  Announces the horizon.
 *
 * Answers { epoch, stamp, 1 if it was raised, else 0; floor, horizon }, the
 * numbers as strings.
 */

void ngx_http_agw_redis_script_handshake(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, ngx_str_t run_id,
    const u_char epoch[NGX_HTTP_AGW_REDIS_EPOCH], int64_t known,
    time_t horizon);


/*
 * Answers { epoch, stamp, then for each key: the partner's status, the API
 * key's JSON }; what does not exist is nil.
 */

void ngx_http_agw_redis_script_api_keys(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_directory_query_t *query);


/*
 * Answers { epoch, stamp, the partner's status, the business's partner, its
 * status, 1 if the partner token was revoked by an entry after
 * query->known, else 0 }.
 */

void ngx_http_agw_redis_script_business(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_directory_query_t *query);


/* answers { epoch, stamp, "1" if it is the first use, else "0" } */

void ngx_http_agw_redis_script_once(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_directory_query_t *query);


/* answers { stamp, time } of the new entry */

void ngx_http_agw_redis_script_revoke(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_write_t *write);


/*
 * Announces the horizon.  Removes up to a thousand entries before held, a
 * stamp, and raises the floor to their stamps; but if another node announced
 * a longer horizon than horizon, held is too late, and none is removed.
 * Answers { floor, horizon, how many were removed }.
 */

void ngx_http_agw_redis_script_trim(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, int64_t held, int64_t horizon);


/*
 * What the feed asks before each XREAD.  Answers { epoch, stamp, floor,
 * horizon, the entry at the position as { id, fields } or nil, the id of the
 * last entry as { id } or nil, the time in ms, the entry at the position before
 * it, the first entry as { id, seq or 0 } or nil }.
 */

void ngx_http_agw_redis_script_look(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_position_t *position,
    const ngx_http_agw_position_t *previous);


/*
 * Writes entries back with the stamps they had.  since is the position up to
 * which we know what the stream has: where another node has healed it since
 * then, nothing is written.  Answers { the position to go on from as an id,
 * how many were written }, or -1.
 *
 * _heal() begins, _heal_add() adds an entry while there is room for it.
 */

void ngx_http_agw_redis_script_heal(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_position_t *since, int64_t known);
ngx_uint_t ngx_http_agw_redis_script_heal_has_room(
    const ngx_http_agw_redis_args_t *args);
void ngx_http_agw_redis_script_heal_add(ngx_http_agw_redis_args_t *args,
    const agw_revocation_t *revocation);


/* XREAD, of at most count entries; block in ms, 0: it does not wait */

void ngx_http_agw_redis_xread(ngx_http_agw_redis_args_t *args,
    ngx_str_t prefix, const ngx_http_agw_position_t *position,
    ngx_uint_t count, ngx_msec_t block);


#endif /* NGX_HTTP_AGW_REDIS_SCRIPT_H_INCLUDED_ */
