/* The desk's comforts: clocks that run, focus that follows, selections that stay, who else is looking.
   Everything works without it. */
"use strict";

(() => {
    const BEAT_MS = 20_000;
    const selected = new Set();
    let drawn = performance.now();

    const desk = () => document.getElementById("desk");
    const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";

    // Clocks: the server says how many seconds are left, so a wrong clock here does not matter.

    function span(seconds) {
        const days = Math.floor(seconds / 86400);
        const hours = Math.floor((seconds % 86400) / 3600);
        const minutes = Math.floor((seconds % 3600) / 60);
        if (days) return hours ? `${days} d ${hours} h` : `${days} d`;
        if (hours) return `${hours} h ${minutes} min`;
        return minutes ? `${minutes} min` : `${seconds} s`;
    }

    function tick() {
        const gone = Math.floor((performance.now() - drawn) / 1000);
        for (const clock of document.querySelectorAll("[data-seconds-left]")) {
            clock.dataset.drawn ??= String(gone);
            const left = Number(clock.dataset.secondsLeft) - (gone - Number(clock.dataset.drawn));
            const shown = clock.querySelector("time") ?? clock;
            const text = left > 0 ? clock.dataset.words.replace("%s", span(left)) : ended(clock);
            if (shown.textContent !== text) shown.textContent = text;
        }
    }

    function ended(clock) {
        return "bare" in clock.dataset ? "" : clock.dataset.words.replace("%s", span(0));
    }

    // Presence: only while somebody can see the page.

    async function beat() {
        const others = document.getElementById("others");
        if (!others || document.visibilityState !== "visible") return;
        const answer = await fetch(others.dataset.looking, {
            method: "POST",
            headers: { "X-CSRFToken": token() },
            credentials: "same-origin",
            redirect: "error",
        }).catch(() => null);
        if (!answer?.ok || !others.isConnected) return;
        const text = new DOMParser().parseFromString(await answer.text(), "text/html").body.textContent.trim();
        if (others.textContent.trim() !== text) others.textContent = text;
    }

    // Selections live through a change of the page.

    function count() {
        const form = document.getElementById("together");
        if (!form) return;
        for (const box of document.querySelectorAll("#desk input[form=together]")) {
            if (selected.has(box.value)) box.checked = true;
        }
        const number = document.querySelectorAll("#desk input[form=together]:checked").length;
        const button = form.querySelector("button");
        button.textContent = number === 1 ? button.dataset.one : button.dataset.many.replace("%s", number);
        form.hidden = number === 0;
    }

    function draw() {
        for (const hidden of document.querySelectorAll("#content [data-show], [data-act=close-toast]")) {
            hidden.hidden = false;
        }
        count();
        tick();
        document.querySelector("#desk [aria-current][data-row]")?.scrollIntoView({ block: "nearest" });
    }

    document.addEventListener("change", (event) => {
        if (!event.target.matches("#desk input[form=together]")) return;
        event.target.checked ? selected.add(event.target.value) : selected.delete(event.target.value);
        count();
    });

    document.addEventListener("click", (event) => {
        const act = event.target.closest("[data-act]")?.dataset.act;
        if (act === "help") document.getElementById("desk-help").showModal();
        if (act === "close-toast") event.target.closest(".toast").remove();
    });

    // What was decided last is asked for again when something was to ship: nobody waits for that, so it fails in silence.

    const isAskedAgain = (event) => event.detail.requestConfig?.elt?.id === "recent-again";

    function follow() {
        tick();
        for (const form of document.querySelectorAll("#desk-told form")) {
            const address = CSS.escape(form.getAttribute("action"));
            if (document.querySelector(`#recent form[action="${address}"]`)) continue;
            form.closest(".toast").querySelector(".promise")?.remove();
            form.remove();
        }
    }

    // htmx: an answer that is not the desk (signed out, an error page) is opened as a page of its own.

    document.addEventListener("htmx:beforeSwap", (event) => {
        const request = event.detail.xhr;
        if (isAskedAgain(event)) {
            event.detail.shouldSwap = request.getResponseHeader("HX-Push-Url") !== null;
            event.detail.isError = false;
            return;
        }
        if (request.getResponseHeader("HX-Push-Url") === null) {
            event.detail.shouldSwap = false;
            event.detail.isError = false;
            window.location.reload();
        }
    });

    // An undo says at once that it is under way, and its clock stops: the server's answer may take a moment.

    document.addEventListener("htmx:beforeRequest", (event) => {
        if (!event.detail.elt.matches?.("form.undo, #desk-told form")) return;
        const told = document.getElementById("desk-told");
        const address = CSS.escape(event.detail.elt.getAttribute("action"));
        for (const button of document.querySelectorAll(`form[action="${address}"] button`)) {
            const words = [...button.childNodes];
            button.replaceChildren(told.dataset.undoing);
            document.addEventListener("htmx:sendError", () => button.replaceChildren(...words), { once: true });
        }
    });

    document.addEventListener("htmx:sendError", (event) => {
        if (isAskedAgain(event)) return;
        const told = document.getElementById("desk-told");
        const note = document.createElement("p");
        note.textContent = told.dataset.unreachable;
        note.className = "toast is-error";
        told.replaceChildren(note);
    });

    document.addEventListener("htmx:afterSettle", (event) => {
        if (isAskedAgain(event)) return follow();
        if (event.detail.target?.id !== "desk" && event.detail.elt?.id !== "desk") return;
        draw();
        beat();
        if (event.detail.requestConfig?.elt?.closest?.(".finder")) return;
        const field = document.querySelector("#desk [data-focus], #desk .errorlist + input, #desk .errorlist + textarea");
        const heading = document.getElementById("proposal-heading");
        (field ?? heading)?.focus({ preventScroll: true });
        (field ?? heading)?.scrollIntoView({ block: "nearest" });
    });

    if (!desk()) return;
    draw();
    beat();
    setInterval(tick, 1000);
    setInterval(beat, BEAT_MS);
})();
