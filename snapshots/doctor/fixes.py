"""How each fault is fixed: a command to run, or the page of the console to open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from snapshot_export.domain.object_address import SCHEME

INSTALL = "make install (elsewhere: pip install --upgrade boto3 click rich)"
NEWER_PYTHON = "install Python 3.11 or newer, then: make PYTHON=/path/to/python3 install"
CHOOSE_REGION = (
    "give --region or --profile, or set AWS_REGION; aws configure list shows what is set"
)
WAIT = "wait a minute, and run this again"
SET_CLOCK = "set this machine's clock: sudo timedatectl set-ntp true"
REACH = "check network, proxy (HTTPS_PROXY) and region, then run this again"
DEPLOY = "npx cdk deploy"
SEE_STACK = (
    "look at the stack's events in the CloudFormation console, fix the first failure, then: "
)
SIGN_UP = "sign up at https://quicksight.aws.amazon.com with Enterprise Edition"
UPGRADE = (
    "QuickSight console, as its administrator: Manage QuickSight > Your subscriptions > Edit > "
    "upgrade to Enterprise Edition"
)
PLAN = (
    "QuickSight console, as its administrator: Manage QuickSight > Your subscriptions: for CSV, "
    "Excel and pixel-perfect PDF subscribe to Pixel-Perfect Reports; for anonymous users add "
    "capacity pricing; both are paid for"
)
FIRST_EXPORT = (
    "one export shows it, and costs one paid unit: put a dashboard of yours into "
    "examples/pdf-of-one-sheet.json, then: snapshots submit examples/pdf-of-one-sheet.json --wait"
)
PUBLISH = "open it in QuickSight, fix what its visuals complain of, and publish it again"
ENABLE_TAG_RULES = (
    "if its rows are not for everyone: QuickSight console, the data set > Row-level security > "
    "Tag-based rules"
)
SUPPORT_TELLS = (
    "ask AWS Support for the account's limit of simultaneous snapshot jobs, and set "
    "snapshotJobLimit in cdk.json accordingly"
)
RAISE_CONCURRENCY = (
    "aws service-quotas request-service-quota-increase --service-code lambda "
    "--quota-code L-B99A9384 --desired-value 1000 --region {region}"
)
ADD_SUBSCRIBERS = "name addresses in notifyEmails in cdk.json, then: npx cdk deploy"
CONFIRM_MAIL = "open the mail “AWS Notification - Subscription Confirmation” and follow its link"
ENCRYPT_OTHERWISE = (
    "encrypt the bucket with SSE-S3 or with a customer-managed key: aws s3api "
    "put-bucket-encryption (new objects only)"
)
MAKE_SECRET = (
    "aws secretsmanager create-secret --name {name}NAME --secret-string file://FILE, and name it "
    "as PasswordSecret (docs/passwords.md)"
)
LET_DECRYPT_SECRETS = (
    "its policy must let the collect function's role use kms:Decrypt through Secrets Manager "
    "(docs/passwords.md#switch-it-on)"
)
ENABLE_KEY = "aws kms enable-key --key-id {key}"


ANSWER_SES = (
    "SES console > Account dashboard shows why; answer the case that AWS opened for it with Support"
)
RESUME_SENDING = "aws sesv2 put-account-sending-attributes --sending-enabled --region {region}"
LEAVE_SANDBOX = (
    "SES console > Account dashboard > Request production access; until then send to addresses "
    "that are verified, or to success@simulator.amazonses.com"
)
RAISE_MAILS = (
    "Service Quotas console > Amazon SES: request more; or lower maxPerSecond of email in cdk.json"
)
VERIFY_IDENTITY = (
    "SES console > Identities shows the records to publish in its DNS, or follow the link in the "
    "mail that came to the address; then run this again"
)
MAP_LINKS = (
    "map the custom domain of links.url of email in cdk.json to the API LinksApiId of the stack's "
    "outputs; without one: npx cdk deploy"
)
SIGN_MAILS = "SES console > Identities > the domain > Authentication: publish the DKIM records"


def grant_you(action: str) -> str:
    """The caller lacks a right that only the doctor needs."""
    return f"to have this checked, give yourself {action} (docs/cli.md lists all of them)"


def look_up(action: str) -> str:
    """An answer that nobody expected."""
    return f"look up what {action} answered; if it should be known here, report it as a bug"


def log_in(profile: str | None) -> str:
    """There are no credentials, or they have expired."""
    chosen = f" --profile {profile}" if profile else ""
    return (
        f"aws sso login{chosen}, or put new keys where boto3 looks (aws configure{chosen}, "
        f"AWS_ACCESS_KEY_ID); aws sts get-caller-identity{chosen} must answer"
    )


def choose_profile(profile: str | None) -> str:
    """The profile does not exist."""
    return f"aws configure list-profiles shows those that exist; not {profile or 'the chosen one'}"


def bootstrap(account_id: str, region: str) -> str:
    """CDK's own resources are missing or too old."""
    return f"npx cdk bootstrap aws://{account_id}/{region}"


