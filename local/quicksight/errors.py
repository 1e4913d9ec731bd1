"""The errors the emulator answers with."""


class ServiceError(Exception):
    """A refusal as AWS would give it: `code` is the exception's name in the service model.

    `http_status` is only needed for codes that the service model does not define, such as those
    of AWS's common front end. `resource_type` is sent where the model has the member.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        resource_type: str = "DASHBOARD",
        http_status: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.resource_type = resource_type
        self.http_status = http_status


class SwitchError(ValueError):
    """A test asked for a switch that cannot work."""
