"""A separate stack with two roles, with which GitHub Actions deploys a stage without access keys.

GitHub's role may change the stage's stack through CloudFormation, write to the artifacts bucket and
publish the page. CloudFormation's role creates the resources. It is limited to resources that carry
the stage's name, for the AWS services whose ARNs contain names.
"""

from infra.cloudformation import cfn
from infra.cloudformation.cfn import Json
from infra.config.stages import Stage

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"

# A deployment creates the artifacts bucket itself: the bucket is in no stack.
ARTIFACTS = "CreateBucket ListBucket PutBucketPublicAccessBlock PutLifecycleConfiguration"

# Actions on buckets, but not on objects.
BUCKETS = """
    CreateBucket DeleteBucket DeleteBucketPolicy GetBucket* PutBucket* ListBucket
    GetEncryptionConfiguration PutEncryptionConfiguration
    GetLifecycleConfiguration PutLifecycleConfiguration
"""

# Actions on tables, but not on items.
TABLES = """
    CreateTable DeleteTable UpdateTable DescribeTable DescribeTimeToLive UpdateTimeToLive
    DescribeContinuousBackups UpdateContinuousBackups DescribeContributorInsights
    DescribeKinesisStreamingDestination GetResourcePolicy
    TagResource UntagResource ListTagsOfResource
"""

ROLES = """
    CreateRole DeleteRole GetRole UpdateRole UpdateAssumeRolePolicy TagRole UntagRole
    PutRolePolicy DeleteRolePolicy GetRolePolicy ListRolePolicies ListAttachedRolePolicies
"""


def template(stage: Stage, repository: str, provider: str | None = None) -> Json:
    """The stack of the two roles. `provider` is the ARN of GitHub's OIDC provider, if it exists.

    An account has one OIDC provider for GitHub, so only the first such stack creates it.
    """
    created = {} if provider else {"GitHub": _provider()}
    provider_arn = provider or cfn.ref("GitHub")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Darkroom, stage {stage.name}: the roles that deploy it from {repository}",
        "Resources": created
        | {
            "DeployRole": _role(
                stage,
                "deploy",
                _by_github(stage, repository, provider_arn),
                deploy_statements(stage),
            ),
            "ExecutionRole": _role(
                stage, "execution", _by_cloudformation(), execution_statements(stage)
            ),
        },
        "Outputs": {
            "DeployRole": cfn.output(cfn.att("DeployRole"), "AWS_DEPLOY_ROLE of the environment"),
            "ExecutionRole": cfn.output(
                cfn.att("ExecutionRole"), "AWS_EXECUTION_ROLE of the environment"
            ),
        },
    }


def deploy_statements(stage: Stage) -> list[Json]:
    """The statements of GitHub's role."""
    stack = _arn("cloudformation", f"stack/{stage.called()}/*")
    artifacts, page = _bucket(stage, "artifacts"), _bucket(stage, "page")
    with_execution_role = {"StringEquals": {"cloudformation:RoleArn": cfn.att("ExecutionRole")}}
    to_cloudformation = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    this_stack = {"StringEquals": {"aws:ResourceTag/aws:cloudformation:stack-name": stage.called()}}
    return [
        cfn.allow(["cloudformation:CreateChangeSet"], stack, with_execution_role),
        cfn.allow(
            [
                "cloudformation:ContinueUpdateRollback",
                "cloudformation:DeleteChangeSet",
                "cloudformation:DeleteStack",
                "cloudformation:Describe*",
                "cloudformation:ExecuteChangeSet",
                "cloudformation:GetTemplate",
                "cloudformation:ListStackResources",
            ],
            stack,
        ),
        cfn.allow(["iam:PassRole"], cfn.att("ExecutionRole"), to_cloudformation),
        cfn.allow(_actions("s3", ARTIFACTS), artifacts),
        cfn.allow(["s3:GetObject", "s3:PutObject"], _bucket(stage, "artifacts", "/*")),
        cfn.allow(["s3:ListBucket"], page),
        cfn.allow(["s3:PutObject"], _bucket(stage, "page", "/*")),
        cfn.allow(
            ["cloudfront:CreateInvalidation"], _arn("cloudfront", "distribution/*"), this_stack
        ),
    ]


