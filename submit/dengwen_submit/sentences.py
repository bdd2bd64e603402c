"""
Everything that the tools say about a case, in each language that they speak.

One plain sentence for each type of event, and the lines around them. Refusals are in English only.
"""

from __future__ import annotations

from collections.abc import Mapping

from dengwen_audit.event import Event
from dengwen_submit.heads import Finding

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

_ENGLISH_LINES = {
    "events": "What happened, oldest first:",
    "no-events": "  nothing in the log yet: what you send enters it at a random time",
    "event": "  {number}. {day}  {sentence}  [{proof}]",
    "proven": "proof checked",
    "unproven": "not yet in the log",
    "holders": "Who was asked whether this is all:",
    "holder": "  {holder}: {finding}",
    Finding.SILENT: "did not answer in time",
    Finding.NOTHING_RELEASED: "released nothing",
    Finding.RELEASED: "shares released: {count}, each shown above",
    Finding.NOT_LOGGED_YET: "released a share that is not shown above yet",
    Finding.HOLDS_ALL: "events held: {count}, which is all",
    Finding.BEHIND: "has seen {count} of {total} events so far",
    "complete": "Complete: everyone who could have opened it says the same as the office.",
    "incomplete": "Not known to be complete: ask again later.",
    "stale": "The office gives no fresh proof of its roster: somebody else may have to be asked.",
    "no-mirror": "The office has no mirror: nobody else holds every event of a case.",
    "unasked": "Keep no service to be asked (they hold shares of identities): {names}.",
    "saved": "Receipts written to {folder}.",
    "sealed": "Sealed: {name}, {size:,} bytes.",
    "panel": "Only these reviewers can be let in, and none of them alone:",
    "reviewer": "  {id}, {institution} ({place})",
    "words": "Your receipt words. Write them down; nobody can give them to you again:",
    "word": "  {number:2}. {word}",
    "words-in": "The receipt words are in {name}: keep it apart from everything else.",
    "power": "Whoever holds these words can follow this case as you do, and withdraw it.",
    "type-word": "Type word {number}",
    "wrong-word": "That is not the word: look again.",
    "sealing": "Sealing",
    "sending": "Sending",
    "sending-file": "Sending file {number} of {count}",
    "accepted": "Accepted and signed for: {name}.",
    "must-show": "The office must show it in its log within {hours} hours; look with {command}.",
    "all-arrived": "Files that have arrived: {count}, which is all.",
    "some-arrived": "Files that have arrived: {arrived} of {count}.",
    "send-again": "Not arrived yet: {numbers}. Run {command} with the same file again.",
}
_CHINESE_LINES = {
    "events": "案件经过（由早到晚）：",
    "no-events": "  日志中还没有记录：您发送的内容会在随机时间进入日志",
    "event": "  {number}. {day}  {sentence}  〔{proof}〕",
    "proven": "证明已核验",
    "unproven": "尚未进入日志",
    "holders": "已询问以下各方，以上是否为全部：",
    "holder": "  {holder}：{finding}",
    Finding.SILENT: "未及时答复",
    Finding.NOTHING_RELEASED: "未交出任何份额",
    Finding.RELEASED: "已交出份额 {count} 次，均已列在上面",
    Finding.NOT_LOGGED_YET: "已交出的一份份额尚未列在上面",
    Finding.HOLDS_ALL: "持有全部 {count} 条记录",
    Finding.BEHIND: "目前见到 {total} 条记录中的 {count} 条",
    "complete": "完整：所有能参与打开的各方都与受理机构所说一致。",
    "incomplete": "尚不能确定完整：请稍后再查。",
    "stale": "受理机构没有给出名册的最新证明：可能还有其他方需要询问。",
    "no-mirror": "该机构没有镜像方：没有其他人持有案件的全部记录。",
    "unasked": "以下各方不提供询问服务（只持有身份份额）：{names}。",
    "saved": "回执已写入 {folder}。",
    "sealed": "已封好：{name}，{size:,} 字节。",
    "panel": "只有以下审阅人可以参与打开，而且谁都不能单独打开：",
    "reviewer": "  {id}，{institution}（{place}）",
    "words": "您的回执词。请抄写下来；丢失后谁也无法补发：",
    "word": "  {number:2}. {word}",
    "words-in": "回执词已写入 {name}：请与其他东西分开保管。",
    "power": "谁持有这些词，谁就能像您一样查看并撤回本案。",
    "type-word": "请输入第 {number} 个词",
    "wrong-word": "不是这个词：请再看一遍。",
    "sealing": "正在封装",
    "sending": "正在发送",
    "sending-file": "正在发送第 {number} 个附件，共 {count} 个",
    "accepted": "已受理并签收：{name}。",
    "must-show": "受理机构须在 {hours} 小时内把它记入日志；请用 {command} 查看。",
    "all-arrived": "附件已全部收到，共 {count} 个。",
    "some-arrived": "附件已收到 {arrived} 个，共 {count} 个。",
    "send-again": "尚未收到第 {numbers} 个附件。请用同一文件再次运行 {command}。",
}
LINES: Mapping[str, Mapping[str, str]] = {"en": _ENGLISH_LINES, "zh": _CHINESE_LINES}


def spoken(language: str, encoding: str | None) -> str:
    """
    Return the language of the tables in which to answer whoever asks for *language*.

    Args:
        language: A tag such as ``zh-hant``; its first part counts.
        encoding: Of the terminal or file that the answer goes to. What it cannot show is said in
            English, which everything can.
    """
    code = language.lower().partition("-")[0]
    if code not in LINES:
        return "en"
    try:
        LINES[code]["complete"].encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "en"
    return code


def sentence(event: Event, language: str) -> str:
    """Say what *event* means, in a language of the tables."""
    return SENTENCES[language][event.type].format(actor=event.actor)


def line(language: str, name: str, /, **values: object) -> str:
    """Return one line of the answers around the events, with its *values*."""
    return LINES[language][name].format(**values)
