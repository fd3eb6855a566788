"""A match model: everything that the score of a pair depends on besides the two rows, as one JSON."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

import sqlglot
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlglot.errors import SqlglotError

from zp_registry.errors import UsageError

FORMAT: Final = "zp-registry match model 1"
_KNOWN = {
    "link_type", "comparisons", "blocking_rules_to_generate_predictions", "probability_two_random_records_match",
    "em_convergence", "max_iterations", "retain_matching_columns", "retain_intermediate_calculation_columns",
    "additional_columns_to_retain", "unique_id_column_name", "source_dataset_column_name", "match_weight_column_prefix",
    "term_frequency_adjustment_column_prefix", "comparison_vector_value_column_prefix", "linker_uid", "sql_dialect",
}  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bands(_Part):
    """Match weights (log2 of the odds that two rows are one): from ``link`` on a pair is linked, from ``review`` on a person
    looks at it, below it is none; ``margin``: a pair is linked only if no other candidate comes as near as this."""

    link: float
    review: float
    margin: float = Field(ge=0)


class Frequencies(_Part):
    """How often the commonest values of a column occur (share of the rows that have one); ``default`` holds for all others.
    Frozen with the model, so that a pair's score does not change with what else is reported."""

    default: float = Field(gt=0, le=1)
    values: dict[str, float] = Field(default_factory=dict)


class MatchModel(_Part):
    """``splink``: settings of Splink 5 with m and u of every level (DuckDB's SQL) · ``labels``: Chinese words for the
    comparisons by ``output_column_name`` (those of the levels are their ``label_for_charts``) · ``frequencies``: by column,
    for every column that a level adjusts for."""

    format: Literal["zp-registry match model 1"] = FORMAT
    version: str
    name: str
    bands: Bands
    labels: dict[str, str] = Field(default_factory=dict)
    splink: dict[str, Any]
    frequencies: dict[str, Frequencies] = Field(default_factory=dict)

    @property
    def unique_id(self) -> str:
        """The column that names a row."""
        return str(self.splink.get("unique_id_column_name", "unique_id"))

    @property
    def comparisons(self) -> list[dict[str, Any]]:
        """Splink's comparisons, in the order of explanations."""
        return list(self.splink["comparisons"])

    def hash(self) -> str:
        """What scores and bands depend on, as sixteen hexadecimal digits: the same for the same model however it is written."""
        parts = self.model_dump(mode="json", include={"bands", "splink", "frequencies"})
        return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """The model as load_model and read_model take it."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"


def load_model(path: Path | None = None) -> MatchModel:
    """The model in a file, or the packaged default. Raises UsageError with all its faults together."""
    if path is None:
        return read_model(files("zp_registry.resolve.model").joinpath("default.json").read_text("utf-8"), "the default model")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not in UTF-8: save it so") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    return read_model(text, str(path))


def read_model(text: str, where: str) -> MatchModel:
    """The model in a JSON text; ``where`` names it in messages. Raises UsageError with all its faults together."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not valid JSON: {error}") from None
    faults: list[str] = []
    model: MatchModel | None = None
    try:
        model = MatchModel.model_validate(data)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'the whole'}: {e['msg']}" for e in error.errors(include_input=False)]
    splink = data.get("splink") if isinstance(data, dict) else None
    faults += _splink_faults(splink) if isinstance(splink, dict) else []
    if model is not None:
        if model.bands.review > model.bands.link:
            faults.append("bands.review: must not be above bands.link")
        unknown = sorted(_adjusted(splink) - set(model.frequencies))
        faults += [f"frequencies: none for column {c}, which a level adjusts for" for c in unknown]
    if faults or model is None:
        raise UsageError(f"{where} is no match model that can be used:\n  " + "\n  ".join(faults))
    return model


def _adjusted(splink: Any) -> set[str]:
    levels = [level for c in splink.get("comparisons", []) if isinstance(c, dict) for level in c.get("comparison_levels", [])]
    return {str(x["tf_adjustment_column"]) for x in levels if isinstance(x, dict) and x.get("tf_adjustment_column")}


def _splink_faults(splink: dict[str, Any]) -> list[str]:
    faults = [f"splink.{key}: Splink knows no such setting" for key in splink if key not in _KNOWN]
    prior = splink.get("probability_two_random_records_match")
    if not isinstance(prior, int | float) or not 0 < prior < 1:
        faults.append("splink.probability_two_random_records_match: must be above 0 and below 1")
    if splink.get("link_type") != "dedupe_only":
        faults.append("splink.link_type: must be dedupe_only")
    rules = splink.get("blocking_rules_to_generate_predictions")
    if not isinstance(rules, list) or not rules:
        faults.append("splink.blocking_rules_to_generate_predictions: at least one is needed")
    for number, rule in enumerate(rules if isinstance(rules, list) else []):
        text = rule.get("blocking_rule") if isinstance(rule, dict) else rule
        faults += _sql_fault(text, f"splink.blocking_rules_to_generate_predictions.{number}")
    comparisons = splink.get("comparisons")
    if not isinstance(comparisons, list) or not comparisons:
        return [*faults, "splink.comparisons: at least one is needed"]
    names = [c.get("output_column_name") if isinstance(c, dict) else None for c in comparisons]
    for number, comparison in enumerate(comparisons):
        where = f"splink.comparisons.{names[number] or number}"
        levels = comparison.get("comparison_levels") if isinstance(comparison, dict) else None
        if not names[number] or names.count(names[number]) > 1:
            faults.append(f"{where}.output_column_name: must be given, and once only")
        if not isinstance(levels, list) or not levels or not all(isinstance(x, dict) for x in levels):
            faults.append(f"{where}.comparison_levels: a list of levels is needed")
            continue
        for place, level in enumerate(levels):
            faults += _level_faults(level, f"{where}.{place}")
        if str(levels[-1].get("sql_condition", "")).strip().upper() != "ELSE":
            faults.append(f"{where}: the last level must be ELSE")
    return faults


def _level_faults(level: dict[str, Any], where: str) -> list[str]:
    condition = level.get("sql_condition")
    faults = [] if isinstance(condition, str) and condition.strip().upper() == "ELSE" else _sql_fault(condition, where)
    if not isinstance(level.get("label_for_charts"), str):
        faults.append(f"{where}.label_for_charts: the level needs a name")
    for name in () if level.get("is_null_level") else ("m_probability", "u_probability"):
        value = level.get(name)
        if not isinstance(value, int | float) or not 0 < value <= 1:
            faults.append(f"{where}.{name}: must be above 0 and at most 1")
    return faults


def _sql_fault(text: object, where: str) -> list[str]:
    if not isinstance(text, str) or not text.strip():
        return [f"{where}: a condition in SQL is needed"]
    try:
        sqlglot.parse_one(text, read="duckdb")
    except (SqlglotError, RecursionError) as error:
        return [f"{where}: cannot be read as SQL: {str(error).splitlines()[0]}"]
    return []
