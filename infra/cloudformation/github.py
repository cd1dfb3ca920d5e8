"""Two roles by which GitHub deploys a stage without a key: printed as a stack of its own.

GitHub's role may only ask CloudFormation to change the stage's one stack, keep what that needs in
the artifacts' bucket, and publish the page. What the stack is made of is made by CloudFormation's
role, which reaches only what carries the stage's name, where AWS has names to go by.
"""

from infra.cloudformation import cfn
from infra.cloudformation.cfn import Json
from infra.config.stages import Stage

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"

# What a deployment does to the artifacts' bucket, which no stack has.
ARTIFACTS = "CreateBucket ListBucket PutBucketPublicAccessBlock PutLifecycleConfiguration"

# What CloudFormation does to a bucket, but never to what is in one.
BUCKETS = """
    CreateBucket DeleteBucket DeleteBucketPolicy GetBucket* PutBucket* ListBucket
    GetEncryptionConfiguration PutEncryptionConfiguration
    GetLifecycleConfiguration PutLifecycleConfiguration
"""

# Tables, too, are made and described, and not read.
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
    """The stack of the two roles; `provider` is the ARN of GitHub's, where the account has it.

    An account has one OIDC provider for all of GitHub, so only the first such stack makes it.
    """
    made = {} if provider else {"GitHub": _provider()}
    trusted = provider or cfn.ref("GitHub")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Darkroom, stage {stage.name}: who deploys it from {repository}",
        "Resources": made
        | {
            "DeployRole": _role(
                stage, "deploy", _by_github(stage, repository, trusted), deploys(stage)
            ),
            "ExecutionRole": _role(stage, "execution", _by_cloudformation(), executes(stage)),
        },
        "Outputs": {
            "DeployRole": cfn.output(cfn.att("DeployRole"), "AWS_DEPLOY_ROLE of the environment"),
            "ExecutionRole": cfn.output(cfn.att("ExecutionRole"), "AWS_EXECUTION_ROLE of it"),
        },
    }


def deploys(stage: Stage) -> list[Json]:
    """What GitHub may do."""
    stack = _arn("cloudformation", f"stack/{stage.called()}/*")
    artifacts, page = _bucket(stage, "artifacts"), _bucket(stage, "page")
    only_so = {"StringEquals": {"cloudformation:RoleArn": cfn.att("ExecutionRole")}}
    to_it = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    ours = {"StringEquals": {"aws:ResourceTag/aws:cloudformation:stack-name": stage.called()}}
    return [
        cfn.allow(["cloudformation:CreateChangeSet"], stack, only_so),
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
        cfn.allow(["iam:PassRole"], cfn.att("ExecutionRole"), to_it),
        cfn.allow(_of("s3", ARTIFACTS), artifacts),
        cfn.allow(["s3:GetObject", "s3:PutObject"], _bucket(stage, "artifacts", "/*")),
        cfn.allow(["s3:ListBucket"], page),
        cfn.allow(["s3:PutObject"], _bucket(stage, "page", "/*")),
        cfn.allow(["cloudfront:CreateInvalidation"], _arn("cloudfront", "distribution/*"), ours),
    ]


def executes(stage: Stage) -> list[Json]:
    """What CloudFormation may do on its behalf; "*" is where AWS gives names that say nothing."""
    mine = f"{stage.called()}-*"
    return [
        cfn.allow(_of("s3", BUCKETS), _bucket(stage, "*")),
        cfn.allow(["s3:GetObject"], _bucket(stage, "artifacts", "/*")),
        cfn.allow(_of("dynamodb", TABLES), _arn("dynamodb", f"table/{mine}")),
        cfn.allow(["sqs:*"], _arn("sqs", mine)),
        cfn.allow(["sns:*"], _arn("sns", mine)),
        cfn.allow(["lambda:*"], _arn("lambda", f"function:{mine}")),
        cfn.allow(["lambda:*EventSourceMapping*", "lambda:*Tag*"], "*"),
        cfn.allow(["logs:*"], _arn("logs", f"log-group:/aws/*/{mine}")),
        cfn.allow(["logs:DescribeLogGroups"], "*"),
        cfn.allow(["cloudwatch:*Alarm*", "cloudwatch:*Tag*"], _arn("cloudwatch", f"alarm:{mine}")),
        cfn.allow(["cloudwatch:*Dashboard*"], _arn("cloudwatch", f"dashboard/{stage.called()}*")),
        cfn.allow(["scheduler:*"], _arn("scheduler", f"schedule/*/{mine}")),
        cfn.allow(_of("iam", ROLES), _arn("iam", f"role/{mine}")),
        cfn.allow(["iam:PassRole"], _arn("iam", f"role/{mine}"), _to_what_it_makes()),
        cfn.allow(["apigateway:*"], "*"),
        cfn.allow(["cloudfront:*"], "*"),
        cfn.allow(["cognito-idp:*"], "*"),
        cfn.allow(["kms:*"], "*"),
    ]


def _provider() -> Json:
    properties = {"Url": f"https://{ISSUER}", "ClientIdList": [AUDIENCE]}
    return cfn.resource("IAM::OIDCProvider", properties)


def _role(stage: Stage, name: str, trust: Json, statements: list[Json]) -> Json:
    # The names must not begin like those of the stack's own roles, which the execution role edits.
    properties = {
        "RoleName": f"github-{stage.called(name)}",
        "AssumeRolePolicyDocument": cfn.policy(trust),
        "Policies": [{"PolicyName": name, "PolicyDocument": cfn.policy(*statements)}],
    }
    return cfn.resource("IAM::Role", properties)


def _by_github(stage: Stage, repository: str, provider: object) -> Json:
    """Only jobs of the environment that has the stage's name, which GitHub guards as it is told."""
    said = {
        f"{ISSUER}:aud": AUDIENCE,
        f"{ISSUER}:sub": f"repo:{repository}:environment:{stage.name}",
    }
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": said},
    }


def _by_cloudformation() -> Json:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudformation.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": cfn.ref("AWS::AccountId")}},
    }


def _to_what_it_makes() -> Json:
    services = [f"{each}.amazonaws.com" for each in ("apigateway", "lambda", "scheduler")]
    return {"StringEquals": {"iam:PassedToService": services}}


def _of(service: str, actions: str) -> list[str]:
    return [f"{service}:{action}" for action in actions.split()]


def _arn(service: str, what: str) -> Json:
    region = "" if service in {"iam", "cloudfront"} else "${AWS::Region}"
    return cfn.sub(f"arn:${{AWS::Partition}}:{service}:{region}:${{AWS::AccountId}}:{what}")


def _bucket(stage: Stage, kind: str, keys: str = "") -> Json:
    return cfn.sub(f"arn:${{AWS::Partition}}:s3:::{stage.bucket(kind, '${AWS::AccountId}')}{keys}")
