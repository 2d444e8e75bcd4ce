
/*
 * Parameters are <name>=<value>, each at most once.  A message quotes a value
 * only if it cannot be a password by mistake: what an unknown parameter or the
 * part before a '@' has is not shown.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_redis_conf.h"
#include "ngx_http_agw_redis_password.h"
#include "ngx_http_agw_redis_tls.h"
#include "ngx_http_agw_redis_url.h"
#include "ngx_http_agw_worker_access.h"


#define NGX_HTTP_AGW_REDIS_USER_MAX      128
#define NGX_HTTP_AGW_REDIS_PREFIX_MAX    64
#define NGX_HTTP_AGW_REDIS_WAIT_MAX      100

#define NGX_HTTP_AGW_REDIS_CHECK         10      /* seconds for a disk */


/* the parameters while they are parsed; what is empty was not given */

typedef struct {
    ngx_str_t   user;
    ngx_str_t   password_file;
    ngx_str_t   sentinel;
    ngx_str_t   wait;
    ngx_str_t   prefix;
    ngx_str_t   ca;
    ngx_str_t   certificate;
    ngx_str_t   certificate_key;
    ngx_str_t   name;
    ngx_str_t   replica;
} ngx_http_agw_redis_words_t;


/* for the child that looks whether workers can use a file */

typedef struct {
    ngx_conf_t   *cf;
    ngx_str_t    *path;
    const char   *dir;
    const char   *user;
} ngx_http_agw_redis_file_t;


typedef struct {
    ngx_str_t   name;                /* with its equals sign */
    size_t      offset;
} ngx_http_agw_redis_parameter_t;


static ngx_int_t ngx_http_agw_redis_words(ngx_conf_t *cf, ngx_str_t *words,
    ngx_uint_t n, ngx_http_agw_redis_words_t *parsed);
static ngx_int_t ngx_http_agw_redis_word(ngx_conf_t *cf, ngx_str_t *word,
    ngx_http_agw_redis_words_t *parsed);
static ngx_int_t ngx_http_agw_redis_check_words(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf, ngx_http_agw_redis_words_t *parsed,
    ngx_uint_t tls);
static ngx_int_t ngx_http_agw_redis_plain(ngx_conf_t *cf, const char *name,
    ngx_str_t *value, size_t max);
static ngx_int_t ngx_http_agw_redis_set_prefix(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf, ngx_str_t *word);
static ngx_int_t ngx_http_agw_redis_set_files(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf, ngx_http_agw_redis_words_t *parsed);
static ngx_int_t ngx_http_agw_redis_set_name(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf, ngx_http_agw_redis_words_t *parsed,
    ngx_str_t *name);
static ngx_int_t ngx_http_agw_redis_check_replica(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf);
static ngx_int_t ngx_http_agw_redis_check_as_worker(void *data);


static const ngx_http_agw_redis_parameter_t  ngx_http_agw_redis_known[] = {
    { ngx_string("user="), offsetof(ngx_http_agw_redis_words_t, user) },
    { ngx_string("password_file="),
      offsetof(ngx_http_agw_redis_words_t, password_file) },
    { ngx_string("sentinel="),
      offsetof(ngx_http_agw_redis_words_t, sentinel) },
    { ngx_string("wait="), offsetof(ngx_http_agw_redis_words_t, wait) },
    { ngx_string("prefix="), offsetof(ngx_http_agw_redis_words_t, prefix) },
    { ngx_string("ca="), offsetof(ngx_http_agw_redis_words_t, ca) },
    { ngx_string("certificate="),
      offsetof(ngx_http_agw_redis_words_t, certificate) },
    { ngx_string("certificate_key="),
      offsetof(ngx_http_agw_redis_words_t, certificate_key) },
    { ngx_string("name="), offsetof(ngx_http_agw_redis_words_t, name) },
    { ngx_string("replica="), offsetof(ngx_http_agw_redis_words_t, replica) },
    { ngx_null_string, 0 }
};


