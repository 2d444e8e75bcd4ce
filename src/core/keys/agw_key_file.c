
/*
 * Reads the bytes of a key file into a key ring.
 */


#include "agw_grammar.h"
#include "agw_json.h"
#include "agw_jwk.h"
#include "agw_key_file.h"
#include "agw_key_format.h"
#include "agw_pem.h"
#include "agw_pkey.h"


typedef struct {
    agw_keyring_t           *ring;
    const agw_key_source_t  *source;
    const char              *taken;  /* what the file was taken for */
    const json_t            *keys;   /* of a JWK Set */
    agw_key_report_pt        report;
    void                    *data;
} agw_key_file_t;


static int agw_key_file_secret(agw_key_file_t *file, agw_key_format_t format,
    agw_str_t text);
static int agw_key_file_pem(agw_key_file_t *file, agw_str_t text);
static int agw_key_file_json(agw_key_file_t *file, agw_str_t text);
static int agw_key_file_set(agw_key_file_t *file);
static int agw_key_file_is_mixed(const json_t *keys);
static int agw_key_file_jwk(agw_key_file_t *file, const json_t *json,
    size_t place);
static agw_key_t *agw_key_file_make(const agw_key_source_t *source,
    const json_t *json, agw_jwk_result_t *result, agw_key_remark_t *remark);
static int agw_key_file_fits(const agw_jwk_t *jwk, agw_str_t name);
static int agw_key_file_is_shared(const json_t *keys, const json_t *json);
static agw_str_t agw_key_file_kid(const json_t *json);
static int agw_key_file_can_sign(const agw_keyring_t *ring, size_t from);
static int agw_key_file_add(agw_key_file_t *file, agw_key_t *key,
    const char *error);
static int agw_key_file_fail(agw_key_file_t *file, const char *text);
static void agw_key_file_say(agw_key_file_t *file,
    agw_key_remark_kind_t kind, const char *text);
static agw_str_t agw_key_file_alg(const agw_jwk_t *jwk, agw_str_t name);


static const char  agw_key_file_no_jwk[] =
    "neither a JWK nor a JWK Set (RFC 7517, sections 4 and 5); it must be one "
    "JSON object without repeated members";


int
agw_key_file_load(agw_keyring_t *ring, const agw_key_source_t *source,
    agw_key_report_pt report, void *data)
{
    int                rc;
    size_t             count;
    agw_str_t          text;
    agw_key_file_t     file;
    agw_key_format_t   format;

    file.ring = ring;
    file.source = source;
    file.taken = NULL;
    file.keys = NULL;
    file.report = report;
    file.data = data;

    count = agw_keyring_count(ring);
    format = agw_key_format(source->bytes, &text);

    switch (format) {

    case AGW_FORMAT_PEM:
        rc = agw_key_file_pem(&file, text);
        break;

    case AGW_FORMAT_JSON:
        rc = agw_key_file_json(&file, text);
        break;

    default:
        rc = agw_key_file_secret(&file, format, text);
        break;
    }

    if (rc == 0 && !source->verify && !agw_key_file_can_sign(ring, count)) {
        rc = agw_key_file_fail(&file, "no key in it can sign; a public key, "
                                      "and a JWK whose key_ops lack \"sign\", "
                                      "must have \"verify\"");
    }

    if (rc != 0) {
        agw_keyring_cut(ring, count);
        return -1;
    }

    agw_key_file_say(&file, AGW_KEY_TAKEN, file.taken);

    return 0;
}


/* only what the configuration calls a secret becomes one */

static int
agw_key_file_secret(agw_key_file_t *file, agw_key_format_t format,
    agw_str_t text)
{
    agw_key_t               *key;
    agw_str_t                bytes;
    const char              *error;
    const agw_alg_t         *alg;
    const agw_key_source_t  *source;

    if (format != AGW_FORMAT_BYTES) {
        return agw_key_file_fail(file, agw_key_format_refusal(format));
    }

    source = file->source;
    alg = agw_alg_find(source->alg);

    if (source->alg.len == 0 || (alg != NULL && alg->kty != AGW_KTY_OCT)) {

        if (text.len && (text.data[0] == '{' || text.data[0] == '[')) {
            return agw_key_file_fail(file, agw_key_file_no_jwk);
        }

        return agw_key_file_fail(file, "neither a PEM key nor a JWK nor a "
                                 "JWK Set; a raw secret must have "
                                 "alg=HS256, alg=HS384 or alg=HS512");
    }

    file->taken = "a raw secret";
    key = agw_key_from_secret(source, &error);

    if (agw_key_file_add(file, key, error) != 0) {
        return -1;
    }

    bytes = source->bytes;

    if (agw_skip_bom(bytes).len != bytes.len) {
        agw_key_file_say(file, AGW_KEY_WARNING, "the secret begins with a "
                         "byte order mark, which is part of it");
    }

    if (bytes.data[bytes.len - 1] == '\n') {
        agw_key_file_say(file, AGW_KEY_WARNING, "the secret ends with a "
                         "newline, which is part of it");
    }

    return 0;
}


