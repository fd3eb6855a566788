"""How right the registry is, against labels ``platform, account_id, month, party_id, decidable`` (and what else they tell).

Pure: frames in, numbers out. *Known* accounts are those whose label is decidable, with their holder in the last month given;
a pair is a pair of known accounts, *true* when one party holds both, *found* when one entity does. Pairs are counted from
the sizes of groups, never listed, so that a county of a million accounts takes seconds.
"""

from zp_registry.evaluation.report import Inputs, evaluate, summary_tables

__all__ = ["Inputs", "evaluate", "summary_tables"]
