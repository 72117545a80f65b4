"""Which port a connection means (ENGINE section 1.5)."""

from __future__ import annotations

from collections.abc import Sequence

from smyth.document.model import InputPort, OutputPort

#: ``target_index`` of a connection that starts an endpoint instead of feeding one of its inputs.
CONTROL = -1


def position(ports: Sequence[InputPort | OutputPort], index: int | str) -> int | None:
    """Return the position that ``index`` means, or ``None`` when there is no such port.

    A number is a position in the list, whatever the ports' own ``index`` members say; a text is a name.
    """
    if isinstance(index, int):
        return index if 0 <= index < len(ports) else None
    return next((place for place, port in enumerate(ports) if port.name == index), None)
