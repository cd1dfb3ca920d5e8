"""The page on AWS: a private bucket behind CloudFront, which hands on presigned pictures too.

The page's files are read by CloudFront alone (origin access control). Pictures are not: no policy
lets CloudFront into the bucket that holds them. Their links are S3's own, presigned for a few
minutes by the API; CloudFront passes path and query on under the bucket's host, which is all that
was signed, and S3 decides. So there is no signing key to keep secret, nothing private in an edge's
cache, and what is deleted or quarantined is so at once. What it costs: each picture comes from the
bucket's region; and who has a link has the picture until it expires, as with any presigned link.

Nothing of it is made for a local stage: the emulators have no CloudFront (see infra/local/page.py).
"""

from collections.abc import Iterable

from infra.cloudformation import api_gateway, auth, cfn, encryption, storage
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage

BUCKET, DISTRIBUTION = "PageBucket", "PageDistribution"
PICTURES = ("renditions/*", "analyses/*")  # what the API hands out links to

YEAR = 31_536_000  # s
NOT_CACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # AWS's managed policy CachingDisabled
CACHED = "658327ea-f89d-4fab-a63d-7e88639e58f6"  # AWS's managed policy CachingOptimized

# What a page that shows photos never asks a browser for.
UNUSED = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")


def content_security_policy(connect: Iterable[str]) -> str:
    """What the page may load and reach: its own files and pictures, and the origins `connect`.

    `blob:` are the previews of files that somebody chose.
    """
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": " ".join(("'self'", *connect)),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "vue",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def headers(policy: str) -> dict[str, str]:
    """The security headers of every answer, as they reach a browser."""
    return {
        "Content-Security-Policy": policy,
        "Strict-Transport-Security": f"max-age={2 * YEAR}; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": ", ".join(f"{name}=()" for name in UNUSED),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def resources(everyone: Iterable[Definition], stage: Stage) -> Json:
    """All of it, where the stage has a page."""
    if not stage.has_page:
        return {}
    return {
        BUCKET: _bucket(stage),
        f"{BUCKET}Policy": _bucket_policy(stage),
        "PageAccess": _access_control(stage),
        "PageHeaders": _headers(stage, "page", content_security_policy(_reached(everyone, stage))),
        # A picture opened by itself is a picture, whatever somebody managed to upload.
        "PictureHeaders": _headers(stage, "pictures", "default-src 'none'; sandbox"),
        "PictureRequests": _requests(stage),
        DISTRIBUTION: _distribution(stage),
    }


def outputs(stage: Stage) -> Json:
    """Where a deployment puts the page, what it makes CloudFront forget, and where people go."""
    if not stage.has_page:
        return {}
    address = cfn.filled(f"https://{storage.page_host(stage)}/")
    return {
        BUCKET: cfn.output(cfn.ref(BUCKET), "the page's files"),
        DISTRIBUTION: cfn.output(cfn.ref(DISTRIBUTION), "the page's distribution"),
        "PageAddress": cfn.output(address, "the page"),
    }


def _reached(everyone: Iterable[Definition], stage: Stage) -> list[str]:
    """The other origins that the page speaks to: the API, the uploads bucket, and Cognito."""
    doors = [
        f"https://{api_gateway.host(definition)}" for definition in everyone if definition.http
    ]
    return [*doors, f"https://{_host(stage, 'uploads')}", auth.sign_in_address(stage)]


def _host(stage: Stage, kind: str) -> str:
    """A bucket's host, as text for Fn::Sub; services/api signs for the same."""
    name = stage.bucket(kind, "${AWS::AccountId}")
    return f"{name}.s3.${{AWS::Region}}.${{AWS::URLSuffix}}"


def _bucket(stage: Stage) -> Json:
    """The page's files, all of which can be built anew: so they go with the stack."""
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}  # they are public
    properties = {
        "BucketName": cfn.sub(stage.bucket("page", "${AWS::AccountId}")),
        "PublicAccessBlockConfiguration": storage.PRIVATE,
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
    }
    return cfn.resource(
        "S3::Bucket", properties, DeletionPolicy="Delete", UpdateReplacePolicy="Delete"
    )


def _bucket_policy(stage: Stage) -> Json:
    """Our distribution may read; nobody may do anything without TLS."""
    arn = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${PageDistribution}"
    ours = {"StringEquals": {"aws:SourceArn": cfn.sub(arn)}}
    files, itself = storage.bucket_arn(stage, "page", "/*"), storage.bucket_arn(stage, "page")
    cloudfront = {"Service": "cloudfront.amazonaws.com"}
    properties = {
        "Bucket": cfn.ref(BUCKET),
        "PolicyDocument": cfn.policy(
            cfn.allow(["s3:GetObject"], files, ours, Principal=cloudfront),
            encryption.tls_only(["s3:*"], [itself, files]),
        ),
    }
    return cfn.resource("S3::BucketPolicy", properties)