static int
agw_key_file_pem(agw_key_file_t *file, agw_str_t text)
{
    int          is_private;
    EVP_PKEY    *pkey;
    agw_key_t   *key;
    const char  *error;

    pkey = agw_pem_read(text, &is_private, &error);
    if (pkey == NULL) {
        return agw_key_file_fail(file, error);
    }

    file->taken = is_private ? "a PEM private key" : "a PEM public key";
    key = agw_key_from_pkey(file->source, pkey, is_private, &error);

    EVP_PKEY_free(pkey);

    return agw_key_file_add(file, key, error);
}


static int
agw_key_file_json(agw_key_file_t *file, agw_str_t text)
{
    int                    rc;
    json_t                *json, *keys;
    const char            *fault;
    agw_json_allocator_t   former;

    agw_json_wiping_begin(&former);

    json = agw_json_object(text, &fault);
    keys = json_object_get(json, "keys");

    if (json == NULL && fault == agw_json_no_memory) {
        rc = agw_key_file_fail(file, fault);

    } else if (json == NULL || (keys != NULL && !json_is_array(keys))) {
        rc = agw_key_file_fail(file, agw_key_file_no_jwk);

    } else if (keys != NULL) {
        file->taken = "a JWK Set";
        file->keys = keys;
        rc = agw_key_file_set(file);

    } else {
        file->taken = "a JWK";
        rc = agw_key_file_jwk(file, json, 0);
    }

    json_decref(json);

    agw_json_wiping_end(&former);

    return rc;
}


/* a key that cannot be used does not make the others invalid */

static int
agw_key_file_set(agw_key_file_t *file)
{
    size_t         i, count;
    const json_t  *keys;

    keys = file->keys;

    if (file->source->kid.len && json_array_size(keys) != 1) {
        return agw_key_file_fail(file, "kid= names one key; a JWK Set beside "
                                       "it must have one");
    }

    if (agw_key_file_is_mixed(keys)) {
        return agw_key_file_fail(file, "the JWK Set has secrets beside other "
                                       "keys; secrets must have a file of "
                                       "their own");
    }

    count = agw_keyring_count(file->ring);

    for (i = 0; i < json_array_size(keys); i++) {
        if (agw_key_file_jwk(file, json_array_get(keys, i), i + 1) != 0) {
            return -1;
        }
    }

    if (agw_keyring_count(file->ring) == count) {
        return agw_key_file_fail(file, "no key in the JWK Set is one for "
                                 "signatures with " AGW_ALG_NAMES);
    }

    return 0;
}


/* a set with a secret in it is not to be published, and one without is */

static int
agw_key_file_is_mixed(const json_t *keys)
{
    size_t       i, secrets;
    const char  *kty;

    secrets = 0;

    for (i = 0; i < json_array_size(keys); i++) {
        kty = json_string_value(json_object_get(json_array_get(keys, i),
                                                "kty"));

        secrets += (kty != NULL && strcmp(kty, "oct") == 0);
    }

    return secrets != 0 && secrets != json_array_size(keys);
}


/* place is 0 if the JWK is not in a set; returns 0 if it is skipped */

static int
agw_key_file_jwk(agw_key_file_t *file, const json_t *json, size_t place)
{
    agw_key_t         *key;
    agw_jwk_result_t   result;
    agw_key_remark_t   remark;

    remark.kind = place ? AGW_KEY_SKIPPED : AGW_KEY_ERROR;
    remark.place = place;
    remark.kid = file->source->kid.len ? file->source->kid
                                       : agw_key_file_kid(json);

    key = agw_key_file_make(file->source, json, &result, &remark);

    if (key != NULL) {

        if (agw_keyring_add(file->ring, key, &remark.text) == 0) {
            return 0;
        }

        remark.kind = AGW_KEY_ERROR;

    } else if (remark.kind == AGW_KEY_SKIPPED && result == AGW_JWK_REFUSED
               && agw_key_file_is_shared(file->keys, json))
    {
        remark.kind = AGW_KEY_ERROR;
        remark.text = AGW_KEYRING_SAME_KID;
    }

    if (file->report != NULL) {
        file->report(file->data, &remark);
    }

    return remark.kind == AGW_KEY_ERROR ? -1 : 0;
}


/* the kid and alg of the JWK are used if the source gives none */

static agw_key_t *
agw_key_file_make(const agw_key_source_t *source, const json_t *json,
    agw_jwk_result_t *result, agw_key_remark_t *remark)
{
    agw_jwk_t          jwk;
    agw_key_t         *key;
    agw_key_source_t   own;

    *result = AGW_JWK_REFUSED;

    if (!json_is_object(json)) {
        remark->text = "not a JSON object";
        return NULL;
    }

    *result = agw_jwk_read(&jwk, json, &remark->text);

    if (*result != AGW_JWK_READ) {
        return NULL;
    }

    *result = AGW_JWK_REFUSED;
    key = NULL;
    own = *source;
    own.verify |= !jwk.signs;

    if (own.kid.len == 0) {
        own.kid = jwk.kid;
        own.nameless = (jwk.kid.len == 0);
    }

    if (own.alg.len && !agw_key_file_fits(&jwk, own.alg)) {
        remark->kind = AGW_KEY_ERROR;
    }

    if (jwk.alg != NULL) {

        if (own.alg.len && !agw_str_eq(own.alg, jwk.alg->name)) {
            remark->text = "the JWK has another algorithm; alg= must be the "
                           "one it names";
            goto done;
        }

        own.alg = jwk.alg->name;
    }

    if (jwk.pkey != NULL) {
        key = agw_key_from_pkey(&own, jwk.pkey, jwk.is_private,
                                &remark->text);

    } else {
        own.bytes = jwk.secret;
        key = agw_key_from_secret(&own, &remark->text);
    }

    if (key != NULL) {
        *result = AGW_JWK_READ;
    }

done:

    agw_jwk_done(&jwk);

    return key;
}


