
/*
 * An error begins with a word that says its kind.  That of a command in a
 * script is followed by " script: <sha>, on @user_script:1."; before Redis 7.0
 * it is wrapped: "ERR Error running script (call to f_<sha>): @user_script:1:
 * @user_script: 1: -READONLY You can't write ...", or the like without a
 * hyphen, or with "@user_script" once.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_error.h"


#define NGX_HTTP_AGW_REDIS_SHA  40          /* hexadecimal digits */


typedef struct {
    ngx_str_t    word;
    const char  *meaning;
} ngx_http_agw_redis_error_t;


static const char *ngx_http_agw_redis_error_meaning(const redisReply *reply,
    const ngx_http_agw_redis_error_t *error);
static ngx_str_t ngx_http_agw_redis_error(const redisReply *reply);
static ngx_uint_t ngx_http_agw_redis_error_is(const redisReply *reply,
    const ngx_str_t *word);


/* no command is of use there */

static const ngx_http_agw_redis_error_t  ngx_http_agw_redis_errors[] = {
    { ngx_string("READONLY"),
      "it is a replica: the store must be the primary, or \"sentinel=\" must "
      "name it" },
    { ngx_string("LOADING"), "it is loading its data, and is tried again" },
    { ngx_string("MASTERDOWN"),
      "it is a replica that has lost its primary: the store must be the "
      "primary, or \"sentinel=\" must name it" },
    { ngx_string("CLUSTERDOWN"),
      "its cluster is down: each slot must have a node that runs" },
    { ngx_string("MOVED"),
      "it is a node of a cluster that does not have the keys of this store: "
      "the nodes must agree on the one that has them" },
    { ngx_string("ASK"),
      "it is a node of a cluster that is moving the keys of this store: the "
      "move must be completed" },
    { ngx_string("TRYAGAIN"),
      "it is a node of a cluster that is moving the keys of this store: the "
      "move must be completed" },
    { ngx_string("CROSSSLOT"),
      "it is a node of a cluster that takes the keys of this store for those "
      "of several slots: it must hash what is in braces in a key" },
    { ngx_string("NOAUTH"), "it wants a password: \"password_file=\" must be "
                            "given" },
    { ngx_string("DENIED"), "it is in protected mode: it must have a password, "
                            "or be told to do without" },
    { ngx_string("UNBLOCKED"),
      "it has become a replica: the store must be the primary, or "
      "\"sentinel=\" must name it" },
    { ngx_string("BUSY"), "it is busy with somebody's script, which must end "
                          "or be ended (SCRIPT KILL)" },
    { ngx_string("ERR max number of clients"),
      "it has as many clients as it may have: its \"maxclients\" must be "
      "larger" },
    { ngx_null_string, NULL }
};


/* another command may be answered */

static const ngx_http_agw_redis_error_t  ngx_http_agw_redis_refusals[] = {
    { ngx_string("NOPERM"), "the ACL must let the user do it" },
    { ngx_string("The user executing the script can't"),    /* 6.2 */
      "the ACL must let the user do it" },
    { ngx_string("ERR The user executing the script can't"),    /* 7.0 */
      "the ACL must let the user do it" },
    { ngx_string("ERR ACL failure in script:"),    /* 7.2 */
      "the ACL must let the user do it" },
    { ngx_string("OOM"), "its \"maxmemory\" must be larger" },
    { ngx_string("NOREPLICAS"),
      "connect those that \"min-replicas-to-write\" wants, or lower it" },
    { ngx_string("MISCONF"),
      "it cannot write to its disk: what its log says must be corrected" },
    { ngx_string("WRONGTYPE"),
      "a key of the store is of another type: \"revocations\" must be a "
      "stream, \"partners\" and \"businesses\" sorted sets, \"once:\" and "
      "those without an id strings, others hashes" },
    { ngx_string("ERR The ID specified in XADD is equal or smaller"),
      "the last id of \"revocations\" must be lowered (XSETID)" },
    { ngx_string("AGWMALFORMED"),
      "restore that key, or remove it; of \"revocations\" remove the last "
      "entry, and lower the last id (XSETID)" },
    { ngx_null_string, NULL }
};


/* without what a script adds to it */

