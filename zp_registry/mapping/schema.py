"""The JSON Schema of a mapping file, for editors: ``mappings/schema.json`` is this text.

``python -m zp_registry.mapping.schema > mappings/schema.json`` writes it anew after a change of the model.
"""

from __future__ import annotations

import json
import sys

from zp_registry.mapping.model import Mapping


def schema_text() -> str:
    """The schema as it stands in the file, with a line end behind."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Mapping.model_json_schema()}
    return json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
