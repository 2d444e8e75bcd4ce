
/*
 * The metrics, in the text format 0.0.4 of Prometheus.  A label's value is one
 * of a list that the module or the configuration has: no client makes one up.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/crypto.h>

#include "agw_reason.h"
#include "ngx_http_agw_counters.h"
#include "ngx_http_agw_document.h"
#include "ngx_http_agw_health.h"
#include "ngx_http_agw_metrics.h"
#include "ngx_http_agw_response.h"


/* bytes: twice what all metrics take; and for each key, with its kid */

#define NGX_HTTP_AGW_METRICS_SIZE  65536
#define NGX_HTTP_AGW_METRICS_KEY   256


typedef struct {
    u_char                          *p;
    u_char                          *last;
    const ngx_http_agw_main_conf_t  *mcf;
    ngx_http_agw_health_t            health;
} ngx_http_agw_metrics_t;


static ngx_int_t ngx_http_agw_metrics_handler(ngx_http_request_t *r);
static size_t ngx_http_agw_metrics_size(const ngx_http_agw_main_conf_t *mcf);
static void ngx_http_agw_metrics_requests(ngx_http_agw_metrics_t *m);
static void ngx_http_agw_metrics_tokens(ngx_http_agw_metrics_t *m);
static void ngx_http_agw_metrics_writes(ngx_http_agw_metrics_t *m);
static void ngx_http_agw_metrics_store(ngx_http_agw_metrics_t *m);
static void ngx_http_agw_metrics_histogram(ngx_http_agw_metrics_t *m,
    ngx_uint_t operation);
static void ngx_http_agw_metrics_feed(ngx_http_agw_metrics_t *m);
static void ngx_http_agw_metrics_zone(ngx_http_agw_metrics_t *m);
static void ngx_http_agw_metrics_build(ngx_http_agw_metrics_t *m);
static void ngx_http_agw_metrics_keys(ngx_http_agw_metrics_t *m);
static void ngx_http_agw_metrics_escape(ngx_http_agw_metrics_t *m,
    const ngx_str_t *text);
static void ngx_http_agw_metrics_labelled(ngx_http_agw_metrics_t *m,
    const char *name, const char *label, const char *const *values,
    ngx_uint_t n, ngx_uint_t counter);
static void ngx_http_agw_metrics_head(ngx_http_agw_metrics_t *m,
    const char *name, const char *type, const char *help);
static void ngx_http_agw_metrics_one(ngx_http_agw_metrics_t *m,
    const char *name, uint64_t value);
static void ngx_http_agw_metrics_seconds(ngx_http_agw_metrics_t *m,
    const char *name, int64_t ms);


static const char *const  ngx_http_agw_operations[] = {
    [NGX_HTTP_AGW_STORE_API_KEY] = "api_key",
    [NGX_HTTP_AGW_STORE_BUSINESS] = "business",
    [NGX_HTTP_AGW_STORE_REVOKE] = "revoke",
    [NGX_HTTP_AGW_STORE_ADMIN] = "admin"
};

static const char *const  ngx_http_agw_admin_writes[] = {
    [NGX_HTTP_AGW_WROTE_PARTNER_CREATE] = "partner_create",
    [NGX_HTTP_AGW_WROTE_PARTNER_UPDATE] = "partner_update",
    [NGX_HTTP_AGW_WROTE_KEY_CREATE] = "key_create",
    [NGX_HTTP_AGW_WROTE_KEY_UPDATE] = "key_update",
    [NGX_HTTP_AGW_WROTE_KEY_DELETE] = "key_delete",
    [NGX_HTTP_AGW_WROTE_KEY_ROLL] = "key_roll",
    [NGX_HTTP_AGW_WROTE_KEY_END] = "key_end",
    [NGX_HTTP_AGW_WROTE_JWK_CREATE] = "jwk_create",
    [NGX_HTTP_AGW_WROTE_JWK_DELETE] = "jwk_delete",
    [NGX_HTTP_AGW_WROTE_CERTIFICATE_CREATE] = "certificate_create",
    [NGX_HTTP_AGW_WROTE_CERTIFICATE_DELETE] = "certificate_delete",
    [NGX_HTTP_AGW_WROTE_BUSINESS_CREATE] = "business_create",
    [NGX_HTTP_AGW_WROTE_BUSINESS_UPDATE] = "business_update",
    [NGX_HTTP_AGW_WROTE_REVOKE] = "revoke",
    [NGX_HTTP_AGW_WROTE_IMPORT] = "import"
};


const ngx_http_agw_endpoint_t  ngx_http_agw_metrics_endpoint = {
    .directive = "auth_gateway_metrics",
    .handler = ngx_http_agw_metrics_handler,
    .methods = NGX_HTTP_AGW_DOCUMENT_METHODS
};


