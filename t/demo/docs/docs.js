// Swagger UI for the API of this origin.  It keeps nothing, asks nobody else
// (validatorUrl), and sends what was entered under "Authorize" and no other
// credentials: with the browser's own, an answer of 401 to a wrong API key
// would open the browser's login window.

SwaggerUIBundle({
    dom_id: '#ui',
    url: 'openapi.yaml',
    validatorUrl: null,
    persistAuthorization: false,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    requestInterceptor(request) {
        request.credentials = 'omit';

        return request;
    },
});
