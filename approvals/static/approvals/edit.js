/* The edit page: a new row gets the focus, and what is wrong is marked, and said by the field itself, as the
   sentences beside it come and go. Without this file the sentences are there as well. */
"use strict";

document.addEventListener("htmx:afterSettle", (event) => {
    const begun = document.querySelector("#payload [data-focus]");
    if (begun) {
        begun.removeAttribute("data-focus");
        begun.focus();
    }
    if (event.detail.target?.id !== "checked") return;
    for (const said of document.querySelectorAll("form.edit .wrong")) {
        const part = said.parentElement;
        part.classList.toggle("has-errors", said.childElementCount > 0);
        if (!part.matches(".field")) continue;
        const field = said.nextElementSibling;
        const ids = [said.firstElementChild?.id, part.querySelector(".help")?.id].filter(Boolean).join(" ");
        said.childElementCount ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
        ids ? field.setAttribute("aria-describedby", ids) : field.removeAttribute("aria-describedby");
    }
});
