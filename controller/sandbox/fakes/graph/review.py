"""Meta's review of a template: after a while, or by a person's order."""

from controller.sandbox.fakes.graph.state import Status, Template, World

REJECTED_WORD = "casino"
"""A text with this word is rejected."""


def send_to_review(world: World, template: Template) -> None:
    """Pending now; approved or rejected after a while, unless somebody decides or edits it before."""
    template.review += 1
    template.status, template.rejected_reason = Status.PENDING, "NONE"
    if world.manual_review:
        return
    review = template.review

    def decide() -> None:
        if template.review == review and template.status is Status.PENDING:
            if REJECTED_WORD in texts_of(template).lower():
                reject(template, "ABUSIVE_CONTENT")
            else:
                approve(template)

    world.timers.after(world.pace.review, decide)


def approve(template: Template) -> None:
    template.status, template.rejected_reason = Status.APPROVED, "NONE"


def reject(template: Template, reason: str) -> None:
    template.status, template.rejected_reason = Status.REJECTED, reason


def texts_of(template: Template) -> str:
    return "\n".join(str(component.get("text", "")) for component in template.components)
