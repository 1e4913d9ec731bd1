"""`python -m local.account.launcher`: ministack, patched, as the embedded AWS account's server.

The server's own settings come through its environment (see `local.account.embedded_aws`).
"""

import argparse
import json
import sys
from pathlib import Path

from local.account import (
    alarms,
    athena,
    authorization,
    key_rights,
    mail,
    notifications,
    schedules,
    state_machines,
    tables,
    transactions,
    workers,
)
from local.account.notifications import Notifications
from local.account.usage import UsageLog, log_usage
from local.account.workers import WorkerBound
from local.mail import Mailbox, MailSettings


def apply_patches(
    bound: WorkerBound,
    code_cache: Path,
    *,
    usage_log: Path | None = None,
    sdk_quicksight_url: str | None = None,
    late: Notifications | None = None,
    mail_settings: MailSettings | None = None,
    mail_folder: Path = Path("mail"),
) -> None:
    """Patch the ministack modules of this process; UpstreamChangedError if they are others."""
    from ministack import app
    from ministack.core import iam_actions, iam_evaluator, lambda_runtime
    from ministack.services import athena as ministack_athena
    from ministack.services import (
        dynamodb,
        eventbridge,
        iam,
        kms,
        lambda_svc,
        s3,
        scheduler,
        ses_v2,
        sqs,
        stepfunctions,
    )
    from ministack.services.cloudformation import provisioners

    authorization.name_groups_of_schedules(iam_actions)
    authorization.simulate_with_context(iam)
    authorization.judge_batches_of_messages_singly(iam_actions)
    authorization.tell_denials(iam_actions)
    key_rights.check_keys(iam_evaluator, dynamodb, s3, sqs, kms, iam_actions.logger)
    key_rights.encrypt_buckets_of_stacks(s3, provisioners)
    key_rights.encrypt_tables_of_stacks(dynamodb, provisioners)
    alarms.take_alarms_of_several_metrics(provisioners)
    athena.run_queries_once(ministack_athena)
    athena.write_results_as_athena(ministack_athena)
    workers.report_error_types(lambda_runtime, lambda_svc)
    workers.share_extracted_code(lambda_runtime, code_cache)
    tables.read_pages_only(dynamodb)
    transactions.know_repeated_transactions(dynamodb)
    transactions.serialize_calls(dynamodb)
    schedules.refuse_what_aws_refuses(scheduler, provisioners)
    notifications.notify_late(s3, late or Notifications())
    service = mail.send_mail(
        app, ses_v2, eventbridge, mail_settings or MailSettings(), Mailbox(mail_folder)
    )
    mail.take_the_default_bus_only(ses_v2)
    mail.verify_nothing_by_itself(provisioners)
    mail.judge_senders(app, ses_v2, service)
    if usage_log is not None:  # before the bound: waiting for a turn is not billed
        modules = (dynamodb, eventbridge, lambda_svc, s3, sqs, stepfunctions)
        log_usage(UsageLog(usage_log), {m.__name__.rpartition(".")[2]: m for m in modules})
    workers.bound_workers(lambda_svc, bound)
    workers.drain_log_to_mark(lambda_runtime)
    workers.finish_running_invocations(lambda_runtime, lambda_svc)
    state_machines.evaluate_succeed_output(stepfunctions)
    state_machines.repeat_a_start(stepfunctions)
    state_machines.name_throttles(stepfunctions)
    if sdk_quicksight_url is not None:
        state_machines.call_quicksight(stepfunctions, sdk_quicksight_url)
    state_machines.end_at_timeout(stepfunctions)


def main() -> None:
    """Patch, then serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers-per-function", type=int, default=WorkerBound.per_function)
    parser.add_argument("--workers-polling", type=int, default=WorkerBound.polling)
    parser.add_argument("--workers", type=int, default=WorkerBound.total)
    parser.add_argument("--code-cache", type=Path, required=True)
    parser.add_argument("--usage-log", type=Path, help="where to write what would be billed")
    parser.add_argument("--sdk-quicksight-url", help="what state machines' own calls go to")
    parser.add_argument(
        "--notifications", default="{}", help="JSON: how late S3's are (Notifications)"
    )
    parser.add_argument("--mail", default="{}", help="JSON: what SES allows (MailSettings)")
    parser.add_argument("--mail-folder", type=Path, required=True, help="where messages are kept")
    arguments = parser.parse_args()
    bound = WorkerBound(
        per_function=arguments.workers_per_function,
        polling=arguments.workers_polling,
        total=arguments.workers,
    )
    apply_patches(
        bound,
        arguments.code_cache,
        usage_log=arguments.usage_log,
        sdk_quicksight_url=arguments.sdk_quicksight_url,
        late=Notifications(**json.loads(arguments.notifications)),
        mail_settings=MailSettings.from_json(arguments.mail),
        mail_folder=arguments.mail_folder,
    )
    from ministack.app import main as serve

    sys.argv = ["ministack"]
    serve()


if __name__ == "__main__":
    main()
