"""The page on AWS: a private bucket behind CloudFront, which also forwards presigned picture links.

CloudFront reads the page's files with origin access control. No policy lets it read the pictures.
The API presigns S3 links to them for a few minutes. CloudFront forwards path and query under the
bucket's host, which is all that was signed, and S3 checks the signature. So there is no signing key
to protect, no private content in an edge cache, and a deletion or quarantine takes effect at once.
The cost: each picture comes from the bucket's region, and a link works until it expires.

A local stage has none of this: the emulators have no CloudFront (see infra/local/page.py).
"""

from collections.abc import Iterable

from infra.cloudformation import api_gateway, auth, cfn, encryption, storage
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage

BUCKET, DISTRIBUTION = "PageBucket", "PageDistribution"
PICTURES = ("renditions/*", "analyses/*")  # the keys that the API presigns links to

YEAR = 31_536_000  # s
NOT_CACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # AWS's managed policy CachingDisabled
CACHED = "658327ea-f89d-4fab-a63d-7e88639e58f6"  # AWS's managed policy CachingOptimized

# Browser features that the page never uses.
UNUSED_FEATURES = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")


def content_security_policy(connect: Iterable[str]) -> str:
    """The page's Content-Security-Policy: its own files and pictures, and the origins `connect`.

    `blob:` is for the previews of selected files.
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
    """The security headers of every response, as a browser receives them."""
    return {
        "Content-Security-Policy": policy,
        "Strict-Transport-Security": f"max-age={2 * YEAR}; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": ", ".join(f"{name}=()" for name in UNUSED_FEATURES),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def resources(services: Iterable[Definition], stage: Stage) -> Json:
    """The bucket, the distribution and their policies; empty for a stage without a page."""
    if not stage.has_page:
        return {}
    return {
        BUCKET: _bucket(stage),
        f"{BUCKET}Policy": _bucket_policy(stage),
        "PageAccess": _access_control(stage),
        "PageHeaders": _headers(
            stage, "page", content_security_policy(_connect_origins(services, stage))
        ),
        # A picture that is opened directly must not run scripts.
        "PictureHeaders": _headers(stage, "pictures", "default-src 'none'; sandbox"),
        "PictureRequests": _origin_request_policy(stage),
        DISTRIBUTION: _distribution(stage),
    }


def outputs(stage: Stage) -> Json:
    """The bucket to publish to, the distribution to invalidate, and the page's URL."""
    if not stage.has_page:
        return {}
    address = cfn.sub_if_needed(f"https://{storage.page_host(stage)}/")
    return {
        BUCKET: cfn.output(cfn.ref(BUCKET), "the page's files"),
        DISTRIBUTION: cfn.output(cfn.ref(DISTRIBUTION), "the page's distribution"),
        "PageAddress": cfn.output(address, "the page"),
    }


def _connect_origins(services: Iterable[Definition], stage: Stage) -> list[str]:
    """The origins that the page sends requests to: the API, the uploads bucket and Cognito."""
    apis = [f"https://{api_gateway.host(definition)}" for definition in services if definition.http]
    return [*apis, f"https://{_host(stage, 'uploads')}", auth.sign_in_address(stage)]


def _host(stage: Stage, kind: str) -> str:
    """A bucket's host, as text for Fn::Sub. services/api signs links for the same host."""
    name = stage.bucket(kind, "${AWS::AccountId}")
    return f"{name}.s3.${{AWS::Region}}.${{AWS::URLSuffix}}"


def _bucket(stage: Stage) -> Json:
    """The bucket of the page's files. It is deleted with the stack: the files can be rebuilt."""
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}  # public files
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
    """Only this distribution may read, and every request needs TLS."""
    arn = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${PageDistribution}"
    this_distribution = {"StringEquals": {"aws:SourceArn": cfn.sub(arn)}}
    files, bucket = storage.bucket_arn(stage, "page", "/*"), storage.bucket_arn(stage, "page")
    cloudfront = {"Service": "cloudfront.amazonaws.com"}
    properties = {
        "Bucket": cfn.ref(BUCKET),
        "PolicyDocument": cfn.policy(
            cfn.allow(["s3:GetObject"], files, this_distribution, Principal=cloudfront),
            encryption.tls_only(["s3:*"], [bucket, files]),
        ),
    }
    return cfn.resource("S3::BucketPolicy", properties)


