"""Whether SES takes the deployment's mails: looked at only where it sends any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from snapshots.doctor import fixes
from snapshots.doctor.context import Case, RefusedError
from snapshots.doctor.deployment import DELIVER
from snapshots.doctor.findings import Verdict, failed, ok, warning
from snapshots.doctor.rights import denied

NEEDED_EVENTS = frozenset({"SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT"})
"""Send settles a mail in doubt; the others say what became of it."""
_DEFAULT_BUS = ":event-bus/default"
_LITTLE_LEFT = 0.2
_SEND = "ses:SendRawEmail"


def look_at_account(case: Case) -> Verdict:
    """Whether SES sends for this account at all, and to everybody."""
    return judge_account(_account(case), case.account.region)


def judge_account(account: Mapping[str, Any], region: str) -> Verdict:
    """By what GetAccount says."""
    status = account.get("EnforcementStatus", "HEALTHY")
    if status == "SHUTDOWN":
        return failed("AWS has stopped this account's sending: it is SHUTDOWN", fixes.ANSWER_SES)
    if not account.get("SendingEnabled", False):
        return failed("sending is paused", fixes.RESUME_SENDING.format(region=region))
    if not account.get("ProductionAccessEnabled", False):
        seen = "the account is in SES's sandbox: mails go to verified addresses only"
        return failed(seen, fixes.LEAVE_SANDBOX)
    if status != "HEALTHY":
        return warning(f"AWS is reviewing this account's sending: {status}", fixes.ANSWER_SES)
    return ok(f"production access in {region}, sending is on")


def look_at_quota(case: Case) -> Verdict:
    """Whether the account may send as much as the deployment wants to."""
    return judge_quota(_account(case)["SendQuota"], case.mails_per_second)


def judge_quota(quota: Mapping[str, float], asked: float | None) -> Verdict:
    """By what SES allows, against `asked`, the deployment's mails a second; -1 is no limit."""
    daily, rate = quota["Max24HourSend"], quota["MaxSendRate"]
    sent = quota.get("SentLast24Hours", 0.0)
    seen = f"{rate:g} mails a second; {_of_day(daily, sent)}"
    if 0 <= daily <= sent:
        return failed(f"{seen}: none is left", fixes.RAISE_MAILS)
    if asked is not None and rate < asked:
        return warning(
            f"{seen}; maxPerSecond is {asked:g}, more than SES allows", fixes.RAISE_MAILS
        )
    if daily >= 0 and daily - sent < _LITTLE_LEFT * daily:
        return warning(f"{seen}: little is left", fixes.RAISE_MAILS)
    return ok(seen)


def _of_day(daily: float, sent: float) -> str:
    return "no limit a day" if daily < 0 else f"{sent:g} of {daily:g} sent in 24 hours"


def look_at_sender(case: Case) -> Verdict:
    """Whether the sender's address, or a domain that it is of, is verified; learns which."""
    sender = case.mail["sender"]
    asked = {name: _identity(case, name) for name in identities_of(sender)}
    found = {name: each for name, each in asked.items() if each is not None}
    verified = (name for name, each in found.items() if each.get("VerifiedForSendingStatus"))
    case.mail_identity = next(verified, "")
    return judge_sender(sender, found)


def identities_of(sender: str) -> Iterator[str]:
    """The identities by which an address may send, the closest first."""
    address = sender.rpartition("<")[2].rstrip("> ")
    yield address
    labels = address.rpartition("@")[2].lower().split(".")
    for start in range(len(labels) - 1):
        yield ".".join(labels[start:])


def judge_sender(sender: str, identities: Mapping[str, Mapping[str, Any]]) -> Verdict:
    """By those of its identities that are there."""
    verified = [name for name, each in identities.items() if each.get("VerifiedForSendingStatus")]
    domain = [*identities_of(sender)][1]
    if not identities:
        seen = f"neither {sender} nor its domain is an identity of SES's here"
        return failed(seen, fixes.create_identity(domain))
    if not verified:
        return failed(f"{', '.join(identities)} is not verified yet", fixes.VERIFY_IDENTITY)
    name = verified[0]
    mail_from = identities[name].get("MailFromAttributes") or {}
    if (
        mail_from.get("BehaviorOnMxFailure") == "REJECT_MESSAGE"
        and mail_from.get("MailFromDomainStatus", "SUCCESS") != "SUCCESS"
    ):
        seen = f"the MAIL FROM domain {mail_from.get('MailFromDomain')} is not verified"
        return failed(f"{seen}, and mails are refused until it is", fixes.VERIFY_IDENTITY)
    dkim = (identities[name].get("DkimAttributes") or {}).get("Status", "NOT_STARTED")
    if dkim != "SUCCESS":
        seen = (
            f"{name} is verified, its mails are not signed (DKIM: {dkim}): many are taken for spam"
        )
        return warning(seen, fixes.SIGN_MAILS)
    return ok(f"{sender} by {name}")


