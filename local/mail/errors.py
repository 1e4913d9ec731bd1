"""The refusals of SES."""

from local.mail.service_model import status_of


class MailError(Exception):
    """A refusal as SES gives it: `code` is the exception's name in the service model."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def http_status(self) -> int:
        """The HTTP code of the exception."""
        return status_of(self.code)


def bad_request(message: str) -> MailError:
    """What is wrong in itself, whoever sends it."""
    return MailError("BadRequestException", message)


def not_found(message: str) -> MailError:
    """Something is named that is not there."""
    return MailError("NotFoundException", message)
