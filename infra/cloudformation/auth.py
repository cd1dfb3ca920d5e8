"""Who may call the API: anyone (`open`), signed-in users (`cognito`), or programs (`keys`).

Only a local stage may have `open` (see Stage). With Cognito and with keys, callers see their own
images and operators see all (see services/api/callers.py).
"""

from collections.abc import Mapping

from infra.cloudformation import cfn, storage
from infra.cloudformation.cfn import Json
from infra.config.stages import Stage

POOL, CLIENT, DOMAIN = "Users", "PageClient", "SignInDomain"
OPERATORS = "operators"  # the group; services/api/callers.py has the same name
RESOURCE, SCOPE = "darkroom", "images"
GRANT = f"{RESOURCE}/{SCOPE}"
"""The scope that the API requires. Only access tokens have scopes; an id token identifies the user
to the page and is refused."""

PAGE_SCOPES = ("openid", "email", GRANT)  # the page shows the e-mail address; the API needs GRANT

OPERATORS_KEY = "OperatorsKey"

ACCESS_MINUTES = 60  # limits how long a leaked token works
REFRESH_HOURS = 12  # a working day; then users sign in again
ROTATION_GRACE = 30  # s; two tabs may refresh at the same moment
SHORTEST_PASSWORD = 14


def resources(stage: Stage) -> Json:
    """What authenticates callers: the user pool and the page's client, or the operators' key."""
    if stage.access == "cognito":
        return _user_pool(stage)
    if stage.access == "keys":
        key = {"Enabled": True, "Name": stage.called(OPERATORS), "Description": "sees all images"}
        return {OPERATORS_KEY: cfn.resource("ApiGateway::ApiKey", key)}
    return {}


def variables(stage: Stage) -> Json:
    """The API function's variables: how callers authenticate, and the id of the operators' key."""
    operator = {"OPERATOR_KEY": cfn.ref(OPERATORS_KEY)} if stage.access == "keys" else {}
    return {"ACCESS": stage.access, **operator}


def method(stage: Stage, authorizer: str) -> Json:
    """The authorization properties of an API Gateway method."""
    if stage.access == "cognito":
        return {
            "AuthorizationType": "COGNITO_USER_POOLS",
            "AuthorizerId": cfn.ref(authorizer),
            "AuthorizationScopes": [GRANT],
        }
    key = {"ApiKeyRequired": True} if stage.access == "keys" else {}
    return {"AuthorizationType": "NONE", **key}


def sign_in_address(stage: Stage) -> str:
    """The URL of Cognito's sign-in pages, as text for Fn::Sub.

    It is built from names: a reference would make many resources wait for the domain.
    """
    return f"https://{_prefix(stage)}.auth.${{AWS::Region}}.amazoncognito.com"


def outputs(stage: Stage) -> Json:
    """The outputs for the page's config.json and for operators."""
    if stage.access == "cognito":
        address = cfn.sub(sign_in_address(stage))
        return {
            "SignInAddress": cfn.output(address, "where users sign in"),
            "SignInClient": cfn.output(cfn.ref(CLIENT), "the page's client id in the user pool"),
            "SignInScope": cfn.output(" ".join(PAGE_SCOPES), "the scopes that the page requests"),
            "UserPool": cfn.output(cfn.ref(POOL), "where operators invite users"),
        }
    if stage.access == "keys":
        return {OPERATORS_KEY: cfn.output(cfn.ref(OPERATORS_KEY), "the id of the operators' key")}
    return {}


def sign_in(outputs: Mapping[str, str]) -> dict[str, str]:
    """The `signIn` object of the page's config.json, from a stack's outputs.

    Empty for a stage without sign-in. services/web/src/session.ts reads it.
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
    """The user pool: users sign in with an e-mail address, and only operators can create users."""
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
        # Length instead of character classes, as NIST SP 800-63B recommends.
        "Policies": {"PasswordPolicy": {"MinimumLength": SHORTEST_PASSWORD, **policy}},
        "DeletionProtection": "ACTIVE" if stage.retain else "INACTIVE",
    }
    return cfn.resource("Cognito::UserPool", properties, **storage.deletion_policies(stage))


def _page_client(stage: Stage) -> Json:
    """The page's client: public, without a secret; code flow with PKCE; redirects to the page."""
    page = cfn.sub_if_needed(f"https://{storage.page_host(stage)}/")
    properties = {
        "UserPoolId": cfn.ref(POOL),
        "ClientName": stage.called("page"),
        "GenerateSecret": False,
        "SupportedIdentityProviders": ["COGNITO"],
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": list(PAGE_SCOPES),
        "CallbackURLs": [page],
        "LogoutURLs": [page],
        "PreventUserExistenceErrors": "ENABLED",
        "EnableTokenRevocation": True,
        # A refresh token works once, so that a stolen one is noticed. Rotation does not allow the
        # flow ALLOW_REFRESH_TOKEN_AUTH, which is on by default: so the flows are listed.
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
    """The domain prefix of the sign-in pages, with the account id: it is unique in a region."""
    return f"{stage.called()}-${{AWS::AccountId}}"
