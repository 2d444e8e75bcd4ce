
/*
 * Key files are read only by the master, while it reads the configuration;
 * their memory is wiped.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/crypto.h>

#include "agw_grammar.h"
#include "agw_key_file.h"
#include "ngx_http_agw_keys.h"
#include "ngx_http_agw_values.h"


#define NGX_HTTP_AGW_KEY_FILE_MAX  65536     /* bytes */

/* bytes: of a message, which nginx cuts at 1024; for one key; for the rest */

#define NGX_HTTP_AGW_KEY_LIST      720
#define NGX_HTTP_AGW_KEY_LIST_ONE  (AGW_KID_MAX + 64)
#define NGX_HTTP_AGW_KEY_LIST_END  32


/* one key file while it is loaded */

typedef struct {
    ngx_conf_t              *cf;
    ngx_str_t               *name;
    const agw_key_source_t  *source;
    const char              *taken;          /* as what it was read */
    const char              *skipped;        /* why the last skipped key was */
} ngx_http_agw_key_file_t;


static char *ngx_http_agw_key_options(ngx_conf_t *cf,
    agw_key_source_t *source);
static ngx_uint_t ngx_http_agw_key_option(agw_key_source_t *source,
    agw_str_t text);
static char *ngx_http_agw_key_issuer(ngx_conf_t *cf,
    const agw_key_source_t *source);
static char *ngx_http_agw_key_kid(ngx_conf_t *cf, agw_str_t kid);
static agw_keyring_t *ngx_http_agw_keyring(ngx_conf_t *cf);
static void ngx_http_agw_keyring_cleanup(void *data);
static char *ngx_http_agw_key_load(ngx_conf_t *cf, agw_keyring_t *ring,
    ngx_str_t *file, agw_key_source_t *source);
static ssize_t ngx_http_agw_key_read(ngx_conf_t *cf, ngx_str_t *file,
    u_char *buf, size_t size, mode_t *mode);
static ssize_t ngx_http_agw_key_read_fd(ngx_conf_t *cf, ngx_str_t *file,
    ngx_fd_t fd, u_char *buf, size_t size, mode_t *mode);
static void ngx_http_agw_key_report(void *data,
    const agw_key_remark_t *remark);
static void ngx_http_agw_key_warn(ngx_conf_t *cf, ngx_str_t *file,
    mode_t mode, ngx_uint_t secret);
static void ngx_http_agw_key_notice(ngx_http_agw_key_file_t *file,
    const agw_keyring_t *ring, size_t first);
static u_char *ngx_http_agw_key_describe(u_char *p, u_char *last,
    const agw_keyring_t *ring, size_t i);


char *
ngx_http_agw_set_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_srv_conf_t *sscf = conf;

    ngx_str_t                 *value, file;
    agw_key_source_t           source;
    ngx_http_agw_main_conf_t  *mcf;

    value = cf->args->elts;
    file = value[1];

    ngx_memzero(&source, sizeof(agw_key_source_t));

    if (ngx_http_agw_key_options(cf, &source) != NGX_CONF_OK
        || ngx_conf_full_name(cf->cycle, &file, 1) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (sscf->keyring == NULL) {
        sscf->keyring = ngx_http_agw_keyring(cf);

        if (sscf->keyring == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (source.issuer.len != 0) {
        mcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_auth_gateway_module);
        mcf->foreign = 1;
    }

    return ngx_http_agw_key_load(cf, sscf->keyring, &file, &source);
}


static char *
ngx_http_agw_key_options(ngx_conf_t *cf, agw_key_source_t *source)
{
    agw_str_t    text;
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        text.data = value[i].data;
        text.len = value[i].len;

        if (!source->verify && ngx_strcmp(value[i].data, "verify") == 0) {
            source->verify = 1;
            continue;
        }

        if (!ngx_http_agw_key_option(source, text)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in "
                               "\"auth_gateway_key\", it must be "
                               "\"kid=<id>\", \"alg=<name>\", \"verify\" or "
                               "\"issuer=<iss>\", each once",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_agw_has_variable(&value[i])) {
            return ngx_http_agw_invalid(cf, &value[i],
                                        "text without variables");
        }
    }

    if (ngx_http_agw_key_issuer(cf, source) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_agw_key_kid(cf, source->kid);
}


/* whether text is <name>=<value>, for the first time */

static ngx_uint_t
ngx_http_agw_key_option(agw_key_source_t *source, agw_str_t text)
{
    agw_str_t  *field;
    ngx_uint_t  i;

    const struct {
        agw_str_t   name;
        agw_str_t  *field;
    } options[] = {
        { agw_string("kid="), &source->kid },
        { agw_string("alg="), &source->alg },
        { agw_string("issuer="), &source->issuer }
    };

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {

        if (!agw_str_begins(text, options[i].name)) {
            continue;
        }

        field = options[i].field;

        if (field->len || text.len == options[i].name.len) {
            return 0;
        }

        field->data = text.data + options[i].name.len;
        field->len = text.len - options[i].name.len;

        return 1;
    }

    return 0;
}


/* a key of another issuer must not sign our tokens */

static char *
ngx_http_agw_key_issuer(ngx_conf_t *cf, const agw_key_source_t *source)
{
    if (source->issuer.len == 0) {
        return NGX_CONF_OK;
    }

    if (!source->verify) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"issuer=%*s\" of \"auth_gateway_key\" must have "
                           "\"verify\" beside it",
                           source->issuer.len, source->issuer.data);
        return NGX_CONF_ERROR;
    }

    if (agw_has_control(source->issuer) || !agw_is_utf8(source->issuer)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value of \"issuer\" in "
                           "\"auth_gateway_key\", it must be UTF-8 text "
                           "without control characters");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* it appears unescaped in logs and headers */

