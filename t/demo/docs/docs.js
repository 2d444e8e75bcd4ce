// Swagger UI for the API of this origin.  It keeps nothing, asks nobody else
// (validatorUrl), and sends what was entered under "Authorize" and no other
// credentials: with the browser's own, an answer of 401 to a wrong API key
// would open the browser's login window.

'use strict';


// examples.json has values for the parameters of the same names, and the
// partner_id for the form of BasicAuth; no secret.

async function readExamples() {
    try {
        const response = await fetch('examples.json', { credentials: 'omit' });
        const examples = response.ok ? await response.json() : {};

        return new Map(Object.entries(examples)
            .filter(([, value]) => typeof value === 'string'));

    } catch {
        return new Map();
    }
}


function prefill(examples) {
    return () => ({ statePlugins: { spec: { wrapActions: {
        updateJsonSpec: (original) => (description) => {
            const parameters = description.components?.parameters ?? {};

            for (const parameter of Object.values(parameters)) {
                if (examples.has(parameter.name)) {
                    parameter.example = examples.get(parameter.name);
                }
            }

            return original(description);
        },
    } } } });
}


// Swagger UI takes an operation for authorized if it can be called without
// credentials too ("{}" in its security).

const honestLocks = () => ({ statePlugins: { auth: { wrapSelectors: {
    isAuthorized: (original) => (state, securities) => original(
        securities?.filter((security) => security.size > 0)),
} } } });


// Each form of the dialog takes the focus for itself, so that the browser
// would scroll to the last of them.  The first empty field gets it.

function dialogBeginsAtItsTop(examples) {
    return ({ React }) => ({ wrapComponents: {
        authorizationPopup: (Original) => function FocusFirst(props) {
            const place = React.useRef(null);

            React.useEffect(() => {
                [...place.current.querySelectorAll('input')]
                    .find((input) => input.value === '')?.focus();
            }, []);

            return React.createElement('div', { ref: place },
                React.createElement(Original, props));
        },

        Input: (Original) => function PlainInput({ autoFocus, ...props }) {
            const value = props.id === 'auth-basic-username'
                ? examples.get('partner_id') : undefined;

            React.useEffect(() => {
                if (value !== undefined) {
                    props.onChange({ target: { name: props.name, value } });
                }
            }, []);

            return React.createElement(Original,
                value === undefined ? props
                    : { ...props, defaultValue: value });
        },
    } });
}


// An empty field is not sent, and nothing offers to: the gateway takes an
// empty value for an absent one.

const sendNothingEmpty = () => ({ wrapComponents: {
    ParameterIncludeEmpty: () => () => null,
} });


function tokenOf(text) {
    try {
        const { access_token: token } = JSON.parse(text);

        return typeof token === 'string' ? token : undefined;

    } catch {
        return undefined;
    }
}


// Above a token response: a button for what the token is needed for next,
// which the operation's "x-use-as" names, and one that copies the token alone.

const tokenButtons = ({ React }) => {
    const h = React.createElement;
    const Scheme = React.createContext(undefined);

    function UseAs({ token, authActions, authSelectors, specSelectors }) {
        const scheme = React.useContext(Scheme);
        const used = authSelectors.authorized().getIn([scheme, 'value'])
            === token;

        return h('button', {
            className: 'btn token-use', disabled: used,
            onClick: () => authActions.authorize({ [scheme]: {
                name: scheme, value: token,
                schema: specSelectors.securityDefinitions().get(scheme),
            } }),
        }, used ? `In use as ${scheme}` : `Use as ${scheme}`);
    }

    function Copy({ token }) {
        const [label, setLabel] = React.useState('Copy the token');
        const say = (text) => () => setLabel(text);

        React.useEffect(say('Copy the token'), [token]);

        return h('button', {
            className: 'btn token-copy',
            onClick: () => navigator.clipboard.writeText(token)
                .then(say('Copied'), say('The browser does not copy')),
        }, label);
    }

    return {
        components: { UseAs },
        wrapComponents: {
            liveResponse: (Original) => function WithScheme(props) {
                const { path, method, specSelectors } = props;

                return h(Scheme.Provider, {
                    value: specSelectors.specJson()
                        .getIn(['paths', path, method, 'x-use-as']),
                }, h(Original, props));
            },

            responseBody: (Original) => function WithButtons(props) {
                const scheme = React.useContext(Scheme);
                const token = scheme && tokenOf(props.content);
                const Use = props.getComponent('UseAs', true);

                return h(React.Fragment, null,
                    token && h('div', { className: 'token-buttons' },
                        h(Use, { token }), h(Copy, { token })),
                    h(Original, props));
            },
        },
    };
};


readExamples().then((examples) => SwaggerUIBundle({
    dom_id: '#ui',
    url: 'openapi.yaml',
    validatorUrl: null,
    persistAuthorization: false,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    plugins: [
        prefill(examples), honestLocks, dialogBeginsAtItsTop(examples),
        sendNothingEmpty, tokenButtons,
    ],
    requestInterceptor(request) {
        request.credentials = 'omit';

        return request;
    },
}));
