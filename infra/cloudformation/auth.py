"""Who may call the API: anyone (`open`), people who sign in (`cognito`), programs (`keys`).

Anyone only ever means anyone on this machine: a stage that is not local refuses it (see Stage).
With Cognito and with keys each caller sees his own images; operators see all (see
services/api/callers.py).
"""

from collections.abc import Mapping

from infra.cloudformation import cfn, storage
from infra.cloudformation.cfn import Json
from infra.config.stages import Stage

POOL, CLIENT, DOMAIN = "Users", "PageClient", "SignInDomain"
OPERATORS = "operators"  # the group; services/api/callers.py knows it by the same name
RESOURCE, SCOPE = "darkroom", "images"
GRANT = f"{RESOURCE}/{SCOPE}"
"""The scope that the API asks of a token. So it has to be an access token: an id token says who
somebody is, to the page, and has no scopes."""

ASKED = ("openid", "email", GRANT)  # by the page: who it is, to show it, and what the API wants

OPERATORS_KEY = "OperatorsKey"

ACCESS_MINUTES = 60  # of a token that leaks
REFRESH_HOURS = 12  # a working day, then people sign in anew
ROTATION_GRACE = 30  # s, for two tabs that refresh at the same moment
SHORTEST_PASSWORD = 14


def resources(stage: Stage) -> Json:
    """What callers are known by: the user pool and its page's client, or the operators' key."""
    if stage.access == "cognito":
        return _user_pool(stage)
    if stage.access == "keys":
        key = {"Enabled": True, "Name": stage.called(OPERATORS), "Description": "sees all images"}
        return {OPERATORS_KEY: cfn.resource("ApiGateway::ApiKey", key)}
    return {}


def variables(stage: Stage) -> Json:
    """What the API's function has to know: how callers show who they are, and who is operator."""
    operator = {"OPERATOR_KEY": cfn.ref(OPERATORS_KEY)} if stage.access == "keys" else {}
    return {"ACCESS": stage.access, **operator}


def method(stage: Stage, authorizer: str) -> Json:
    """What API Gateway asks of a request before the function sees it."""
    if stage.access == "cognito":
        return {
            "AuthorizationType": "COGNITO_USER_POOLS",
            "AuthorizerId": cfn.ref(authorizer),
            "AuthorizationScopes": [GRANT],
        }
    key = {"ApiKeyRequired": True} if stage.access == "keys" else {}
    return {"AuthorizationType": "NONE", **key}


def sign_in_address(stage: Stage) -> str:
    """Cognito's own pages, as text for Fn::Sub; built, since many things wait for the domain."""
    return f"https://{_prefix(stage)}.auth.${{AWS::Region}}.amazoncognito.com"


def outputs(stage: Stage) -> Json:
    """What the page's config.json, and people, need to know."""
    if stage.access == "cognito":
        address = cfn.sub(sign_in_address(stage))
        return {
            "SignInAddress": cfn.output(address, "where people sign in"),
            "SignInClient": cfn.output(cfn.ref(CLIENT), "the page, as the user pool knows it"),
            "SignInScope": cfn.output(" ".join(ASKED), "what the page asks for"),
            "UserPool": cfn.output(cfn.ref(POOL), "where operators invite people"),
        }
    if stage.access == "keys":
        return {OPERATORS_KEY: cfn.output(cfn.ref(OPERATORS_KEY), "the id of the operators' key")}
    return {}


def sign_in(outputs: Mapping[str, str]) -> dict[str, str]:
    """What the page's config.json says of signing in (`signIn`), of a stack's outputs.

    Empty where nobody signs in. services/web/src/session.ts reads it.
    """
    if "SignInAddress" not in outputs:
        return {}
    return {
        "address": outputs["SignInAddress"],
        "client": outputs["SignInClient"],
        "scope": outputs["SignInScope"],
        "redirect": outputs["PageAddress"],
    }


def _user_pool(stage: Stage) -> Json:
    pool = {"UserPoolId": cfn.ref(POOL)}
    group = pool | {"GroupName": OPERATORS, "Description": "see and release all images"}
    server = pool | {
        "Identifier": RESOURCE,
        "Name": stage.called(),
        "Scopes": [{"ScopeName": SCOPE, "ScopeDescription": "use one's own images"}],
    }
    domain = pool | {"Domain": cfn.sub(_prefix(stage))}
    return {
        POOL: _users(stage),
        "OperatorsGroup": cfn.resource("Cognito::UserPoolGroup", group),
        "ImagesScope": cfn.resource("Cognito::UserPoolResourceServer", server),
        DOMAIN: cfn.resource("Cognito::UserPoolDomain", domain),
        CLIENT: _page_client(stage),
    }


def _users(stage: Stage) -> Json:
    """People known by their e-mail address, and only those whom an operator invited."""
    policy = dict.fromkeys(
        ("RequireLowercase", "RequireNumbers", "RequireSymbols", "RequireUppercase"), False
    )
    properties = {
        "UserPoolName": stage.called(),
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
        "UsernameAttributes": ["email"],
        "UsernameConfiguration": {"CaseSensitive": False},
        "AutoVerifiedAttributes": ["email"],
        "AccountRecoverySetting": {
            "RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]
        },
        "MfaConfiguration": "OPTIONAL",
        "EnabledMfas": ["SOFTWARE_TOKEN_MFA"],
        # Long beats colourful: what NIST SP 800-63B asks for.
        "Policies": {"PasswordPolicy": {"MinimumLength": SHORTEST_PASSWORD, **policy}},
        "DeletionProtection": "ACTIVE" if stage.retain else "INACTIVE",
    }
    kept = "RetainExceptOnCreate" if stage.retain else "Delete"
    replaced = "Retain" if stage.retain else "Delete"
    return cfn.resource(
        "Cognito::UserPool", properties, DeletionPolicy=kept, UpdateReplacePolicy=replaced
    )


def _page_client(stage: Stage) -> Json:
    """The page: a public client without a secret, by code and PKCE, back to itself alone."""
    page = cfn.filled(f"https://{storage.page_host(stage)}/")
    properties = {
        "UserPoolId": cfn.ref(POOL),
        "ClientName": stage.called("page"),
        "GenerateSecret": False,
        "SupportedIdentityProviders": ["COGNITO"],
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": list(ASKED),
        "CallbackURLs": [page],
        "LogoutURLs": [page],
        "PreventUserExistenceErrors": "ENABLED",
        "EnableTokenRevocation": True,
        # Each refresh token works once, so a stolen one shows. It rules out the flow by which
        # refresh tokens are used otherwise, and that flow is on where none is named.
        "RefreshTokenRotation": {
            "Feature": "ENABLED",
            "RetryGracePeriodSeconds": ROTATION_GRACE,
        },
        "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
        "AccessTokenValidity": ACCESS_MINUTES,
        "IdTokenValidity": ACCESS_MINUTES,
        "RefreshTokenValidity": REFRESH_HOURS,
        "TokenValidityUnits": {
            "AccessToken": "minutes",
            "IdToken": "minutes",
            "RefreshToken": "hours",
        },
    }
    return cfn.resource("Cognito::UserPoolClient", properties, DependsOn=["ImagesScope"])


def _prefix(stage: Stage) -> str:
    """The first part of the sign-in pages' host: a region's accounts share these names."""
    return f"{stage.called()}-${{AWS::AccountId}}"
