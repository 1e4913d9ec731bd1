"""An emulator of Amazon QuickSight's dashboard snapshot operations, for real boto3 clients.

Besides: what a caller reads of the account before, and registered users' identities.

`QuickSightServer` is the HTTP form, `Emulator` the same without HTTP. The facts behind every rule
are in the botocore service model `quicksight/2018-04-01` and the text of AWS's documentation;
what neither says is marked `[? id]` where it is decided, with the row of that id in
docs/real-account.md.
"""

from local.quicksight.emulator import Emulator
from local.quicksight.errors import ServiceError
from local.quicksight.server import QuickSightServer
from local.quicksight.settings import OtherPlace, Settings

__all__ = ["Emulator", "OtherPlace", "QuickSightServer", "ServiceError", "Settings"]