def delete_stack(stack_name: str) -> str:
    """A first deployment failed; such a stack cannot be updated.

    CDK protects a stack from termination before it creates it, so that comes off first.
    """
    commands = (
        "update-termination-protection --no-enable-termination-protection",
        "delete-stack",
        "wait stack-delete-complete",
    )
    steps = " && ".join(f"aws cloudformation {each} --stack-name {stack_name}" for each in commands)
    return f"{SEE_STACK}{steps} && {DEPLOY}"


def another_region(regions: str) -> str:
    """QuickSight is not there."""
    return f"set quicksightRegion in cdk.json, or deploy elsewhere; QuickSight is in {regions}"


def grant(actions: str, resource: str) -> str:
    """A role or user of the account lacks a right."""
    return f"allow {actions} on {resource}; if it is allowed, an organization's policy denies it"


def grant_functions() -> str:
    """The stack's own policies were changed, or something above them denies."""
    return (
        f"{DEPLOY} restores the role's own policies; if this stays, a service control policy or "
        "a permissions boundary denies it: ask who keeps them"
    )


def choose_dashboard(known: str) -> str:
    """There is no such dashboard in that region."""
    return (
        f"give the id from the dashboard's address in QuickSight, in its region; known: {known}"
        if known
        else "look into the dashboard's address in QuickSight: its id, and its region"
    )


def take_bucket_of(region: str) -> str:
    """The bucket is elsewhere."""
    return f"take a bucket in {region}: QuickSight writes to buckets of its own region only"


def create_bucket(name: str) -> str:
    """There is no such bucket."""
    return f"aws s3 mb {SCHEME}{name}, or give the right name"


def add_statements(what: str, statements: list[Mapping[str, Any]]) -> str:
    """A bucket's or key's policy does not let QuickSight in."""
    return f"add to the {what}: {json.dumps(statements)}"


def send_events(name: str) -> str:
    """A bucket does not send its events to EventBridge."""
    return (
        f"aws s3api put-bucket-notification-configuration --bucket {name} "
        "--notification-configuration '{\"EventBridgeConfiguration\": {}}', with what "
        "notifications it has besides"
    )


def allow_bucket(name: str) -> str:
    """The deployment does not let requests name this bucket."""
    return f"add {name!r} to allowedBuckets in cdk.json, then: {DEPLOY}"


def name_key(arn: str) -> str:
    """The functions have no right to use the key of an allowed bucket."""
    return (
        f"add '{arn}' to bucketKeys in cdk.json, then: {DEPLOY}; of another account's key "
        "the policy must name this account besides"
    )


def lower_limit(value: int) -> str:
    """The deployment believes in more slots than the account has."""
    return f"set snapshotJobLimit in cdk.json to {value}, then: {DEPLOY}; or have the quota raised"


def create_identity(domain: str) -> str:
    """SES does not know the sender."""
    return (
        f"aws sesv2 create-email-identity --email-identity {domain}, publish the records that it "
        "answers in the domain's DNS; or name another sender in email in cdk.json"
    )


def create_set(name: str) -> str:
    """There is no such configuration set."""
    return f"aws sesv2 create-configuration-set --configuration-set-name {name}"


def send_mail_events(name: str, bus: str) -> str:
    """A configuration set does not say what became of its mails."""
    kinds = "SEND,DELIVERY,BOUNCE,COMPLAINT,REJECT"
    return (
        f"aws sesv2 create-configuration-set-event-destination --configuration-set-name {name} "
        "--event-destination-name eventbridge --event-destination "
        f"'Enabled=true,MatchingEventTypes={kinds},EventBridgeDestination={{EventBusArn={bus}}}', "
        "or add what is missing to the one that there is"
    )


def resume_set(name: str) -> str:
    """Somebody paused one configuration set."""
    return (
        "aws sesv2 put-configuration-set-sending-options --sending-enabled "
        f"--configuration-set-name {name}"
    )
