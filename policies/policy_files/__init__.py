"""Policy as code: YAML files into the policy's tables and back."""

from policies.policy_files.applying import apply, known
from policies.policy_files.checks import Known, check
from policies.policy_files.exporting import ExportFailed, export
from policies.policy_files.format.layout import json_schema
from policies.policy_files.plan import Plan, make
from policies.policy_files.reading import PolicyFile, collect, read_files
from policies.policy_files.yaml_nodes import (
    DocumentInvalid,
    FileProblem,
)

__all__ = [
    "DocumentInvalid",
    "ExportFailed",
    "FileProblem",
    "Known",
    "Plan",
    "PolicyFile",
    "apply",
    "check",
    "collect",
    "export",
    "json_schema",
    "known",
    "make",
    "read_files",
]