ngx_http_agw_redis_conf_t *
ngx_http_agw_redis_conf(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n,
    ngx_str_t *name)
{
    ngx_uint_t                   tls;
    ngx_http_agw_redis_conf_t   *conf;
    ngx_http_agw_redis_words_t   parsed;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_agw_redis_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    ngx_memzero(&parsed, sizeof(ngx_http_agw_redis_words_t));

    conf->clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* a password in the first word is refused before anything is quoted */

    if (ngx_http_agw_redis_url_has_password(cf, &words[0])
        || ngx_http_agw_redis_words(cf, &words[1], n - 1, &parsed) != NGX_OK
        || ngx_http_agw_redis_url(cf, conf, &words[0], parsed.sentinel.len,
                                  &tls)
           != NGX_OK
        || ngx_http_agw_redis_check_words(cf, conf, &parsed, tls) != NGX_OK
        || ngx_http_agw_redis_set_files(cf, conf, &parsed) != NGX_OK
        || ngx_http_agw_redis_set_name(cf, conf, &parsed, name) != NGX_OK)
    {
        return NULL;
    }

    /* nginx -s reads the configuration only to find the pid file */

    if (ngx_process == NGX_PROCESS_SIGNALLER) {
        return conf;
    }

    if (parsed.password_file.len
        && ngx_http_agw_redis_password(cf, &parsed.password_file,
                                       &conf->password)
           != NGX_OK)
    {
        return NULL;
    }

    if (tls && ngx_http_agw_redis_tls_conf(cf, conf) != NGX_OK) {
        return NULL;
    }

    if (conf->replica.len
        && ngx_http_agw_redis_check_replica(cf, conf) != NGX_OK)
    {
        return NULL;
    }

    return conf;
}


static ngx_int_t
ngx_http_agw_redis_words(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n,
    ngx_http_agw_redis_words_t *parsed)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (ngx_http_agw_redis_word(cf, &words[i], parsed) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_redis_word(ngx_conf_t *cf, ngx_str_t *word,
    ngx_http_agw_redis_words_t *parsed)
{
    size_t                                 len;
    ngx_str_t                             *value;
    const ngx_http_agw_redis_parameter_t  *known;

    for (known = ngx_http_agw_redis_known; known->name.len; known++) {
        len = known->name.len;

        if (word->len < len
            || ngx_strncmp(word->data, known->name.data, len) != 0)
        {
            continue;
        }

        value = (ngx_str_t *) ((u_char *) parsed + known->offset);

        if (value->len) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" in \"auth_gateway_store\" must be "
                               "given once", &known->name);
            return NGX_ERROR;
        }

        value->data = word->data + len;
        value->len = word->len - len;

        if (value->len == 0 || ngx_strlchr(value->data,
                                           value->data + value->len, '$'))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value of \"%V\" in "
                               "\"auth_gateway_store\", it must be text "
                               "without variables", &known->name);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    /* what follows a '=' may be a password: it is not logged */

    for (len = 0; len < word->len && word->data[len] != '='; len++) {
        /* void */
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%*s\" in \"auth_gateway_store\", "
                       "it must be one of \"user=\", \"password_file=\", "
                       "\"sentinel=\", \"wait=\", \"prefix=\", \"ca=\", "
                       "\"certificate=\", \"certificate_key=\", \"name=\" "
                       "and \"replica=\"", len, word->data);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_agw_redis_check_words(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf, ngx_http_agw_redis_words_t *parsed,
    ngx_uint_t tls)
{
    ngx_int_t                  wait;
    const char                *fault;
    ngx_http_agw_redis_host_t *host;

    host = conf->hosts.elts;
    fault = NULL;

    if (parsed->user.len && parsed->password_file.len == 0) {
        fault = "\"user=\" in \"auth_gateway_store\" must have "
                "\"password_file=\" beside it";

    } else if (!tls
               && (parsed->ca.len || parsed->certificate.len
                   || parsed->certificate_key.len || parsed->name.len))
    {
        fault = "\"ca=\", \"certificate=\", \"certificate_key=\" and "
                "\"name=\" in \"auth_gateway_store\" must be with \"rediss:\"";

    } else if ((parsed->certificate.len == 0)
               != (parsed->certificate_key.len == 0))
    {
        fault = "\"certificate=\" and \"certificate_key=\" in "
                "\"auth_gateway_store\" must be given together";

    } else if (parsed->sentinel.len && host->port == 0) {
        fault = "\"sentinel=\" in \"auth_gateway_store\" must be with hosts";
    }

    if (fault) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", fault);
        return NGX_ERROR;
    }

    if (parsed->wait.len) {
        wait = ngx_atoi(parsed->wait.data, parsed->wait.len);

        if (wait == NGX_ERROR || wait > NGX_HTTP_AGW_REDIS_WAIT_MAX) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\" of \"wait\" in "
                               "\"auth_gateway_store\", it must be the number "
                               "of replicas, 0 to 100", &parsed->wait);
            return NGX_ERROR;
        }

        conf->wait = wait;
    }

    conf->user = parsed->user;
    conf->sentinel = parsed->sentinel;
    conf->name = parsed->name;

    if (ngx_http_agw_redis_plain(cf, "user", &conf->user,
                                 NGX_HTTP_AGW_REDIS_USER_MAX)
            != NGX_OK
        || ngx_http_agw_redis_plain(cf, "sentinel", &conf->sentinel, 128)
               != NGX_OK
        || ngx_http_agw_redis_plain(cf, "name", &conf->name, 255) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_agw_redis_set_prefix(cf, conf, &parsed->prefix);
}


