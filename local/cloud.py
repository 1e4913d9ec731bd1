"""The embedded account and the QuickSight emulator together, with the stack deployed on them."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from local.account import EmbeddedAws, WorkerBound
from local.account.environment import REGION
from local.deployed import Deployed
from local.deployment import PROJECT_ROOT, deploy
from local.mail import MailSettings
from local.quicksight_process import QuickSightProcess, QuickSightSettings


class LocalCloud:
    """Both servers as a context manager; logs are in `state_dir`.

    With `outlive` they go on when this process ends; otherwise they end with it, however it ends.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        quicksight: QuickSightSettings | None = None,
        wait_scale: float = 1.0,
        workers: WorkerBound | None = None,
        outlive: bool = False,
        enforce_iam: bool = False,
        lambda_concurrency: int | None = None,
        mail: MailSettings | None = None,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.aws = EmbeddedAws(
            self.state_dir,
            wait_scale=wait_scale,
            workers=workers,
            outlive=outlive,
            enforce_iam=enforce_iam,
            lambda_concurrency=lambda_concurrency,
            mail=mail,
        )
        self.quicksight = QuickSightProcess(
            self.state_dir, quicksight or QuickSightSettings(), outlive=outlive
        )

    def start(self) -> None:
        """Start both; nothing is left running if one does not."""
        try:
            self.aws.start()
            self.quicksight.start(self.aws.endpoint_url, self.aws.ca_file)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both; idempotent. The account first: its functions hold QuickSight's connections."""
        self.aws.stop()
        self.quicksight.stop()

    def deploy(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        function_environment: Mapping[str, str] | None = None,
        project: Path = PROJECT_ROOT,
        environment: str | None = None,
        region: str = REGION,
    ) -> Deployed:
        """Deploy the stack, with overrides of cdk.json's deployment parameters.

        `function_environment` replaces variables of the functions; `project`, `environment` and
        `region` say what is deployed, and where (deployment.py).
        """
        outputs = deploy(
            self.aws.endpoint_url,
            quicksight_url=self.quicksight.url,
            ca_file=self.quicksight.ca_file,
            log=self.state_dir / "cdk.log",
            parameters=parameters,
            function_environment=function_environment,
            aws_ca_file=self.aws.ca_file,
            project=project,
            environment=environment,
            region=region,
        )
        return Deployed(
            endpoint_url=self.aws.endpoint_url,
            quicksight_url=self.quicksight.url,
            ca_file=str(self.quicksight.ca_file),
            aws_ca_file=str(self.aws.ca_file) if self.aws.ca_file else None,
            outputs=outputs,
            region=region,
        )

    def __enter__(self) -> "LocalCloud":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
