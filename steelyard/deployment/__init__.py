"""Deployment of the whole system: idempotent, resumable, and verified by reading it back."""

from steelyard.deployment.artefact import Artefact, artefact_path, read_artefact
from steelyard.deployment.errors import DeploymentError

__all__ = ["Artefact", "DeploymentError", "artefact_path", "read_artefact"]
