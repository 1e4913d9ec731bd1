"""The sample dashboards and their data sets.

Every sheet has a table or pivot table that shows the customers' ids; the tag `customer_id` alone
fulfils the rules of every data set. The sheets' names, after which files are named, are written in
several scripts, with signs that mean something in addresses.
"""

from datetime import UTC, datetime

from local.quicksight.catalogue import (
    Dashboard,
    DataSet,
    Parameter,
    Sheet,
    TagRule,
    bars,
    kpi,
    line,
    pivot,
    table,
)

SAMPLE_DATA_SETS = (
    DataSet("invoices", "Invoices", (TagRule("customer_id", "customer_id"),)),
    DataSet(
        "sales",
        "Sales",
        (
            TagRule("customer_id", "customer_id", delimiter=",", match_all="*"),
            TagRule("region", "region"),
        ),
        (("customer_id",), ("customer_id", "region")),
    ),
    DataSet(
        "places",
        "Places",
        (
            TagRule("customer_id", "customer_id"),
            TagRule("region", "region", delimiter="|", match_all="ALL"),
            TagRule("manager", "manager"),
        ),
        (("customer_id",), ("region", "manager")),
    ),
)

_PARAMETERS = (
    Parameter("Region", "String", multi_valued=True),
    Parameter("Year", "Integer", multi_valued=True),
    Parameter("MinAmount", "Decimal", (0.0,)),
    Parameter("From", "DateTime", (datetime(2023, 1, 1, tzinfo=UTC).timestamp(),)),
    Parameter("To", "DateTime"),
)
"""Those that selection.py knows; their defaults leave no row out."""
_INVOICE = "customer_id customer invoice_id date status amount"
_ORDER = "customer_id invoice_id date product quantity amount"
_PLACE = "customer_id customer region amount"
_DATA_SETS = {_INVOICE: "invoices", _ORDER: "sales", _PLACE: "places"}


def _summary(title: str, column: str) -> Sheet:
    return Sheet(
        "summary",
        "Übersicht #1?",
        (
            kpi("total", title),
            bars("by-" + column, f"{title} by {column}", column),
            pivot("by-customer", f"{title} by customer", "customer_id customer"),
        ),
    )


def _details(title: str, columns: str, more: str) -> Sheet:
    return Sheet(
        "details",
        "詳細 50 % + more",
        (
            table("lines", title, columns),
            pivot("by-customer-and-" + more, f"By {more}", f"customer_id {more}"),
            line("by-month", "By month", "month"),
        ),
    )


def _dashboard(
    dashboard_id: str, name: str, *, title: str, group: str, columns: str, only: str = ""
) -> Dashboard:
    sheets = (_summary(title, group), _details(name, columns, group))
    data_sets = (_DATA_SETS[columns],)
    rows = {"status": only} if only else {}
    return Dashboard(dashboard_id, name, sheets, data_sets, rows, _PARAMETERS)


_PACK = Dashboard(
    "board-pack",
    "Board pack",
    (
        Sheet(
            "all-tables",
            "All tables & 100 %?",
            (
                table("invoices", "Invoices", _INVOICE),
                table("orders", "Orders", _ORDER),
                table("places", "Places", _PLACE),
                pivot("by-status", "By status", "customer_id status"),
                pivot("by-product", "By product", "customer_id product"),
                pivot("by-region", "By region", "customer_id region"),
            ),
        ),
        *(
            Sheet(f"part-{number}", f"ملحق #{number}", (table("lines", "Lines", _INVOICE),))
            for number in range(1, 6)
        ),
    ),
    ("invoices",),
    parameters=_PARAMETERS,
)

SAMPLE_DASHBOARDS = (
    _dashboard("sales-overview", "Sales overview", title="Sales", group="region", columns=_ORDER),
    _dashboard(
        "open-invoices",
        "Open invoices",
        title="Outstanding",
        group="region",
        columns=_INVOICE,
        only="open",
    ),
    _dashboard(
        "paid-invoices",
        "Paid invoices",
        title="Received",
        group="region",
        columns=_INVOICE,
        only="paid",
    ),
    _dashboard(
        "customer-statement",
        "Customer statement",
        title="Balance",
        group="status",
        columns=_INVOICE,
    ),
    _dashboard(
        "product-performance",
        "売上+利益",
        title="Revenue",
        group="product",
        columns=_ORDER,
    ),
    _dashboard(
        "revenue-by-region",
        "Umsatz & Ertrag 100 % #1?",
        title="Revenue",
        group="region",
        columns=_PLACE,
    ),
    _dashboard("order-details", "Order details", title="Orders", group="product", columns=_ORDER),
    _dashboard(
        "monthly-report", "Monthly report", title="Turnover", group="month", columns=_INVOICE
    ),
    _dashboard("account-summary", "كشف حساب العميل", title="Account", group="year", columns=_PLACE),
    _dashboard(
        "regional-targets",
        "Regional targets",
        title="Attained",
        group="region",
        columns=_PLACE,
    ),
    _dashboard(
        "executive-brief", "Executive brief", title="Turnover", group="year", columns=_ORDER
    ),
    _PACK,
)
