"""What the processes with a REST edge pass to service_kit."""

from common.conventions import ERROR_DOMAIN, ROUTED_BY, SUBJECT, USER_HEADER
from service_kit.context import Conventions

CONVENTIONS = Conventions(USER_HEADER, ROUTED_BY, ERROR_DOMAIN, SUBJECT)