def _access_control(stage: Stage) -> Json:
    config = {
        "Name": stage.called("page"),
        "OriginAccessControlOriginType": "s3",
        "SigningBehavior": "always",
        "SigningProtocol": "sigv4",
    }
    return cfn.resource("CloudFront::OriginAccessControl", {"OriginAccessControlConfig": config})


def _headers(stage: Stage, name: str, policy: str) -> Json:
    """`headers` as a response headers policy; a test compares the two."""
    values = headers(policy)
    custom = ("Permissions-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy")
    security = {
        "ContentSecurityPolicy": {
            "ContentSecurityPolicy": cfn.sub_if_needed(policy),
            "Override": True,
        },
        "ContentTypeOptions": {"Override": True},
        "FrameOptions": {"FrameOption": values["X-Frame-Options"], "Override": True},
        "ReferrerPolicy": {"ReferrerPolicy": values["Referrer-Policy"], "Override": True},
        "StrictTransportSecurity": {
            "AccessControlMaxAgeSec": 2 * YEAR,
            "IncludeSubdomains": True,
            "Override": True,
        },
    }
    items = [{"Header": header, "Value": values[header], "Override": True} for header in custom]
    properties = {
        "Name": stage.called(name),
        "SecurityHeadersConfig": security,
        "CustomHeadersConfig": {"Items": items},
    }
    return cfn.resource(
        "CloudFront::ResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": properties}
    )


def _origin_request_policy(stage: Stage) -> Json:
    """What CloudFront forwards to the pictures' bucket: the query string, which has the signature.

    The viewer's Host header is not forwarded: the signature is for the bucket's host.
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
        **_viewer_certificate(stage),
    }
    return cfn.resource("CloudFront::Distribution", {"DistributionConfig": properties})


def _page_origin(stage: Stage) -> Json:
    return {
        "Id": "page",
        "DomainName": cfn.sub(_host(stage, "page")),
        "OriginAccessControlId": cfn.att("PageAccess", "Id"),
        "S3OriginConfig": {
            "OriginAccessIdentity": ""
        },  # the predecessor of origin access control; required, and empty
    }


def _pictures_origin(stage: Stage) -> Json:
    """The processed bucket as a custom origin: CloudFront adds no permissions of its own."""
    return {
        "Id": "pictures",
        "DomainName": cfn.sub(_host(stage, "processed")),
        "CustomOriginConfig": {
            "OriginProtocolPolicy": "https-only",
            "OriginSSLProtocols": ["TLSv1.2"],
        },
    }


def _pictures_behaviour(pattern: str) -> Json:
    policies = {"CachePolicyId": NOT_CACHED, "OriginRequestPolicyId": cfn.ref("PictureRequests")}
    return {"PathPattern": pattern, **_behaviour("pictures", "PictureHeaders", **policies)}


def _behaviour(origin: str, policy: str, **policies: object) -> Json:
    return {
        "TargetOriginId": origin,
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": ["GET", "HEAD"],
        "Compress": True,
        "ResponseHeadersPolicyId": cfn.ref(policy),
        **policies,
    }


def _viewer_certificate(stage: Stage) -> Json:
    """The stage's domain and certificate, or CloudFront's own, with CloudFront's TLS version."""
    if not stage.domain:
        return {"ViewerCertificate": {"CloudFrontDefaultCertificate": True}}
    certificate = {
        "AcmCertificateArn": stage.certificate,
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    return {"Aliases": [stage.domain], "ViewerCertificate": certificate}
