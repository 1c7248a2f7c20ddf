# ruff: noqa: E501, ISC004 (a table: each row stands on its own)
"""Sentences that try to take over a model, as patterns over folded text without accents. PURE.

Each row: ways to begin (plain text, with `|` between them) and how it goes on. Nothing is repeated
without a bound, so that reading stays linear. Longer lists find little more and stop honest texts:
"Please disregard our previous e-mail" is no finding.
"""

from typing import Final

_BEFORE: Final = r"(?:(?:all|any|every|each|the|these|those|your|my|our|of|everything|and) ){0,5}"
_EARLIER: Final = r"(?:previous|prior|preceding|earlier|above|foregoing|existing|original|initial|former|system|safety)"
_ORDERS: Final = (
    r"(?:instructions?|prompts?|rules?|directions?|directives?|commands?|guidelines?"
    r"|programming|constraints?|restrictions?|guardrails?)\b"
)
_MODEL: Final = (
    r"(?:an? |the |any |all )?(?:ai|ais|llms?|(?:large )?language models?|chatbots?|chatgpt"
    r"|ai[ -](?:assistant|agent|model|reviewer|system)s?|assistants?)\b"
)
_THIS: Final = r"(?:this|the) (?:text|e-?mail|message|proposal|content|document|action|request|change)"

SENTENCES: Final = (
    ("ignore |disregard |forget |override |bypass ", rf"{_BEFORE}{_EARLIER} (?:(?:and )?{_EARLIER} )?{_ORDERS}"),
    (
        "ignore all |disregard all |forget all |override all |ignore everything |disregard everything |forget everything ",
        rf"(?:of )?(?:(?:your |the ){_ORDERS}|(?:instructions?|prompts?)\b|(?:that )?(?:was )?(?:said )?(?:above|before)\b)",
    ),
    (
        "ignore |disregard |forget |override |bypass ",
        rf"(?:your|the system'?s?) (?:system )?{_ORDERS}",
    ),
    (
        "do not |don't |never |stop ",
        rf"(?:follow|obey|listen to|following|obeying) {_BEFORE}{_EARLIER} {_ORDERS}",
    ),
    (
        "reveal |print |show |repeat |output |leak |disclose |tell me ",
        r"(?:me )?(?:your|the) (?:full |entire |whole |exact |secret |original )?(?:system|initial|hidden|developer) "
        r"(?:prompt|message|instructions?)\b",
    ),
    (
        "new |updated |revised |real |actual ",
        rf"(?:system )?(?:instructions?|prompt|directives?) (?:for (?:you\b|{_MODEL})|from (?:the )?(?:system|developer))",
    ),
    ("you are now ", r"(?:in )?(?:developer mode|dan\b|jailbroken|an? (?:unrestricted|unfiltered)|no longer bound)"),
    ("act as |behave as |respond as |answer as ", r"(?:if|though) you (?:are|were|have|had) (?:an? |no )?(?:unrestricted|restrictions|rules|evil)"),
    ("pretend ", r"(?:that )?(?:you are|to be|you have) (?:an? |no |not )?(?:unrestricted|restrictions|rules|ai|bound)\b"),
    (
        "do not |don't |never ",
        r"(?:tell|inform|alert|notify|warn|mention (?:this|it) to|reveal (?:this|it) to) (?:the |any |your )?"
        r"(?:users?|humans?|reviewers?|operators?|approvers?)\b",
    ),
    (
        "if you are |if you're |attention |attention: |attention, |dear |hey |note to |instruction to |instructions to "
        "|instructions for |message to |message for |notice to |as you are ",
        _MODEL,
    ),
    ("ai |assistant |llm |model ", r"(?:must|should|shall|has to|is to|will) (?:now )?(?:ignore|approve|reply|respond|output|disregard)\b"),
    ("mark |classify |rate |label |score |treat ", rf"{_THIS} as (?:safe|approved|compliant|harmless|low[ -]risk|pre-?approved)\b"),
    ("approve |accept ", rf"{_THIS} (?:without|immediately|automatically|at once|regardless)\b"),
    (
        "answer |respond |reply |return |output ",
        r"""(?:only )?(?:with )?["']?(?:yes|approved?|safe|allow)["']? (?:to (?:all|every|any)|regardless|no matter|whatever)\b""",
    ),
    ("begin |start |end |begin of |start of |end of |beginning of ", r"(?:the )?(?:system|developer|hidden) (?:prompt|message|instructions?)\b"),
    ("<", r"\|(?:im_start|im_end|endoftext|endofprompt|system|assistant|user|start_header_id|eot_id)\|>"),
    ("[inst]|[/inst]|<<sys>>|<system>|<system_prompt>|</system_prompt>", r""),
    ("### ", r"(?:system|instructions?|assistant) ?:"),
    ("system prompt|systemprompt", r" ?:"),
    ("jailbreak ", r"(?:mode|prompt)\b"),
    # German, French, Spanish and Portuguese, Italian, Dutch.
    (
        "ignoriere |ignorieren |vergiss |missachte ",
        r"(?:bitte )?(?:sie )?(?:alle )?(?:deine |die |ihre )?(?:vorherigen|bisherigen|vorigen|obigen|fruheren) "
        r"(?:anweisungen|instruktionen|regeln|befehle|vorgaben)",
    ),
    ("ignore |ignorez |ignorer |oublie |oubliez ", r"(?:toutes )?(?:les |tes |vos )?(?:instructions|consignes|regles) (?:precedentes|anterieures|ci-dessus)"),
    ("ignora |ignore |ignorar |olvida |esqueca ", r"(?:todas )?(?:las |tus |as |suas )?(?:instrucciones|indicaciones|instrucoes) (?:anteriores|previas)"),
    ("ignora |dimentica ", r"(?:tutte )?(?:le )?istruzioni precedenti"),
    ("negeer ", r"(?:alle )?(?:de )?(?:vorige|voorgaande|eerdere) instructies"),
)  # fmt: skip
