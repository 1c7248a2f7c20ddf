"""Policy as code: YAML files into the policy's tables and back."""

from policies.documents.applying import apply, known
from policies.documents.checks import Known, check
from policies.documents.exporting import ExportFailed, export
from policies.documents.layout import json_schema
from policies.documents.plan import Plan, make
from policies.documents.reading import PolicyFile, collect, read_files
from policies.documents.yaml_reading import DocumentInvalid, Problem

__all__ = [
    "DocumentInvalid",
    "ExportFailed",
    "Known",
    "Plan",
    "PolicyFile",
    "Problem",
    "apply",
    "check",
    "collect",
    "export",
    "json_schema",
    "known",
    "make",
    "read_files",
]
