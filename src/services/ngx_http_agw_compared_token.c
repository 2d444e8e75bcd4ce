
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_compared_token.h"
#include "ngx_http_agw_str.h"


static u_char *ngx_http_agw_compared_kids(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last);


u_char *
ngx_http_agw_compared_size(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    return ngx_slprintf(p, last, "%uz bytes; at most %d",
                        facts->asked.token.len, AGW_TOKEN_MAX);
}


u_char *
ngx_http_agw_compared_structure(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    return facts->reason == AGW_MALFORMED_TOKEN
           ? ngx_slprintf(p, last, "it must be three segments of base64url, "
                          "with a header of JSON, \"alg\", no \"crit\", and a "
                          "\"typ\" of JWT or at+jwt")
           : ngx_slprintf(p, last, "three segments of base64url");
}


u_char *
ngx_http_agw_compared_key(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    ngx_str_t  kid;

    if (json_object_get(facts->header, "kid") != NULL) {
        p = ngx_slprintf(p, last, "kid of the token: ");
        p = ngx_http_agw_compared_member(p, last, facts->header, "kid");

    } else {
        p = ngx_slprintf(p, last, "the token has no kid");
    }

    if (facts->ctx->key != NULL) {
        kid = ngx_http_agw_from_core(agw_key_kid(facts->ctx->key));
        return ngx_slprintf(p, last, "; key \"%V\"", &kid);
    }

    p = ngx_slprintf(p, last, "; keys of the server: ");

    return ngx_http_agw_compared_kids(facts, p, last);
}


static u_char *
ngx_http_agw_compared_kids(const ngx_http_agw_facts_t *facts, u_char *p,
    u_char *last)
{
    size_t                          i;
    ngx_str_t                       kid, alg;
    const agw_key_t                *key;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(facts->probe.request,
                                        ngx_http_auth_gateway_module);

    for (i = 0;
         sscf->keyring != NULL && i < agw_keyring_count(sscf->keyring);
         i++)
    {
        key = agw_keyring_key(sscf->keyring, i);
        kid = ngx_http_agw_from_core(agw_key_kid(key));
        alg = ngx_http_agw_from_core(agw_key_alg(key)->name);

        p = ngx_slprintf(p, last, "%s\"%V\" %V", i ? ", " : "", &kid, &alg);
    }

    return i ? p : ngx_slprintf(p, last, "none");
}


u_char *
ngx_http_agw_compared_algorithm(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    ngx_str_t  alg;

    p = ngx_slprintf(p, last, "alg of the token: ");
    p = ngx_http_agw_compared_member(p, last, facts->header, "alg");

    if (facts->ctx->key != NULL) {
        alg = ngx_http_agw_from_core(agw_key_alg(facts->ctx->key)->name);
        p = ngx_slprintf(p, last, "; the key is for %V", &alg);
    }

    return p;
}


u_char *
ngx_http_agw_compared_signature(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    return facts->reason == AGW_BAD_SIGNATURE
           ? ngx_slprintf(p, last, "it is not that of the key for this header "
                          "and these claims")
           : ngx_slprintf(p, last, "it is that of the key");
}


u_char *
ngx_http_agw_compared_claims(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    if (facts->reason == AGW_MALFORMED_CLAIMS) {
        return ngx_slprintf(p, last, "%s",
                            facts->ctx->fault ? facts->ctx->fault
                                              : "malformed");
    }

    p = ngx_slprintf(p, last, "partner_id ");
    p = ngx_http_agw_compared_member(p, last, facts->claims, "partner_id");
    p = ngx_slprintf(p, last, ", business_id ");
    p = ngx_http_agw_compared_member(p, last, facts->claims, "business_id");
    p = ngx_slprintf(p, last, ", jti ");

    return ngx_http_agw_compared_member(p, last, facts->claims, "jti");
}


u_char *
ngx_http_agw_compared_time(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    const agw_claims_t              *claims;
    const ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(facts->probe.request,
                                        ngx_http_auth_gateway_module);
    claims = &facts->ctx->token->claims;

    p = ngx_slprintf(p, last, "now %T, iat %L, exp %L", ngx_time(),
                     claims->iat, claims->exp);

    if (claims->nbf) {
        p = ngx_slprintf(p, last, ", nbf %L", claims->nbf);
    }

    return ngx_slprintf(p, last, "; auth_gateway_leeway %Ts, "
                        "auth_gateway_max_lifetime %Ts, life of %L s",
                        mcf->leeway, mcf->max_lifetime,
                        claims->exp - claims->iat);
}


u_char *
ngx_http_agw_compared_issuer(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    ngx_str_t                       issuer;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(facts->probe.request,
                                        ngx_http_auth_gateway_module);

    p = ngx_slprintf(p, last, "iss of the token: ");
    p = ngx_http_agw_compared_member(p, last, facts->claims, "iss");

    issuer = ngx_http_agw_from_core(agw_key_issuer(facts->ctx->key));

    if (issuer.len) {
        return ngx_slprintf(p, last, "; issuer= of its key: \"%V\"", &issuer);
    }

    return sscf->issuer.len
           ? ngx_slprintf(p, last, "; auth_gateway_issuer \"%V\"",
                          &sscf->issuer)
           : ngx_slprintf(p, last, "; none is configured");
}


u_char *
ngx_http_agw_compared_audience(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(facts->probe.request,
                                        ngx_http_auth_gateway_module);

    p = ngx_slprintf(p, last, "aud of the token: ");
    p = ngx_http_agw_compared_member(p, last, facts->claims, "aud");

    return sscf->audience.len
           ? ngx_slprintf(p, last, "; auth_gateway_audience \"%V\"",
                          &sscf->audience)
           : ngx_slprintf(p, last, "; none is configured");
}


u_char *
ngx_http_agw_compared_certificate(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    ngx_str_t  asked;

    p = ngx_slprintf(p, last, "cnf of the token: ");
    p = ngx_http_agw_compared_member(p, last, facts->claims, "cnf");

    if (facts->ctx->token->claims.x5t.len == 0) {
        return p;
    }

    asked = ngx_http_agw_from_core(facts->asked.certificate);

    return asked.len
           ? ngx_slprintf(p, last, "; certificate asked about: \"%V\"", &asked)
           : ngx_slprintf(p, last, "; none was asked about");
}


/* a string in its quotes, and anything else as JSON */

u_char *
ngx_http_agw_compared_member(u_char *p, u_char *last, const json_t *object,
    const char *name)
{
    char          *text;
    const json_t  *value;

    value = json_object_get(object, name);

    if (value == NULL) {
        return ngx_slprintf(p, last, "none");
    }

    text = json_dumps(value,
                      JSON_ENCODE_ANY|JSON_ENSURE_ASCII|JSON_COMPACT);

    if (text == NULL) {
        return ngx_slprintf(p, last, "?");
    }

    p = ngx_slprintf(p, last, "%s", text);

    free(text);

    return p;
}
