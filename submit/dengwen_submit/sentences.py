"""One plain sentence per type of event, in the languages that the tools speak."""

from __future__ import annotations

from dengwen_audit.event import Event

_ENGLISH = {
    "petition.received": "The office received your petition.",
    "attachment.received": "The office received one of your files.",
    "open.requested": "{actor} asked to open your petition.",
    "share.released": "{actor} let the reviewer in with one share.",
    "share.refused": "{actor} refused to release a share.",
    "message.posted": "A message was posted.",
    "case.answered": "{actor} answered your petition.",
    "case.closed": "Two reviewers closed the case.",
    "case.recused": "{actor} stepped down from the case.",
    "case.unopenable": "Two reviewers found that the file cannot be opened.",
    "case.withdrawn": "You withdrew the petition.",
    "case.erased": "The case was erased.",
    "panel.renewed": "You let the next reviewers in.",
    "panel.changed": "A successor took a reviewer's place on your panel.",
    "disclosure.requested": "{actor} asked for your identity.",
    "disclosure.approved": "{actor} approved that your identity be disclosed.",
    "disclosure.refused": "{actor} refused that your identity be disclosed.",
    "disclosure.objected": "You objected to the disclosure of your identity.",
    "referral.requested": "{actor} asked to refer a part of the matter to another body.",
    "referral.countersigned": "{actor} countersigned a referral.",
    "referral.refused": "{actor} refused a referral.",
    "referral.sent": "A part of the matter was referred to another body.",
    "share.moved": "{actor} moved its share to a new key.",
    "key.destroyed": "{actor} destroyed an old key.",
    "key.recovery.requested": "The recovery of a reviewer's key was requested.",
    "key.recovery.approved": "{actor} approved the recovery of a reviewer's key.",
    "key.recovery.refused": "{actor} refused the recovery of a reviewer's key.",
    "key.recovery.released": "{actor} released its part of a reviewer's key.",
    "identity.resealed": "You sealed your identity to the present trustees.",
    "audit.granted": "The root keepers let an auditor read the events.",
    "audit.ended": "The root keepers ended an auditor's access.",
    "roster.published": "The root keepers published a roster.",
    "card.published": "The root keepers published a card.",
}
_CHINESE = {
    "petition.received": "受理机构已收到您的信访件。",
    "attachment.received": "受理机构已收到您的一个附件。",
    "open.requested": "{actor} 申请打开您的信访件。",
    "share.released": "{actor} 交出了一份密钥份额。",
    "share.refused": "{actor} 拒绝交出密钥份额。",
    "message.posted": "有一条新消息。",
    "case.answered": "{actor} 已答复您的信访件。",
    "case.closed": "两名审阅人已结案。",
    "case.recused": "{actor} 已回避本案。",
    "case.unopenable": "两名审阅人确认文件无法打开。",
    "case.withdrawn": "您已撤回信访件。",
    "case.erased": "本案已被删除。",
    "panel.renewed": "您让下一组审阅人接手。",
    "panel.changed": "继任者接替了一名审阅人。",
    "disclosure.requested": "{actor} 申请披露您的身份。",
    "disclosure.approved": "{actor} 同意披露您的身份。",
    "disclosure.refused": "{actor} 拒绝披露您的身份。",
    "disclosure.objected": "您反对披露您的身份。",
    "referral.requested": "{actor} 申请把部分内容转交其他机构。",
    "referral.countersigned": "{actor} 会签了一次转交。",
    "referral.refused": "{actor} 拒绝了一次转交。",
    "referral.sent": "部分内容已转交其他机构。",
    "share.moved": "{actor} 把份额转到了新密钥。",
    "key.destroyed": "{actor} 销毁了旧密钥。",
    "key.recovery.requested": "有人申请恢复一名审阅人的密钥。",
    "key.recovery.approved": "{actor} 同意恢复审阅人的密钥。",
    "key.recovery.refused": "{actor} 拒绝恢复审阅人的密钥。",
    "key.recovery.released": "{actor} 交出了恢复密钥的份额。",
    "identity.resealed": "您把身份重新封给现任托管人。",
    "audit.granted": "根密钥保管人允许一名审计员查看事件。",
    "audit.ended": "根密钥保管人终止了一名审计员的查看权。",
    "roster.published": "根密钥保管人发布了名册。",
    "card.published": "根密钥保管人发布了机构卡。",
}
SENTENCES = {"en": _ENGLISH, "zh": _CHINESE}


def sentence(event: Event, language: str) -> str:
    """Say what *event* means, in *language* (its first part, as in ``zh-Hant``) or in English."""
    table = SENTENCES.get(language.partition("-")[0], _ENGLISH)
    return table[event.type].format(actor=event.actor)