static ngx_int_t
ngx_http_agw_metrics_handler(ngx_http_request_t *r)
{
    size_t                  size;
    ngx_int_t               rc;
    ngx_str_t               body;
    ngx_http_agw_metrics_t  m;

    static ngx_str_t  type =
                         ngx_string("text/plain; version=0.0.4; charset=utf-8");

    if (!ngx_http_agw_document_is_allowed(r, &rc)) {
        return rc;
    }

    m.mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    size = ngx_http_agw_metrics_size(m.mcf);

    body.data = ngx_pnalloc(r->pool, size);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    m.p = body.data;
    m.last = body.data + size;

    ngx_http_agw_health(m.mcf, &m.health);

    ngx_http_agw_metrics_requests(&m);
    ngx_http_agw_metrics_tokens(&m);
    ngx_http_agw_metrics_writes(&m);

    if (m.mcf->store != NULL) {
        ngx_http_agw_metrics_store(&m);
        ngx_http_agw_metrics_feed(&m);
        ngx_http_agw_metrics_zone(&m);
    }

    ngx_http_agw_metrics_build(&m);
    ngx_http_agw_metrics_keys(&m);

    if (m.p == m.last) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = m.p - body.data;

    return ngx_http_agw_send_state(r, NGX_HTTP_OK, &type, &body);
}


/* a byte of an issuer may need an escape */

static size_t
ngx_http_agw_metrics_size(const ngx_http_agw_main_conf_t *mcf)
{
    size_t                            size;
    ngx_uint_t                        i;
    const ngx_http_agw_listed_key_t  *key;

    size = NGX_HTTP_AGW_METRICS_SIZE;
    key = mcf->keys->elts;

    for (i = 0; i < mcf->keys->nelts; i++) {
        size += NGX_HTTP_AGW_METRICS_KEY
                + 2 * (key[i].kid.len + key[i].issuer.len);
    }

    return size;
}


static void
ngx_http_agw_metrics_requests(ngx_http_agw_metrics_t *m)
{
    ngx_uint_t  i;

    ngx_http_agw_metrics_head(m, "requests_total", "counter",
                              "Requests that the gateway decided, by "
                              "$auth_gateway_result. enforced=log: refusals "
                              "that were let through.");

    for (i = 0; i < AGW_REASONS; i++) {
        m->p = ngx_slprintf(m->p, m->last,
                            "auth_gateway_requests_total"
                            "{result=\"%s\",enforced=\"on\"} %uL\n",
                            agw_reason_info(i)->name,
                            ngx_http_agw_counted(m->mcf,
                                       NGX_HTTP_AGW_COUNT_REQUESTS + i));
    }

    for (i = AGW_OK + 1; i < AGW_REASONS; i++) {
        m->p = ngx_slprintf(m->p, m->last,
                            "auth_gateway_requests_total"
                            "{result=\"%s\",enforced=\"log\"} %uL\n",
                            agw_reason_info(i)->name,
                            ngx_http_agw_counted(m->mcf,
                                       NGX_HTTP_AGW_COUNT_WOULD_REFUSE + i));
    }
}


static void
ngx_http_agw_metrics_tokens(ngx_http_agw_metrics_t *m)
{
    static const char *const  kinds[] = {
        [AGW_KIND_PARTNER] = "partner",
        [AGW_KIND_BUSINESS] = "business"
    };

    ngx_http_agw_metrics_head(m, "tokens_issued_total", "counter",
                              "Tokens that were issued.");
    ngx_http_agw_metrics_labelled(m, "tokens_issued_total", "kind", kinds,
                                  sizeof(kinds) / sizeof(kinds[0]),
                                  NGX_HTTP_AGW_COUNT_ISSUED);

    ngx_http_agw_metrics_head(m, "token_cache_hits_total", "counter",
                              "Tokens that a worker had verified before.");
    ngx_http_agw_metrics_one(m, "token_cache_hits_total",
                             ngx_http_agw_counted(m->mcf,
                                             NGX_HTTP_AGW_COUNT_CACHE_HITS));

    ngx_http_agw_metrics_head(m, "token_cache_misses_total", "counter",
                              "Tokens whose signature had to be verified.");
    ngx_http_agw_metrics_one(m, "token_cache_misses_total",
                             ngx_http_agw_counted(m->mcf,
                                           NGX_HTTP_AGW_COUNT_CACHE_MISSES));
}


