"""SES's sending, emulated: its limits, its refusals, its events, and a mailbox for what it accepts.

`service` answers the operations, `account/mail.py` puts it in the place of ministack's, `mailbox`
keeps and reads real messages, `page` shows them. Sources, unless a docstring names another: the
Amazon SES Developer Guide and botocore's model of `sesv2`. What the two leave open is marked, and
listed in docs/real-account.md.
"""

from local.mail.mailbox import Attachment as Attachment
from local.mail.mailbox import Mail as Mail
from local.mail.mailbox import Mailbox as Mailbox
from local.mail.settings import MailSettings as MailSettings
