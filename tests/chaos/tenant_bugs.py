"""Deliberate bugs by which one customer's rows reach another, or are nobody's."""

from __future__ import annotations

from tests.chaos.bug import ADAPTERS, DOMAIN, FLOWS, Bug

TENANT_BUGS = (
    Bug(
        "results by position",
        (
            (
                f"{DOMAIN}/results.py",
                "        selection = group.files[0]\n",
                "        selection = [*asked.values()][(number - 1) % len(asked)]\n",
            ),
        ),
    ),
    Bug(
        "results by format",
        (
            (
                f"{DOMAIN}/results.py",
                "        selection = group.files[0]\n",
                """        selection = next(
            each
            for each, left in open_positions.items()
            if left and each.format == group.files[0].format
        )
""",
            ),
        ),
    ),
    Bug(
        "a merged file without its last sheet",
        (
            (
                f"{FLOWS}/export/merge_sheets.py",
                "    for titles, file in zip(merge.bookmarks, export.held, strict=True):\n",
                "    for titles, file in [*zip(merge.bookmarks, export.held, strict=True)][:-1]:\n",
            ),
        ),
    ),
    Bug(
        "an address parsed as a URL",
        (
            (
                f"{DOMAIN}/object_address.py",
                """        bucket, slash, key = text.removeprefix(SCHEME).partition("/")
""",
                """        from urllib.parse import urlsplit

        parts = urlsplit(text)
        bucket, slash, key = parts.netloc, "/", parts.path.removeprefix("/")
""",
            ),
        ),
    ),
    Bug(
        "a link parsed as a URL",
        (
            (
                f"{ADAPTERS}/s3/files.py",
                """        place = ObjectAddress.parse(uri)
        if place.bucket != self._bucket:
            return None
""",
                """        from urllib.parse import urlsplit

        parts = urlsplit(uri)
        place = ObjectAddress(parts.netloc, parts.path.removeprefix("/"))
        if place.bucket != self._bucket:
            return None
""",
            ),
        ),
    ),
    Bug(
        "a link to another file of the export",
        (
            (
                f"{FLOWS}/view.py",
                "        for file in export.files\n",
                "        for file in reversed(export.files)\n",
            ),
        ),
    ),
    Bug(
        "the template's tags for who brings none",
        (
            (
                f"{DOMAIN}/burst_request.py",
                "    if tags is None and not same_rows_for_all:\n",
                """    is_of_template = any(name in template for name in USER_MEMBERS)
    if tags is None and not same_rows_for_all and not is_of_template:
""",
            ),
        ),
    ),
    Bug(
        "the template's tags before a recipient's",
        (
            (
                f"{DOMAIN}/burst_request.py",
                """        body["UserConfiguration"] = {"AnonymousUsers": [user]}
""",
                """        body.setdefault("UserConfiguration", {"AnonymousUsers": [user]})
""",
            ),
        ),
    ),
    Bug(
        "a name without its claim",
        (
            (
                f"{FLOWS}/export/file_names.py",
                """        if services.names.claim(place, owner, expires_at, is_taken=is_taken):
            return candidate
""",
                """        return candidate
""",
            ),
        ),
    ),
    Bug(
        "a claim of the whole burst",
        (
            (
                f"{FLOWS}/export/file_names.py",
                """    return f"{export.export_id}#{export.nonce}#{position}"
""",
                """    return f"{export.burst_id or export.export_id}#{position}"
""",
            ),
        ),
    ),
    Bug(
        "a claim of one spelling",
        ((f"{ADAPTERS}/table/name_claims.py", "sha256(fold(str(place))", "sha256((str(place))"),),
    ),
    Bug(
        "a discard by name",
        (
            (
                f"{FLOWS}/export/file_names.py",
                "            if services.names.owner_of(place) == _owner(export, position):\n",
                "            if services.names.owner_of(place):\n",
            ),
        ),
    ),
    Bug(
        "a prefix that is another's prefix",
        (
            (
                f"{DOMAIN}/naming.py",
                """            return prefix if prefix.endswith("/") else f"{prefix}/"
""",
                """            return raw_prefix(export_id).removesuffix("/")
""",
            ),
            (
                f"{ADAPTERS}/s3/files.py",
                """        if folder is not None and not folder.endswith("/"):
            raise ValueError("only a whole folder is discarded")
""",
                "",
            ),
        ),
    ),
    Bug(
        "cache of the guard kept too long",
        ((f"{FLOWS}/dashboard/published.py", "KEPT_SECONDS = 60.0", "KEPT_SECONDS = 86_400.0"),),
    ),
    Bug(
        "the value that matches all is taken",
        (
            (
                f"{DOMAIN}/row_level_security.py",
                "if ALLOW_MATCH_ALL not in allowances and rule.matches_all(",
                "if ALLOW_MATCH_ALL not in allowances and rule.match_all == repr(",
            ),
        ),
    ),
    Bug(
        "several values are taken",
        (
            (
                f"{DOMAIN}/row_level_security.py",
                "        return bool(self.delimiter) and str(self.delimiter) in value\n",
                "        return bool(self.delimiter) and value == self.delimiter\n",
            ),
        ),
    ),
    Bug(
        "a RecipientId twice",
        (
            (
                f"{DOMAIN}/recipients.py",
                "        if first == record.line:\n",
                "        if first <= record.line:\n",
            ),
        ),
    ),
    Bug(
        "a lone CR ends no line",
        (
            (
                f"{DOMAIN}/manifest_lines.py",
                r"""re.compile(rb"\r\n|\n|\r")""",
                r"""re.compile(rb"\r\n|\n")""",
            ),
        ),
    ),
    Bug(
        "a taken id that nobody counts",
        (
            (
                f"{FLOWS}/burst/expand.py",
                "            refusals += "
                "[refusal_of_taken_id(exports[at].export_id) for at in taken]\n",
                "",
            ),
        ),
    ),
    Bug(
        "a name without its claim in a later revision",
        (
            (
                f"{FLOWS}/export/file_names.py",
                """        if services.names.claim(place, owner, expires_at, is_taken=is_taken):
""",
                """        if (
            services.names.claim(place, owner, expires_at, is_taken=is_taken)
            or export.revision > 1
        ):
""",
            ),
        ),
    ),
    Bug(
        "a retry of the line below",
        (
            (
                f"{FLOWS}/burst/retry.py",
                "    lines = frozenset(line_of(item[",
                "    lines = frozenset(1 + line_of(item[",
            ),
        ),
    ),
    Bug(
        "a skipped export leaves what it delivered before",
        (
            (
                f"{FLOWS}/export/collect.py",
                "    if export.failures or export.revision > 1:\n",
                "    if export.failures:\n",
            ),
        ),
    ),
    Bug(
        "the note of another recipient",
        (
            (
                f"{FLOWS}/burst/manifest.py",
                "TOUCH_EVERY_READS = 50\n",
                "TOUCH_EVERY_READS = 50\n_NOTED = [False]\n",
            ),
            (
                f"{FLOWS}/burst/manifest.py",
                "    if export.is_empty:\n",
                "    _NOTED.append(export.is_empty)\n    if _NOTED.pop(0):\n",
            ),
        ),
    ),
    Bug(
        "a note that a later part takes away",
        (
            (
                f"{FLOWS}/export/collect.py",
                """    if export.part == 0:
        export = replace(""",
                """    if export.part >= 0:
        export = replace(""",
            ),
        ),
    ),
    Bug(
        "a probe that is delivered",
        (
            (
                f"{FLOWS}/export/collect.py",
                "        if rule.is_hidden:\n            del outcomes[0]\n",
                "",
            ),
        ),
    ),
)
"""All of them are claimed by the part `tenants`."""