static ngx_int_t
ngx_http_agw_redis_plain(ngx_conf_t *cf, const char *name, ngx_str_t *value,
    size_t max)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] <= ' ' || value->data[i] > '~') {
            break;
        }
    }

    if (i == value->len && value->len <= max) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value of \"%s\" in \"auth_gateway_store\", it "
                       "must be 1 to %uz printable ASCII characters without "
                       "spaces", name, max);

    return NGX_ERROR;
}


/* what is within the braces says in which slot of a cluster a key is */

static ngx_int_t
ngx_http_agw_redis_set_prefix(ngx_conf_t *cf, ngx_http_agw_redis_conf_t *conf,
    ngx_str_t *word)
{
    size_t     i;
    u_char     c;
    ngx_str_t  prefix = ngx_string("agw");

    if (word->len) {
        prefix = *word;
    }

    for (i = 0; i < prefix.len; i++) {
        c = prefix.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
        {
            break;
        }
    }

    if (i != prefix.len || prefix.len > NGX_HTTP_AGW_REDIS_PREFIX_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" of \"prefix\" in "
                           "\"auth_gateway_store\", it must be 1 to 64 "
                           "letters, digits, dots, hyphens and underscores",
                           &prefix);
        return NGX_ERROR;
    }

    conf->prefix.len = prefix.len + sizeof("{}:") - 1;
    conf->prefix.data = ngx_pnalloc(cf->pool, conf->prefix.len);
    if (conf->prefix.data == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(conf->prefix.data, "{%V}:", &prefix);

    return NGX_OK;
}


/* relative paths: of certificates as of nginx's own, of data as of the store */