static char *
ngx_http_agw_key_kid(ngx_conf_t *cf, agw_str_t kid)
{
    if (kid.len == 0) {
        return NGX_CONF_OK;
    }

    if (kid.len > AGW_KID_MAX || !agw_is_scope_word(kid)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%*s\" of \"kid\" in "
                           "\"auth_gateway_key\", it must be 1 to 256 "
                           "printable ASCII characters without spaces, quotes "
                           "and backslashes", kid.len, kid.data);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static agw_keyring_t *
ngx_http_agw_keyring(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->data = agw_keyring_create();
    cln->handler = ngx_http_agw_keyring_cleanup;

    return cln->data;
}


static void
ngx_http_agw_keyring_cleanup(void *data)
{
    agw_keyring_free(data);
}


static char *
ngx_http_agw_key_load(ngx_conf_t *cf, agw_keyring_t *ring, ngx_str_t *file,
    agw_key_source_t *source)
{
    char                     *rv;
    mode_t                    mode;
    size_t                    i, first;
    u_char                   *buf;
    ssize_t                   n;
    ngx_uint_t                secret;
    ngx_http_agw_key_file_t   loaded;

    rv = NGX_CONF_ERROR;

    buf = ngx_alloc(NGX_HTTP_AGW_KEY_FILE_MAX + 1, cf->log);
    if (buf == NULL) {
        return NGX_CONF_ERROR;
    }

    n = ngx_http_agw_key_read(cf, file, buf, NGX_HTTP_AGW_KEY_FILE_MAX + 1,
                              &mode);
    if (n == NGX_ERROR) {
        goto done;
    }

    source->bytes.data = buf;
    source->bytes.len = n;

    loaded.cf = cf;
    loaded.name = file;
    loaded.source = source;
    loaded.skipped = NULL;

    first = agw_keyring_count(ring);

    if (agw_key_file_load(ring, source, ngx_http_agw_key_report, &loaded)
        != 0)
    {
        goto done;
    }

    secret = 0;

    for (i = first; i < agw_keyring_count(ring); i++) {
        secret |= agw_key_is_secret(agw_keyring_key(ring, i));
    }

    ngx_http_agw_key_warn(cf, file, mode, secret);

    if (ngx_test_config) {
        ngx_http_agw_key_notice(&loaded, ring, first);
    }

    rv = NGX_CONF_OK;

done:

    OPENSSL_cleanse(buf, NGX_HTTP_AGW_KEY_FILE_MAX + 1);
    ngx_free(buf);

    return rv;
}


/* reads the whole file; NGX_ERROR, logged, if it is too long */

static ssize_t
ngx_http_agw_key_read(ngx_conf_t *cf, ngx_str_t *file, u_char *buf,
    size_t size, mode_t *mode)
{
    ssize_t   n;
    ngx_fd_t  fd;

    /* otherwise a FIFO would block */

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" of \"auth_gateway_key\" "
                           "failed", file);
        return NGX_ERROR;
    }

    n = ngx_http_agw_key_read_fd(cf, file, fd, buf, size, mode);

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", file);
    }

    return n;
}


static ssize_t
ngx_http_agw_key_read_fd(ngx_conf_t *cf, ngx_str_t *file, ngx_fd_t fd,
    u_char *buf, size_t size, mode_t *mode)
{
    size_t           len;
    ssize_t          n;
    ngx_file_info_t  fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" of \"auth_gateway_key\" "
                           "failed", file);
        return NGX_ERROR;
    }

    if (!ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of \"auth_gateway_key\" is not a regular "
                           "file", file);
        return NGX_ERROR;
    }

    *mode = fi.st_mode;
    len = 0;

    do {
        n = ngx_read_fd(fd, buf + len, size - len);

        if (n == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               ngx_read_fd_n " \"%V\" of "
                               "\"auth_gateway_key\" failed", file);
            return NGX_ERROR;
        }

        len += n;

    } while (n > 0 && len < size);

    if (len == size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_gateway_key\" file \"%V\" is too long, it "
                           "must have at most 65536 bytes", file);
        return NGX_ERROR;
    }

    return (ssize_t) len;
}


