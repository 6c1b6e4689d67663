"""What capacity costs and serves: a gigawatt, a commitment or a number of chips, as ranges over conflicting claims."""

from trivium.capital.capacity._buys import CHOICES, Assumptions, Buys, Swing, buys, swings
from trivium.capital.capacity._evidence import Evidence, Lag, Silicon, gigawatt_costs, lags, proxy_costs, silicon
from trivium.capital.capacity._range import Range

__all__ = [
    "CHOICES",
    "Assumptions",
    "Buys",
    "Evidence",
    "Lag",
    "Range",
    "Silicon",
    "Swing",
    "buys",
    "gigawatt_costs",
    "lags",
    "proxy_costs",
    "silicon",
    "swings",
]
