
/*
 * libcurl: no redirect is followed, no proxy is used, no certificate is
 * accepted unverified, and no answer is longer than it may be.
 */


#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include <curl/curl.h>

#include "cli_http.h"
#include "cli_text.h"
#include "cli_time.h"


#define CLI_HTTP_SOCKET       "/run/auth_gateway/admin.sock"
#define CLI_HTTP_PREFIX       "/admin/"
#define CLI_HTTP_SCHEME       "https://"

/* seconds */

#define CLI_HTTP_TIMEOUT      60
#define CLI_HTTP_TIMEOUT_MAX  86400
#define CLI_HTTP_CONNECT      10

/* bytes: a page of 1000 is far shorter */

#define CLI_HTTP_BODY_MAX     (16 * 1024 * 1024)
#define CLI_HTTP_HEADER_MAX   8192


struct cli_http_s {
    CURL           *curl;
    char           *origin;          /* without a slash at its end */
    char           *prefix;
    const char     *socket;          /* NULL with --url */
    char            error[CURL_ERROR_SIZE];
};


static int cli_http_check(const cli_call_t *call, const char *socket,
    const char *url);
static int cli_http_place(cli_http_t *http, const char *prefix,
    const char *url);
static int cli_http_is_path(const char *path);
static int cli_http_set(cli_http_t *http, const cli_call_t *call,
    int64_t timeout);
static CURLcode cli_http_set_tls(CURL *curl, const cli_call_t *call);
static struct curl_slist *cli_http_headers(const cli_request_t *request);
static CURLcode cli_http_prepare(cli_http_t *http,
    const cli_request_t *request, struct curl_slist *headers,
    cli_response_t *response);
static void cli_http_failed(cli_http_t *http, CURLcode code);
static void cli_http_no_socket(const cli_http_t *http, long error);
static size_t cli_http_on_body(char *data, size_t size, size_t count,
    void *response);
static size_t cli_http_on_header(char *data, size_t size, size_t count,
    void *response);


/* the headers of a response that are kept */

static const struct {
    const char  *name;
    size_t       offset;
} cli_http_kept[] = {
    { "Content-Type", offsetof(cli_response_t, type) },
    { "ETag", offsetof(cli_response_t, etag) },
    { "Link", offsetof(cli_response_t, link) },
    { "Location", offsetof(cli_response_t, location) },
};


cli_http_t *
cli_http_open(const cli_call_t *call)
{
    int64_t      timeout;
    cli_http_t  *http;
    const char  *socket, *url;

    url = call->values[CLI_URL];
    socket = call->values[CLI_SOCKET];

    if (cli_http_check(call, socket, url) != 0) {
        return NULL;
    }

    timeout = CLI_HTTP_TIMEOUT;

    if (call->values[CLI_TIMEOUT] != NULL
        && (cli_duration_parse(call->values[CLI_TIMEOUT], &timeout) != 0
            || timeout < 1 || timeout > CLI_HTTP_TIMEOUT_MAX))
    {
        cli_error("--timeout must be " CLI_DURATION_FORMS ", from 1s to 24h");
        return NULL;
    }

    http = cli_alloc(sizeof(cli_http_t));
    memset(http, 0, sizeof(cli_http_t));

    if (url == NULL) {
        http->socket = socket ? socket : CLI_HTTP_SOCKET;
    }

    if (cli_http_place(http, call->values[CLI_PREFIX], url) != 0
        || cli_http_set(http, call, timeout) != 0)
    {
        cli_http_close(http);
        return NULL;
    }

    return http;
}


int
cli_http_send(cli_http_t *http, const cli_request_t *request,
    cli_response_t *response)
{
    int                 rc;
    CURLcode            code;
    struct curl_slist  *headers;

    headers = cli_http_headers(request);
    code = cli_http_prepare(http, request, headers, response);

    if (code == CURLE_OK) {
        http->error[0] = '\0';
        code = curl_easy_perform(http->curl);
    }

    rc = CLI_EXIT_OK;

    if (code == CURLE_OK) {
        (void) curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE,
                                 &response->status);

    } else {
        cli_http_failed(http, code);
        rc = CLI_EXIT_UNREACHABLE;
        response->unknown = code != CURLE_COULDNT_CONNECT
                            && code != CURLE_COULDNT_RESOLVE_HOST
                            && code != CURLE_PEER_FAILED_VERIFICATION
                            && code != CURLE_SSL_CONNECT_ERROR
                            && code != CURLE_SSL_CERTPROBLEM
                            && code != CURLE_SSL_CACERT_BADFILE;
    }

    curl_slist_free_all(headers);

    return rc;
}


const char *
cli_http_prefix(const cli_http_t *http)
{
    return http->prefix;
}


void
cli_http_close(cli_http_t *http)
{
    if (http == NULL) {
        return;
    }

    curl_easy_cleanup(http->curl);
    cli_free(http->origin);
    cli_free(http->prefix);
    cli_free(http);
}


void
cli_response_free(cli_response_t *response)
{
    cli_buf_free(&response->body);
    cli_free(response->type);
    cli_free(response->etag);
    cli_free(response->link);
    cli_free(response->location);
    memset(response, 0, sizeof(cli_response_t));
}