static ngx_int_t
ngx_http_agw_redis_set_files(ngx_conf_t *cf, ngx_http_agw_redis_conf_t *conf,
    ngx_http_agw_redis_words_t *parsed)
{
    conf->ca = parsed->ca;
    conf->certificate = parsed->certificate;
    conf->certificate_key = parsed->certificate_key;
    conf->replica = parsed->replica;

    if (parsed->password_file.len
        && ngx_conf_full_name(cf->cycle, &parsed->password_file, 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (conf->replica.len
        && ngx_conf_full_name(cf->cycle, &conf->replica, 0) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* what a zone has of one store is not another's: keys differ with these */

static ngx_int_t
ngx_http_agw_redis_set_name(ngx_conf_t *cf, ngx_http_agw_redis_conf_t *conf,
    ngx_http_agw_redis_words_t *parsed, ngx_str_t *name)
{
    u_char  *p;

    p = ngx_pnalloc(cf->pool, conf->shown.len + parsed->prefix.len
                              + parsed->sentinel.len
                              + sizeof(" prefix= sentinel="));
    if (p == NULL) {
        return NGX_ERROR;
    }

    name->data = p;

    p = ngx_cpymem(p, conf->shown.data, conf->shown.len);

    if (parsed->prefix.len) {
        p = ngx_sprintf(p, " prefix=%V", &parsed->prefix);
    }

    if (parsed->sentinel.len) {
        p = ngx_sprintf(p, " sentinel=%V", &parsed->sentinel);
    }

    name->len = p - name->data;
    conf->store = *name;

    return NGX_OK;
}


/* SQLite makes other files beside it, so the directory matters as well */

static ngx_int_t
ngx_http_agw_redis_check_replica(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf)
{
    u_char                     *dir, *p;
    ngx_int_t                   rc;
    ngx_http_agw_redis_file_t   file;

    dir = ngx_pnalloc(cf->pool, conf->replica.len + 1);
    if (dir == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(dir, conf->replica.data, conf->replica.len);

    while (p > dir && p[-1] != '/') {
        p--;
    }

    *p = '\0';

    file.cf = cf;
    file.path = &conf->replica;
    file.dir = (const char *) dir;
    file.user = ngx_http_agw_worker_name(cf->cycle);

    if (file.user == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_agw_run_as_worker(cf->cycle, cf->log,
                                    ngx_http_agw_redis_check_as_worker, &file,
                                    NGX_HTTP_AGW_REDIS_CHECK);
    if (rc == NGX_ABORT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of \"replica=\" in "
                           "\"auth_gateway_store\" could not be checked",
                           &conf->replica);
    }

    return rc == NGX_OK ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_agw_redis_check_as_worker(void *data)
{
    ngx_file_info_t             fi;
    ngx_http_agw_redis_file_t  *file = data;

    if (access(file->dir, W_OK|X_OK) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, file->cf, ngx_errno,
                           "the directory \"%s\" of \"replica=\" in "
                           "\"auth_gateway_store\" must be writable for the "
                           "worker user \"%s\"", file->dir, file->user);
        return NGX_ERROR;
    }

    if (ngx_file_info(file->path->data, &fi) == NGX_FILE_ERROR) {
        return NGX_OK;               /* a worker will create it */
    }

    if (!ngx_is_file(&fi)
        || access((const char *) file->path->data, R_OK|W_OK) == -1)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, file->cf,
                           ngx_is_file(&fi) ? ngx_errno : 0,
                           "\"%V\" of \"replica=\" in "
                           "\"auth_gateway_store\" must be a file that the "
                           "worker user \"%s\" can read and write",
                           file->path, file->user);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_agw_redis_conf_resolve(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf)
{
    ngx_uint_t                  i;
    ngx_http_agw_redis_host_t  *host;

    host = conf->hosts.elts;

    if (conf->clcf->resolver != NULL
        && conf->clcf->resolver->connections.nelts != 0)
    {
        return NGX_OK;
    }

    for (i = 0; i < conf->hosts.nelts; i++) {
        if (!host[i].name) {
            continue;
        }

        if (ngx_http_agw_redis_url_resolve(cf, &host[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "host \"%V\" of \"auth_gateway_store\" is resolved "
                           "only now: with a \"resolver\" in \"http\" it is "
                           "at each connect", &host[i].host);
    }

    return NGX_OK;
}
