"""What every table of the limit ledger stands on."""

from sqlalchemy import Integer, literal_column

from services.common.tables import service_metadata

metadata = service_metadata()

# What took longer than so many days (to be paid, or to be told) has indexes of its own, so that a view of
# a date need look at no more than so many days around it, and at these.
LONG_DAYS = literal_column("30", Integer)
