"""The published schemas, as readers have them and as these tests do. For readers objects may have members that nobody told
them of; what badmac writes has none but those that the schema names. Knows jsonschema; refuses to know any report."""
import json
import pathlib

import jsonschema

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
NAMES = ("diagnosis", "explanation", "history", "host", "odds", "proof")


def published(name):
    return json.loads((DOCS / ("badmac.%s.v1.schema.json" % name)).read_text(encoding="ascii"))


def objects(schema):
    """Yields each part of a schema that names members."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def strict(schema):
    """A copy in which no object has members without a name."""
    copy = json.loads(json.dumps(schema))
    for part in objects(copy):
        part["additionalProperties"] = False
    return copy


def newer(value):
    """The same report as a later badmac could write it."""
    if isinstance(value, dict):
        return {**{k: newer(v) for k, v in value.items()}, "a member of tomorrow": [1]}
    return [newer(v) for v in value] if isinstance(value, list) else value


class Validator:
    """What is wrong with a report of that name, here and for its readers."""

    def __init__(self, name):
        self.schema = published(name)
        jsonschema.Draft202012Validator.check_schema(self.schema)
        self.strict = jsonschema.Draft202012Validator(strict(self.schema))
        self.readers = jsonschema.Draft202012Validator(self.schema)

    def iter_errors(self, report):
        yield from self.strict.iter_errors(report)
        yield from self.readers.iter_errors(newer(report))
