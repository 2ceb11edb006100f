"""Who must agree to a purchase order, and who may. (SPEC DOC-8)

Limits are in use as soon as one user has one. Above the limit of whoever draws it up a purchase order is pending; with no
limit of one's own, that is every one. A limit in another currency says nothing: nothing is converted silently.
"""

from __future__ import annotations

from salespipeline.domain.document import Approval, Document, DocumentType
from salespipeline.domain.settings import Settings
from salespipeline.errors import NotAllowed

__all__ = ["approvable", "with_approval"]


def with_approval(document: Document, settings: Settings, by: str) -> Approval:
    """Return the approval that *document*, drawn up or edited by somebody, has now."""
    if document.type is not DocumentType.PURCHASE_ORDER or not _in_use(settings):
        return document.approval
    return document.approval if _reason(document, settings, by) is None else Approval.PENDING


def approvable(document: Document, settings: Settings, by: str) -> str | None:
    """Return why somebody may not approve *document*, or ``None``."""
    if document.type is not DocumentType.PURCHASE_ORDER or not _in_use(settings):
        return None
    return _reason(document, settings, by)


def refuse_approver(document: Document, settings: Settings, by: str) -> None:
    """Raise ``NotAllowed`` where somebody may not approve *document*."""
    reason = approvable(document, settings, by)
    if reason is not None:
        raise NotAllowed(
            f"{document.name} cannot be approved by {by!r}: {reason}", record=document.name, action="approve"
        )


def _in_use(settings: Settings) -> bool:
    return any(user.approval_limit is not None for user in settings.users)


def _reason(document: Document, settings: Settings, by: str) -> str | None:
    user = settings.users.get(by)
    limit = user.approval_limit if user is not None and user.id == by and not user.archived else None
    if limit is None:
        return "they have no approval limit; ask somebody who has one"
    if limit.currency != document.currency:
        return (
            f"their limit is in {limit.currency}, and it is in {document.currency}; ask somebody with a limit in that"
        )
    if abs(document.total) > limit:
        return f"its total is {document.total}, and their limit is {limit}; ask somebody with a higher one"
    return None