static int
cli_http_check(const cli_call_t *call, const char *socket, const char *url)
{
    if (url == NULL) {

        if (socket != NULL
            && strlen(socket)
               >= sizeof(((struct sockaddr_un *) NULL)->sun_path))
        {
            cli_error("--socket is too long for the path of a unix socket,"
                      " which has at most %zu bytes",
                      sizeof(((struct sockaddr_un *) NULL)->sun_path) - 1);
            return -1;
        }

        return 0;
    }

    if (strncasecmp(url, CLI_HTTP_SCHEME, sizeof(CLI_HTTP_SCHEME) - 1) != 0) {
        cli_error("--url must begin with " CLI_HTTP_SCHEME ": the"
                  " administration is not reached over plain HTTP, save at its"
                  " unix socket (--socket)");
        return -1;
    }

    if (call->values[CLI_CERT] == NULL || call->values[CLI_KEY] == NULL) {
        cli_error("--url needs a client certificate: give --cert and --key");
        return -1;
    }

    return 0;
}


/* the origin and the prefix: of --prefix, of the URL, or the usual one */

static int
cli_http_place(cli_http_t *http, const char *prefix, const char *url)
{
    size_t       len;
    const char  *path;

    path = NULL;
    http->origin = cli_strdup(url ? url : "http://localhost");

    if (url != NULL) {
        len = sizeof(CLI_HTTP_SCHEME) - 1;
        len += strcspn(url + len, "/?#");
        http->origin[len] = '\0';

        if (len == sizeof(CLI_HTTP_SCHEME) - 1
            || strchr(http->origin, '@') != NULL)
        {
            cli_error("--url must be https://, a host, a port if it is not"
                      " 443, and nothing else but the path of --prefix");
            return -1;
        }

        path = url[len] != '\0' && strcmp(url + len, "/") != 0 ? url + len
               : NULL;
    }

    if (prefix != NULL && path != NULL) {
        cli_error("--prefix is given, and --url has a path: give one of them");
        return -1;
    }

    path = prefix ? prefix : path ? path : CLI_HTTP_PREFIX;

    if (!cli_http_is_path(path)) {
        cli_error("the path of --prefix or --url must begin with a slash, and"
                  " have only letters, digits and - . _ ~ / in it");
        return -1;
    }

    len = strlen(path);
    http->prefix = cli_printf("%s%s", path, path[len - 1] == '/' ? "" : "/");

    return 0;
}


static int
cli_http_is_path(const char *path)
{
    return path[0] == '/'
           && strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
                           "yz0123456789-._~/") == strlen(path);
}


/* what holds for each request */

static int
cli_http_set(cli_http_t *http, const cli_call_t *call, int64_t timeout)
{
    CURL      *c;
    CURLcode   rc;

    c = curl_easy_init();
    http->curl = c;

    if (c == NULL) {
        cli_error("libcurl cannot be initialised");
        return -1;
    }

    rc = curl_easy_setopt(c, CURLOPT_ERRORBUFFER, http->error);
    rc |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_PROXY, "");
    rc |= curl_easy_setopt(c, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
    rc |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    rc |= curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
                           (long) CURL_HTTP_VERSION_1_1);
    rc |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long) CLI_HTTP_CONNECT);
    rc |= curl_easy_setopt(c, CURLOPT_TIMEOUT, (long) timeout);
    rc |= curl_easy_setopt(c, CURLOPT_USERAGENT, "auth-gateway");
    rc |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, cli_http_on_body);
    rc |= curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, cli_http_on_header);

#if LIBCURL_VERSION_NUM >= 0x075500
    rc |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR,
                           http->socket ? "http" : "https");
#else
    rc |= curl_easy_setopt(c, CURLOPT_PROTOCOLS,
                           (long) (http->socket ? CURLPROTO_HTTP
                                                : CURLPROTO_HTTPS));
#endif

    if (http->socket != NULL) {
        rc |= curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, http->socket);

    } else {
        rc |= cli_http_set_tls(c, call);
    }

    if (rc != CURLE_OK) {
        cli_error("this libcurl lacks what is needed: HTTP, TLS, unix"
                  " sockets");
        return -1;
    }

    return 0;
}


static CURLcode
cli_http_set_tls(CURL *c, const cli_call_t *call)
{
    CURLcode  rc;

    rc = curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    rc |= curl_easy_setopt(c, CURLOPT_SSLVERSION,
                           (long) CURL_SSLVERSION_TLSv1_2);
    rc |= curl_easy_setopt(c, CURLOPT_SSLCERT, call->values[CLI_CERT]);
    rc |= curl_easy_setopt(c, CURLOPT_SSLKEY, call->values[CLI_KEY]);

    if (call->values[CLI_CACERT] != NULL) {
        rc |= curl_easy_setopt(c, CURLOPT_CAINFO, call->values[CLI_CACERT]);
        rc |= curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }

    return rc;
}


