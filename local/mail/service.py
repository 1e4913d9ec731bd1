"""SES's operations, on the stores of identities and configuration sets that it is given."""

import threading
import uuid
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from local.mail.addresses import bare, identity_of, is_simulator
from local.mail.errors import MailError, bad_request, not_found
from local.mail.events import Accepted, Event, events_of
from local.mail.mailbox import Mailbox
from local.mail.outcomes import REASON_OF, Outcome, outcome_of
from local.mail.quota import Quota
from local.mail.settings import MailSettings
from local.mail.submission import Submission, read_submission
from local.mail.suppression import SuppressionList

Publish = Callable[[Event, MailSettings], None]
Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls, and where."""

    account: str
    region: str
    name: str = "embedded"
    source_ip: str = "127.0.0.1"


@dataclass
class _Place:
    """What SES keeps for an account in a region."""

    settings: MailSettings
    quota: Quota = field(default_factory=Quota)
    suppression: SuppressionList = field(default_factory=SuppressionList)


class MailService:
    """SES of all accounts and regions.

    `identities` and `configuration_sets` are the caller's in its region; records are shaped as
    GetEmailIdentity and GetConfigurationSet answer them, with the set's EventDestinations by name.
    `publish` gets every event that an event destination asks for, at the moment of the call: when
    it is to come stands in the event.
    """

    def __init__(
        self,
        settings: MailSettings,
        mailbox: Mailbox,
        *,
        identities: MutableMapping[str, Any],
        configuration_sets: Mapping[str, Record],
        publish: Publish,
        now: Callable[[], float],
    ) -> None:
        self.mailbox = mailbox
        self.chosen: dict[str, Outcome] = {}
        """What a test wants to become of messages to an address; others are delivered."""
        self._settings = settings
        self._identities = identities
        self._configuration_sets = configuration_sets
        self._publish = publish
        self._now = now
        self._places: dict[tuple[str, str], _Place] = {}
        self._lock = threading.RLock()

    def call(self, name: str, members: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer an operation; MailError if it is refused."""
        with self._lock:
            place = self._place(caller)
            answer: dict[str, Any] = getattr(self, f"_{name}")(place, members, caller)
            return answer

    def change(self, caller: Caller, **settings: Any) -> None:
        """Give the caller's account other limits from now on."""
        place = self._place(caller)
        place.settings = replace(place.settings, **settings)

    def verify(self, identity: str) -> None:
        """What the owner of a domain or address does in its DNS or inbox; it is made if unknown."""
        record = self._identities.get(identity) or new_identity(identity)
        mail_from = record.get("MailFromAttributes") or {}
        self._identities[identity] = record | {
            "VerifiedForSendingStatus": True,
            "VerificationStatus": "SUCCESS",
            "DkimAttributes": record["DkimAttributes"] | {"Status": "SUCCESS"},
            "MailFromAttributes": mail_from | {"MailFromDomainStatus": "SUCCESS"},
        }

    def identity_of(self, address: str, caller: Caller) -> str:
        """The identity that an address sends as, itself if none is verified."""
        self._place(caller)
        found = identity_of(address, self._identities)
        return found[0] if found else address

    def _place(self, caller: Caller) -> _Place:
        key = (caller.account, caller.region)
        if key not in self._places:
            self._places[key] = _Place(self._settings)
            for identity in self._settings.verified:
                if identity not in self._identities:
                    self.verify(identity)
        return self._places[key]

    def _SendEmail(  # noqa: N802 - the operation's name
        self, place: _Place, members: Mapping[str, Any], caller: Caller
    ) -> dict[str, Any]:
        submission = read_submission(members)
        configuration_set = self._check_set(submission.configuration_set)
        if not place.settings.sending_enabled:
            raise MailError("SendingPausedException", "Sending is paused for this account.")
        identity, record = self._check_identities(place, submission, caller)
        _check_mail_from(record)
        simulated = sum(map(is_simulator, submission.recipients))
        count, at = len(submission.recipients), self._now()
        place.quota.take(place.settings, at, recipients=count, counted=count - simulated)
        accepted = Accepted(
            submission=submission,
            message_id=f"01{uuid.uuid4().hex[:14]}-{uuid.uuid4()}-000000",
            at=at,
            account=caller.account,
            identity_arn=f"arn:aws:ses:{caller.region}:{caller.account}:identity/{identity}",
            caller=caller.name,
            source_ip=caller.source_ip,
            outcomes=self._judge(place, submission, configuration_set),
        )
        self._keep(accepted, caller)
        for event in events_of(accepted):
            if _is_wanted(event, configuration_set):
                self._publish(event, place.settings)
        return {"MessageId": accepted.message_id}

    def _check_set(self, name: str | None) -> Record | None:
        if name is None:
            return None
        if (found := self._configuration_sets.get(name)) is None:
            raise not_found(f"Configuration set <{name}> does not exist.")
        if not found.get("SendingOptions", {}).get("SendingEnabled", True):
            raise MailError(
                "SendingPausedException", f"Sending is paused for configuration set <{name}>."
            )
        return found

    def _check_identities(
        self, place: _Place, submission: Submission, caller: Caller
    ) -> tuple[str, Record]:
        """The sender's identity; refuses what is not verified, in the sandbox recipients too."""
        sender = bare(submission.sender)
        asked = [sender, bare(str(submission.parsed["From"]))]
        if not place.settings.production_access:
            asked += [each for each in submission.recipients if not is_simulator(each)]
        failed = [
            each for each in dict.fromkeys(asked) if identity_of(each, self._identities) is None
        ]
        found = identity_of(sender, self._identities)
        if failed or found is None:
            raise MailError(
                "MessageRejected",
                "Email address is not verified. The following identities failed the check in "
                f"region {caller.region.upper()}: {', '.join(failed)}",
            )
        return found

    def _judge(
        self, place: _Place, submission: Submission, configuration_set: Record | None
    ) -> dict[str, Outcome]:
        if submission.has_virus:
            return dict.fromkeys(submission.recipients, Outcome.REJECTED)
        reasons = (configuration_set or {}).get("SuppressionOptions", {}).get("SuppressedReasons")
        suppressed = place.suppression.in_force(reasons)
        outcomes = {
            address: outcome_of(address, suppressed=suppressed, chosen=self.chosen)
            for address in submission.recipients
        }
        for address, outcome in outcomes.items():
            if (reason := REASON_OF.get(outcome)) and not is_simulator(address):
                place.suppression.learn(address, reason, self._now(), reasons)
        return outcomes

    def _keep(self, accepted: Accepted, caller: Caller) -> None:
        host = "email" if caller.region == "us-east-1" else caller.region
        submission = accepted.submission
        content = submission.delivered(
            f"{accepted.message_id}@{host}.amazonses.com",
            format_datetime(datetime.fromtimestamp(accepted.at, UTC)),
        )
        self.mailbox.keep(
            content,
            message_id=accepted.message_id,
            accepted_at=accepted.at,
            sender=submission.sender,
            recipients=submission.recipients,
            tags=submission.tags,
            configuration_set=submission.configuration_set,
            outcomes=accepted.outcomes,
        )

    def _GetAccount(  # noqa: N802
        self, place: _Place, _members: Mapping[str, Any], _caller: Caller
    ) -> dict[str, Any]:
        settings = place.settings
        return {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": settings.production_access,
            "SendingEnabled": settings.sending_enabled,
            "SendQuota": {
                "Max24HourSend": float(settings.max_24_hour_send),
                "MaxSendRate": float(settings.max_send_rate),
                "SentLast24Hours": float(place.quota.sent_last_24_hours(self._now())),
            },
            "SuppressionAttributes": {"SuppressedReasons": list(place.suppression.reasons)},
        }

    def _PutAccountSendingAttributes(  # noqa: N802
        self, _place: _Place, members: Mapping[str, Any], caller: Caller
    ) -> dict[str, Any]:
        self.change(caller, sending_enabled=bool(members.get("SendingEnabled")))
        return {}

    def _PutAccountSuppressionAttributes(  # noqa: N802
        self, place: _Place, members: Mapping[str, Any], _caller: Caller
    ) -> dict[str, Any]:
        place.suppression.reasons = tuple(members.get("SuppressedReasons") or ())
        return {}

    def _CreateEmailIdentity(  # noqa: N802
        self, _place: _Place, members: Mapping[str, Any], _caller: Caller
    ) -> dict[str, Any]:
        name = members["EmailIdentity"]
        if name in self._identities:
            raise MailError("AlreadyExistsException", f"Email identity {name} already exist.")
        record = new_identity(name) | {"Tags": members.get("Tags") or []}
        if configuration_set := members.get("ConfigurationSetName"):
            self._check_set(configuration_set)
            record["ConfigurationSetName"] = configuration_set
        self._identities[name] = record
        return {
            key: record[key] for key in ("IdentityType", "VerifiedForSendingStatus")
        } | {"DkimAttributes": record["DkimAttributes"]}  # fmt: skip

    def _GetEmailIdentity(  # noqa: N802
        self, _place: _Place, members: Mapping[str, Any], _caller: Caller
    ) -> dict[str, Any]:
        name = members["EmailIdentity"]
        if (found := self._identities.get(name)) is None:
            raise not_found(f"Email identity <{name}> does not exist.")
        verified = found["VerifiedForSendingStatus"]
        given = {"FeedbackForwardingStatus": True, "Policies": {}} | dict(found)
        given.setdefault("VerificationStatus", "SUCCESS" if verified else "PENDING")
        return given

    def _PutSuppressedDestination(  # noqa: N802
        self, place: _Place, members: Mapping[str, Any], _caller: Caller
    ) -> dict[str, Any]:
        if not place.settings.production_access:
            raise bad_request("PutSuppressedDestination needs production access.")
        place.suppression.put(members["EmailAddress"], members["Reason"], self._now())
        return {}

    def _GetSuppressedDestination(  # noqa: N802
        self, place: _Place, members: Mapping[str, Any], _caller: Caller
    ) -> dict[str, Any]:
        return {"SuppressedDestination": place.suppression.get(members["EmailAddress"])}

    def _DeleteSuppressedDestination(  # noqa: N802
        self, place: _Place, members: Mapping[str, Any], _caller: Caller
    ) -> dict[str, Any]:
        place.suppression.remove(members["EmailAddress"])
        return {}

    def _ListSuppressedDestinations(  # noqa: N802
        self, place: _Place, members: Mapping[str, Any], _caller: Caller
    ) -> dict[str, Any]:
        return place.suppression.page(members)


