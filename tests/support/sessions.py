"""A boto3 session that makes each client once: a World asks for 17, most of its cost otherwise."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import boto3


class SharedSession(boto3.Session):
    """Clients of one service, with the same arguments and AWS_ variables, are one client."""

    NEW: ClassVar[frozenset[str]] = frozenset()
    """Services of which each client is a new one."""
    _made: dict[str, Any]

    def client(self, *arguments: Any, **more: Any) -> Any:
        parent: Any = super()
        if arguments[0] in self.NEW:
            return parent.client(*arguments, **more)
        made = self.__dict__.setdefault("_made", {})
        config = more.get("config")
        options = config._user_provided_options if config else None
        rest = {name: value for name, value in more.items() if name != "config"}
        variables = {name: value for name, value in os.environ.items() if name[:4] == "AWS_"}
        key = repr((arguments, rest, options, variables))
        if key not in made:
            made[key] = parent.client(*arguments, **more)
        return made[key]


class WorldSession(SharedSession):
    """For worlds that hang something on their client of the table (writes, the server's clock)."""

    NEW = frozenset({"dynamodb"})
