"""What a router in virtual time streams."""

from core.chat import RouteChanged
from tests.core.routing.scripted import request


async def stream(bench, **fields):
    return [event async for event in bench.router.stream(request(**fields))]


def changes(events):
    return [event.reason for event in events if isinstance(event, RouteChanged)]
