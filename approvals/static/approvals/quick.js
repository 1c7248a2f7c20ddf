/* The quick list by keyboard: one key decides and the next line is there at once; what was decided is recorded behind
   it, one after the other. Without this file every button works by itself. */
"use strict";

(() => {
    // Nobody has read what has been there for less: a key pressed twice must not approve the next one unseen.
    const UNREAD_MS = 250;
    const form = document.getElementById("quick-form");
    const told = document.getElementById("quick-told");
    if (!form || !form.querySelector("[data-line]")) return;
    let shown = 0;
    let waiting = 0;
    let last = Promise.resolve();
    const undoable = [];

    const lines = (of = "[data-line]") => [...form.querySelectorAll(of)];
    const current = () => form.querySelector(".is-current");

    function choose(line, { focus = true } = {}) {
        current()?.classList.remove("is-current");
        if (!line) return;
        line.classList.add("is-current");
        shown = performance.now();
        if (focus) line.focus({ preventScroll: true });
        line.scrollIntoView({ block: "nearest" });
    }

    function step(by) {
        const open = lines("[data-open]:not(.is-busy)");
        const at = open.indexOf(current());
        choose(at < 0 ? open[0] : open[Math.min(Math.max(at + by, 0), open.length - 1)]);
    }

    function next(line) {
        const all = lines();
        const at = all.indexOf(line);
        const isFree = (each) => "open" in each.dataset && !each.classList.contains("is-busy");
        return [...all.slice(at + 1), ...all.slice(0, at)].find(isFree);
    }

    function tell(sentence) {
        const left = lines("[data-open]:not(.is-busy)").length;
        const parts = [left ? told.dataset.left.replace("%s", left) : told.dataset.none];
        if (waiting) parts.push(told.dataset.waits.replace("%s", waiting));
        told.textContent = `${sentence ? `${sentence} · ` : ""}${parts.join(", ")}`;
    }

    function body(act, line) {
        const id = line.id.slice("line-".length);
        const sent = new FormData();
        for (const name of ["csrfmiddlewaretoken", "to", `seen:${id}`, `reason:${id}`]) {
            const field = form.elements.namedItem(name);
            if (field) sent.append(name, field.value);
        }
        sent.append("step", `${act}:${id}`);
        return new URLSearchParams(sent);
    }

    async function record(act, line, sent) {
        const request = { method: "POST", body: sent, credentials: "same-origin", headers: { "HX-Request": "true" } };
        const answer = await fetch(form.action, request).catch(() => null);
        waiting -= 1;
        const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
        const drawn = page?.getElementById(line.id);
        if (!drawn) {
            if (answer?.redirected || answer?.ok) window.location.reload();
            line.classList.remove("is-busy");
            tell(told.dataset.unreachable);
            return;
        }
        const wasCurrent = line.classList.contains("is-current");
        line.replaceWith(drawn);
        if (drawn.querySelector("[data-act=undo]")) undoable.push(drawn.id);
        if (act === "undo" || wasCurrent || (!current() && "open" in drawn.dataset)) choose(drawn);
        tell(`${drawn.querySelector("h2").textContent}: ${drawn.querySelector("[data-result]")?.textContent ?? ""}`);
    }

    function send(act, line) {
        if (line.classList.contains("is-busy")) return;
        const sent = body(act, line);
        line.classList.add("is-busy");
        waiting += 1;
        if (act !== "undo") choose(next(line));
        tell("");
        last = last.then(() => record(act, line, sent));
    }

    function reject(number, line) {
        const select = line.querySelector("select[name^='reason:']");
        if (!select || number >= select.options.length) return;
        select.selectedIndex = number;
        send("reject", line);
    }

    function undo() {
        const id = undoable.pop();
        const line = id && document.getElementById(id);
        if (line?.querySelector("[data-act=undo]")) send("undo", line);
    }

    form.addEventListener("submit", (event) => {
        const line = event.submitter?.closest("[data-line]");
        if (!line) return;
        event.preventDefault();
        send(event.submitter.dataset.act, line);
    });

    form.addEventListener("focusin", (event) => {
        const line = event.target.closest("[data-open]");
        if (line && line !== current()) choose(line, { focus: false });
    });

    const isWritten = (element) => element.matches("textarea, select, input:not([type=checkbox], [type=hidden])");

    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
        if (isWritten(event.target)) {
            if (event.key === "Escape") current()?.focus();
            return;
        }
        const key = event.key.toLowerCase();
        const line = current();
        const isReady = line && "open" in line.dataset && performance.now() - shown >= UNREAD_MS;
        if (key === "j" || key === "arrowdown") step(1);
        else if (key === "k" || key === "arrowup") step(-1);
        else if (key === "u") last = last.then(undo); // what is still being recorded can be undone then
        else if (key === "a" && isReady) send("approve", line);
        else if (key === "g" && isReady) form.elements.to.value ? send("assign", line) : form.elements.to.focus();
        else if (/^[1-9]$/.test(key) && isReady) reject(Number(key), line);
        else if (!["a", "g"].includes(key)) return;
        event.preventDefault();
    });

    for (const hidden of form.querySelectorAll("[data-show]")) hidden.hidden = false;
    choose(lines("[data-open]")[0], { focus: false });
    tell("");
})();
