"""Merge tags of a list have a fallback, in the syntax of whichever platform."""

import pytest

from tests.policies.guardrails.finding import find

WITH = [
    'Hi {{ first_name | default: "there" }},',
    "Hi {{ first_name|default:'friend' }},",
    "Hi {{${first_name} | default: 'there'}},",
    "Hi {{ customer.first_name | capitalize | default: 'you' }},",
    "Hi {{ contact.firstname|default('there', true) }},",
    "Hi {{ first_name or 'there' }},",
    "Hi {{lead.First Name:default=there}},",
    "Hi {{ personalization_token('contact.first_name', 'there') }},",
    'Hi {{insert first_name "default=there"}},',
    'Hi {{defaultIfEmpty first_name "there"}},',
    'Hi {{var:firstname:"there"}},',
    "{{#if first_name}}Hi {{first_name}}{{else}}Hi{{/if}},",
    "{{#first_name}}Hi {{first_name}}{{/first_name}}{{^first_name}}Hi{{/first_name}},",
    "{% if first_name %}Hi {{ first_name }}{% else %}Hi there{% endif %},",
    "{% if first_name != blank %}Hi {{ first_name }}{% endif %},",
    "*|IF:FIRSTNAME|*Hi *|FIRSTNAME|**|ELSE:|*Hi*|END:IF|*,",
    'Hi %%=IIF(EMPTY(FirstName),"there",FirstName)=%%,',
    "%%[IF NOT EMPTY(FirstName) THEN]%%Hi %%=v(FirstName)=%%%%[ELSE]%%Hi%%[ENDIF]%%,",
    "Hi [firstname,fallback=there],",
    'Hi [[FIRSTNAME OR "Friend"]],',
    "Hi {$first_name|default('there')},",
    "Hi <%= first_name || 'there' %>,",
    "<p>Hi {{ first_name | default: &quot;there&quot; }},</p>",
    "Hi {{ FIRST_NAME | DEFAULT: “there” }},",
]
WITHOUT = [
    "Hi {{first_name}},",
    "Hi {{FIRST_NAME}},",
    "Hi {{ First Name }},",
    "Hi {{{first_name}}},",
    "Hi {{ customer.first_name | capitalize }},",
    'Hi {{ first_name | default: "" }},',
    "Hi {{ first_name | default: ' ' }},",
    "Hi {{ first_name | default: nil }},",
    "Hi {{${first_name}}},",
    "Hi &#123;&#123;first_name&#125;&#125;,",
    "Hi &lbrace;&lbrace;first&lowbar;name&rbrace;&rbrace;,",
    "<p>Hi {{<b>first_name</b>}},</p>",
    "<a title='Hi {{first_name}}'>x</a>",
    "<a title='Hi &#x7b;&#x7b;first_name}}'>x</a>",
    "<!--[if mso]><p>Hi {{<i>first_name</i>}}</p><![endif]-->",
    "Hi {{first\u200b_name}},",
    "Hi *|FIRSTNAME|*,",
    "Hi *|firstname|*,",
    "Hi %%FirstName%%,",
    "Hi %%=v(FirstName)=%%,",
    'Hi %%=IIF(EMPTY(FirstName),"",FirstName)=%%,',
    "Hi [firstname],",
    "Hi [[FIRSTNAME]],",
    "Hi %FIRSTNAME%,",
    "Hi %recipient.first_name%,",
    "Hi {first_name},",
    "Hi <%= recipient.firstName %>,",
    "Hi {{lead.First Name}},",
    "Hi {{ contact.FIRSTNAME }},",
    "Hi {{ personalization_token('contact.first_name', '') }},",
    "{% if first_name %}x{% else %}Hi {{ first_name }}{% endif %},",
    "{% unless first_name %}Hi {{ first_name }}{% endunless %},",
    "{% if first_name == blank %}Hi {{ first_name }}{% endif %},",
    "{% if vip %}Hi {{ first_name }}{% endif %},",
    "{{^first_name}}Hi {{first_name}}{{/first_name}}",
]


@pytest.mark.parametrize("text", WITH)
def test_a_tag_with_a_fallback_is_no_finding(text):
    assert not find("merge_tag_fallback", {"html": text}, {"tags": ["first_name"]})


@pytest.mark.parametrize("text", WITHOUT)
def test_a_tag_without_a_fallback_is_found(text):
    (finding, *more) = find("merge_tag_fallback", {"html": text}, {"tags": ["{{first_name}}"]})
    assert "has no fallback" in finding.found
    assert "name" in text[finding.start : finding.end].lower()
    assert not more


def test_only_the_tags_of_the_list_are_read():
    text = "Hi {{first_name}}, {{company}} [note] {{unsubscribe_url}}"
    assert len(find("merge_tag_fallback", {"t": text}, {"tags": ["company"]})) == 1
    assert len(find("merge_tag_fallback", {"t": text}, {"tags": ["*"], "except": ["unsubscribe*", "note"]})) == 2


def test_a_megabyte_of_beginnings_is_read_quickly():
    for piece in ("{{", "%%=", "*|", "{{a|", "[a ", "{% if a %}", "{{a ? ", '{{a|default:"'):
        find("merge_tag_fallback", {"t": piece * (200_000 // len(piece))}, {"tags": ["a"]})