def new_identity(name: str) -> dict[str, Any]:
    """An identity as it is made: of nobody yet."""
    domain = "@" not in name
    dkim = {"SigningEnabled": domain, "Status": "PENDING" if domain else "NOT_STARTED"}
    return {
        "EmailIdentity": name,
        "IdentityType": "DOMAIN" if domain else "EMAIL_ADDRESS",
        "VerifiedForSendingStatus": False,
        "VerificationStatus": "PENDING",
        "DkimAttributes": dkim,
        "MailFromAttributes": {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"},
        "Tags": [],
    }


def _check_mail_from(record: Record) -> None:
    attributes = record.get("MailFromAttributes") or {}
    if (
        attributes.get("MailFromDomain")
        and attributes.get("BehaviorOnMxFailure") == "REJECT_MESSAGE"
        and attributes.get("MailFromDomainStatus") != "SUCCESS"
    ):
        raise MailError(
            "MailFromDomainNotVerifiedException",
            f"The MAIL FROM domain {attributes['MailFromDomain']} is not verified.",
        )


def _is_wanted(event: Event, configuration_set: Record | None) -> bool:
    """Whether an event destination of the message's set sends it to EventBridge."""
    destinations = ((configuration_set or {}).get("EventDestinations") or {}).values()
    return any(
        each.get("Enabled")
        and each.get("EventBridgeDestination")
        and event.matching_type in each["MatchingEventTypes"]
        for each in destinations
    )