def execution_statements(stage: Stage) -> list[Json]:
    """The statements of CloudFormation's role; "*" where ARNs contain no name of the stage."""
    names = f"{stage.called()}-*"
    return [
        cfn.allow(_actions("s3", BUCKETS), _bucket(stage, "*")),
        cfn.allow(["s3:GetObject"], _bucket(stage, "artifacts", "/*")),
        cfn.allow(_actions("dynamodb", TABLES), _arn("dynamodb", f"table/{names}")),
        cfn.allow(["sqs:*"], _arn("sqs", names)),
        cfn.allow(["sns:*"], _arn("sns", names)),
        cfn.allow(["lambda:*"], _arn("lambda", f"function:{names}")),
        cfn.allow(["lambda:*EventSourceMapping*", "lambda:*Tag*"], "*"),
        cfn.allow(["logs:*"], _arn("logs", f"log-group:/aws/*/{names}")),
        cfn.allow(["logs:DescribeLogGroups"], "*"),
        cfn.allow(["cloudwatch:*Alarm*", "cloudwatch:*Tag*"], _arn("cloudwatch", f"alarm:{names}")),
        cfn.allow(["cloudwatch:*Dashboard*"], _arn("cloudwatch", f"dashboard/{stage.called()}*")),
        cfn.allow(["scheduler:*"], _arn("scheduler", f"schedule/*/{names}")),
        cfn.allow(_actions("iam", ROLES), _arn("iam", f"role/{names}")),
        cfn.allow(["iam:PassRole"], _arn("iam", f"role/{names}"), _to_created_services()),
        cfn.allow(["apigateway:*"], "*"),
        cfn.allow(["cloudfront:*"], "*"),
        cfn.allow(["cognito-idp:*"], "*"),
        cfn.allow(["kms:*"], "*"),
    ]


def _provider() -> Json:
    properties = {"Url": f"https://{ISSUER}", "ClientIdList": [AUDIENCE]}
    return cfn.resource("IAM::OIDCProvider", properties)


def _role(stage: Stage, name: str, trust: Json, statements: list[Json]) -> Json:
    # The execution role may edit roles named darkroom-<stage>-*: these two must not be among them.
    properties = {
        "RoleName": f"github-{stage.called(name)}",
        "AssumeRolePolicyDocument": cfn.policy(trust),
        "Policies": [{"PolicyName": name, "PolicyDocument": cfn.policy(*statements)}],
    }
    return cfn.resource("IAM::Role", properties)


def _by_github(stage: Stage, repository: str, provider: object) -> Json:
    """Trust only jobs of the GitHub environment that has the stage's name."""
    claims = {
        f"{ISSUER}:aud": AUDIENCE,
        f"{ISSUER}:sub": f"repo:{repository}:environment:{stage.name}",
    }
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": claims},
    }


def _by_cloudformation() -> Json:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudformation.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": cfn.ref("AWS::AccountId")}},
    }


def _to_created_services() -> Json:
    services = [f"{name}.amazonaws.com" for name in ("apigateway", "lambda", "scheduler")]
    return {"StringEquals": {"iam:PassedToService": services}}


def _actions(service: str, actions: str) -> list[str]:
    return [f"{service}:{action}" for action in actions.split()]


def _arn(service: str, resource: str) -> Json:
    region = "" if service in {"iam", "cloudfront"} else "${AWS::Region}"
    return cfn.sub(f"arn:${{AWS::Partition}}:{service}:{region}:${{AWS::AccountId}}:{resource}")


def _bucket(stage: Stage, kind: str, keys: str = "") -> Json:
    return cfn.sub(f"arn:${{AWS::Partition}}:s3:::{stage.bucket(kind, '${AWS::AccountId}')}{keys}")