def look_at_configuration_set(case: Case) -> Verdict:
    """Whether the configuration set is there, and sends."""
    name = case.mail["configuration_set"]
    try:
        found = case.call("sesv2", "GetConfigurationSet", ConfigurationSetName=name)
    except RefusedError as error:
        if error.code != "NotFoundException":
            raise
        return judge_configuration_set(name, None)
    return judge_configuration_set(name, found)


def judge_configuration_set(name: str, found: Mapping[str, Any] | None) -> Verdict:
    """By what GetConfigurationSet says; None if there is none."""
    if found is None:
        return failed(f"there is no configuration set {name} here", fixes.create_set(name))
    if not found.get("SendingOptions", {}).get("SendingEnabled", True):
        return failed(f"sending is paused for {name}", fixes.resume_set(name))
    return ok(name)


def look_at_events(case: Case) -> Verdict:
    """Whether the deployment hears what became of a mail."""
    name = case.mail["configuration_set"]
    found = case.call("sesv2", "GetConfigurationSetEventDestinations", ConfigurationSetName=name)
    bus = f"arn:{case.partition}:events:{case.account.region}:{case.account_id}{_DEFAULT_BUS}"
    return judge_events(name, found.get("EventDestinations", ()), fixes.send_mail_events(name, bus))


def judge_events(name: str, destinations: Sequence[Mapping[str, Any]], fix: str) -> Verdict:
    """By the set's destinations: those on EventBridge's default bus, which is the only one."""
    heard = {
        kind
        for each in destinations
        if each.get("Enabled")
        and str(each.get("EventBridgeDestination", {}).get("EventBusArn")).endswith(_DEFAULT_BUS)
        for kind in each["MatchingEventTypes"]
    }
    if missing := sorted(NEEDED_EVENTS - heard):
        seen = f"{name} sends no {', '.join(missing)} to EventBridge: mails stay in doubt"
        return failed(seen, fix)
    return ok(f"{name} sends {len(heard)} kinds of events to EventBridge")


def look_at_right(case: Case) -> Verdict:
    """Whether the deliver function may send from the sender, with the configuration set.

    A raw message needs `ses:SendRawEmail` [? ses-rights].
    """
    function = case.functions.get(DELIVER)
    if function is None:
        return failed("the stack has no deliver function", fixes.DEPLOY)
    where = f"arn:{case.partition}:ses:{case.account.region}:{case.account_id}"
    resources = [
        f"{where}:identity/{case.mail_identity}",
        f"{where}:configuration-set/{case.mail['configuration_set']}",
    ]
    sender = next(identities_of(case.mail["sender"]))
    lacking = denied(case, str(function["Role"]), [_SEND], resources, {"ses:FromAddress": sender})
    return judge_right(lacking, case.mail_identity)


def judge_right(lacking: Sequence[str], identity: str) -> Verdict:
    """`lacking` is what the function's role may not do."""
    if lacking:
        seen = f"IAM's simulation denies the deliver function {', '.join(lacking)} by {identity}"
        return failed(seen, fixes.grant_functions())
    return ok(f"IAM's simulation lets the deliver function send by {identity}")


def _account(case: Case) -> Mapping[str, Any]:
    """Asked for once: SES answers such calls once a second."""
    if case.mail_account is None:
        case.mail_account = case.call("sesv2", "GetAccount")
    return case.mail_account


def _identity(case: Case, name: str) -> Mapping[str, Any] | None:
    try:
        return case.call("sesv2", "GetEmailIdentity", EmailIdentity=name)
    except RefusedError as error:
        if error.code != "NotFoundException":
            raise
        return None
