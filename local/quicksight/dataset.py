"""The sample data: many customers and their invoices, the same in every run."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

CUSTOMERS = 320
REGIONS = ("AMER", "APAC", "EMEA", "LATAM")
YEARS = (2023, 2024, 2025)

_FIRST = ("Alder", "Birch", "Cedar", "Dune", "Elm", "Fjord", "Glen", "Heath", "Iris", "Juniper")
_SECOND = ("Foods", "Freight", "Glass", "Labs", "Mills", "Motors", "Paper", "Steel")
_PRODUCTS = ("Anvil", "Bracket", "Coupling", "Damper", "Fastener")
_GENERATOR_SEED = 20180401


@dataclass(frozen=True)
class Invoice:
    """One row of the data set; the members are its columns."""

    customer_id: str
    customer: str
    region: str
    manager: str
    invoice_id: str
    time: datetime
    product: str
    quantity: int
    amount: Decimal
    status: str

    @property
    def date(self) -> str:
        """The day, as `2025-01-31`."""
        return f"{self.time:%Y-%m-%d}"

    @property
    def month(self) -> str:
        """The month, as `2025-01`."""
        return f"{self.time:%Y-%m}"

    @property
    def year(self) -> int:
        """The year."""
        return self.time.year


@cache
def load_invoices() -> tuple[Invoice, ...]:
    """All rows, by customer and time; each customer has open and paid ones in every year."""
    source = random.Random(_GENERATOR_SEED)
    return tuple(
        invoice for number in range(1, CUSTOMERS + 1) for invoice in _invoices_of(number, source)
    )


def _invoices_of(number: int, source: random.Random) -> list[Invoice]:
    name = f"{source.choice(_FIRST)} {source.choice(_SECOND)} {number}"
    region = source.choice(REGIONS)
    kinds = [(year, status) for year in YEARS for status in ("open", "paid")]
    kinds += [(source.choice(YEARS), "paid") for _ in range(source.randint(2, 12))]
    times = sorted((_time_in(year, source), status) for year, status in kinds)
    return [
        Invoice(
            customer_id=f"cust-{number:04}",
            customer=name,
            region=region,
            manager=f"manager-{number % 8 + 1}",
            invoice_id=f"inv-{number:04}-{index:02}",
            time=time,
            product=source.choice(_PRODUCTS),
            quantity=source.randint(1, 40),
            amount=Decimal(source.randint(1_000, 500_000)) / 100,
            status=status,
        )
        for index, (time, status) in enumerate(times, start=1)
    ]


def _time_in(year: int, source: random.Random) -> datetime:
    start = datetime(year, 1, 1, tzinfo=UTC)
    return start + timedelta(minutes=source.randrange(364 * 24 * 60))
