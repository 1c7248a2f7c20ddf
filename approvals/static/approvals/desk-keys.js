/* The keys of the desk. The page leaves this file out for anyone who has turned them off. */
"use strict";

(() => {
    // Nobody has read what has been there for less: a key pressed twice must not approve the next one unseen.
    const UNREAD_MS = 400;
    let shown = 0;
    const changes = (event) => event.detail.requestConfig?.elt?.id !== "recent-again";
    document.addEventListener("htmx:beforeRequest", (event) => {
        if (changes(event)) shown = Infinity;
    });
    for (const end of ["htmx:afterSettle", "htmx:sendError", "htmx:responseError"]) {
        document.addEventListener(end, (event) => {
            if (changes(event)) shown = performance.now();
        });
    }

    const find = (selector) => document.querySelector(`#desk ${selector}`);

    function step(by) {
        const rows = [...document.querySelectorAll("#desk a[data-row]")];
        const at = rows.findIndex((row) => row.hasAttribute("aria-current"));
        rows[at < 0 ? 0 : at + by]?.click();
    }

    function approve(form) {
        if (performance.now() - shown < UNREAD_MS) return;
        const open = [...form.querySelectorAll(".checklist input, .needed input, .needed textarea")].find((field) =>
            field.type === "checkbox" ? !field.checked : !field.value.trim()
        );
        if (open) open.focus();
        else form.querySelector("button[name=verdict]").click();
    }

    function unfold(folded) {
        folded.open = true;
        folded.querySelector("input:not([type=hidden]), textarea")?.focus();
    }

    // Which keys decide, the page says: each way of deciding carries its own.
    function decide(way) {
        if (way.matches("form")) approve(way);
        else if (way.matches("details")) unfold(way);
        else way.click();
    }

    function select() {
        const row = find("a[data-row][aria-current]");
        row?.parentElement.querySelector("input[type=checkbox]")?.click();
    }

    // Of what was decided last: a key that takes back an earlier decision instead would surprise.
    function undo() {
        const late = find(".recent li")?.dataset.tooLate;
        if (!late) return find(".recent form.undo button")?.click();
        const note = document.createElement("p");
        note.textContent = late;
        note.className = "toast is-warning";
        document.getElementById("desk-told").replaceChildren(note);
    }

    const KEYS = {
        j: () => step(1),
        k: () => step(-1),
        x: select,
        u: undo,
        "/": () => document.getElementById("desk-search")?.focus(),
        "?": () => document.getElementById("desk-help").showModal(),
    };

    const isWritten = (element) =>
        element.isContentEditable ||
        element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=submit], [type=button])");

    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
        if (document.querySelector("dialog[open]")) return;
        if (event.key === "Escape" && isWritten(event.target)) {
            document.getElementById("proposal-heading")?.focus();
            return;
        }
        if (isWritten(event.target) || event.key.length !== 1) return;
        const key = event.key.toLowerCase();
        const way = find(`[data-key="${CSS.escape(key)}"]`);
        if (!way && !(key in KEYS)) return;
        event.preventDefault();
        if (way) decide(way);
        else KEYS[key]();
    });
})();
