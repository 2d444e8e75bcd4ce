
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_access_check.h"
#include "ngx_http_agw_destination.h"
#include "ngx_http_agw_notes.h"


static int ngx_http_agw_note_place(json_t *notes,
    const ngx_http_agw_facts_t *facts);
static int ngx_http_agw_note_request(json_t *notes,
    const ngx_http_agw_facts_t *facts);
static int ngx_http_agw_note_location(json_t *notes,
    const ngx_http_agw_facts_t *facts);
static int ngx_http_agw_note(json_t *notes, ngx_uint_t applies,
    const char *text);


json_t *
ngx_http_agw_notes(const ngx_http_agw_facts_t *facts)
{
    int      rc;
    json_t  *notes;

    notes = json_array();
    rc = notes ? 0 : -1;

    rc |= ngx_http_agw_note(notes, 1,
                            "not evaluated: rewrite, if, return, try_files, "
                            "variables and other access modules");
    rc |= ngx_http_agw_note_place(notes, facts);
    rc |= ngx_http_agw_note_request(notes, facts);
    rc |= ngx_http_agw_note_location(notes, facts);

    if (rc != 0) {
        json_decref(notes);
        return NULL;
    }

    return notes;
}


/* where the request was looked for */

static int
ngx_http_agw_note_place(json_t *notes, const ngx_http_agw_facts_t *facts)
{
    int                              rc;
    const ngx_http_agw_probe_t      *probe;
    const ngx_http_core_loc_conf_t  *clcf;

    probe = &facts->probe;
    clcf = ngx_http_get_module_loc_conf(probe->request, ngx_http_core_module);

    rc = ngx_http_agw_note(notes, facts->asked.server.len && !probe->named,
                           "no server is known to have this name: it is the "
                           "default server of an address");
    rc |= ngx_http_agw_note(notes, !probe->found,
                            "no location matches the path: what is set in the "
                            "server applies");
    rc |= ngx_http_agw_note(notes, probe->redirected,
                            "nginx redirects to the same path with a final "
                            "slash, before any check");
    rc |= ngx_http_agw_note(notes, clcf->internal,
                            "the location is internal: nginx answers 404 to a "
                            "client, before any check");

    return rc;
}


/* what it has, and what it lacks */

static int
ngx_http_agw_note_request(json_t *notes, const ngx_http_agw_facts_t *facts)
{
    int                             rc;
    ngx_http_request_t             *pr;
    const ngx_http_agw_loc_conf_t  *lcf;
    const ngx_http_agw_srv_conf_t  *sscf;

    pr = facts->probe.request;
    lcf = ngx_http_get_module_loc_conf(pr, ngx_http_auth_gateway_module);
    sscf = ngx_http_get_module_srv_conf(pr, ngx_http_auth_gateway_module);

    rc = ngx_http_agw_note(notes, facts->probe.https_taken,
                           "auth_gateway_require_https is a variable: "
                           "\"https\" was taken as it was asked");
    rc |= ngx_http_agw_note(notes, lcf->require != AGW_REQUIRE_OFF
                                   && lcf->https == NGX_HTTP_AGW_HTTPS_OFF,
                            "auth_gateway_require_https off: the transport is "
                            "not checked");
    rc |= ngx_http_agw_note(notes, ngx_http_agw_may_have_destination(pr)
                                   && sscf->guarded
                                   && facts->asked.destination.len == 0,
                            "Destination was not given: it is not checked");
    rc |= ngx_http_agw_note(notes, lcf->pass_preflight
                                   && pr->method == NGX_HTTP_OPTIONS,
                            "auth_gateway_pass_preflight: as a preflight, the "
                            "request needs no token");
    return rc;
}


/* what may become of it all the same */

static int
ngx_http_agw_note_location(json_t *notes, const ngx_http_agw_facts_t *facts)
{
    int                              rc;
    ngx_uint_t                       endpoint;
    const ngx_http_request_t        *pr;
    const ngx_http_agw_loc_conf_t   *lcf;
    const ngx_http_core_loc_conf_t  *clcf;

    pr = facts->probe.request;
    clcf = ngx_http_get_module_loc_conf(pr, ngx_http_core_module);
    lcf = ngx_http_get_module_loc_conf(pr, ngx_http_auth_gateway_module);

    endpoint = ngx_http_agw_is_endpoint(pr, lcf);

    rc = ngx_http_agw_note(notes, endpoint,
                           "the location is an endpoint, which authenticates "
                           "by itself: no check is made");
    rc |= ngx_http_agw_note(notes, !endpoint
                                   && lcf->enforce == NGX_HTTP_AGW_ENFORCE_LOG,
                            "auth_gateway_enforce log: the request goes on, "
                            "whatever the result");
    rc |= ngx_http_agw_note(notes, !endpoint && lcf->enforce
                                             == NGX_HTTP_AGW_ENFORCE_VARIABLE,
                            "auth_gateway_enforce is a variable: if it is "
                            "\"log\", the request goes on, whatever the "
                            "result");
    rc |= ngx_http_agw_note(notes, facts->reason == AGW_NO_CREDENTIALS
                                   && clcf->satisfy == NGX_HTTP_SATISFY_ANY,
                            "satisfy any: without a token, another access "
                            "module may allow the request");
    return rc;
}


static int
ngx_http_agw_note(json_t *notes, ngx_uint_t applies, const char *text)
{
    return applies ? json_array_append_new(notes, json_string(text)) : 0;
}
