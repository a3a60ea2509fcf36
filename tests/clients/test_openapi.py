"""docs/openapi.yaml is OpenAPI 3.1. That it says what the server does: tests/web/openapi.rs."""

import pathlib
import unittest

import yaml
from openapi_spec_validator import validate

ROOT = pathlib.Path(__file__).parents[2]


class OpenApi(unittest.TestCase):
    def test_the_description_is_valid(self):
        description = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
        validate(description)
        operations = [
            operation["operationId"] for path in description["paths"].values() for operation in path.values()
            if "operationId" in operation
        ]
        self.assertEqual(len(operations), len(set(operations)))


class Operations(unittest.TestCase):
    def test_alerts_have_what_prometheus_asks_for_and_are_documented(self):
        document = (ROOT / "docs/operations.md").read_text()
        rules = yaml.safe_load((ROOT / "config/prometheus-alerts.yml").read_text())["groups"][0]["rules"]
        for rule in rules:
            self.assertTrue(rule["expr"] and rule["annotations"]["summary"], rule)
            self.assertIn(rule["labels"]["severity"], ("warning", "critical"))
            self.assertIn(f"| `{rule['alert']}` |", document)
        documented = document.count("| `Vitrina")
        self.assertEqual(documented, len(rules))
