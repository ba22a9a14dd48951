"""What every table of the limit ledger stands on."""

from services.common.tables import service_metadata

metadata = service_metadata()