static void
ngx_http_agw_metrics_writes(ngx_http_agw_metrics_t *m)
{
    static const char *const  kinds[] = { "token", "owner", "business",
                                          "partner" };

    ngx_http_agw_metrics_head(m, "revocations_written_total", "counter",
                              "Revocations that this nginx wrote to the "
                              "store.");
    ngx_http_agw_metrics_labelled(m, "revocations_written_total", "kind",
                                  kinds, sizeof(kinds) / sizeof(kinds[0]),
                                  NGX_HTTP_AGW_COUNT_REVOKED
                                  + AGW_REVOCATION_TOKEN);

    ngx_http_agw_metrics_head(m, "admin_writes_total", "counter",
                              "Writes of operators by auth_gateway_admin.");
    ngx_http_agw_metrics_labelled(m, "admin_writes_total", "operation",
                                  ngx_http_agw_admin_writes,
                                  NGX_HTTP_AGW_WROTE_KINDS,
                                  NGX_HTTP_AGW_COUNT_ADMIN_WRITES);
}


static void
ngx_http_agw_metrics_store(ngx_http_agw_metrics_t *m)
{
    ngx_uint_t                  i;
    ngx_http_agw_store_about_t  about;

    ngx_http_agw_store_about(m->mcf->store, &about);

    ngx_http_agw_metrics_head(m, "store_up", "gauge",
                              "Whether the store answers.");
    m->p = ngx_slprintf(m->p, m->last,
                        "auth_gateway_store_up{engine=\"%s\"} %ui\n",
                        about.engine, (ngx_uint_t) m->health.reachable);

    ngx_http_agw_metrics_head(m, "store_seconds", "histogram",
                              "Time until the store answered a query or "
                              "committed a write.");

    for (i = 0; i < NGX_HTTP_AGW_STORE_OPERATIONS; i++) {
        ngx_http_agw_metrics_histogram(m, i);
    }

    ngx_http_agw_metrics_head(m, "store_failures_total", "counter",
                              "Queries and writes that failed.");
    ngx_http_agw_metrics_labelled(m, "store_failures_total", "operation",
                                  ngx_http_agw_operations,
                                  NGX_HTTP_AGW_STORE_OPERATIONS,
                                  NGX_HTTP_AGW_COUNT_STORE_FAILURES);

    ngx_http_agw_metrics_head(m, "store_writes_waiting", "gauge",
                              "Writes that wait for the store.");
    ngx_http_agw_metrics_one(m, "store_writes_waiting",
                             ngx_http_agw_counted_waiting(m->mcf));
}


static void
ngx_http_agw_metrics_histogram(ngx_http_agw_metrics_t *m,
    ngx_uint_t operation)
{
    uint64_t     n, sum;
    ngx_uint_t   i, counter;
    const char  *name;

    /* ngx_http_agw_durations */

    static const char *const  limits[NGX_HTTP_AGW_DURATIONS] = {
        "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01",
        "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5"
    };

    counter = NGX_HTTP_AGW_COUNT_STORE_DURATIONS
              + operation * NGX_HTTP_AGW_HISTOGRAM;
    name = ngx_http_agw_operations[operation];
    n = 0;

    for (i = 0; i < NGX_HTTP_AGW_DURATIONS; i++) {
        n += ngx_http_agw_counted(m->mcf, counter + i);

        m->p = ngx_slprintf(m->p, m->last,
                            "auth_gateway_store_seconds_bucket"
                            "{operation=\"%s\",le=\"%s\"} %uL\n",
                            name, limits[i], n);
    }

    n += ngx_http_agw_counted(m->mcf, counter + NGX_HTTP_AGW_DURATIONS);
    sum = ngx_http_agw_counted(m->mcf, counter + NGX_HTTP_AGW_DURATION_SUM);

    m->p = ngx_slprintf(m->p, m->last,
                        "auth_gateway_store_seconds_bucket"
                        "{operation=\"%s\",le=\"+Inf\"} %uL\n"
                        "auth_gateway_store_seconds_sum"
                        "{operation=\"%s\"} %uL.%06uL\n"
                        "auth_gateway_store_seconds_count"
                        "{operation=\"%s\"} %uL\n",
                        name, n, name, sum / 1000000, sum % 1000000, name, n);
}


static void
ngx_http_agw_metrics_feed(ngx_http_agw_metrics_t *m)
{
    ngx_http_agw_metrics_head(m, "feed_lag_seconds", "gauge",
                              "Time from the newest revocation of the store "
                              "until it was known here.");
    ngx_http_agw_metrics_seconds(m, "feed_lag_seconds", m->health.lag);

    if (m->health.age >= 0) {
        ngx_http_agw_metrics_head(m, "feed_age_seconds", "gauge",
                                  "Time since all revocations of the store "
                                  "were known here.");
        ngx_http_agw_metrics_seconds(m, "feed_age_seconds", m->health.age);
    }

    if (m->health.ahead_known) {
        ngx_http_agw_metrics_head(m, "clock_skew_seconds", "gauge",
                                  "How far the clock of the store is ahead of "
                                  "the clock here.");
        ngx_http_agw_metrics_seconds(m, "clock_skew_seconds",
                                     m->health.ahead);
    }
}