static struct curl_slist *
cli_http_headers(const cli_request_t *request)
{
    size_t              i;
    char               *line;
    struct curl_slist  *list, *next;

    const struct {
        const char     *name;
        const char     *value;
    } headers[] = {
        { "Accept", "application/json, application/x-ndjson" },
        { "Expect", "" },
        { "Content-Type", request->type ? request->type : "" },
        { "If-Match", request->if_match },
        { "If-None-Match", request->if_none_match },
    };

    list = NULL;

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {

        if (headers[i].value == NULL) {
            continue;
        }

        /* without a value libcurl leaves its own header out */

        line = cli_printf("%s:%s%s", headers[i].name,
                          headers[i].value[0] ? " " : "", headers[i].value);
        next = curl_slist_append(list, line);
        cli_free(line);

        if (next == NULL) {
            curl_slist_free_all(list);
            return NULL;
        }

        list = next;
    }

    return list;
}


static CURLcode
cli_http_prepare(cli_http_t *http, const cli_request_t *request,
    struct curl_slist *headers, cli_response_t *response)
{
    int        get;
    CURL      *c;
    char      *url;
    CURLcode   rc;

    if (headers == NULL) {
        return CURLE_OUT_OF_MEMORY;
    }

    c = http->curl;
    url = request->root_path
          ? cli_printf("%s%s", http->origin, request->root_path)
          : cli_printf("%s%s%s", http->origin, http->prefix, request->path);

    rc = curl_easy_setopt(c, CURLOPT_URL, url);
    rc |= curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    rc |= curl_easy_setopt(c, CURLOPT_WRITEDATA, response);
    rc |= curl_easy_setopt(c, CURLOPT_HEADERDATA, response);

    /* on a connection that was used before, libcurl may send it twice */

    get = strcmp(request->method, "GET") == 0;
    rc |= curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, get ? 0L : 1L);

    if (get) {
        rc |= curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
        rc |= curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, NULL);

    } else {
        rc |= curl_easy_setopt(c, CURLOPT_POST, 1L);
        rc |= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t) request->body_len);
        rc |= curl_easy_setopt(c, CURLOPT_POSTFIELDS,
                               request->body ? request->body : "");
        rc |= curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request->method);
    }

    cli_free(url);

    return rc;
}


/* why there is no answer, and where it was looked for */

static void
cli_http_failed(cli_http_t *http, CURLcode code)
{
    long         error;
    const char  *why;

    error = 0;
    (void) curl_easy_getinfo(http->curl, CURLINFO_OS_ERRNO, &error);

    if (code == CURLE_COULDNT_CONNECT && http->socket != NULL) {
        cli_http_no_socket(http, error);
        return;
    }

    why = http->error[0] != '\0' ? http->error : curl_easy_strerror(code);

    if (code == CURLE_WRITE_ERROR) {
        why = "its answer is longer than any of an auth gateway";
    }

    cli_error("the gateway cannot be reached at %s%s: %s",
              http->socket ? "unix socket " : "",
              http->socket ? http->socket : http->origin, why);

    if (code == CURLE_SSL_CERTPROBLEM) {
        cli_note("--cert and --key must be files in PEM, a certificate and its"
                 " private key.");
    }
}


static void
cli_http_no_socket(const cli_http_t *http, long error)
{
    const char  *hint;

    hint = error == ENOENT
           ? "nginx does not run, or listens elsewhere: its \"listen"
             " unix:<path>\" must be that of --socket or AUTH_GATEWAY_SOCKET"
           : error == ECONNREFUSED
           ? "nobody listens there: nginx does not run"
           : error == EACCES || error == EPERM
           ? "this user may not use it: root may, or whom the rights of its"
             " directory let through"
           : "see \"auth-gateway help connection\"";

    cli_error("the gateway cannot be reached at unix socket %s: %s",
              http->socket, error ? strerror((int) error) : "no connection");
    cli_note("%s", hint);
}


static size_t
cli_http_on_body(char *data, size_t size, size_t count, void *response)
{
    cli_response_t  *r;

    r = response;
    size *= count;

    if (r->body.len + size > CLI_HTTP_BODY_MAX) {
        return 0;
    }

    cli_buf_add(&r->body, data, size);

    return size;
}


/* of an interim response (1xx) nothing remains */

static size_t
cli_http_on_header(char *data, size_t size, size_t count, void *response)
{
    char    **value;
    size_t    i, n;

    size *= count;

    for (i = 0; i < sizeof(cli_http_kept) / sizeof(cli_http_kept[0]); i++) {
        n = strlen(cli_http_kept[i].name);

        if (size <= n || size > CLI_HTTP_HEADER_MAX || data[n] != ':'
            || strncasecmp(data, cli_http_kept[i].name, n) != 0)
        {
            continue;
        }

        n++;

        while (n < size && (data[n] == ' ' || data[n] == '\t')) {
            n++;
        }

        value = (char **) ((char *) response + cli_http_kept[i].offset);

        cli_free(*value);
        *value = cli_printf("%.*s", (int) (size - n), data + n);
        (*value)[strcspn(*value, "\r\n")] = '\0';
    }

    return size;
}