/* names the key by its kid, or by its position in a set */

static void
ngx_http_agw_key_report(void *data, const agw_key_remark_t *remark)
{
    ngx_http_agw_key_file_t *file = data;

    u_char      *p, *last, about[2 * AGW_KID_MAX + 128];
    agw_str_t    alg;
    ngx_uint_t   level;
    const char  *verb, *skipped;

    level = NGX_LOG_WARN;
    verb = "";
    skipped = NULL;

    switch (remark->kind) {

    case AGW_KEY_TAKEN:
        file->taken = remark->text;
        return;

    case AGW_KEY_ERROR:
        level = NGX_LOG_EMERG;
        skipped = file->skipped;
        break;

    case AGW_KEY_SKIPPED:
        verb = " is skipped";
        file->skipped = remark->text;
        break;

    case AGW_KEY_WARNING:
        break;
    }

    p = about;
    last = about + sizeof(about);
    alg = file->source->alg;

    if (remark->place) {
        p = ngx_slprintf(p, last, ", key %uz", remark->place);
    }

    if (remark->kid.len) {
        p = ngx_slprintf(p, last, ", kid \"%*s\"", remark->kid.len,
                         remark->kid.data);
    }

    if (alg.len) {
        p = ngx_slprintf(p, last, ", alg \"%*s\"", alg.len, alg.data);
    }

    ngx_conf_log_error(level, file->cf, 0,
                       "\"auth_gateway_key\" file \"%V\"%*s%s: %s%s%s",
                       file->name, p - about, about, verb, remark->text,
                       skipped ? "; the last key that is skipped: " : "",
                       skipped ? skipped : "");
}


/* everybody may read a public key, but only its owner may write it */

static void
ngx_http_agw_key_warn(ngx_conf_t *cf, ngx_str_t *file, mode_t mode,
    ngx_uint_t secret)
{
    if (secret && (mode & S_IROTH)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"auth_gateway_key\" file \"%V\" is secret, and "
                           "others than its owner and group can read it "
                           "(chmod o-rwx)", file);

    } else if (mode & S_IWOTH) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"auth_gateway_key\" file \"%V\" can be changed "
                           "by others than its owner and group (chmod o-w)",
                           file);
    }
}


/* at nginx -t: the form of the file, and as many of its keys as fit */

static void
ngx_http_agw_key_notice(ngx_http_agw_key_file_t *file,
    const agw_keyring_t *ring, size_t first)
{
    u_char      *p, *last, *end, list[NGX_HTTP_AGW_KEY_LIST],
                 one[NGX_HTTP_AGW_KEY_LIST_ONE];
    size_t       i, count;
    const char  *separator;

    p = list;
    last = list + sizeof(list);
    count = agw_keyring_count(ring);
    separator = "";

    for (i = first; i < count; i++) {
        end = ngx_http_agw_key_describe(one, one + sizeof(one), ring, i);

        if (last - p < end - one + NGX_HTTP_AGW_KEY_LIST_END) {
            p = ngx_slprintf(p, last, " and %uz more", count - i);
            break;
        }

        p = ngx_slprintf(p, last, "%s%*s", separator, end - one, one);
        separator = ", ";
    }

    ngx_conf_log_error(NGX_LOG_NOTICE, file->cf, 0,
                       "\"auth_gateway_key\" file \"%V\" of %uz bytes was "
                       "taken for %s, %uz %s: %*s", file->name,
                       file->source->bytes.len, file->taken, count - first,
                       count - first == 1 ? "key" : "keys", p - list, list);
}


static u_char *
ngx_http_agw_key_describe(u_char *p, u_char *last, const agw_keyring_t *ring,
    size_t i)
{
    agw_str_t         kid, alg;
    const char       *kind;
    const agw_key_t  *key;

    key = agw_keyring_key(ring, i);
    kid = agw_key_kid(key);
    alg = agw_key_alg(key)->name;

    kind = agw_key_alg(key)->kty == AGW_KTY_OCT ? "secret"
           : agw_key_is_secret(key) ? "private" : "public";

    return ngx_slprintf(p, last, "%*s kid \"%*s\" (%s, %s)",
                        alg.len, alg.data, kid.len, kid.data, kind,
                        key == agw_keyring_signer(ring)
                        ? "signs and verifies" : "verifies");
}
