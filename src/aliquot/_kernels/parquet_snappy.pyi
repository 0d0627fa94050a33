from typing import Any

LARGEST_RATIO: int

def decompress(data: Any, out: Any) -> bool: ...
