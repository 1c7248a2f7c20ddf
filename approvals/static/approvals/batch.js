// The batch page: totals follow the boxes at once, and what takes seconds says so. Without this file both work by a
// click on "Update totals" and by waiting.
"use strict";

{
  const number = (value, decimals = 0) =>
    value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: 4 });

  const follow = (form) => {
    const boxes = [...form.querySelectorAll('input[name="item"][type="checkbox"]')];
    if (!boxes.length) return;
    const all = form.querySelector("#tick-all");

    const add = () => {
      const ticked = boxes.filter((box) => box.checked);
      const sum = (rows, name) => rows.reduce((total, box) => total + Number(box.dataset[name] || 0), 0);
      for (const place of form.querySelectorAll("[data-total]")) {
        if (place.dataset.total === "number") place.textContent = String(ticked.length);
        if (place.dataset.total === "audience") place.textContent = number(sum(ticked, "audience"));
        if (place.dataset.total === "amount") {
          const same = ticked.filter((box) => box.dataset.currency === place.dataset.currency);
          place.textContent = number(sum(same, "amount"), Number(place.dataset.decimals));
        }
      }
      for (const button of form.querySelectorAll("[data-decides]")) button.disabled = ticked.length === 0;
      all.checked = ticked.length === boxes.length;
      all.indeterminate = ticked.length > 0 && ticked.length < boxes.length;
    };

    form.querySelector('label[for="tick-all"]').hidden = false;
    for (const button of form.querySelectorAll("[data-update]")) button.hidden = true;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      add();
    });
    form.addEventListener("change", add);
    add();
  };

  const wait = (form) => {
    form.addEventListener("submit", () => {
      // Not at once: a button that is disabled now would not be sent along.
      setTimeout(() => {
        for (const button of form.querySelectorAll("button")) button.disabled = true;
        const status = form.querySelector("[data-status]");
        if (status) status.textContent = form.dataset.waits;
      });
    });
  };

  const forms = document.querySelectorAll("form[data-batch]");
  for (const form of forms) {
    follow(form);
    wait(form);
  }
  // Back from another page, the browser may show this one as it was left.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
}