static ngx_str_t
ngx_http_agw_redis_error(const redisReply *reply)
{
    size_t            len;
    u_char           *p, *last;
    ngx_str_t         error;
    static ngx_str_t  before = ngx_string("@user_script:");
    static ngx_str_t  behind = ngx_string(" script: ");
    static ngx_str_t  line = ngx_string(", on @user_script:");
    static ngx_str_t  wrapped = ngx_string("ERR Error running script ");

    error.data = (u_char *) reply->str;
    error.len = reply->len;

    last = error.data + error.len;
    len = behind.len + NGX_HTTP_AGW_REDIS_SHA;

    p = ngx_strlcasestrn(error.data, last, line.data, line.len - 1);

    if (p && (size_t) (p - error.data) > len
        && ngx_strncmp(p - len, behind.data, behind.len) == 0)
    {
        error.len = p - len - error.data;
        return error;
    }

    if (error.len <= wrapped.len
        || ngx_strncmp(error.data, wrapped.data, wrapped.len) != 0)
    {
        return error;
    }

    for ( ;; ) {
        p = ngx_strlcasestrn(error.data, last, before.data, before.len - 1);

        if (p == NULL) {
            break;
        }

        p += before.len;

        while (p < last && (*p == ' ' || *p == ':' || *p == '-'
                            || (*p >= '0' && *p <= '9')))
        {
            p++;
        }

        error.data = p;
        error.len = last - p;
    }

    return error;
}


static ngx_uint_t
ngx_http_agw_redis_error_is(const redisReply *reply, const ngx_str_t *word)
{
    ngx_str_t  error;

    if (reply->type != REDIS_REPLY_ERROR) {
        return 0;
    }

    error = ngx_http_agw_redis_error(reply);

    return error.len >= word->len
           && ngx_strncmp(error.data, word->data, word->len) == 0
           && (error.len == word->len || error.data[word->len] == ' ');
}


const char *
ngx_http_agw_redis_error_of_server(const redisReply *reply)
{
    return ngx_http_agw_redis_error_meaning(reply, ngx_http_agw_redis_errors);
}


static const char *
ngx_http_agw_redis_error_meaning(const redisReply *reply,
    const ngx_http_agw_redis_error_t *error)
{
    while (error->meaning) {
        if (ngx_http_agw_redis_error_is(reply, &error->word)) {
            return error->meaning;
        }

        error++;
    }

    return NULL;
}


ngx_int_t
ngx_http_agw_redis_error_moved(const redisReply *reply, u_char *buf,
    size_t size)
{
    size_t             i, len;
    static ngx_str_t   moved = ngx_string("MOVED");

    if (!ngx_http_agw_redis_error_is(reply, &moved)) {
        return NGX_DECLINED;
    }

    for (i = reply->len; i && reply->str[i - 1] != ' '; i--) {
        /* void */
    }

    len = reply->len - i;

    if (len == 0 || len >= size) {
        return NGX_DECLINED;
    }

    (void) ngx_cpystrn(buf, (u_char *) reply->str + i, len + 1);

    return NGX_OK;
}


void
ngx_http_agw_redis_error_text(const redisReply *reply, u_char *buf,
    size_t size)
{
    u_char      *p;
    ngx_str_t    error;
    const char  *meaning;

    error = ngx_http_agw_redis_error(reply);
    meaning = ngx_http_agw_redis_error_meaning(reply,
                                               ngx_http_agw_redis_refusals);

    if (meaning == NULL) {
        ngx_http_agw_redis_printable(error.data, error.len, buf, size);
        return;
    }

    /* the text of a server may be long, what to do must be there */

    ngx_http_agw_redis_printable(error.data, error.len, buf, size / 2);

    p = buf + ngx_strlen(buf);

    if (p[-1] == '.') {
        p--;
    }

    p = ngx_slprintf(p, buf + size - 1, ": %s", meaning);
    *p = '\0';
}


void
ngx_http_agw_redis_printable(const u_char *text, size_t len, u_char *buf,
    size_t size)
{
    u_char  c;
    size_t  i;

    for (i = 0; i < len && i < size - 1; i++) {
        c = text[i];
        buf[i] = (c >= ' ' && c <= '~') ? c : '?';
    }

    buf[i] = '\0';
}