def _access_control(stage: Stage) -> Json:
    said = {
        "Name": stage.called("page"),
        "OriginAccessControlOriginType": "s3",
        "SigningBehavior": "always",
        "SigningProtocol": "sigv4",
    }
    return cfn.resource("CloudFront::OriginAccessControl", {"OriginAccessControlConfig": said})


def _headers(stage: Stage, name: str, policy: str) -> Json:
    """`headers` in CloudFront's own words; a test compares the two."""
    said = headers(policy)
    own = ("Permissions-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy")
    security = {
        "ContentSecurityPolicy": {
            "ContentSecurityPolicy": cfn.filled(policy),
            "Override": True,
        },
        "ContentTypeOptions": {"Override": True},
        "FrameOptions": {"FrameOption": said["X-Frame-Options"], "Override": True},
        "ReferrerPolicy": {"ReferrerPolicy": said["Referrer-Policy"], "Override": True},
        "StrictTransportSecurity": {
            "AccessControlMaxAgeSec": 2 * YEAR,
            "IncludeSubdomains": True,
            "Override": True,
        },
    }
    items = [{"Header": each, "Value": said[each], "Override": True} for each in own]
    properties = {
        "Name": stage.called(name),
        "SecurityHeadersConfig": security,
        "CustomHeadersConfig": {"Items": items},
    }
    return cfn.resource(
        "CloudFront::ResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": properties}
    )


def _requests(stage: Stage) -> Json:
    """What of a request goes on to the pictures' bucket: the query, which holds the signature.

    Host must not: the bucket's own is what was signed, and CloudFront says that by itself.
    """
    properties = {
        "Name": stage.called("pictures"),
        "CookiesConfig": {"CookieBehavior": "none"},
        "HeadersConfig": {"HeaderBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "all"},
    }
    return cfn.resource(
        "CloudFront::OriginRequestPolicy", {"OriginRequestPolicyConfig": properties}
    )


def _distribution(stage: Stage) -> Json:
    properties = {
        "Comment": stage.called("page"),
        "Enabled": True,
        "DefaultRootObject": "index.html",
        "HttpVersion": "http2and3",
        "IPV6Enabled": True,
        "PriceClass": "PriceClass_100",
        "Origins": [_page_origin(stage), _pictures_origin(stage)],
        "DefaultCacheBehavior": _behaviour("page", "PageHeaders", CachePolicyId=CACHED),
        "CacheBehaviors": [_pictures_behaviour(pattern) for pattern in PICTURES],
        **_name(stage),
    }
    return cfn.resource("CloudFront::Distribution", {"DistributionConfig": properties})


def _page_origin(stage: Stage) -> Json:
    return {
        "Id": "page",
        "DomainName": cfn.sub(_host(stage, "page")),
        "OriginAccessControlId": cfn.att("PageAccess", "Id"),
        "S3OriginConfig": {"OriginAccessIdentity": ""},  # the older way, which has to be declined
    }


def _pictures_origin(stage: Stage) -> Json:
    """The processed bucket as any other server: CloudFront adds no rights of its own."""
    return {
        "Id": "pictures",
        "DomainName": cfn.sub(_host(stage, "processed")),
        "CustomOriginConfig": {
            "OriginProtocolPolicy": "https-only",
            "OriginSSLProtocols": ["TLSv1.2"],
        },
    }


def _pictures_behaviour(pattern: str) -> Json:
    how = {"CachePolicyId": NOT_CACHED, "OriginRequestPolicyId": cfn.ref("PictureRequests")}
    return {"PathPattern": pattern, **_behaviour("pictures", "PictureHeaders", **how)}


def _behaviour(origin: str, policy: str, **how: object) -> Json:
    return {
        "TargetOriginId": origin,
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": ["GET", "HEAD"],
        "Compress": True,
        "ResponseHeadersPolicyId": cfn.ref(policy),
        **how,
    }


def _name(stage: Stage) -> Json:
    """The stage's own domain; without one CloudFront's, on which it alone says which TLS counts."""
    if not stage.domain:
        return {"ViewerCertificate": {"CloudFrontDefaultCertificate": True}}
    certificate = {
        "AcmCertificateArn": stage.certificate,
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    return {"Aliases": [stage.domain], "ViewerCertificate": certificate}