/*
 * Whether the key is of a type for the algorithm that the configuration names:
 * if not, one of the two is a mistake.
 */

static int
agw_key_file_fits(const agw_jwk_t *jwk, agw_str_t name)
{
    const char       *error;
    const agw_alg_t  *alg, *own;

    alg = agw_alg_find(name);

    if (alg == NULL || (jwk->alg != NULL && jwk->alg != alg)) {
        return 0;
    }

    own = jwk->pkey ? agw_pkey_default_alg(jwk->pkey, &error)
                    : agw_alg_default(AGW_KTY_OCT, NULL);

    return own != NULL && own->kty == alg->kty
           && (own->curve == NULL || strcmp(own->curve, alg->curve) == 0);
}


/*
 * Whether another key of the set has the same kid: then it is unknown which of
 * the two a token names, even if one of them is invalid.
 */

static int
agw_key_file_is_shared(const json_t *keys, const json_t *json)
{
    size_t         i;
    const json_t  *other;
    const char    *kid, *same;

    kid = json_string_value(json_object_get(json, "kid"));

    if (keys == NULL || kid == NULL) {
        return 0;
    }

    for (i = 0; i < json_array_size(keys); i++) {
        other = json_array_get(keys, i);
        same = json_string_value(json_object_get(other, "kid"));

        if (other != json && same != NULL && strcmp(same, kid) == 0) {
            return 1;
        }
    }

    return 0;
}


/* for a message: only what can be a kid here, so that it forges no line */

static agw_str_t
agw_key_file_kid(const json_t *json)
{
    agw_str_t  kid;

    if (agw_json_string(json, "kid", &kid) != 1
        || kid.len > AGW_KID_MAX || !agw_is_scope_word(kid))
    {
        kid.data = NULL;
        kid.len = 0;
    }

    return kid;
}


/* whether one of the ring's keys can sign, from that index on */

static int
agw_key_file_can_sign(const agw_keyring_t *ring, size_t from)
{
    size_t  i;

    for (i = from; i < agw_keyring_count(ring); i++) {
        if (agw_key_signs(agw_keyring_key(ring, i))) {
            return 1;
        }
    }

    return 0;
}


/* key is NULL if it could not be made, for which error is the reason */

static int
agw_key_file_add(agw_key_file_t *file, agw_key_t *key, const char *error)
{
    if (key != NULL && agw_keyring_add(file->ring, key, &error) == 0) {
        return 0;
    }

    return agw_key_file_fail(file, error);
}


static int
agw_key_file_fail(agw_key_file_t *file, const char *text)
{
    agw_key_file_say(file, AGW_KEY_ERROR, text);

    return -1;
}


/* of the file as a whole */

static void
agw_key_file_say(agw_key_file_t *file, agw_key_remark_kind_t kind,
    const char *text)
{
    agw_key_remark_t  remark;

    if (file->report != NULL) {
        remark.kind = kind;
        remark.text = text;
        remark.place = 0;
        remark.kid = file->source->kid;

        file->report(file->data, &remark);
    }
}


agw_key_t *
agw_key_from_public_jwk(const json_t *json, agw_str_t alg)
{
    agw_jwk_t          jwk;
    agw_key_t         *key;
    const char        *error;
    agw_key_source_t   source;

    if (!json_is_object(json)
        || agw_jwk_read(&jwk, json, &error) != AGW_JWK_READ)
    {
        return NULL;
    }

    key = NULL;

    if (jwk.pkey != NULL && !jwk.is_private) {
        memset(&source, 0, sizeof(agw_key_source_t));

        source.kid = jwk.kid;
        source.alg = agw_key_file_alg(&jwk, alg);
        source.verify = 1;

        key = agw_key_from_pkey(&source, jwk.pkey, 0, &error);
    }

    agw_jwk_done(&jwk);

    return key;
}


/* empty: the default */

static agw_str_t
agw_key_file_alg(const agw_jwk_t *jwk, agw_str_t name)
{
    const char       *error;
    const agw_alg_t  *alg;

    if (jwk->alg != NULL) {
        return jwk->alg->name;
    }

    alg = agw_pkey_default_alg(jwk->pkey, &error);
    alg = alg ? agw_alg_synonym(alg) : NULL;

    return alg != NULL && agw_str_eq(alg->name, name) ? name : agw_empty;
}