static void
ngx_http_agw_metrics_zone(ngx_http_agw_metrics_t *m)
{
    ngx_http_agw_metrics_head(m, "revocations", "gauge",
                              "Entries in the zone.");
    ngx_http_agw_metrics_one(m, "revocations", m->health.entries);

    ngx_http_agw_metrics_head(m, "revocations_limit", "gauge",
                              "Entries that the zone has room for.");
    ngx_http_agw_metrics_one(m, "revocations_limit", m->health.limit);

    ngx_http_agw_metrics_head(m, "revocations_unfit", "gauge",
                              "Entries that did not fit into the zone: as "
                              "long as there are some, no token is accepted.");
    ngx_http_agw_metrics_one(m, "revocations_unfit", m->health.unfit);

    ngx_http_agw_metrics_head(m, "zone_bytes", "gauge",
                              "Memory of the zone for revocations.");
    m->p = ngx_slprintf(m->p, m->last,
                        "auth_gateway_zone_bytes{state=\"used\"} %uz\n"
                        "auth_gateway_zone_bytes{state=\"free\"} %uz\n",
                        m->health.used, m->health.size - m->health.used);
}


static void
ngx_http_agw_metrics_build(ngx_http_agw_metrics_t *m)
{
    ngx_http_agw_metrics_head(m, "ready", "gauge",
                              "Whether tokens can be checked, as "
                              "auth_gateway_status says.");
    ngx_http_agw_metrics_one(m, "ready",
                             m->health.state == NGX_HTTP_AGW_READY);

    ngx_http_agw_metrics_head(m, "build_info", "gauge",
                              "Versions; the value is 1.");
    m->p = ngx_slprintf(m->p, m->last,
                        "auth_gateway_build_info{version=\"%s\",nginx=\"%s\","
                        "openssl=\"%s\"} 1\n",
                        AGW_VERSION, NGINX_VERSION,
                        OpenSSL_version(OPENSSL_VERSION_STRING));
}


static void
ngx_http_agw_metrics_keys(ngx_http_agw_metrics_t *m)
{
    ngx_uint_t                        i;
    const ngx_http_agw_listed_key_t  *key;

    if (m->mcf->keys->nelts == 0) {
        return;
    }

    ngx_http_agw_metrics_head(m, "key_info", "gauge",
                              "Keys of all servers; the value is 1. issuer is "
                              "empty for our own.");

    key = m->mcf->keys->elts;

    for (i = 0; i < m->mcf->keys->nelts; i++) {
        m->p = ngx_slprintf(m->p, m->last,
                            "auth_gateway_key_info{kid=\"%V\",alg=\"%V\","
                            "use=\"%V\",issuer=\"",
                            &key[i].kid, &key[i].alg, &key[i].use);
        ngx_http_agw_metrics_escape(m, &key[i].issuer);
        m->p = ngx_slprintf(m->p, m->last, "\"} 1\n");
    }
}


/* a text of the configuration, without control characters */

static void
ngx_http_agw_metrics_escape(ngx_http_agw_metrics_t *m, const ngx_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] == '"' || text->data[i] == '\\') {
            m->p = ngx_slprintf(m->p, m->last, "\\");
        }

        m->p = ngx_slprintf(m->p, m->last, "%c", text->data[i]);
    }
}


/* n counters, one for each value of the label */

static void
ngx_http_agw_metrics_labelled(ngx_http_agw_metrics_t *m, const char *name,
    const char *label, const char *const *values, ngx_uint_t n,
    ngx_uint_t counter)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        m->p = ngx_slprintf(m->p, m->last,
                            "auth_gateway_%s{%s=\"%s\"} %uL\n",
                            name, label, values[i],
                            ngx_http_agw_counted(m->mcf, counter + i));
    }
}


static void
ngx_http_agw_metrics_head(ngx_http_agw_metrics_t *m, const char *name,
    const char *type, const char *help)
{
    m->p = ngx_slprintf(m->p, m->last,
                        "# HELP auth_gateway_%s %s\n"
                        "# TYPE auth_gateway_%s %s\n",
                        name, help, name, type);
}


static void
ngx_http_agw_metrics_one(ngx_http_agw_metrics_t *m, const char *name,
    uint64_t value)
{
    m->p = ngx_slprintf(m->p, m->last, "auth_gateway_%s %uL\n", name, value);
}


static void
ngx_http_agw_metrics_seconds(ngx_http_agw_metrics_t *m, const char *name,
    int64_t ms)
{
    m->p = ngx_slprintf(m->p, m->last, "auth_gateway_%s %s%uL.%03uL\n",
                        name, ms < 0 ? "-" : "",
                        (uint64_t) ngx_abs(ms) / 1000,
                        (uint64_t) ngx_abs(ms) % 1000);
}
