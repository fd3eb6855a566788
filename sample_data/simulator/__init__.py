"""A seeded simulator of an invented county: reports in the nine layouts, pledge ledgers, and labels of what is true.

No names or numbers of real people: everything is drawn at random, with right check digits.
"""

from .base import LAYOUTS, PLATFORMS
from .dirt import CLEAN, Dirt
from .generate import generate

__all__ = ["CLEAN", "LAYOUTS", "PLATFORMS", "Dirt", "generate"]
