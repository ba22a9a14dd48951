"""A large ledger, made by PostgreSQL itself: every balance, chain and closing of it is right.

A customer's documents go round: an order that stays reserved, an invoice, and a payment of that invoice:
in full, but for every `half_every`-th, which is of one half. They are spread evenly over the business dates,
all of which but the last are closed. The same arguments make the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import psycopg2

from services.common.caller import service_caller
from services.common.db import Database
from services.limits import model, store
from services.limits.chain import AMOUNTS, ROOT, TEXTS

_SOURCE = "big"
_KINDS = {"payment": "7002", "order": "7003", "invoice": "7004"}


@dataclass(frozen=True)
class Size:
    """How large: `documents` is how many each customer has, `term_days` the term of each invoice.

    With `half_every` 2 every other payment leaves one half of its invoice open.
    """

    customers: int
    documents: int
    days: int
    today: date
    term_days: int = 30
    half_every: int = 2
    seed: int = 1


def customer_number(size: Size, number: int) -> str:
    """The id of a customer, counted from 1."""
    return f"00000000-{size.seed:04x}-7000-8000-{number:012x}"


def fill_ledger(url: str, size: Size) -> None:
    """Fill an empty, migrated database of limits."""
    connection = psycopg2.connect(
        url.replace("+psycopg2", "", 1), options="-c synchronous_commit=off -c work_mem=256MB"
    )
    known = {
        "customers": size.customers,
        "documents": size.documents,
        "days": size.days,
        "today": size.today,
        "first": size.today - timedelta(days=size.days - 1),
        "term": size.term_days,
        "half_every": size.half_every,
        "prefix": f"00000000-{size.seed:04x}-",
        "source": _SOURCE,
        "root": ROOT,
    }
    try:
        with connection, connection.cursor() as cursor:
            for statement in (*_BEFORE, *_ROWS):
                cursor.execute(statement, known)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    finally:
        connection.close()
    _add_roots(url, size)


def _add_roots(url: str, size: Size) -> None:
    database = Database(url, model.metadata, name="limits")
    try:
        before = ROOT
        for place in range(size.days - 1):
            on = size.today - timedelta(days=size.days - 1 - place)
            with database.begin(service_caller("limits")) as work:
                before, _ = store.root_on(work, on, before)
                store.change_day(work, on, {"root": before})
    finally:
        database.dispose()


def _id(kind: str, number: str, document: str = "0") -> str:
    """SQL for the id of a row: of a kind, of a customer, of a document of that customer."""
    # The parts are short hexadecimal numbers, so ids sort by customer, then by document.
    return (
        f"(%(prefix)s || '{kind}-8000-' || lpad(to_hex(({number})::bigint * 16777216 + ({document})::bigint),"
        " 12, '0'))::uuid"
    )


_CUSTOMER = "(%(prefix)s || '7000-8000-' || lpad(to_hex((number)::bigint), 12, '0'))::uuid"
_POOL = _id("7001", "number")
_DOCUMENT = {kind: _id(code, "number", "document") for kind, code in _KINDS.items()}
_HASHED = ", ".join(
    [
        *TEXTS,
        *AMOUNTS,
        "effective_date",
        """to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00'""",
    ]
)

_BEFORE = (
    # Every row is made from those it names: a superuser may leave out asking for each whether they are there.
    """
    SELECT set_config('session_replication_role', 'replica', true) FROM pg_roles
    WHERE rolname = current_user AND rolsuper
    """,
    """
    CREATE FUNCTION pg_temp.link(before text, line text) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT encode(sha256(convert_to(concat_ws(E'\\n', before, line), 'UTF8')), 'hex') $$
    """,
    # Even numbers of cents, so that one half is exact.
    """
    CREATE FUNCTION pg_temp.amount(number bigint, document bigint) RETURNS numeric LANGUAGE sql IMMUTABLE AS
    $$ SELECT (1 + (hashint8extended(number, document) & 65535)) * 2 / 100.0 $$
    """,
    "CREATE AGGREGATE pg_temp.link_all(text) (SFUNC = pg_temp.link, STYPE = text, INITCOND = '')",
    f"""
    CREATE TEMPORARY TABLE made ON COMMIT DROP AS
    SELECT number, document, {_CUSTOMER} AS customer_id, {_POOL} AS pool_id, kind,
        CASE kind WHEN 'order' THEN {_DOCUMENT["order"]} WHEN 'invoice' THEN {_DOCUMENT["invoice"]}
            ELSE {_DOCUMENT["payment"]} END AS id,
        kind || '-' || number || '-' || document AS document_no,
        -- A payment speaks of the invoice right before it: in full, or of one half.
        CASE WHEN kind <> 'payment' THEN amount
            WHEN document / 3 %% %(half_every)s = 1 THEN before / 2 ELSE before END::numeric(24, 4) AS amount,
        on_date, on_date + time '02:00' + document * interval '1 second' AS recorded_at
    FROM (
        SELECT number, document, (ARRAY['payment', 'order', 'invoice'])[document %% 3 + 1] AS kind,
            pg_temp.amount(number, document) AS amount, pg_temp.amount(number, document - 1) AS before,
            %(first)s::date + ((document - 1) * %(days)s / %(documents)s)::int AS on_date
        FROM generate_series(1, %(customers)s::bigint) AS number,
            generate_series(1, %(documents)s::bigint) AS document
    ) AS documents
    """,
    "ANALYZE made",
)

_ROWS = (
    f"""
    INSERT INTO customers (id, code, name, salesperson, department, active)
    SELECT {_CUSTOMER}, 'B-' || number, '客户 ' || number, 'sales', 'S', true
    FROM generate_series(1, %(customers)s::bigint) AS number
    """,
    f"""
    INSERT INTO grants (id, customer_id, pool_kind, pool_key, segment, kind, change, amount, unlimited,
        currency, valid_from, term_days, granted_by, granted_at)
    SELECT {_id("7005", "number")}, {_CUSTOMER}, 'customer', ({_CUSTOMER})::text, '', 'base', 'grant',
        900000000000, false, 'CNY', %(first)s::date, 30, 'user:big', %(first)s::date + time '01:00'
    FROM generate_series(1, %(customers)s::bigint) AS number
    """,
    f"""
    INSERT INTO pools (id, kind, key, segment, currency, reserved, delivered, receivable, entries, head,
        controlled)
    SELECT {_POOL}, 'customer', ({_CUSTOMER})::text, '', 'CNY', 0, 0, 0, 0, '', true
    FROM generate_series(1, %(customers)s::bigint) AS number
    """,
    """
    INSERT INTO orders (id, source, company, order_no, customer_id, amount, currency, order_date,
        delivery_date, salesperson, status, revision, content_revision, delivered_total, invoiced_total,
        reserved, delivered, effective_date, created_at, updated_at)
    SELECT id, %(source)s, '', document_no, customer_id, amount, 'CNY', on_date,
        on_date + (document * 7 %% 90)::int, 'sales', 'reserved', 1, 1, 0, 0, amount, 0, on_date,
        recorded_at, recorded_at
    FROM made WHERE kind = 'order'
    """,
    """
    CREATE TEMPORARY TABLE paid ON COMMIT DROP AS
    SELECT invoice.id AS invoice_id, payment.id AS payment_id, payment.customer_id, payment.number,
        payment.document, invoice.document_no, invoice.amount AS invoiced, payment.amount,
        payment.on_date, payment.recorded_at
    FROM made AS payment
    JOIN made AS invoice ON invoice.number = payment.number AND invoice.document = payment.document - 1
    WHERE payment.kind = 'payment'
    """,
    """
    INSERT INTO invoices (id, source, company, segment, invoice_no, customer_id, amount, open_amount,
        written_off, disputed, currency, invoice_date, due_date, last_due_date, salesperson, status, revision,
        recorded_at, open_since, changed_on)
    SELECT id, %(source)s, '', '', made.document_no, made.customer_id, made.amount,
        made.amount - coalesce(paid.amount, 0), 0, 0, 'CNY', made.on_date, made.on_date + %(term)s::int,
        made.on_date + %(term)s::int, 'sales',
        CASE WHEN made.amount = coalesce(paid.amount, 0) THEN 'paid' ELSE 'open' END, 1, made.recorded_at,
        made.on_date, coalesce(paid.on_date, made.on_date)
    FROM made LEFT JOIN paid ON paid.invoice_id = made.id WHERE kind = 'invoice'
    """,
    """
    INSERT INTO payments (id, kind, source, company, segment, payment_no, customer_id, amount, unallocated,
        currency, paid_at, method, status, recorded_at, free_since)
    SELECT id, 'payment', %(source)s, '', '', document_no, customer_id, amount, 0, 'CNY', on_date, 'transfer',
        'recorded', recorded_at, on_date
    FROM made WHERE kind = 'payment'
    """,
    f"""
    INSERT INTO allocations (id, payment_id, invoice_id, customer_id, invoice_no, amount, allocated_on,
        automatic)
    SELECT {_id("7006", "number", "document")}, payment_id, invoice_id, customer_id, document_no, amount,
        on_date, false
    FROM paid
    """,
    """
    INSERT INTO reserved_changes (order_id, customer_id, currency, delivery_date, change, effective_date,
        recorded_at)
    SELECT id, customer_id, currency, delivery_date, reserved, effective_date, created_at FROM orders
    """,
    """
    INSERT INTO order_days (customer_id, order_date, currency, amount, count)
    SELECT customer_id, order_date, currency, sum(amount), count(*) FROM orders GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO open_changes (invoice_id, customer_id, change, effective_date, posted_on, recorded_at)
    SELECT id, customer_id, amount, on_date, on_date, recorded_at FROM made WHERE kind = 'invoice'
    UNION ALL SELECT invoice_id, customer_id, -amount, on_date, on_date, recorded_at FROM paid
    """,
    f"""
    INSERT INTO entries (pool_id, customer_id, action, document_type, document_id, document_no, reserved,
        delivered, receivable, effective_date, recorded_at, actor, trace_id, place, hash)
    SELECT pool_id, customer_id, action, document_type, document_id, document_no, reserved, delivered,
        receivable, effective_date, recorded_at, 'user:big', '', place,
        pg_temp.link_all(concat_ws(E'\\n', {_HASHED})) OVER (PARTITION BY pool_id ORDER BY place)
    FROM (
        SELECT pool_id, customer_id, CASE kind WHEN 'order' THEN 'reserve' ELSE kind END AS action,
            kind AS document_type, id AS document_id, document_no,
            (CASE kind WHEN 'order' THEN amount ELSE 0 END)::numeric(24, 4) AS reserved,
            0::numeric(24, 4) AS delivered,
            (CASE kind WHEN 'order' THEN 0 WHEN 'invoice' THEN amount ELSE -amount END)::numeric(24, 4)
                AS receivable,
            on_date AS effective_date, recorded_at AT TIME ZONE 'UTC' AS recorded_at, document AS place
        FROM made
    ) AS lines ORDER BY recorded_at, pool_id
    """,
    """
    CREATE TEMPORARY TABLE ends ON COMMIT DROP AS
    SELECT DISTINCT ON (pool_id, effective_date) pool_id, effective_date AS date, place AS entries,
        hash AS head, recorded_at, reserved, receivable
    FROM (
        SELECT pool_id, effective_date, place, hash, recorded_at,
            sum(reserved) OVER places AS reserved, sum(receivable) OVER places AS receivable
        FROM entries WINDOW places AS (PARTITION BY pool_id ORDER BY place)
    ) AS running ORDER BY pool_id, effective_date, place DESC
    """,
    """
    INSERT INTO closings (pool_id, date, entries, head, recorded_at, first_reserved, first_delivered,
        first_receivable, reserved, delivered, receivable)
    SELECT pool_id, date, entries, head, recorded_at, reserved, 0, receivable, reserved, 0, receivable
    FROM ends WHERE date < %(today)s
    """,
    """
    UPDATE pools SET entries = last.entries, head = last.head, recorded_at = last.recorded_at,
        reserved = last.reserved, receivable = last.receivable
    FROM (SELECT DISTINCT ON (pool_id) * FROM ends ORDER BY pool_id, date DESC) AS last
    WHERE last.pool_id = pools.id
    """,
    """
    UPDATE pools SET closed_on = last.date, closed_entries = last.entries
    FROM (
        SELECT DISTINCT ON (pool_id) pool_id, date, entries FROM closings ORDER BY pool_id, date DESC
    ) AS last
    WHERE last.pool_id = pools.id
    """,
    """
    INSERT INTO business_dates (date, opened_at, opened_by, overdue_customers, step)
    SELECT day::date, day + time '00:00', 'user:big', 0,
        CASE WHEN day::date = %(today)s::date THEN 'open' ELSE 'closed' END
    FROM generate_series(%(first)s::timestamp, %(today)s::timestamp, interval '1 day') AS day
    """,
    "INSERT INTO business_clock (singleton, date, follows_schedule) VALUES (true, %(today)s, false)",
)
